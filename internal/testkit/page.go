package testkit

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
	TokenCookie = "passport_token"
	XSRFCookie  = "XSRF-TOKEN"
)

// Page loads a page of the application that write writes.
func (b *Browser) Page(write http.HandlerFunc) *Answer {
	b.T.Helper()
	return b.PageBy(httptest.NewRequest("GET", b.Origin().String(), nil), write)
}

// PageBy sends a request for such a page, by whatever method.
func (b *Browser) PageBy(r *http.Request, write http.HandlerFunc) *Answer {
	b.T.Helper()
	if write == nil {
		write = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello.") }
	}
	return b.Serve(b.Server.FreshToken(write), r)
}

// Serve serves a request of the browser's by a handler of the application and
// keeps the cookies.
func (b *Browser) Serve(h http.Handler, r *http.Request) *Answer {
	b.T.Helper()
	for _, c := range b.Jar.Cookies(b.Origin()) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answered := w.Result() // with the header as it was when it was written
	b.Jar.SetCookies(b.Origin(), answered.Cookies())
	return &Answer{T: b.T, From: b, Status: answered.StatusCode, Header: answered.Header, Body: w.Body.String()}
}

// Cookie returns the value of a cookie, empty if there is none.
func (b *Browser) Cookie(name string) string {
	for _, c := range b.Jar.Cookies(b.Origin()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Script sends a GET to the API behind a guard, as axios does on the page, with
// changed headers.
func (b *Browser) Script(protect func(http.Handler) http.Handler, header ...string) *Answer {
	b.T.Helper()
	return b.ScriptBy("GET", protect, header...)
}

func (b *Browser) ScriptBy(method string, protect func(http.Handler) http.Handler, header ...string) *Answer {
	b.T.Helper()
	r := httptest.NewRequest(method, b.Origin().String()+"api/orders", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if value := b.Cookie(XSRFCookie); value != "" {
		r.Header.Set("X-XSRF-TOKEN", value)
	}
	setHeader(r, header)
	return b.Serve(protect(http.HandlerFunc(API)), r)
}

// WantNoToken fails unless the answer is that to a request without a token.
func (a *Answer) WantNoToken(what string) {
	a.T.Helper()
	if challenge := a.Header.Get("WWW-Authenticate"); a.Status != 401 || challenge != `Bearer realm="api"` {
		a.T.Errorf("%s: %d with challenge %q, want 401 as without a token", what, a.Status, challenge)
	}
}

// CopyOf is another browser with the same cookies: a thief's.
func (b *Browser) CopyOf() *Browser {
	thief := b.Server.Browser()
	thief.Jar.SetCookies(b.Origin(), b.Jar.Cookies(b.Origin()))
	return thief
}

// setCookies returns the cookies that the answer sets, by name, and fails for one
// that is set twice.
func (a *Answer) setCookies() map[string]*http.Cookie {
	a.T.Helper()
	set := map[string]*http.Cookie{}
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if set[c.Name] != nil {
			a.T.Errorf("the answer sets the cookie %s twice", c.Name)
		}
		set[c.Name] = c
	}
	return set
}

// WantCookies fails unless the answer sets exactly these.
func (a *Answer) WantCookies(what string, names ...string) map[string]*http.Cookie {
	a.T.Helper()
	set := a.setCookies()
	if got := slices.Sorted(maps.Keys(set)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		a.T.Errorf("%s sets the cookies %q, want %q", what, got, names)
	}
	return set
}

// StaffOnly admits users of the provider staff.
var StaffOnly = guard.Provider("staff")

// WithClerks adds the provider staff, whose sign-in is another cookie.
func WithClerks(staff *clerks) func(*passport.Config) {
	return func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} }
}

// clerks are accounts of another provider, signed in by the cookie staff_session,
// which holds their ID.
type clerks struct{ *Accounts }

func NewClerks(ids ...string) *clerks { return &clerks{NewAccounts(ids...)} }

func (c *clerks) CurrentUser(r *http.Request) (*passport.User, error) {
	cookie, err := r.Cookie("staff_session")
	if err != nil {
		return nil, oauth.ErrNotFound
	}
	return c.UserByID(r.Context(), cookie.Value)
}

// untouchable is a store of which nothing may be asked.
type untouchable struct{ oauth.Store }

func WithoutStore(t *testing.T, s *Server) *Server {
	t.Helper()
	return s.In(t).Restart(func(c *passport.Config) { c.Store = untouchable{} })
}
