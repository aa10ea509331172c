// Package issuer validates the server's URL, and returns the paths of its endpoints
// and documents.
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

// Base returns the common path of the endpoints, including the issuer's path.
func Base(issuer *url.URL, endpoints string) string {
	return strings.TrimSuffix(issuer.Path, "/") + strings.TrimSuffix(endpoints, "/")
}

// WellKnown returns the path of a document about the issuer. The document's name
// precedes the issuer's own path (RFC 8414 §3.1).
func WellKnown(issuer *url.URL, name string) string {
	return "/.well-known/" + name + strings.TrimSuffix(issuer.Path, "/")
}

// Discovery returns the paths of the metadata for OpenID Connect: below the issuer
// (OpenID Connect Discovery §4), and, if the issuer has a path, also where RFC 8414 §5 puts
// it.
func Discovery(issuer *url.URL) []string {
	const name = "openid-configuration"
	if path := strings.TrimSuffix(issuer.Path, "/"); path != "" {
		return []string{path + "/.well-known/" + name, WellKnown(issuer, name)}
	}
	return []string{WellKnown(issuer, name)}
}

// Check returns the faults of an issuer's URL and of the path of its endpoints.
// Every fault begins with the name of the field.
func Check(issuer, endpoints string, allowHTTP bool) []error {
	var f faults
	f.issuer(issuer, allowHTTP)
	f.add(endpoints != "/" && !PlainPath(endpoints), "Path %q: want a plain path such as /oauth", safeurl.Text(endpoints))
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
		"Issuer %q: use https; without it, attackers can read tokens. For a trial in a closed network set InsecureAllowHTTP", shown)
}

// spelling adds the faults of the issuer's spelling. want is the correct spelling.
func (f *faults) spelling(issuer string, u *url.URL, want string) {
	shown, write, before := safeurl.Text(issuer), fmt.Sprintf("; write %q", want), len(*f)
	f.add(u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil || strings.Contains(issuer, "#"),
		"Issuer %q: remove the user, query and fragment; an issuer has only scheme, host and path (RFC 8414 §2)%s", shown, write)
	f.add(strings.HasSuffix(issuer, "/"), "Issuer %q: remove the trailing slash; clients compare the issuer byte by byte%s", shown, write)
	f.add(u.Path != "" && !PlainPath(strings.TrimSuffix(u.EscapedPath(), "/")+"/x"), "Issuer %q: want a plain path, or none%s", shown, plainly(want))
	f.add(len(*f) == before && (!strings.HasPrefix(issuer, u.Scheme+":") || u.Host != strings.ToLower(u.Host)), "Issuer %q: write scheme and host in lower case, as browsers do%s", shown, write)
	f.add(len(*f) == before && want != issuer, "Issuer %q: clients and browsers use another spelling and compare it byte by byte%s", shown, write)
}

// plainly returns advice to use a spelling, if its path is plain.
func plainly(spelling string) string {
	if u, err := url.Parse(spelling); err != nil || u.Path != "" && !PlainPath(u.EscapedPath()) {
		return ""
	}
	return fmt.Sprintf("; write %q", spelling)
}

// PlainPath reports whether clients, proxies and a ServeMux read a path in the
// same way: it is clean, and no software encodes its characters.
func PlainPath(p string) bool {
	const plain = "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && strings.Trim(p, plain) == ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
