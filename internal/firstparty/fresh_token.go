package firstparty

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// FreshToken returns middleware for the pages of the application whose scripts
// use its API. A GET of a signed-in user gets two cookies: Config.CookieName, for
// which guards admit the user with every scope, and XSRF-TOKEN, whose value has to
// come back in the header X-XSRF-TOKEN or X-CSRF-TOKEN. axios sends it by itself.
//
// The cookie counts only while CurrentUser finds the same user in the same
// session, so nothing is left to revoke after signing out. The user is that of
// Config.Users, or else of the first of Config.Providers, by name, in which
// somebody is signed in.
//
// The answer becomes private to the browser: Cache-Control gets that directive
// where it has none as strict. One that its handler offers to shared caches, as
// public or with s-maxage, gets no cookie, nor does one that sets a cookie of that
// name itself.
func (c *Cookies) FreshToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &freshToken{cookies: c, request: r}
		t.find = sync.OnceValues(t.findOnce)
		r = r.WithContext(context.WithValue(r.Context(), freshTokenKey{}, t))
		if r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		fw := &freshWriter{ResponseWriter: w, before: t.attach}
		next.ServeHTTP(fw, r)
		fw.begin()
	})
}

// CSRFToken returns what the scripts of a page behind [Server.FreshToken] may send
// as X-CSRF-TOKEN, for those that do not read the cookie XSRF-TOKEN: put it into a
// meta element. It is empty where nobody is signed in, and for a page that is not
// the answer to a GET if its browser has no cookie yet.
func CSRFToken(ctx context.Context) string {
	t, ok := ctx.Value(freshTokenKey{}).(*freshToken)
	if !ok {
		return ""
	}
	c, err := t.find()
	if err != nil || c == nil {
		return "" // the fault is logged where the cookie is set
	}
	return c.CSRF
}

// Forget takes the cookies of [Server.FreshToken] away, if the browser that
// sent r has them. They are worth nothing once CurrentUser finds nobody; it is for
// the answer to a sign-out, to leave nothing behind.
func (c *Cookies) Forget(w http.ResponseWriter, r *http.Request) {
	if len(r.CookiesNamed(c.name)) == 0 {
		return
	}
	for _, name := range []string{c.name, XSRFCookie} {
		c.addCookie(w.Header(), name, "", -1)
	}
}

type freshTokenKey struct{}

// freshToken is the cookie of one answer. Who is signed in is asked once, and
// only when somebody wants to know.
type freshToken struct {
	cookies *Cookies
	request *http.Request
	find    func() (*value, error) // nil: nobody is signed in
}

func (t *freshToken) findOnce() (*value, error) {
	at := clock.Now()
	who, err := t.cookies.users.InBrowser(t.request)
	if who == nil || err != nil {
		return nil, err
	}
	if t.request.Method == http.MethodGet {
		return t.cookies.newValue(t.request, who, at), nil
	}
	// Here none is set, so a value is of use only beside the one that came.
	if c, err := t.cookies.open(t.request, at); err == nil && c != nil && c.isOf(who) {
		return c, nil
	}
	return nil, nil
}

// attach sets the cookies, or takes away those of somebody who has left. A page
// is served whether or not it works.
func (t *freshToken) attach(w http.ResponseWriter) {
	c, h := t.cookies, w.Header()
	switch {
	case setsCookie(h, c.name):
		return
	case isShared(h):
		c.log.DebugContext(t.request.Context(), "no first-party cookie: Cache-Control offers the page to shared caches",
			"request_id", reqinfo.From(t.request.Context()).ID, "path", t.request.URL.Path)
		return
	}
	before := len(h.Values("Set-Cookie"))
	v, err := t.find()
	switch {
	case err != nil:
	case v == nil:
		c.Forget(w, t.request)
	default:
		err = v.set(c, h)
	}
	if err != nil {
		c.log.Refusal(t.request, oauth.AsError(err), fmt.Errorf("the page has no first-party cookie: %w", err))
	}
	if len(h.Values("Set-Cookie")) > before {
		keepPrivate(h)
	}
}

// isShared reports whether an answer is offered to caches that serve many users
// (RFC 9111 §5.2.2).
func isShared(h http.Header) bool {
	return hasDirective(h, "public", "s-maxage") && !hasDirective(h, "private", "no-store")
}

// keepPrivate forbids such caches an answer that is for one user.
func keepPrivate(h http.Header) {
	if !hasDirective(h, "private", "no-store") {
		h.Set("Cache-Control", strings.Join(append(h.Values("Cache-Control"), "private"), ", "))
	}
}

// hasDirective reports whether Cache-Control has one of the directives. A private
// that names headers leaves the rest to be stored, and does not count.
func hasDirective(h http.Header, names ...string) bool {
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		for _, wanted := range names {
			if name == wanted && (name != "private" || value == "") {
				return true
			}
		}
	}
	return false
}

// Refresh sets new cookies for the user who is signed in, and reports whether there
// is one. Without one it removes the cookies.
func (c *Cookies) Refresh(w http.ResponseWriter, r *http.Request, at time.Time) (bool, error) {
	who, err := c.users.InBrowser(r)
	switch {
	case err != nil:
		return false, err
	case who == nil:
		c.Forget(w, r)
		return false, nil
	}
	return true, c.newValue(r, who, at).set(c, w.Header())
}
