// Package redirect handles redirect URIs: which may be registered, which
// registered URI matches a request, and how a response is added to one.
//
// Matching compares URIs byte for byte (RFC 9700 §2.1). Only [Validate], at
// registration, interprets a URI.
package redirect

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// loopback are the prefixes of redirect URIs whose port a native application
// may choose for each request (RFC 8252 §7.3). RFC 8252 §8.3 advises against
// localhost, but many clients support nothing else.
var loopback = []string{"http://127.0.0.1", "http://[::1]", "http://localhost"}

// Match returns the registered URI that equals the requested one, byte for
// byte. For a native application, the port of a loopback URI may differ (RFC
// 8252 §7.3).
func Match(registered []string, native bool, requested string) (matched string, ok bool) {
	if slices.Contains(registered, requested) {
		return requested, true
	}
	host, rest, ok := splitLoopback(requested)
	if !native || !ok {
		return "", false
	}
	for _, uri := range registered {
		if h, r, ok := splitLoopback(uri); ok && h == host && r == rest {
			return uri, true
		}
	}
	return "", false
}

// splitLoopback returns the parts of a loopback URI before and after the port.
func splitLoopback(uri string) (host, rest string, ok bool) {
	for _, host := range loopback {
		rest, ok := strings.CutPrefix(uri, host)
		if !ok {
			continue
		}
		if port, found := strings.CutPrefix(rest, ":"); found {
			rest = strings.TrimLeft(port, "0123456789")
			if !validPort(port[:len(port)-len(rest)]) {
				return "", "", false
			}
		}
		return host, rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", "", false
}

func validPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && n > 0 && digits[0] != '0'
}

// Native reports whether a client with these redirect URIs is a native
// application: each URI leads to the user's own device. A client without
// redirect URIs is not native.
func Native(uris []string) bool {
	return len(uris) > 0 && !slices.ContainsFunc(uris, func(uri string) bool {
		return !Loopback(uri) && !PrivateUse(uri)
	})
}

// Loopback reports whether the URI leads to a server on the user's own device.
func Loopback(uri string) bool {
	_, _, ok := splitLoopback(uri)
	return ok
}

// PrivateUse reports whether the URI has a private-use scheme, a reversed
// domain name such as com.example.app (RFC 8252 §7.1).
func PrivateUse(uri string) bool { return strings.Contains(scheme(uri), ".") }

// HTTPS reports whether the URI has the scheme https.
func HTTPS(uri string) bool { return scheme(uri) == "https" }

// scheme returns the scheme in lower case, or an empty text.
func scheme(uri string) string {
	before, _, ok := strings.Cut(uri, ":")
	if !ok || strings.ContainsAny(before, "/?#") {
		return ""
	}
	return strings.ToLower(before)
}

// Host returns the part of a valid URI that a page shows as the target of a
// response: host and port, or the private-use scheme.
func Host(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https" || u.Scheme == "http":
		return u.Host
	}
	return u.Scheme
}

// Param is a parameter of a response.
type Param struct {
	Name, Value string
	Always      bool // add it even if the value is empty
}

// AddParams returns a valid URI with parameters added to its query,
// form-encoded (RFC 6749 §4.1.2). The existing query stays unchanged, byte for
// byte. AddParams omits parameters with an empty value, except if Always is
// set.
func AddParams(uri string, params ...Param) string {
	separator := "?"
	if _, query, ok := strings.Cut(uri, "?"); ok {
		separator = "&"
		if query == "" || strings.HasSuffix(query, "&") {
			separator = ""
		}
	}
	return join(uri, separator, params)
}

// AddFragment returns a valid URI with parameters as its fragment, form-encoded
// (RFC 6749 §4.2.2). A valid redirect URI has no fragment. The query stays
// unchanged, byte for byte. AddFragment omits parameters with an empty value,
// except if Always is set.
func AddFragment(uri string, params ...Param) string { return join(uri, "#", params) }

func join(uri, separator string, params []Param) string {
	var b strings.Builder
	b.WriteString(uri)
	for _, p := range params {
		if p.Value == "" && !p.Always {
			continue
		}
		b.WriteString(separator + url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value))
		separator = "&"
	}
	return b.String()
}
