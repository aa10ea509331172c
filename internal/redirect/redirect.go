// Package redirect handles redirect URIs: which URIs a client may register, which
// registered URI matches a request, and how a response is added to a URI.
//
// Matching compares URIs byte for byte (RFC 9700 §2.1). Only [Rules], at
// registration, interpret a URI.
package redirect

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// loopback are the prefixes of redirect URIs whose port an application may choose
// for each request (RFC 8252 §7.3). RFC 8252 §8.3 advises against
// localhost, but many clients support nothing else.
var loopback = []string{"http://127.0.0.1", "http://[::1]", "http://localhost"}

// Fit says how a requested redirect URI matches the registered ones.
type Fit int

// The fits of a redirect URI.
const (
	None      Fit = iota // not registered
	Exact                // registered, byte for byte
	OtherPort            // a registered loopback URI with another port
)

// Match compares a requested redirect URI with the registered ones, byte for byte.
// An application on the user's device gets its port from the operating system when
// it starts, so the port of a loopback URI may differ (RFC 8252 §7.3): always for a
// public client. A confidential client has a server, and rarely needs it: its port
// may differ only if the URI was registered without one.
func Match(registered []string, public bool, requested string) Fit {
	if slices.Contains(registered, requested) {
		return Exact
	}
	host, _, rest, ok := splitLoopback(requested)
	if !ok {
		return None
	}
	for _, uri := range registered {
		h, port, r, ok := splitLoopback(uri)
		if ok && h == host && r == rest && (public || port == "") {
			return OtherPort
		}
	}
	return None
}

// splitLoopback returns the parts of a loopback URI before, at and after the port,
// which is empty if the URI has none.
func splitLoopback(uri string) (host, port, rest string, ok bool) {
	for _, host := range loopback {
		rest, ok := strings.CutPrefix(uri, host)
		if !ok {
			continue
		}
		if after, found := strings.CutPrefix(rest, ":"); found {
			rest = strings.TrimLeft(after, "0123456789")
			if port = after[:len(after)-len(rest)]; !validPort(port) {
				return "", "", "", false
			}
		}
		return host, port, rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", "", "", false
}

func validPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && n > 0 && digits[0] != '0'
}

// Host returns the part of a valid URI that a page shows as the target of a
// response: host and port, or the private-use scheme. A host without encryption has its
// scheme before it: http://app.example.com.
func Host(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return ""
	case Unencrypted(uri):
		return u.Scheme + "://" + u.Host
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
