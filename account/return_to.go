package account

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/page"
)

// maxReturnTo is as long as a return address may be. It holds a whole
// authorization request.
const maxReturnTo = 32 << 10

// maxLocation is the maximum length of a Location header: proxies limit the whole
// header of a response, nginx to 4 KiB by default.
const maxLocation = 3 << 10

// sendOn sends the browser to a path of this host. A page links to a longer one.
func (a *Accounts) sendOn(w http.ResponseWriter, r *http.Request, to string) {
	if len(to) <= maxLocation {
		page.Private(w)
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	v := a.view(w, r, nil)
	v.Title, v.Text, v.ReturnTo, v.RequestID = "Continue", "You can go back to where you came from.", to, ""
	a.render(w, r, http.StatusOK, "message", v)
}

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
