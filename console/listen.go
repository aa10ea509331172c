package console

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"syscall"

	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/weburl"
)

// listen opens the address of a server.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := splitListen(address)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program: stop that, or choose another address with --listen %s", address, net.JoinHostPort(host, nextPort(port)))
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s may not be opened by this user: choose a port above 1023, such as --listen %s", address, net.JoinHostPort(host, "8000"))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is no address of this machine: choose one that is with --listen", address)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	return nil, fmt.Errorf("%s cannot be opened: %w; choose another address with --listen", address, err)
}

// splitListen returns the parts of an address to listen on. One that it accepts can
// be shown: a URL of something else in its place is refused, because it may hold a
// password.
func splitListen(address string) (host, port string, err error) {
	shown := safeurl.Text(address)
	host, port, err = net.SplitHostPort(address)
	if err != nil {
		return "", "", fmt.Errorf("%q is no address to listen on: want one with a port, such as 127.0.0.1:8000", shown)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", fmt.Errorf("%q is no address to listen on: the port is a number up to 65535, such as 127.0.0.1:8000", shown)
	}
	if shown != address {
		return "", "", fmt.Errorf("%q is no address to listen on: want an IP address or a host with a port, such as 127.0.0.1:8000", shown)
	}
	return host, port, nil
}

func nextPort(port string) string {
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n >= 65535 {
		return "8000"
	}
	return strconv.Itoa(n + 1)
}

// onLoopback reports whether an address is reached from this machine alone.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// loopbackIssuer is the issuer of a server on loopback that was given none: its
// address, by number, because names of loopback may be somebody else's.
func loopbackIssuer(l net.Listener) string {
	u := url.URL{Scheme: "http", Host: l.Addr().String()}
	return spelled(u.String())
}

// spelled returns a URL as browsers and clients spell it: without port 80.
func spelled(address string) string {
	if spelling, ok := weburl.Canonical(address); ok {
		return spelling
	}
	return address
}
