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

// FreshToken returns middleware for the application's pages whose scripts use its
// API. The response to a signed-in user's GET sets two cookies. Guards accept
// Config.CookieName as a token with every scope. Scripts must return the value of
// XSRF-TOKEN in the header X-XSRF-TOKEN or X-CSRF-TOKEN. axios does so by default.
//
// The cookie is valid only while CurrentUser returns the same user in the same
// session, so signing out leaves nothing to revoke. The user is the one of
// Config.Users, or of the first of Config.Providers, by name, with a signed-in
// user.
//
// The response becomes private to the browser: FreshToken adds Cache-Control:
// private unless the header is at least as strict. A response that its handler
// offers to shared caches (public or s-maxage) gets no cookie. Neither does a
// response that already sets a cookie of that name.
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

// CSRFToken returns the value that scripts of a page behind [Cookies.FreshToken]
// send as X-CSRF-TOKEN. Put it into a meta element for scripts that do not read the
// cookie XSRF-TOKEN. It is empty if no user is signed in. For a request other than
// GET, it is also empty if the browser has no cookie yet.
func CSRFToken(ctx context.Context) string {
	t, ok := ctx.Value(freshTokenKey{}).(*freshToken)
	if !ok {
		return ""
	}
	c, err := t.find()
	if err != nil || c == nil {
		return "" // logged when the cookie is set
	}
	return c.CSRF
}

// Forget deletes the cookies of [Cookies.FreshToken] if the request has them. Call
// it in the response to a sign-out. The cookies are invalid once CurrentUser
// returns no user; Forget only cleans up the browser.
func (c *Cookies) Forget(w http.ResponseWriter, r *http.Request) {
	if len(r.CookiesNamed(c.name)) == 0 {
		return
	}
	c.addCookie(w.Header(), c.name, "", -1)
	if v, err := c.open(r, time.Time{}); err != nil || v.wrote(r) {
		c.addCookie(w.Header(), XSRFCookie, "", -1)
	}
}

type freshTokenKey struct{}

// freshToken is the cookie of one response. It looks up the signed-in user at most
// once, and only if needed.
type freshToken struct {
	cookies *Cookies
	request *http.Request
	find    func() (*value, error) // nil if no user is signed in
}

func (t *freshToken) findOnce() (*value, error) {
	at := clock.Now()
	account, err := t.cookies.users.InBrowser(t.request)
	if account == nil || err != nil {
		return nil, err
	}
	if t.request.Method == http.MethodGet {
		return t.cookies.newValue(t.request, account, at), nil
	}
	// This response sets no cookie, so only the request's own cookie makes a value
	// valid.
	if c, err := t.cookies.open(t.request, at); err == nil && c != nil && c.isOf(account) {
		return c, nil
	}
	return nil, nil
}

// attach sets the cookies, or deletes them if no user is signed in. The page is
// served in any case.
func (t *freshToken) attach(w http.ResponseWriter) {
	c, h := t.cookies, w.Header()
	switch {
	case setsCookie(h, c.name):
		return
	case isShared(h):
		c.log.DebugContext(t.request.Context(), "no first-party cookie: Cache-Control lets shared caches store the page",
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

// isShared reports whether a response is offered to shared caches (RFC 9111
// §5.2.2).
func isShared(h http.Header) bool {
	return hasDirective(h, "public", "s-maxage") && !hasDirective(h, "private", "no-store")
}

// keepPrivate forbids shared caches to store the response.
func keepPrivate(h http.Header) {
	if !hasDirective(h, "private", "no-store") {
		h.Set("Cache-Control", strings.Join(append(h.Values("Cache-Control"), "private"), ", "))
	}
}

// hasDirective reports whether Cache-Control has one of the directives. A private
// directive with header names does not count: it lets caches store the rest.
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

// Refresh sets new cookies for the signed-in user, and reports whether there is
// one. Without a user it deletes the cookies.
func (c *Cookies) Refresh(w http.ResponseWriter, r *http.Request, at time.Time) (bool, error) {
	account, err := c.users.InBrowser(r)
	switch {
	case err != nil:
		return false, err
	case account == nil:
		c.Forget(w, r)
		return false, nil
	}
	return true, c.newValue(r, account, at).set(c, w.Header())
}
