package passport_test

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

// sessionCookie is the cookie by which accounts knows a browser.
const sessionCookie = "app_session"

// browser keeps cookies and sends what a browser sends.
type browser struct {
	t      *testing.T
	server *server
	jar    *cookiejar.Jar
	header http.Header // sent with every request
}

// browser returns a new browser in which nobody is signed in.
func (s *server) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{t: s.t, server: s, jar: jar, header: http.Header{}}
}

// at returns the browser as it talks to another server, with the same cookies.
func (b *browser) at(s *server) *browser {
	other := *b
	other.server = s
	return &other
}

// signIn signs an account in, now and in a new session, in place of who was.
func (b *browser) signIn(id string) *browser {
	b.t.Helper()
	users := b.server.users
	session := "session-" + rand.Text()
	users.with(func() {
		if users.byID[id] == nil {
			b.t.Fatalf("there is no account %q", id)
		}
		user := *users.byID[id]
		user.AuthenticatedAt, user.SessionID = time.Now(), session
		users.sessions[session] = &user
	})
	b.setCookie(sessionCookie, session)
	return b
}

// signOut makes the browser forget who is signed in.
func (b *browser) signOut() *browser {
	b.jar.SetCookies(b.origin(), []*http.Cookie{{Name: sessionCookie, MaxAge: -1, Path: "/"}})
	return b
}

// session returns the ID of the session that is in the browser.
func (b *browser) session() string {
	for _, c := range b.jar.Cookies(b.origin()) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	b.jar.SetCookies(b.origin(), []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: b.origin().Scheme == "https"}})
}

func (b *browser) origin() *url.URL {
	u, err := url.Parse(b.server.config.Issuer)
	if err != nil {
		b.t.Fatal(err)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
}

// authorize comes from the client with an authorization request, which pairs
// change; see [client.request].
func (b *browser) authorize(c *client, pairs ...string) *answer {
	b.t.Helper()
	return b.get(b.server.authorizePath() + "?" + c.request(pairs...).Encode())
}

func (s *server) authorizePath() string {
	u, _ := url.Parse(s.config.Issuer)
	path := s.config.Path
	if path == "" {
		path = "/oauth"
	}
	return u.Path + path + "/authorize"
}

// get follows a link on another site to a path of the server.
func (b *browser) get(target string) *answer {
	b.t.Helper()
	return b.send(b.newRequest("GET", target, "", http.Header{"Sec-Fetch-Site": {"cross-site"}}))
}

// post sends a form of the server's own page. Browsers say nothing of where it
// comes from but that, for our pages forbid the Referer.
func (b *browser) post(target string, form url.Values) *answer {
	b.t.Helper()
	return b.send(b.newRequest("POST", target, form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}))
}

func (b *browser) newRequest(method, target, body string, header http.Header) *http.Request {
	b.t.Helper()
	u, err := b.origin().Parse(target)
	if err != nil {
		b.t.Fatalf("the browser cannot go to %q: %v", target, err)
	}
	r := httptest.NewRequest(method, u.String(), strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	for _, h := range []http.Header{header, b.header} {
		maps.Copy(r.Header, h)
	}
	return r
}

// send serves a request, keeps the cookies of the answer, and checks what every
// answer has to have.
func (b *browser) send(r *http.Request) *answer {
	b.t.Helper()
	for _, c := range b.jar.Cookies(b.origin()) {
		r.AddCookie(c)
	}
	a := b.server.do(r)
	a.from = b
	a.checkHeaders()
	b.jar.SetCookies(b.origin(), (&http.Response{Header: a.header}).Cookies())
	return a
}

// answer is what the server answered.
type answer struct {
	t      *testing.T
	from   *browser // nil for a token request
	status int
	header http.Header
	body   string
}

var (
	refreshElement = regexp.MustCompile(`<meta http-equiv="refresh" content="0;url=([^"]*)">`)
	ticketElement  = regexp.MustCompile(`<input type="hidden" name="ticket" value="([^"]*)">`)
	linkElement    = regexp.MustCompile(`<a class="button primary" href="([^"]*)" rel="noreferrer">`)
	formElement    = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
)

func first(re *regexp.Regexp, body string) string {
	if m := re.FindStringSubmatch(body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// target returns where the browser goes next, by Location or by a page that
// moves on by itself; empty when it stays.
func (a *answer) target() string {
	if location := a.header.Get("Location"); location != "" {
		return location
	}
	return a.part(refreshElement, "redirect_to")
}

// part returns what stands in a page, or in the JSON that takes its place.
func (a *answer) part(element *regexp.Regexp, field string) string {
	if a.header.Get("Content-Type") != "application/json" {
		return first(element, a.body)
	}
	text, _ := a.json()[field].(string)
	return text
}

// ticket returns that of a consent page, and fails for any other answer.
func (a *answer) ticket() string {
	a.t.Helper()
	ticket := a.part(ticketElement, "ticket")
	if a.status != http.StatusOK || ticket == "" {
		a.t.Fatalf("want a consent page, got %s", a)
	}
	return ticket
}

func (a *answer) isConsent() bool { return a.part(ticketElement, "ticket") != "" }

// allow and deny press a button of a consent page.
func (a *answer) allow() *answer { a.t.Helper(); return a.decide("allow") }
func (a *answer) deny() *answer  { a.t.Helper(); return a.decide("deny") }

func (a *answer) decide(decision string) *answer {
	a.t.Helper()
	form := url.Values{"ticket": {a.ticket()}, "decision": {decision}}
	return a.from.post(a.part(formElement, "action"), form)
}

// signIn goes to the sign-in page that the answer leads to, signs in there and
// comes back.
func (a *answer) signIn(id string) *answer {
	a.t.Helper()
	a.from.signIn(id)
	return a.comeBack()
}

// comeBack returns from the sign-in page that the answer leads to.
func (a *answer) comeBack() *answer {
	a.t.Helper()
	b := a.from
	return b.send(b.newRequest("GET", a.returnTo(), "", http.Header{"Sec-Fetch-Site": {"same-origin"}}))
}

// returnTo is the return address that the sign-in page was given.
func (a *answer) returnTo() string {
	a.t.Helper()
	u, err := url.Parse(a.target())
	if err != nil || u.Path != "/login" {
		a.t.Fatalf("want the sign-in page, got %s", a)
	}
	return u.Query().Get("return_to")
}

// params returns what the client is told in the query of its redirect URI, and
// fails if the browser is not sent there or a parameter stands there twice.
func (a *answer) params() url.Values {
	a.t.Helper()
	u, err := url.Parse(a.target())
	if err != nil || a.target() == "" || u.Path == "/login" {
		a.t.Fatalf("want an answer to the client, got %s", a)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		a.t.Fatalf("the client is sent the query %q: %v", u.RawQuery, err)
	}
	for name, values := range params {
		if len(values) > 1 {
			a.t.Errorf("the client is told %s %d times", name, len(values))
		}
	}
	return params
}

// code returns the code that the client is sent.
func (a *answer) code() string {
	a.t.Helper()
	code := a.params().Get("code")
	if code == "" {
		a.t.Fatalf("want a code, got %s", a)
	}
	return code
}

// wantRedirectError fails unless the client is told of this error, with its
// state and the issuer.
func (a *answer) wantRedirectError(code string) *answer {
	a.t.Helper()
	p := a.params()
	if p.Get("error") != code || p.Get("iss") != a.from.server.config.Issuer || p.Has("code") {
		a.t.Errorf("want the client to be told %s, got %s", code, a)
	}
	return a
}

// wantPage fails unless the answer is an error page that leads nowhere and says
// these things.
func (a *answer) wantPage(status int, says ...string) *answer {
	a.t.Helper()
	if a.status != status || a.target() != "" || a.isConsent() || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		a.t.Errorf("want a page with status %d that leads nowhere, got %s", status, a)
	}
	for _, text := range says {
		if !strings.Contains(html.UnescapeString(a.body), text) {
			a.t.Errorf("want a page that says %q, got %s", text, a)
		}
	}
	return a
}

// wantJSONError fails unless the answer is a JSON error with this status.
func (a *answer) wantJSONError(status int, code string) *answer {
	a.t.Helper()
	if a.status != status || a.json()["error"] != code {
		a.t.Errorf("want %d %s, got %s", status, code, a)
	}
	return a
}

func (a *answer) json() map[string]any {
	a.t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(a.body), &m); err != nil || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		a.t.Fatalf("want JSON, got %s", a)
	}
	return m
}

// tokens returns those of a token response, and fails for a refusal.
func (a *answer) tokens() *tokens {
	a.t.Helper()
	var got tokens
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK || got.Access == "" {
		a.t.Fatalf("want tokens, got %s", a)
	}
	return &got
}

var anyElement = regexp.MustCompile(`(?s)<style>.*?</style>|<head>.*?</head>|<[^>]*>`)

// String is the answer as a failing test shows it.
func (a *answer) String() string {
	text := strings.Join(strings.Fields(html.UnescapeString(anyElement.ReplaceAllString(a.body, " "))), " ")
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return fmt.Sprintf("%s, going to %.300q: %s", http.StatusText(a.status), a.target(), text)
}

// cookies returns the names of the cookies in the browser whose names hold part.
func (b *browser) cookies(part string) (names []string) {
	for _, c := range b.jar.Cookies(b.origin()) {
		if strings.Contains(c.Name, part) {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

var _ passport.UserProvider = (*accounts)(nil)

// asText is a value of a JSON object as a test names it.
func asText(v any) string { return fmt.Sprint(v) }

// wantStatus fails unless the answer has this status.
func (a *answer) wantStatus(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("want status %d, got %d: %s", status, a.status, a)
	}
	return a
}

// readCloser is the body of a request.
func readCloser(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }
