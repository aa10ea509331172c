package testkit

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Browser keeps cookies and sends the requests of a browser.
type Browser struct {
	T      *testing.T
	Server *Server
	Jar    *cookiejar.Jar
	Header http.Header // sent with every request
}

// Browser returns a new browser without a signed-in user.
func (s *Server) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.T.Fatal(err)
	}
	return &Browser{T: s.T, Server: s, Jar: jar, Header: http.Header{}}
}

// At returns the browser for another server, with the same cookies.
func (b *Browser) At(s *Server) *Browser {
	other := *b
	other.Server = s
	return &other
}

// SignIn signs in to an account in a new session. It replaces the current
// session.
func (b *Browser) SignIn(id string) *Browser {
	b.T.Helper()
	users := b.Server.Users
	session := "session-" + rand.Text()
	users.With(func() {
		if users.ByID[id] == nil {
			b.T.Fatalf("there is no account %q", id)
		}
		user := *users.ByID[id]
		user.AuthenticatedAt, user.SessionID = time.Now(), session
		users.Sessions[session] = &user
	})
	b.SetCookie(SessionCookie, session)
	return b
}

// SignOut removes the session cookie.
func (b *Browser) SignOut() *Browser {
	b.Jar.SetCookies(b.Origin(), []*http.Cookie{{Name: SessionCookie, MaxAge: -1, Path: "/"}})
	return b
}

// Session returns the ID of the browser's session, or an empty text.
func (b *Browser) Session() string {
	for _, c := range b.Jar.Cookies(b.Origin()) {
		if c.Name == SessionCookie {
			return c.Value
		}
	}
	return ""
}

// SetCookie sets a cookie for the whole server.
func (b *Browser) SetCookie(name, value string) {
	b.Jar.SetCookies(b.Origin(), []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: b.Origin().Scheme == "https"}})
}

// Origin returns the server's origin with the path /.
func (b *Browser) Origin() *url.URL {
	u, err := url.Parse(b.Server.Config.Issuer)
	if err != nil {
		b.T.Fatal(err)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
}

// Authorize sends an authorization request, which pairs change; see
// [Client.Request].
func (b *Browser) Authorize(c *Client, pairs ...string) *Response {
	b.T.Helper()
	return b.Get(b.Server.AuthorizePath() + "?" + c.Request(pairs...).Encode())
}

// AuthorizePath returns the path of the authorization endpoint.
func (s *Server) AuthorizePath() string {
	u, _ := url.Parse(s.Config.Issuer)
	path := s.Config.Path
	if path == "" {
		path = "/oauth"
	}
	return u.Path + path + "/authorize"
}

// Get follows a link on another site to a path of the server.
func (b *Browser) Get(target string) *Response {
	b.T.Helper()
	return b.Send(b.NewRequest("GET", target, "", http.Header{"Sec-Fetch-Site": {"cross-site"}}))
}

// Post submits a form of the server's own page. Our pages forbid the Referer,
// so the browser sends a null Origin.
func (b *Browser) Post(target string, form url.Values) *Response {
	b.T.Helper()
	return b.Send(b.NewRequest("POST", target, form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}))
}

// NewRequest returns a request as a browser sends it. header and b.Header
// replace its headers.
func (b *Browser) NewRequest(method, target, body string, header http.Header) *http.Request {
	b.T.Helper()
	u, err := b.Origin().Parse(target)
	if err != nil {
		b.T.Fatalf("the browser cannot go to %q: %v", target, err)
	}
	r := httptest.NewRequest(method, u.String(), strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	for _, h := range []http.Header{header, b.Header} {
		maps.Copy(r.Header, h)
	}
	return r
}

// Send serves a request and keeps the cookies of the response. It checks the
// headers that every response must have.
func (b *Browser) Send(r *http.Request) *Response {
	b.T.Helper()
	for _, c := range b.Jar.Cookies(b.Origin()) {
		r.AddCookie(c)
	}
	a := b.Server.Do(r)
	a.From = b
	a.CheckHeaders()
	b.Jar.SetCookies(b.Origin(), (&http.Response{Header: a.Header}).Cookies())
	return a
}

// SignIn follows the redirect to the sign-in page, signs in and returns to the
// server.
func (a *Response) SignIn(id string) *Response {
	a.T.Helper()
	a.From.SignIn(id)
	return a.ComeBack()
}

// ComeBack returns from the sign-in page to the server.
func (a *Response) ComeBack() *Response {
	a.T.Helper()
	b := a.From
	return b.Send(b.NewRequest("GET", a.ReturnTo(), "", http.Header{"Sec-Fetch-Site": {"same-origin"}}))
}

// ReturnTo returns the return_to parameter of the sign-in page.
func (a *Response) ReturnTo() string {
	a.T.Helper()
	u, err := url.Parse(a.Target())
	if err != nil || u.Path != "/login" {
		a.T.Fatalf("want the sign-in page, got %s", a)
	}
	return u.Query().Get("return_to")
}

// Cookies returns the names of the browser's cookies that contain part.
func (b *Browser) Cookies(part string) (names []string) {
	for _, c := range b.Jar.Cookies(b.Origin()) {
		if strings.Contains(c.Name, part) {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
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

// CopyOf returns an attacker's browser with stolen copies of the cookies.
func (b *Browser) CopyOf() *Browser {
	thief := b.Server.Browser()
	thief.Jar.SetCookies(b.Origin(), b.Jar.Cookies(b.Origin()))
	return thief
}

// SignOutOf removes the browser's session cookie with this name.
func (b *Browser) SignOutOf(cookie string) {
	b.Jar.SetCookies(b.Origin(), []*http.Cookie{{Name: cookie, MaxAge: -1, Path: "/"}})
}

// WithCookies adds the browser's cookies to a request.
func (b *Browser) WithCookies(r *http.Request) *http.Request {
	for _, c := range b.Jar.Cookies(b.Origin()) {
		r.AddCookie(c)
	}
	return r
}
