// Package loopback recognizes names of the machine that a browser runs on.
package loopback

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// Name reports whether a host without a port is a name of the user's own machine:
// localhost, or an address of 127.0.0.0/8 or ::1. Case and a trailing dot make no
// difference. Other names may resolve to the machine, too, but their owner decides
// that.
func Name(host string) bool {
	host = strings.TrimSuffix(host, ".")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// ErrForeignHost is the error for a page that a browser requests with a Host that
// isn't a loopback name. The name may belong to an attacker who lets it resolve to
// this machine (DNS rebinding).
var ErrForeignHost = errors.New("the Host header is not a loopback name, but the issuer is on loopback")

// Check returns [ErrForeignHost] if the issuer is on loopback, and hostport, the
// Host header of a request, is not. It ignores the port.
func Check(issuer *url.URL, hostport string) error {
	asked := url.URL{Host: hostport}
	if Name(issuer.Hostname()) && !Name(asked.Hostname()) {
		return ErrForeignHost
	}
	return nil
}
