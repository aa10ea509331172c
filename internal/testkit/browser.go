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

// SessionCookie is the cookie by which accounts knows a browser.
const SessionCookie = "app_session"

// Browser keeps cookies and sends what a browser sends.
type Browser struct {
	T      *testing.T
	Server *Server
	Jar    *cookiejar.Jar
	Header http.Header // sent with every request
}

// Browser returns a new browser in which nobody is signed in.
func (s *Server) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.T.Fatal(err)
	}
	return &Browser{T: s.T, Server: s, Jar: jar, Header: http.Header{}}
}

// At returns the browser as it talks to another server, with the same cookies.
func (b *Browser) At(s *Server) *Browser {
	other := *b
	other.Server = s
	return &other
}

// SignIn signs an account in, now and in a new session, in place of who was.
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

// SignOut makes the browser forget who is signed in.
func (b *Browser) SignOut() *Browser {
	b.Jar.SetCookies(b.Origin(), []*http.Cookie{{Name: SessionCookie, MaxAge: -1, Path: "/"}})
	return b
}

// Session returns the ID of the session that is in the browser.
func (b *Browser) Session() string {
	for _, c := range b.Jar.Cookies(b.Origin()) {
		if c.Name == SessionCookie {
			return c.Value
		}
	}
	return ""
}

func (b *Browser) SetCookie(name, value string) {
	b.Jar.SetCookies(b.Origin(), []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: b.Origin().Scheme == "https"}})
}

func (b *Browser) Origin() *url.URL {
	u, err := url.Parse(b.Server.Config.Issuer)
	if err != nil {
		b.T.Fatal(err)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
}

// Authorize comes from the client with an authorization request, which pairs
// change; see [client.request].
func (b *Browser) Authorize(c *Client, pairs ...string) *Answer {
	b.T.Helper()
	return b.Get(b.Server.AuthorizePath() + "?" + c.Request(pairs...).Encode())
}

func (s *Server) AuthorizePath() string {
	u, _ := url.Parse(s.Config.Issuer)
	path := s.Config.Path
	if path == "" {
		path = "/oauth"
	}
	return u.Path + path + "/authorize"
}

// Get follows a link on another site to a path of the server.
func (b *Browser) Get(target string) *Answer {
	b.T.Helper()
	return b.Send(b.NewRequest("GET", target, "", http.Header{"Sec-Fetch-Site": {"cross-site"}}))
}

// Post sends a form of the server's own page. Browsers say nothing of where it
// comes from but that, for our pages forbid the Referer.
func (b *Browser) Post(target string, form url.Values) *Answer {
	b.T.Helper()
	return b.Send(b.NewRequest("POST", target, form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}))
}

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

// Send serves a request, keeps the cookies of the answer, and checks what every
// answer has to have.
func (b *Browser) Send(r *http.Request) *Answer {
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

// Answer is what the server answered.
type Answer struct {
	T      *testing.T
	From   *Browser // nil for a token request
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

func First(re *regexp.Regexp, body string) string {
	if m := re.FindStringSubmatch(body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// Target returns where the browser goes next, by Location or by a page that
// moves on by itself; empty when it stays.
func (a *Answer) Target() string {
	if location := a.Header.Get("Location"); location != "" {
		return location
	}
	return a.Part(refreshElement, "redirect_to")
}

// Part returns what stands in a page, or in the JSON that takes its place.
func (a *Answer) Part(element *regexp.Regexp, field string) string {
	if a.Header.Get("Content-Type") != "application/json" {
		return First(element, a.Body)
	}
	text, _ := a.JSON()[field].(string)
	return text
}

// Ticket returns that of a consent page, and fails for any other answer.
func (a *Answer) Ticket() string {
	a.T.Helper()
	ticket := a.Part(TicketElement, "ticket")
	if a.Status != http.StatusOK || ticket == "" {
		a.T.Fatalf("want a consent page, got %s", a)
	}
	return ticket
}

func (a *Answer) IsConsent() bool { return a.Part(TicketElement, "ticket") != "" }

// Allow and deny press a button of a consent page.
func (a *Answer) Allow() *Answer { a.T.Helper(); return a.Decide("allow") }
func (a *Answer) Deny() *Answer  { a.T.Helper(); return a.Decide("deny") }

func (a *Answer) Decide(decision string) *Answer {
	a.T.Helper()
	form := url.Values{"ticket": {a.Ticket()}, "decision": {decision}}
	return a.From.Post(a.Part(FormElement, "action"), form)
}

// SignIn goes to the sign-in page that the answer leads to, signs in there and
// comes back.
func (a *Answer) SignIn(id string) *Answer {
	a.T.Helper()
	a.From.SignIn(id)
	return a.ComeBack()
}

// ComeBack returns from the sign-in page that the answer leads to.
func (a *Answer) ComeBack() *Answer {
	a.T.Helper()
	b := a.From
	return b.Send(b.NewRequest("GET", a.ReturnTo(), "", http.Header{"Sec-Fetch-Site": {"same-origin"}}))
}

// ReturnTo is the return address that the sign-in page was given.
func (a *Answer) ReturnTo() string {
	a.T.Helper()
	u, err := url.Parse(a.Target())
	if err != nil || u.Path != "/login" {
		a.T.Fatalf("want the sign-in page, got %s", a)
	}
	return u.Query().Get("return_to")
}

// Params returns what the client is told in the query of its redirect URI, and
// fails if the browser is not sent there or a parameter stands there twice.
func (a *Answer) Params() url.Values {
	a.T.Helper()
	u, err := url.Parse(a.Target())
	if err != nil || a.Target() == "" || u.Path == "/login" {
		a.T.Fatalf("want an answer to the client, got %s", a)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		a.T.Fatalf("the client is sent the query %q: %v", u.RawQuery, err)
	}
	for name, values := range params {
		if len(values) > 1 {
			a.T.Errorf("the client is told %s %d times", name, len(values))
		}
	}
	return params
}

// Code returns the code that the client is sent.
func (a *Answer) Code() string {
	a.T.Helper()
	code := a.Params().Get("code")
	if code == "" {
		a.T.Fatalf("want a code, got %s", a)
	}
	return code
}

// WantRedirectError fails unless the client is told of this error, with its
// state and the issuer.
func (a *Answer) WantRedirectError(code string) *Answer {
	a.T.Helper()
	p := a.Params()
	if p.Get("error") != code || p.Get("iss") != a.From.Server.Config.Issuer || p.Has("code") {
		a.T.Errorf("want the client to be told %s, got %s", code, a)
	}
	return a
}

// WantPage fails unless the answer is an error page that leads nowhere and says
// these things.
func (a *Answer) WantPage(status int, says ...string) *Answer {
	a.T.Helper()
	if a.Status != status || a.Target() != "" || a.IsConsent() || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.T.Errorf("want a page with status %d that leads nowhere, got %s", status, a)
	}
	for _, text := range says {
		if !strings.Contains(html.UnescapeString(a.Body), text) {
			a.T.Errorf("want a page that says %q, got %s", text, a)
		}
	}
	return a
}

// WantJSONError fails unless the answer is a JSON error with this status.
func (a *Answer) WantJSONError(status int, code string) *Answer {
	a.T.Helper()
	if a.Status != status || a.JSON()["error"] != code {
		a.T.Errorf("want %d %s, got %s", status, code, a)
	}
	return a
}

func (a *Answer) JSON() map[string]any {
	a.T.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		a.T.Fatalf("want JSON, got %s", a)
	}
	return m
}

// Tokens returns those of a token response, and fails for a refusal.
func (a *Answer) Tokens() *Tokens {
	a.T.Helper()
	var got Tokens
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusOK || got.Access == "" {
		a.T.Fatalf("want tokens, got %s", a)
	}
	return &got
}

var anyElement = regexp.MustCompile(`(?s)<style>.*?</style>|<head>.*?</head>|<[^>]*>`)

// String is the answer as a failing test shows it.
func (a *Answer) String() string {
	text := strings.Join(strings.Fields(html.UnescapeString(anyElement.ReplaceAllString(a.Body, " "))), " ")
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return fmt.Sprintf("%s, going to %.300q: %s", http.StatusText(a.Status), a.Target(), text)
}

// Cookies returns the names of the cookies in the browser whose names hold part.
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

// AsText is a value of a JSON object as a test names it.
func AsText(v any) string { return fmt.Sprint(v) }

// WantStatus fails unless the answer has this status.
func (a *Answer) WantStatus(status int) *Answer {
	a.T.Helper()
	if a.Status != status {
		a.T.Errorf("want status %d, got %d: %s", status, a.Status, a)
	}
	return a
}

// ReadCloser is the body of a request.
func ReadCloser(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }
