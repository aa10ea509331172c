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

// listen opens the address of a server. Its errors say what to do.
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
		return nil, fmt.Errorf("%s is in use by another program: stop it, or choose another address, such as --listen %s", address, net.JoinHostPort(host, nextPort(port)))
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("this user may not listen on %s: choose a port above 1023, such as --listen %s", address, net.JoinHostPort(host, "8000"))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is not an address of this machine: choose another one with --listen", address)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	return nil, fmt.Errorf("listen on %s: %w; choose another address with --listen", address, err)
}

// splitListen returns the parts of an address to listen on. A valid address can be
// shown: it is not a URL, which may have a password.
func splitListen(address string) (host, port string, err error) {
	shown := safeurl.Text(address)
	host, port, err = net.SplitHostPort(address)
	if err != nil {
		return "", "", fmt.Errorf("%q is not an address to listen on: add a port, as in 127.0.0.1:8000", shown)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", fmt.Errorf("%q is not an address to listen on: the port must be a number up to 65535, as in 127.0.0.1:8000", shown)
	}
	if shown != address {
		return "", "", fmt.Errorf("%q is not an address to listen on: want an IP address or a host with a port, such as 127.0.0.1:8000", shown)
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

// onLoopback reports whether only this machine can reach an address.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// loopbackIssuer is the default issuer of a server on loopback: its address as a number,
// because a name such as localhost may lead to another server.
func loopbackIssuer(l net.Listener) string {
	u := url.URL{Scheme: "http", Host: l.Addr().String()}
	return spelled(u.String())
}

// spelled returns a URL in the spelling of browsers and clients: without port 80.
func spelled(address string) string {
	if spelling, ok := weburl.Canonical(address); ok {
		return spelling
	}
	return address
}
