package testkit

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
)

// SessionCookie is the session cookie of [Accounts].
const SessionCookie = "app_session"

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

// Response is an HTTP response of the server, as a test sees it.
type Response struct {
	T      *testing.T
	From   *Browser // nil outside a browser
	Status int
	Header http.Header
	Body   string
}

var (
	refreshElement = regexp.MustCompile(`<meta http-equiv="refresh" content="0;url=([^"]*)">`)
	TicketElement  = regexp.MustCompile(`<input type="hidden" name="ticket" value="([^"]*)">`)
	LinkElement    = regexp.MustCompile(`<a class="button primary" href="([^"]*)" rel="noreferrer">`)
	FormElement    = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
)

// First returns the first submatch of re in a page, or an empty text.
func First(re *regexp.Regexp, body string) string {
	if m := re.FindStringSubmatch(body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// Target returns where the browser goes next, from Location or from a page that
// redirects. It is empty if the browser stays.
func (a *Response) Target() string {
	if location := a.Header.Get("Location"); location != "" {
		return location
	}
	return a.Part(refreshElement, "redirect_to")
}

// Part returns a value from a page, or the field of the equivalent JSON.
func (a *Response) Part(element *regexp.Regexp, field string) string {
	if a.Header.Get("Content-Type") != "application/json" {
		return First(element, a.Body)
	}
	text, _ := a.JSON()[field].(string)
	return text
}

// Ticket returns the ticket of a consent page. It fails the test for any other
// response.
func (a *Response) Ticket() string {
	a.T.Helper()
	ticket := a.Part(TicketElement, "ticket")
	if a.Status != http.StatusOK || ticket == "" {
		a.T.Fatalf("want a consent page, got %s", a)
	}
	return ticket
}

// IsConsent reports whether the response is a consent page.
func (a *Response) IsConsent() bool { return a.Part(TicketElement, "ticket") != "" }

// Allow presses the Allow button of a consent page.
func (a *Response) Allow() *Response { a.T.Helper(); return a.Decide("allow") }

// Deny presses the Cancel button of a consent page.
func (a *Response) Deny() *Response { a.T.Helper(); return a.Decide("deny") }

// Decide submits a consent page with a decision.
func (a *Response) Decide(decision string) *Response {
	a.T.Helper()
	form := url.Values{"ticket": {a.Ticket()}, "decision": {decision}}
	return a.From.Post(a.Part(FormElement, "action"), form)
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

// Params returns the parameters in the query of the client's redirect URI. It
// fails the test if the browser is not sent there, or if a parameter appears
// twice.
func (a *Response) Params() url.Values {
	a.T.Helper()
	u, err := url.Parse(a.Target())
	if err != nil || a.Target() == "" || u.Path == "/login" {
		a.T.Fatalf("want a redirect to the client, got %s", a)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		a.T.Fatalf("the query %q is invalid: %v", u.RawQuery, err)
	}
	for name, values := range params {
		if len(values) > 1 {
			a.T.Errorf("the redirect URI has %s %d times", name, len(values))
		}
	}
	return params
}

// Code returns the code in the redirect URI.
func (a *Response) Code() string {
	a.T.Helper()
	code := a.Params().Get("code")
	if code == "" {
		a.T.Fatalf("want a code, got %s", a)
	}
	return code
}

// WantRedirectError fails the test unless the redirect URI has this error and
// the issuer, and no code.
func (a *Response) WantRedirectError(code string) *Response {
	a.T.Helper()
	p := a.Params()
	if p.Get("error") != code || p.Get("iss") != a.From.Server.Config.Issuer || p.Has("code") {
		a.T.Errorf("want a redirect with the error %s, got %s", code, a)
	}
	return a
}

// WantPage fails the test unless the response is a page without a redirect that
// contains these texts.
func (a *Response) WantPage(status int, says ...string) *Response {
	a.T.Helper()
	if a.Status != status || a.Target() != "" || a.IsConsent() || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.T.Errorf("want a page with status %d and without a redirect, got %s", status, a)
	}
	for _, text := range says {
		if !strings.Contains(html.UnescapeString(a.Body), text) {
			a.T.Errorf("want a page with the text %q, got %s", text, a)
		}
	}
	return a
}

// WantJSONError fails the test unless the response is this JSON error with this
// status.
func (a *Response) WantJSONError(status int, code string) *Response {
	a.T.Helper()
	if a.Status != status || a.JSON()["error"] != code {
		a.T.Errorf("want %d %s, got %s", status, code, a)
	}
	return a
}

// JSON returns the JSON object in the response.
func (a *Response) JSON() map[string]any {
	a.T.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		a.T.Fatalf("want JSON, got %s", a)
	}
	return m
}

// Tokens returns the tokens of a token response. It fails the test for a
// refusal.
func (a *Response) Tokens() *Tokens {
	a.T.Helper()
	var got Tokens
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusOK || got.Access == "" {
		a.T.Fatalf("want tokens, got %s", a)
	}
	return &got
}

var anyElement = regexp.MustCompile(`(?s)<style>.*?</style>|<head>.*?</head>|<[^>]*>`)

// String describes the response for a failing test.
func (a *Response) String() string {
	text := strings.Join(strings.Fields(html.UnescapeString(anyElement.ReplaceAllString(a.Body, " "))), " ")
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return fmt.Sprintf("%s, going to %.300q: %s", http.StatusText(a.Status), a.Target(), text)
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

var _ passport.UserProvider = (*Accounts)(nil)

// AsText formats a JSON value for a comparison.
func AsText(v any) string { return fmt.Sprint(v) }

// WantStatus fails the test unless the response has this status.
func (a *Response) WantStatus(status int) *Response {
	a.T.Helper()
	if a.Status != status {
		a.T.Errorf("want status %d, got %d: %s", status, a.Status, a)
	}
	return a
}

// ReadCloser returns a request body.
func ReadCloser(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }
