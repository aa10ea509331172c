package account

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/page"
)

// maxReturnTo is the maximum length of a return address. It holds a whole authorization
// request.
const maxReturnTo = 32 << 10

// maxLocation is the maximum length of a Location header. Proxies limit the size of
// response headers; the default of nginx is 4 KiB.
const maxLocation = 3 << 10

// sendOn redirects the browser to a path of this host. If the path is too long for a
// header, it shows a page with a link instead.
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

// localPath prevents open redirects after sign-in and sign-out. It returns s if s is a
// path on this host, and fallback otherwise. It refuses each text that a browser, or a
// proxy that decodes or cleans paths, could read as another host: "//", "/\", control
// characters, and their encoded forms.
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
	for range 3 { // once for each hop that may decode the path
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

// plain reports whether a URL has no characters that browsers and servers read
// differently.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, '\\') && !strings.ContainsFunc(s, unicode.IsControl)
}
