package account

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxReturnTo is as long as a return address may be. It holds a whole
// authorization request.
const maxReturnTo = 32 << 10

// localPath returns the address to go to after signing in or out: s if it is a
// path on this host, and otherwise fallback. Whatever somebody could read as
// another host is refused, also once a proxy has decoded or cleaned it: "//",
// "/\", a control character that browsers leave out, and their encoded forms.
func localPath(s, fallback string) string {
	if isLocalPath(s) {
		return s
	}
	return fallback
}

func isLocalPath(s string) bool {
	if len(s) > maxReturnTo || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || !plain(s) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Opaque != "" || u.Host != "" || u.User != nil {
		return false
	}
	path := u.Path
	for range 3 { // once for each who might decode on the way
		if !plain(path) || strings.Contains(path, "//") {
			return false
		}
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			break
		}
		path = decoded
	}
	return true
}

// plain reports whether a URL holds none of what browsers and servers read
// differently.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, '\\') && !strings.ContainsFunc(s, unicode.IsControl)
}
