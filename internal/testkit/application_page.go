package testkit

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// A page of the application behind FreshToken, and the requests of its scripts:
//
//	b := s.Browser().SignIn("alice")
//	b.Page(nil)                        // GET a page of the application
//	b.Script(s.Guard()).Told()         // GET the API, as axios does

// XSRFCookie is the cookie of FreshToken that scripts read.
const XSRFCookie = "XSRF-TOKEN"

// TokenCookie is the other cookie that FreshToken sets, at a server with [Issuer].
var TokenCookie = TokenCookieOf(Issuer)

// TokenCookieOf returns the default name of that cookie for another issuer.
func TokenCookieOf(issuer string) string {
	return "passport_token_" + string(oauth.DigestOf(issuer))[:10]
}

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

// WantNoToken fails the test unless the guard reports a missing token.
func (a *Response) WantNoToken(what string) {
	a.T.Helper()
	challenge := a.Header.Get("WWW-Authenticate")
	if a.Status != 401 || !strings.HasPrefix(challenge, `Bearer realm="api"`) || strings.Contains(challenge, "error=") {
		a.T.Errorf("%s: %d with challenge %q, want 401 with the challenge for a missing token", what, a.Status, challenge)
	}
}

// setCookies returns the cookies of the response by name. It fails the test if a cookie
// is set twice.
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

// RefreshToken sends a POST to /oauth/token/refresh like a script of the page.
func (b *Browser) RefreshToken(header ...string) *Response {
	b.T.Helper()
	r := httptest.NewRequest("POST", b.Origin().String()+"oauth/token/refresh", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	setHeader(r, header)
	return b.Serve(b.Server, r)
}

// OverTheWire sends a GET with the browser's cookies over a real connection.
func (b *Browser) OverTheWire(h http.Handler, trace *httptrace.ClientTrace) *Response {
	b.T.Helper()
	site := httptest.NewServer(h)
	defer site.Close()
	ctx := b.T.Context()
	if trace != nil {
		ctx = httptrace.WithClientTrace(ctx, trace)
	}
	r, err := http.NewRequestWithContext(ctx, "GET", site.URL+"/", nil)
	if err != nil {
		b.T.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(b.Origin()) {
		r.AddCookie(c)
	}
	response, err := site.Client().Do(r)
	if err != nil {
		b.T.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.T.Fatal(err)
	}
	return &Response{T: b.T, From: b, Status: response.StatusCode, Header: response.Header, Body: string(body)}
}
