package redirect

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// MaxBytes is the length of the longest redirect URI that may be registered.
const MaxBytes = 2048

// responseParams are the parameters that a response adds. A registered query with
// one of them would repeat it in the response (RFC 6749 §3.1).
var responseParams = []string{"code", "state", "iss", "error", "error_description", "error_uri"}

// Rules say which redirect URIs may be registered.
type Rules struct {
	HTTP    bool     // http on any host, because the issuer is http too
	Schemes []string // further private-use schemes that the operator admits, in lower case
	URIs    []string // http on a host that is not the user's device: whole URIs that the operator admits
}

// Validate returns an error if a redirect URI may not be registered. The error
// says what is wrong and how to fix it; it does not repeat the URI. Allowed are
// https, http on the user's own device, and private-use schemes (RFC 9700 §2.6,
// RFC 8252 §7).
func (r Rules) Validate(uri string) error {
	if err := spelling(uri); err != nil {
		return err
	}
	if err := beginning(uri); err != nil {
		return err
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		// url.Parse's error repeats the URI
		return errors.New("is not a URI: write it as https://app.example.com/callback")
	case (u.Scheme == "https" || u.Scheme == "http") && !strings.HasPrefix(uri, u.Scheme):
		// Match and Loopback compare bytes.
		return errors.New("has capital letters in its scheme: write https or http")
	case u.User != nil:
		return errors.New("has a user name before its host: remove everything up to the @")
	}
	if err := r.target(u, uri); err != nil {
		return err
	}
	if err := path(u); err != nil {
		return err
	}
	return query(u.RawQuery)
}

// Register is [Rules.Validate] for a URI that isn't registered yet. It also refuses
// capital letters in the scheme and the host. Browsers and HTTP clients write both in
// lower case, and a request must have the registered URI byte for byte. A
// reverse-domain scheme keeps its case, because apps send the ID of their bundle.
func (r Rules) Register(uri string) error {
	if err := r.Validate(uri); err != nil {
		return err
	}
	before, after, _ := strings.Cut(uri, ":")
	if lower := strings.ToLower(before); lower != before && !strings.Contains(before, ".") {
		return fmt.Errorf("has capital letters in its scheme, which clients send in lower case: write %s", lower)
	}
	host := ""
	if before == "https" || before == "http" { // the case of another scheme's host may matter
		host = strings.TrimPrefix(after, "//")
		if end := strings.IndexAny(host, "/?"); end >= 0 {
			host = host[:end]
		}
	}
	if lower := strings.ToLower(host); lower != host {
		return fmt.Errorf("has capital letters in its host, which clients send in lower case: write %s", lower)
	}
	return nil
}

// spelling checks the characters (RFC 3986 §2).
func spelling(uri string) error {
	switch {
	case uri == "":
		return errors.New("is empty")
	case len(uri) > MaxBytes:
		return fmt.Errorf("is longer than %d bytes: put variable data into the state parameter", MaxBytes)
	case strings.Contains(uri, "#"):
		return errors.New("has a fragment: remove the # and the text after it (RFC 6749 §3.1.2)")
	case strings.Contains(uri, "*"):
		return errors.New("has a wildcard: register each URI in full")
	case strings.TrimSpace(uri) != uri:
		return errors.New("begins or ends with a space or a line end: remove it")
	case strings.Contains(uri, " "):
		return errors.New("has a space in it: percent-encode it as %20; if these are several URIs, register each of them")
	case strings.Contains(uri, `\`):
		return errors.New("has a backslash: write a slash")
	}
	return characters(uri)
}

func characters(uri string) error {
	for i := range len(uri) {
		switch c := uri[i]; {
		case c >= 0x80:
			return errors.New("has a character that is not ASCII: write the host in Punycode (xn--…) and the rest percent-encoded")
		case c <= ' ' || c == 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			return errors.New("has a character that is not allowed in a URI, such as a quote or a control character: percent-encode it")
		case c == '%' && !(i+2 < len(uri) && hex(uri[i+1]) && hex(uri[i+2])):
			return errors.New("has a % without two hexadecimal digits after it: write %25 for the character %")
		}
	}
	return nil
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// target checks the scheme, the host and the port.
func (r Rules) target(u *url.URL, uri string) error {
	switch {
	case u.Scheme == "https" || u.Scheme == "http" && (r.HTTP || slices.Contains(r.URIs, uri)):
		return authority(u)
	case u.Scheme == "http":
		return loopbackTarget(u)
	case slices.Contains(never, u.Scheme):
		return errors.New("has a scheme that is never allowed: use https")
	case u.Opaque == "" && u.Host == "" && u.Path == "":
		return errors.New("ends after its scheme: add a path, such as :/callback")
	case slices.Contains(r.Schemes, u.Scheme):
		return nil
	case !strings.Contains(u.Scheme, "."):
		return errors.New("has a scheme without a dot: use https, or for a native application your domain name in reverse, such as com.example.app:/callback (RFC 8252 §7.1); the operator may admit other schemes by name in Config.AllowedRedirectSchemes")
	case slices.Contains(strings.Split(u.Scheme, "."), ""):
		return errors.New("has a scheme that is not a domain name in reverse: write it as com.example.app:/callback")
	}
	return nil
}

func loopbackTarget(u *url.URL) error {
	host := "http://" + hostOf(u)
	if err := authority(u); err != nil {
		return err
	}
	if slices.Contains(loopback, host) {
		return nil
	}
	if slices.Contains(loopback, strings.ToLower(host)) {
		return errors.New("has capital letters in its host: write localhost")
	}
	return errors.New("is plain http: use https; only 127.0.0.1, [::1] and localhost may use http, and whole URIs that the operator admits in Config.AllowedRedirectURIs")
}

// authority checks the host and port of an http or https URI.
func authority(u *url.URL) error {
	host, port, hasPort := hostOf(u), u.Port(), strings.HasSuffix(u.Host, ":") || u.Port() != ""
	switch {
	case host == "":
		return errors.New("has no host: write it as https://app.example.com/callback")
	case hasPort && !validPort(port):
		return errors.New("has a port that is not between 1 and 65535")
	case strings.HasPrefix(host, "["):
		if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !ip.Is6() || ip.Zone() != "" {
			return errors.New("has an IPv6 address that is not valid, or one with a zone")
		}
		return nil
	}
	return hostName(host)
}

// hostOf returns the host without its port, but with its brackets.
func hostOf(u *url.URL) string {
	if end := strings.LastIndexByte(u.Host, ']'); end >= 0 {
		return u.Host[:end+1]
	}
	host, _, _ := strings.Cut(u.Host, ":")
	return host
}

// hostName checks a name or an IPv4 address. Browsers read a host as an IPv4
// address if its last part is a number, in many spellings. hostName accepts
// only the usual one.
func hostName(host string) error {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return !hostRune(r) }) {
			return errors.New("has a host that is not a domain name: use letters, digits, hyphens and single dots")
		}
	}
	if end := labels[len(labels)-1]; end[0] >= '0' && end[0] <= '9' {
		if _, err := netip.ParseAddr(host); err != nil {
			return errors.New("has an IPv4 address that is not four numbers from 0 to 255")
		}
	}
	return nil
}

func hostRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}

// path refuses a path that servers or browsers normalize before they use it, because
// the URI would then have another target.
func path(u *url.URL) error {
	text := strings.ToLower(u.EscapedPath() + u.Opaque)
	if strings.Contains(text, "%2e") || strings.Contains(text, "%5c") {
		return errors.New("has an encoded dot or backslash in its path: write the path out")
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(text, "%2f", "/"), "/") {
		if segment == "." || segment == ".." {
			return errors.New("has a path with . or .. in it: write the path out")
		}
	}
	return nil
}

// query refuses parameters that a response will add.
func query(raw string) error {
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err == nil && slices.Contains(responseParams, name) {
			return fmt.Errorf("has %q in its query, which the response adds: rename this parameter", name)
		}
	}
	return nil
}
