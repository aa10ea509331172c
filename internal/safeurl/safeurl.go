// Package safeurl prints URLs from a configuration without the secrets in them.
package safeurl

import (
	"net/netip"
	"regexp"
	"strings"
)

// hidden replaces each part that may hold a secret.
const hidden = "…"

var (
	schemeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.\-]*$`)
	portForm   = regexp.MustCompile(`^[0-9]{0,5}$`)
)

// Text returns a configured value for a message or a log: a URL, an address to
// listen on, or a value that should be one of them. It replaces user info, query and
// fragment by an ellipsis. The value may be anything, such as a database URL in the
// wrong setting or a password with a raw @ or / in it. Where two readers could
// disagree about the end of a secret, Text returns the scheme alone.
func Text(value string) string {
	if scheme, rest, ok := strings.Cut(value, "://"); ok && schemeForm.MatchString(scheme) {
		return scheme + "://" + afterScheme(rest)
	}
	if strings.Contains(value, "@") {
		return opaque(value)
	}
	end := strings.IndexAny(value, "?#")
	if end < 0 {
		end = len(value)
	}
	address := value[:end]
	if strings.Contains(address, "=") { // as in "host=h password=p"
		return opaque(value)
	}
	scheme, path, _ := strings.Cut(address, ":")
	if !plainAuthority(address) && !(schemeForm.MatchString(scheme) && strings.HasPrefix(path, "/")) {
		return opaque(value)
	}
	return address + tail(value[end:])
}

// Name returns a configured name, such as a scope, for a message or a log:
// unchanged, or as [Text] if the value is a URL.
func Name(value string) string {
	if strings.Contains(value, "://") || strings.Contains(value, "@") {
		return Text(value)
	}
	return value
}

// opaque returns the scheme of a value with an unknown structure, if it has one.
func opaque(value string) string {
	scheme, rest, ok := strings.Cut(value, ":")
	if !ok || !schemeForm.MatchString(scheme) || strings.Contains(rest, "@") && !strings.HasPrefix(rest, "/") {
		return hidden // the text before the colon may be a user name
	}
	return scheme + ":" + hidden
}

// afterScheme is [Text] for the part after "://".
func afterScheme(rest string) string {
	at, end := strings.LastIndexByte(rest, '@'), strings.IndexAny(rest, "?#")
	if end < 0 {
		end = len(rest)
	}
	if at > end {
		return hidden // a raw ? in a password, or an @ in a query
	}
	user := ""
	if at >= 0 {
		user = hidden + "@"
	}
	shown := rest[at+1 : end]
	authority, _, _ := strings.Cut(shown, "/")
	for host := range strings.SplitSeq(authority, ",") {
		if !plainAuthority(host) {
			return hidden // user:password without the rest of the URL
		}
	}
	return user + shown + tail(rest[end:])
}

// tail returns a query or fragment for display.
func tail(query string) string {
	if len(query) <= 1 {
		return query
	}
	return query[:1] + hidden
}

// plainAuthority reports whether a text is a host with or without a port: the part
// after a colon can't be a password.
func plainAuthority(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, ']') {
		host, port = text[:i], text[i+1:]
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		_, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && portForm.MatchString(strings.TrimSpace(port))
	}
	return !strings.Contains(host, ":") && portForm.MatchString(strings.TrimSpace(port))
}
