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

// CheckBad fails the test if the response to an invalid request is a server
// error, redirects to anywhere other than the client or the sign-in page, or
// contains a code.
func (b *Browser) CheckBad(t *testing.T, what string, a *Response, c *Client) {
	t.Helper()
	target := a.Target()
	switch {
	case a.Status >= 500, a.Status == 401:
		t.Errorf("%s: %s", what, a)
	case target != "" && !strings.HasPrefix(target, "/login?") && !strings.HasPrefix(target, c.RedirectURIs[0]+"?"):
		t.Errorf("%s redirects to %s", what, target)
	case strings.Contains(target, "code=") && !strings.HasPrefix(target, "/login?"):
		t.Errorf("%s gets a code: %s", what, target)
	case strings.ContainsAny(a.Header.Get("Location"), "\r\n\x00"):
		t.Errorf("%s adds line ends to the header: %q", what, a.Header.Get("Location"))
	case len(a.Header.Values("Set-Cookie")) > 1:
		t.Errorf("%s sets the cookies %q", what, a.Header.Values("Set-Cookie"))
	}
}

// Fuzzed sends a raw query, or the same as a form body, as how selects.
func (b *Browser) Fuzzed(query string, how uint8) *Response {
	if how&2 != 0 {
		return b.Send(b.NewRequest("POST", "/oauth/authorize", query, nil))
	}
	r := b.NewRequest("GET", "/oauth/authorize", "", nil)
	r.URL.RawQuery = query
	return b.Send(r)
}

// AsksJSON sends a request as a page of the application's own origin does, with
// Accept: application/json and the browser's cookies. It keeps the cookies of
// the response.
func (b *Browser) AsksJSON(method, path string, body ...any) *Response {
	b.T.Helper()
	a := b.Send(b.Request(method, path, body...))
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.Header.Get("Location") != "" {
		b.T.Errorf("want JSON that other origins cannot load, without a redirect, got %v: %s", a.Header, a)
	}
	return a
}

// AuthorizeJSON sends an authorization request as a script does; see
// [Client.Request].
func (b *Browser) AuthorizeJSON(c *Client, pairs ...string) *Response {
	b.T.Helper()
	return b.AsksJSON("GET", b.Server.AuthorizePath()+"?"+c.Request(pairs...).Encode())
}

// PostJSON sends a decision on a consent page that was returned as JSON.
func (a *Response) PostJSON(decision string) *Response {
	a.T.Helper()
	return a.From.AsksJSON("POST", a.Part(FormElement, "action"), map[string]any{"ticket": a.Ticket(), "decision": decision})
}

// WantJSON fails the test unless the response is this JSON, with TICKET in
// place of the ticket.
func (a *Response) WantJSON(status int, want string) *Response {
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

// Clicks returns n requests that submit a consent page, with the given
// decisions in turn. All have the browser's current cookies, as if none had a
// response yet.
func (a *Response) Clicks(n int, decisions ...string) []*http.Request {
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

// AtOnce serves the requests concurrently.
func (s *Server) AtOnce(b *Browser, requests []*http.Request) []*Response {
	responses := make([]*Response, len(requests))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		wg.Go(func() {
			<-start
			responses[i] = s.Do(r)
			responses[i].From = b
		})
	}
	close(start)
	wg.Wait()
	return responses
}

// Issued returns how many codes were issued, from the audit log.
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

// Owned registers a client of bob's, with one redirect URI.
func (s *Server) Owned(uri string) *Client {
	s.T.Helper()
	return s.Register(passport.Registration{Owner: Ref("bob"), RedirectURIs: []string{uri}})
}

// Works fails the test if err is not nil.
func (s *Server) Works(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// Update changes the stored client. It retries on a conflict.
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

// DecideWith submits a consent page with another ticket.
func (a *Response) DecideWith(ticket, decision string) *Response {
	a.T.Helper()
	return a.From.Post(a.Part(FormElement, "action"), url.Values{"ticket": {ticket}, "decision": {decision}})
}

// WantPageAnew fails the test unless the consent page is shown again with a new
// ticket and nothing was issued.
func (a *Response) WantPageAnew(instead *Response) *Response {
	a.T.Helper()
	if a.Ticket() == instead.Ticket() || a.Target() != "" {
		a.T.Errorf("want the page again with a new ticket, got %s", a)
	}
	return a
}

// Board registers a public client for the implicit grant. It fills in the
// fields that reg omits.
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

// AuthorizeToken sends an authorization request with response_type=token, which
// pairs change.
func (b *Browser) AuthorizeToken(c *Client, pairs ...string) *Response {
	b.T.Helper()
	request := []string{"response_type", "token", "code_challenge", "", "code_challenge_method", ""}
	return b.Authorize(c, append(request, pairs...)...)
}

// Fragment returns the parameters in the fragment of the client's redirect URI.
// It fails the test if the browser is not sent there, or if a parameter appears
// twice or also in the query.
func (a *Response) Fragment() url.Values {
	a.T.Helper()
	uri, fragment, ok := strings.Cut(a.Target(), "#")
	if !ok {
		a.T.Fatalf("want a response in the fragment, got %s", a)
	}
	told, err := url.ParseQuery(fragment)
	if err != nil {
		a.T.Fatalf("the fragment %q is invalid: %v", fragment, err)
	}
	for name, values := range told {
		if len(values) > 1 || strings.Contains(uri, name+"=") {
			a.T.Errorf("the redirect URI has %s more than once", name)
		}
	}
	return told
}

// Token returns the access token in the fragment.
func (a *Response) Token() string {
	a.T.Helper()
	token := a.Fragment().Get("access_token")
	if token == "" {
		a.T.Fatalf("want an access token, got %s", a)
	}
	return token
}

// WantFragmentError fails the test unless the fragment has this error, the
// state and the issuer, and no token.
func (a *Response) WantFragmentError(code string) *Response {
	a.T.Helper()
	told := a.Fragment()
	if told.Get("error") != code || told.Get("iss") != Issuer || told.Get("state") != DefaultState || told.Has("access_token") {
		a.T.Errorf("want the error %s in the fragment, got %v", code, told)
	}
	return a
}

// As sets the browser of a response of [Server.Do].
func (a *Response) As(b *Browser) *Response {
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
