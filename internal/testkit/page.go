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

// A page of the application behind FreshToken, and the requests of its scripts:
//
//	b := s.Browser().SignIn("alice")
//	b.Page(nil)                        // GET a page that says hello
//	b.Script(s.Guard()).Told()         // GET the API, as axios does

// The cookies that FreshToken sets.
const (
	TokenCookie = "passport_token"
	XSRFCookie  = "XSRF-TOKEN"
)

// Page loads a page of the application. write is its handler, or nil for a
// short text.
func (b *Browser) Page(write http.HandlerFunc) *Response {
	b.T.Helper()
	return b.PageBy(httptest.NewRequest("GET", b.Origin().String(), nil), write)
}

// PageBy is like [Browser.Page] with the given request.
func (b *Browser) PageBy(r *http.Request, write http.HandlerFunc) *Response {
	b.T.Helper()
	if write == nil {
		write = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello.") }
	}
	return b.Serve(b.Server.FreshToken(write), r)
}

// Serve serves a request with a handler of the application and keeps the
// cookies of the response.
func (b *Browser) Serve(h http.Handler, r *http.Request) *Response {
	b.T.Helper()
	for _, c := range b.Jar.Cookies(b.Origin()) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	response := w.Result() // Result has the headers as they were at WriteHeader
	b.Jar.SetCookies(b.Origin(), response.Cookies())
	return &Response{T: b.T, From: b, Status: response.StatusCode, Header: response.Header, Body: w.Body.String()}
}

// Cookie returns the value of a cookie, or an empty text.
func (b *Browser) Cookie(name string) string {
	for _, c := range b.Jar.Cookies(b.Origin()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Script sends a GET to an API behind a guard, as axios does on the page.
// header changes the request's headers.
func (b *Browser) Script(protect func(http.Handler) http.Handler, header ...string) *Response {
	b.T.Helper()
	return b.ScriptBy("GET", protect, header...)
}

// ScriptBy is like [Browser.Script] with the given method.
func (b *Browser) ScriptBy(method string, protect func(http.Handler) http.Handler, header ...string) *Response {
	b.T.Helper()
	r := httptest.NewRequest(method, b.Origin().String()+"api/orders", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if value := b.Cookie(XSRFCookie); value != "" {
		r.Header.Set("X-XSRF-TOKEN", value)
	}
	setHeader(r, header)
	return b.Serve(protect(http.HandlerFunc(API)), r)
}

// WantNoToken fails the test unless the response is the one for a request
// without a token.
func (a *Response) WantNoToken(what string) {
	a.T.Helper()
	if challenge := a.Header.Get("WWW-Authenticate"); a.Status != 401 || challenge != `Bearer realm="api"` {
		a.T.Errorf("%s: %d with challenge %q, want 401 with the challenge for a missing token", what, a.Status, challenge)
	}
}

// CopyOf returns an attacker's browser with stolen copies of the cookies.
func (b *Browser) CopyOf() *Browser {
	thief := b.Server.Browser()
	thief.Jar.SetCookies(b.Origin(), b.Jar.Cookies(b.Origin()))
	return thief
}

// setCookies returns the cookies of the response by name. It fails the test if
// a cookie is set twice.
func (a *Response) setCookies() map[string]*http.Cookie {
	a.T.Helper()
	set := map[string]*http.Cookie{}
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if set[c.Name] != nil {
			a.T.Errorf("the response sets the cookie %s twice", c.Name)
		}
		set[c.Name] = c
	}
	return set
}

// WantCookies fails the test unless the response sets exactly these cookies.
func (a *Response) WantCookies(what string, names ...string) map[string]*http.Cookie {
	a.T.Helper()
	set := a.setCookies()
	if got := slices.Sorted(maps.Keys(set)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		a.T.Errorf("%s sets the cookies %q, want %q", what, got, names)
	}
	return set
}

// StaffOnly admits users of the provider staff.
var StaffOnly = guard.Provider("staff")

// WithClerks adds the provider staff, which has its own session cookie.
func WithClerks(staff *clerks) func(*passport.Config) {
	return func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} }
}

// clerks are the accounts of another provider. Their session cookie is
// staff_session, which contains the account's ID.
type clerks struct{ *Accounts }

// NewClerks returns clerks with these IDs.
func NewClerks(ids ...string) *clerks { return &clerks{NewAccounts(ids...)} }

// CurrentUser implements [passport.UserProvider].
func (c *clerks) CurrentUser(r *http.Request) (*passport.User, error) {
	cookie, err := r.Cookie("staff_session")
	if err != nil {
		return nil, oauth.ErrNotFound
	}
	return c.UserByID(r.Context(), cookie.Value)
}

// untouchable is a store whose methods all panic.
type untouchable struct{ oauth.Store }

// WithoutStore returns the server with a store whose methods all panic.
func WithoutStore(t *testing.T, s *Server) *Server {
	t.Helper()
	return s.In(t).Restart(func(c *passport.Config) { c.Store = untouchable{} })
}
