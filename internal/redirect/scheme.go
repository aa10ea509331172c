package redirect

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// never are schemes that no redirect URI may have and that no operator may admit. A
// browser handles most of them itself, for example by running a script.
var never = []string{
	"javascript", "data", "file", "blob", "vbscript", "about", "ftp", "filesystem", "view-source", "ws", "wss", "mailto",
}

// CheckScheme returns an error if an operator may not admit a scheme by its name. The
// error says what is wrong and how to fix it.
func CheckScheme(name string) error {
	switch {
	case name == "" || name[0] < 'a' || name[0] > 'z' || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "":
		return errors.New("is not the name of a scheme: write it in lower case and without : or //, such as cursor (RFC 3986 §3.1)")
	case name == "https" || name == "http":
		return errors.New("has rules that no setting changes: remove it; https is allowed, and http is for loopback")
	case slices.Contains(never, name):
		return errors.New("is a scheme that is never allowed, because a browser or a mail program handles it: remove it")
	}
	return nil
}

// Loopback reports whether the URI belongs to a server on the user's own device.
func Loopback(uri string) bool {
	_, _, _, ok := splitLoopback(uri)
	return ok
}

// PrivateUse reports whether the URI opens an application that is registered for its
// scheme, such as com.example.app (RFC 8252 §7.1), or cursor if the operator admits
// it.
func PrivateUse(uri string) bool {
	s := scheme(uri)
	return s != "" && s != "https" && s != "http" && !slices.Contains(never, s)
}

// Unencrypted reports whether the network between the browser and the server at the URI
// can read the response: it is http, and not on the user's own device.
func Unencrypted(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "http" && !onDevice(u.Hostname())
}

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
