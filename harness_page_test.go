package passport_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
)

// A page of the application, behind FreshToken, and what its scripts send:
//
//	b := s.browser().signIn("alice")
//	b.page(nil)                        // GET of a page that says hello
//	b.script(s.Guard()).told()         // GET of the API, as axios sends it

// tokenCookie and xsrfCookie are the two that FreshToken sets.
const (
	tokenCookie = "passport_token"
	xsrfCookie  = "XSRF-TOKEN"
)

// page loads a page of the application that write writes.
func (b *browser) page(write http.HandlerFunc) *answer {
	b.t.Helper()
	return b.pageBy(httptest.NewRequest("GET", b.origin().String(), nil), write)
}

// pageBy sends a request for such a page, by whatever method.
func (b *browser) pageBy(r *http.Request, write http.HandlerFunc) *answer {
	b.t.Helper()
	if write == nil {
		write = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello.") }
	}
	return b.serve(b.server.FreshToken(write), r)
}

// serve serves a request of the browser's by a handler of the application and
// keeps the cookies.
func (b *browser) serve(h http.Handler, r *http.Request) *answer {
	b.t.Helper()
	for _, c := range b.jar.Cookies(b.origin()) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answered := w.Result() // with the header as it was when it was written
	b.jar.SetCookies(b.origin(), answered.Cookies())
	return &answer{t: b.t, from: b, status: answered.StatusCode, header: answered.Header, body: w.Body.String()}
}

// cookie returns the value of a cookie, empty if there is none.
func (b *browser) cookie(name string) string {
	for _, c := range b.jar.Cookies(b.origin()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// script sends a GET to the API behind a guard, as axios does on the page, with
// changed headers.
func (b *browser) script(protect func(http.Handler) http.Handler, header ...string) *answer {
	b.t.Helper()
	return b.scriptBy("GET", protect, header...)
}

func (b *browser) scriptBy(method string, protect func(http.Handler) http.Handler, header ...string) *answer {
	b.t.Helper()
	r := httptest.NewRequest(method, b.origin().String()+"api/orders", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if value := b.cookie(xsrfCookie); value != "" {
		r.Header.Set("X-XSRF-TOKEN", value)
	}
	setHeader(r, header)
	return b.serve(protect(http.HandlerFunc(api)), r)
}

// wantNoToken fails unless the answer is that to a request without a token.
func (a *answer) wantNoToken(what string) {
	a.t.Helper()
	if challenge := a.header.Get("WWW-Authenticate"); a.status != 401 || challenge != `Bearer realm="api"` {
		a.t.Errorf("%s: %d with challenge %q, want 401 as without a token", what, a.status, challenge)
	}
}

// copyOf is another browser with the same cookies: a thief's.
func (b *browser) copyOf() *browser {
	thief := b.server.browser()
	thief.jar.SetCookies(b.origin(), b.jar.Cookies(b.origin()))
	return thief
}

// setCookies returns the cookies that the answer sets, by name, and fails for one
// that is set twice.
func (a *answer) setCookies() map[string]*http.Cookie {
	a.t.Helper()
	set := map[string]*http.Cookie{}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if set[c.Name] != nil {
			a.t.Errorf("the answer sets the cookie %s twice", c.Name)
		}
		set[c.Name] = c
	}
	return set
}

// wantCookies fails unless the answer sets exactly these.
func (a *answer) wantCookies(what string, names ...string) map[string]*http.Cookie {
	a.t.Helper()
	set := a.setCookies()
	if got := slices.Sorted(maps.Keys(set)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		a.t.Errorf("%s sets the cookies %q, want %q", what, got, names)
	}
	return set
}

// staffOnly admits users of the provider staff.
var staffOnly = guard.Provider("staff")

// withClerks adds the provider staff, whose sign-in is another cookie.
func withClerks(staff *clerks) func(*passport.Config) {
	return func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} }
}

// clerks are accounts of another provider, signed in by the cookie staff_session,
// which holds their ID.
type clerks struct{ *accounts }

func newClerks(ids ...string) *clerks { return &clerks{newAccounts(ids...)} }

func (c *clerks) CurrentUser(r *http.Request) (*passport.User, error) {
	cookie, err := r.Cookie("staff_session")
	if err != nil {
		return nil, oauth.ErrNotFound
	}
	return c.UserByID(r.Context(), cookie.Value)
}

// untouchable is a store of which nothing may be asked.
type untouchable struct{ oauth.Store }

func withoutStore(t *testing.T, s *server) *server {
	t.Helper()
	return s.in(t).restart(func(c *passport.Config) { c.Store = untouchable{} })
}
