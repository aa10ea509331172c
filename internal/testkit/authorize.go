package testkit

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// CheckBad fails for an answer to bad input that is a fault, leads anywhere but
// to the client's own place or the sign-in page, or hands out a code.
func (b *Browser) CheckBad(t *testing.T, what string, a *Answer, c *Client) {
	t.Helper()
	target := a.Target()
	switch {
	case a.Status >= 500, a.Status == 401:
		t.Errorf("%s: %s", what, a)
	case target != "" && !strings.HasPrefix(target, "/login?") && !strings.HasPrefix(target, c.RedirectURIs[0]+"?"):
		t.Errorf("%s leads to %s", what, target)
	case strings.Contains(target, "code=") && !strings.HasPrefix(target, "/login?"):
		t.Errorf("%s gets a code: %s", what, target)
	case strings.ContainsAny(a.Header.Get("Location"), "\r\n\x00"):
		t.Errorf("%s breaks the header: %q", what, a.Header.Get("Location"))
	case len(a.Header.Values("Set-Cookie")) > 1:
		t.Errorf("%s sets the cookies %q", what, a.Header.Values("Set-Cookie"))
	}
}

// Fuzzed sends a query as it is, or the same as a form.
func (b *Browser) Fuzzed(query string, how uint8) *Answer {
	if how&2 != 0 {
		return b.Send(b.NewRequest("POST", "/oauth/authorize", query, nil))
	}
	r := b.NewRequest("GET", "/oauth/authorize", "", nil)
	r.URL.RawQuery = query
	return b.Send(r)
}

// AsksJSON sends what a page of the application's own sends: for JSON, from its own
// origin, with the cookies of the browser, which keeps those of the answer.
func (b *Browser) AsksJSON(method, path string, body ...any) *Answer {
	b.T.Helper()
	a := b.Send(b.Request(method, path, body...))
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.Header.Get("Location") != "" {
		b.T.Errorf("want JSON that other origins cannot load and that leads nowhere by itself, got %v: %s", a.Header, a)
	}
	return a
}

// AuthorizeJSON is an authorization request of a script; see [client.request].
func (b *Browser) AuthorizeJSON(c *Client, pairs ...string) *Answer {
	b.T.Helper()
	return b.AsksJSON("GET", b.Server.AuthorizePath()+"?"+c.Request(pairs...).Encode())
}

// PostJSON answers a page that was shown as JSON.
func (a *Answer) PostJSON(decision string) *Answer {
	a.T.Helper()
	return a.From.AsksJSON("POST", a.Part(FormElement, "action"), map[string]any{"ticket": a.Ticket(), "decision": decision})
}

// WantJSON fails unless the answer is this JSON, once the ticket is taken out.
func (a *Answer) WantJSON(status int, want string) *Answer {
	a.T.Helper()
	got := a.Body
	if ticket, ok := a.JSON()["ticket"].(string); ok {
		got = strings.Replace(got, ticket, "TICKET", 1)
	}
	if a.Status != status || strings.TrimSpace(got) != want {
		a.T.Errorf("want %d\n%s\ngot %d\n%s", status, want, a.Status, got)
	}
	return a
}

// Clicks returns requests that answer a consent page, all with the cookies that
// the browser has now: as if they were sent before any of them was answered.
func (a *Answer) Clicks(n int, decisions ...string) []*http.Request {
	a.T.Helper()
	b := a.From
	var requests []*http.Request
	for i := range n {
		form := url.Values{"ticket": {a.Ticket()}, "decision": {decisions[i%len(decisions)]}}
		r := b.NewRequest("POST", First(FormElement, a.Body), form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}})
		for _, c := range b.Jar.Cookies(b.Origin()) {
			r.AddCookie(c)
		}
		requests = append(requests, r)
	}
	return requests
}

// AtOnce serves requests in a goroutine each.
func (s *Server) AtOnce(b *Browser, requests []*http.Request) []*Answer {
	answers := make([]*Answer, len(requests))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		wg.Go(func() {
			<-start
			answers[i] = s.Do(r)
			answers[i].From = b
		})
	}
	close(start)
	wg.Wait()
	return answers
}

// Issued returns how many codes were stored.
func (s *Server) Issued() (n int) {
	log, ok := oauth.StoreAs[oauth.AuditStore](s.Store)
	if !ok {
		s.T.Fatal("the store has no audit log")
	}
	for record, err := range log.AuditLog(s.T.Context(), time.Time{}) {
		if err != nil {
			s.T.Fatal(err)
		}
		if record.Action == "code.issued" {
			n++
		}
	}
	return n
}

// Owned is a client that bob registered for himself, with one redirect URI.
func (s *Server) Owned(uri string) *Client {
	s.T.Helper()
	return s.Register(passport.Registration{Owner: Ref("bob"), RedirectURIs: []string{uri}})
}

// Works fails the test if something failed that has to work.
func (s *Server) Works(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// Update changes a client as it is stored by now.
func (s *Server) Update(c *Client, change func(*oauth.Client)) {
	s.T.Helper()
	for {
		stored, err := s.Store.Client(s.T.Context(), c.ID)
		s.Works(err)
		change(stored)
		if err := s.UpdateClient(s.T.Context(), stored); !errors.Is(err, oauth.ErrConflict) {
			s.Works(err)
			return
		}
	}
}

// AnswerWith answers a consent page with another ticket than it has.
func (a *Answer) AnswerWith(ticket, decision string) *Answer {
	a.T.Helper()
	return a.From.Post(a.Part(FormElement, "action"), url.Values{"ticket": {ticket}, "decision": {decision}})
}

// WantPageAnew fails unless the page is shown again, with another ticket, and
// nothing was issued.
func (a *Answer) WantPageAnew(instead *Answer) *Answer {
	a.T.Helper()
	if a.Ticket() == instead.Ticket() || a.Target() != "" {
		a.T.Errorf("want the page anew with a fresh ticket, got %s", a)
	}
	return a
}

// Board is a public client that gets its tokens at once. What reg leaves out is
// filled in.
func (s *Server) Board(reg passport.Registration) *Client {
	s.T.Helper()
	if reg.AuthMethod == "" {
		reg.AuthMethod = oauth.AuthNone
	}
	if reg.GrantTypes == nil {
		reg.GrantTypes = []string{"implicit"}
	}
	return s.Register(reg)
}

// AuthorizeToken comes with a request for a token, which pairs change.
func (b *Browser) AuthorizeToken(c *Client, pairs ...string) *Answer {
	b.T.Helper()
	request := []string{"response_type", "token", "code_challenge", "", "code_challenge_method", ""}
	return b.Authorize(c, append(request, pairs...)...)
}

// Fragment returns what the client is told in the fragment of its redirect URI,
// and fails if the browser is not sent there, a parameter stands there twice, or
// the query tells of anything.
func (a *Answer) Fragment() url.Values {
	a.T.Helper()
	uri, fragment, ok := strings.Cut(a.Target(), "#")
	if !ok {
		a.T.Fatalf("want an answer in the fragment, got %s", a)
	}
	told, err := url.ParseQuery(fragment)
	if err != nil {
		a.T.Fatalf("the client is sent the fragment %q: %v", fragment, err)
	}
	for name, values := range told {
		if len(values) > 1 || strings.Contains(uri, name+"=") {
			a.T.Errorf("the client is told %s more than once", name)
		}
	}
	return told
}

// Token returns the access token that the client is sent.
func (a *Answer) Token() string {
	a.T.Helper()
	token := a.Fragment().Get("access_token")
	if token == "" {
		a.T.Fatalf("want an access token, got %s", a)
	}
	return token
}

// WantFragmentError fails unless the client is told of this error in the fragment,
// with its state and the issuer, and of no token.
func (a *Answer) WantFragmentError(code string) *Answer {
	a.T.Helper()
	told := a.Fragment()
	if told.Get("error") != code || told.Get("iss") != Issuer || told.Get("state") != DefaultState || told.Has("access_token") {
		a.T.Errorf("want the client to be told %s in the fragment, got %v", code, told)
	}
	return a
}

// As says which browser an answer went to that [server.do] was asked for.
func (a *Answer) As(b *Browser) *Answer {
	a.From = b
	return a
}

// Row returns the row of an access token.
func (s *Server) Row(token string) *oauth.AccessToken {
	s.T.Helper()
	row, err := s.Store.AccessToken(s.T.Context(), AsText(ClaimsOf(s.T, token)["jti"]))
	if err != nil {
		s.T.Fatal(err)
	}
	return row
}

// TokensIssued returns how many access tokens were stored, by the audit log.
func (s *Server) TokensIssued() (n int) {
	for record := range s.Audited() {
		if record.Action == "token.issued" {
			n++
		}
	}
	return n
}
