// Package origin reads web origins (RFC 6454): it checks an origin that an operator
// allows, and returns the origin of a URI.
package origin

import (
	"errors"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/weburl"
)

// MaxBytes is the length of the longest origin that may be allowed.
const MaxBytes = 255

// Check returns an error if a text isn't an origin as browsers send it in the Origin
// header: scheme://host or scheme://host:port in lower case, without the scheme's
// default port. The scheme may also be that of an application, such as capacitor or
// tauri. The error says what is wrong and how to fix it.
func Check(text string) error {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case text == "null":
		return errors.New("is null, which any page can send: give the application an origin")
	case strings.Contains(text, "*"):
		return errors.New("has a wildcard: list each origin")
	case len(text) > MaxBytes:
		return errors.New("is longer than 255 bytes")
	case strings.ToLower(text) != text:
		return errors.New("has capital letters: browsers send origins in lower case")
	case !ok || !isScheme(scheme):
		return errors.New("is not an origin: write it as scheme://host, such as https://app.example.com or capacitor://localhost")
	case scheme == "file" || scheme == "data" || scheme == "blob" || scheme == "javascript" || scheme == "about":
		return errors.New("has a scheme for which browsers send the origin null: give the application another")
	}
	return checkHost(scheme, rest)
}

func checkHost(scheme, rest string) error {
	u, err := url.Parse(scheme + "://" + rest)
	switch {
	case strings.ContainsAny(rest, "/?#"):
		return errors.New("has a path, a query or a fragment: an origin ends after the host and the port, without a slash")
	case err != nil || u.Host != rest || strings.ContainsFunc(rest, notInHost):
		return errors.New("has a host that is not valid: write it as browsers send it, such as app.example.com or app.example.com:8443")
	case u.Hostname() == "":
		return errors.New("has no host")
	case strings.HasSuffix(rest, ":"):
		return errors.New("ends with a colon: remove it, or add the port")
	case u.Port() != "" && weburl.DefaultPorts[scheme] == u.Port():
		return errors.New("has the default port, which browsers omit: remove it")
	}
	return checkSpelling(scheme, rest, u)
}

// checkSpelling refuses an origin that browsers spell in another way. For http and
// https they normalize many forms of a host; for other schemes only an address in
// brackets.
func checkSpelling(scheme, rest string, u *url.URL) error {
	if port := u.Port(); strings.HasPrefix(port, "0") || len(port) > 5 || len(port) == 5 && port > "65535" {
		return errors.New("has a port that browsers do not send: write a number from 1 to 65535, without zeros before it")
	}
	if weburl.DefaultPorts[scheme] == "" {
		if !strings.HasPrefix(rest, "[") {
			return nil
		}
		scheme = "http" // for the host alone
	}
	spelling, ok := weburl.Canonical(scheme + "://" + strings.TrimSuffix(u.Hostname(), "."))
	if strings.HasPrefix(rest, "[") {
		spelling, ok = weburl.Canonical(scheme + "://[" + u.Hostname() + "]")
	}
	if !ok {
		return errors.New("has a host that browsers do not send: write an IPv4 address as four decimal numbers, such as 127.0.0.1")
	}
	if host := strings.TrimPrefix(spelling, scheme+"://"); !strings.HasPrefix(rest, host) {
		return errors.New("has a host that browsers spell in another way: write " + host)
	}
	return nil
}

func notInHost(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("-._:[]", r))
}

func isScheme(text string) bool {
	return text != "" && 'a' <= text[0] && text[0] <= 'z' && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// Of returns the origin of an http or https URI as browsers write it (RFC 6454 §6.2),
// and an empty text for any other URI.
func Of(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || weburl.DefaultPorts[u.Scheme] == "" {
		return ""
	}
	if spelling, ok := weburl.Canonical(u.Scheme + "://" + u.Host); ok {
		return spelling
	}
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), ":"+weburl.DefaultPorts[u.Scheme])
}
