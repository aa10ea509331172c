// Package resource compares the URIs of resources (RFC 8707 §2), which are also the
// audiences of tokens. The operator writes them in the settings, and developers of
// clients and APIs in requests.
package resource

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/weburl"
)

// Same reports whether two URIs name the same resource. They may differ in the case of
// scheme and host, in a default port, and in the slash of an empty path (RFC 3986
// §6.2.2.1, §6.2.3). A different path, a slash after a path, or a query makes
// another resource. URIs without an authority, such as urn:example:api, must be
// equal.
func Same(a, b string) bool { return a == b || normal(a) == normal(b) }

// Find returns the URI in a list that names the same resource as the given one. An
// equal URI comes first.
func Find(uri string, in []string) (found string, ok bool) {
	if slices.Contains(in, uri) {
		return uri, true
	}
	i := slices.IndexFunc(in, func(other string) bool { return Same(uri, other) })
	if i < 0 {
		return "", false
	}
	return in[i], true
}

// normal returns the same spelling for all spellings of a URI. It changes only the
// parts before the path, so that no other URIs become equal.
func normal(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, "/?#") {
		return uri
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if authority == "" {
		return uri
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	scheme = lower(scheme)
	return scheme + "://" + normalAuthority(scheme, authority) + path
}

func normalAuthority(scheme, authority string) string {
	at := strings.LastIndexByte(authority, '@') + 1
	user, host := authority[:at], lower(authority[at:])
	host = strings.TrimSuffix(host, ":")
	return user + strings.TrimSuffix(host, ":"+weburl.DefaultPorts[scheme])
}

// lower changes only ASCII letters, because Unicode has other letters whose lower
// case is ASCII.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, text)
}
