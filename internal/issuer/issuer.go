// Package issuer knows the URL of the server: whether it can be one, and where its
// endpoints and documents are.
package issuer

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/weburl"
)

// Base returns the path below which the endpoints are, with that of the issuer.
func Base(issuer *url.URL, endpoints string) string {
	return strings.TrimSuffix(issuer.Path, "/") + strings.TrimSuffix(endpoints, "/")
}

// WellKnown returns where a document about the issuer is: the name comes before the
// issuer's own path (RFC 8414 §3.1).
func WellKnown(issuer *url.URL, name string) string {
	return "/.well-known/" + name + strings.TrimSuffix(issuer.Path, "/")
}

// Check returns what is wrong with the URL of an issuer and with the path below which
// its endpoints are. Every fault begins with the name of the field.
func Check(issuer, endpoints string, allowHTTP bool) []error {
	var f faults
	f.issuer(issuer, allowHTTP)
	f.add(endpoints != "/" && !isPlainPath(endpoints), "Path %q: want a plain path such as /oauth", safeurl.Text(endpoints))
	return f
}

type faults []error

func (f *faults) add(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func (f *faults) issuer(issuer string, allowHTTP bool) {
	shown := safeurl.Text(issuer)
	u, err := url.Parse(issuer)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		f.add(true, "Issuer %q: want the server's own URL, such as https://app.example.com", shown)
		return
	}
	want, ok := weburl.Canonical(issuer)
	if !ok {
		f.add(true, "Issuer %q: want a URL such as https://app.example.com, with a domain name in letters, digits and hyphens, or an IP address, and a port up to 65535", shown)
		return
	}
	f.spelling(issuer, u, want)
	f.add(u.Scheme == "http" && !loopback(u.Hostname()) && !allowHTTP,
		"Issuer %q: use https; tokens that travel in clear are anybody's. For a trial in a closed network set InsecureAllowHTTP", shown)
}

// spelling adds what is wrong with the way in which the issuer is written. want is how
// to write it.
func (f *faults) spelling(issuer string, u *url.URL, want string) {
	shown, write, before := safeurl.Text(issuer), fmt.Sprintf("; write %q", want), len(*f)
	f.add(u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil || strings.Contains(issuer, "#"),
		"Issuer %q: take out user, query and fragment; an issuer has scheme, host and path alone (RFC 8414 §2)%s", shown, write)
	f.add(strings.HasSuffix(issuer, "/"), "Issuer %q: take out the slash at the end; clients compare the issuer byte by byte%s", shown, write)
	f.add(u.Path != "" && !isPlainPath(strings.TrimSuffix(u.EscapedPath(), "/")+"/x"), "Issuer %q: want a plain path, or none%s", shown, plainly(want))
	f.add(len(*f) == before && (!strings.HasPrefix(issuer, u.Scheme+":") || u.Host != strings.ToLower(u.Host)), "Issuer %q: write scheme and host in small letters, as browsers do%s", shown, write)
	f.add(len(*f) == before && want != issuer, "Issuer %q: clients and browsers spell it otherwise and compare it byte by byte%s", shown, write)
}

// plainly recommends a spelling if its path is plain.
func plainly(spelling string) string {
	if u, err := url.Parse(spelling); err != nil || u.Path != "" && !isPlainPath(u.EscapedPath()) {
		return ""
	}
	return fmt.Sprintf("; write %q", spelling)
}

// isPlainPath reports whether a path is the same for clients, proxies and a ServeMux:
// clean, and of characters that no software encodes.
func isPlainPath(p string) bool {
	const plain = "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && strings.Trim(p, plain) == ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
