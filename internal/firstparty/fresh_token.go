package passport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

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
func (s *Server) FreshToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &freshToken{server: s, request: r}
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

// ForgetToken takes the cookies of [Server.FreshToken] away, if the browser that
// sent r has them. They are worth nothing once CurrentUser finds nobody; it is for
// the answer to a sign-out, to leave nothing behind.
func (s *Server) ForgetToken(w http.ResponseWriter, r *http.Request) {
	if len(r.CookiesNamed(s.config.CookieName)) == 0 {
		return
	}
	for _, name := range []string{s.config.CookieName, xsrfCookie} {
		s.addCookie(w.Header(), name, "", -1)
	}
}

type freshTokenKey struct{}

// freshToken is the cookie of one answer. Who is signed in is asked once, and
// only when somebody wants to know.
type freshToken struct {
	server  *Server
	request *http.Request
	find    func() (*firstParty, error) // nil: nobody is signed in
}

func (t *freshToken) findOnce() (*firstParty, error) {
	at := clock.Now()
	who, err := t.server.users.InBrowser(t.request)
	if who == nil || err != nil {
		return nil, err
	}
	if t.request.Method == http.MethodGet {
		return t.server.newFirstParty(t.request, who, at), nil
	}
	// Here none is set, so a value is of use only beside the one that came.
	if c, err := t.server.openFirstParty(t.request, at); err == nil && c != nil && c.isOf(who) {
		return c, nil
	}
	return nil, nil
}

// attach sets the cookies, or takes away those of somebody who has left. A page
// is served whether or not it works.
func (t *freshToken) attach(w http.ResponseWriter) {
	s, h := t.server, w.Header()
	switch {
	case setsCookie(h, s.config.CookieName):
		return
	case isShared(h):
		s.config.Logger.DebugContext(t.request.Context(), "no first-party cookie: Cache-Control offers the page to shared caches",
			"request_id", reqinfo.From(t.request.Context()).ID, "path", t.request.URL.Path)
		return
	}
	before := len(h.Values("Set-Cookie"))
	c, err := t.find()
	switch {
	case err != nil:
	case c == nil:
		s.ForgetToken(w, t.request)
	default:
		err = c.set(s, h)
	}
	if err != nil {
		s.logRefusal(t.request, oauth.AsError(err), fmt.Errorf("the page has no first-party cookie: %w", err))
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

// refreshFirstParty serves POST /oauth/token/refresh, by which a page that stays
// open keeps its cookie.
func (s *Server) refreshFirstParty(w http.ResponseWriter, r *http.Request) {
	var err error
	if r.Method == http.MethodPost {
		err = s.freshen(w, r)
	} else {
		err = wrongMethod(w, r, r.Method, http.MethodPost)
	}
	if err != nil {
		answer := s.refuseAPI(w, r, err)
		writeJSON(w, answer.status, answer.body)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "Refreshed.") // the connection may be gone; there is nobody to tell
}

// freshen sets new cookies for who is signed in.
func (s *Server) freshen(w http.ResponseWriter, r *http.Request) error {
	if err := s.forms.CheckScript(r); err != nil {
		return &apiError{status: http.StatusForbidden, Message: "The request was sent by another site.", cause: err}
	}
	at, err := received(r)
	if err != nil {
		return malformed(err)
	}
	who, err := s.users.InBrowser(r)
	if err != nil {
		return err
	}
	if who == nil {
		s.ForgetToken(w, r)
		return errUnauthenticated
	}
	return s.newFirstParty(r, who, at).set(s, w.Header())
}
