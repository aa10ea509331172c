package testkit

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// Further helpers for tests of the token endpoint and of the guard.

// Code runs the code flow until the code: alice allows the client.
func (s *Server) Code(c *Client, pairs ...string) string {
	s.T.Helper()
	return s.Browser().SignIn("alice").Authorize(c, pairs...).Allow().Code()
}

// Refresh sends a refresh token request, with further pairs of parameters.
func (s *Server) Refresh(c *Client, token string, pairs ...string) *Response {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

// MachineToken returns an access token of a client that acts for itself.
func (s *Server) MachineToken(c *Client, pairs ...string) string {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "client_credentials"}, pairs...)...).Tokens().Access
}

// Send sends a token request with a raw body. header is pairs of name and
// value; the value "-" removes a header.
func (s *Server) Send(body string, header ...string) *Response {
	r := httptest.NewRequest("POST", s.TokenURL(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	setHeader(r, header)
	return s.Do(r)
}

// TokenURL returns the URL of the token endpoint.
func (s *Server) TokenURL() string { return strings.TrimSuffix(s.Config.Issuer, "/") + "/oauth/token" }

func setHeader(r *http.Request, pairs []string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "-" {
			r.Header.Del(pairs[i])
			continue
		}
		r.Header.Add(pairs[i], pairs[i+1])
	}
}

// admitted is the response of [API].
type admitted struct {
	User     string   `json:"user"`   // from the application's record, empty for a client
	Client   string   `json:"client"` // of the token
	Scopes   []string `json:"scopes"`
	Provider string   `json:"provider"`
}

// API is an API that returns the token and the user that the guard passed to
// it.
func API(w http.ResponseWriter, r *http.Request) {
	t := guard.TokenFrom(r.Context())
	a := admitted{Client: t.Client.ID, Scopes: t.Scopes}
	if u, ok := passport.UserFromContext[*Record](r.Context()); ok {
		a.User = u.ID
	}
	if u, ok := t.Subject().User(); ok {
		a.Provider = u.Provider
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

// Call sends a request to the API behind a guard. header is pairs of name and
// value.
func (s *Server) Call(protect func(http.Handler) http.Handler, header ...string) *Response {
	r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
	setHeader(r, header)
	return s.CallWith(protect, r)
}

// CallWith sends a request to the API behind a guard.
func (s *Server) CallWith(protect func(http.Handler) http.Handler, r *http.Request) *Response {
	w := httptest.NewRecorder()
	protect(http.HandlerFunc(API)).ServeHTTP(w, r)
	return &Response{T: s.T, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// Admits reports whether a guard without rules admits the token. It fails the
// test unless the response is 200 or invalid_token.
func (s *Server) Admits(token string) bool {
	s.T.Helper()
	a := s.Call(s.GuardAny(), "Authorization", "Bearer "+token)
	if a.Status != http.StatusOK && (a.Status != http.StatusUnauthorized || !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`)) {
		s.T.Errorf("guard's response = %s with challenge %q, want 200 or invalid_token", a, a.Header.Get("WWW-Authenticate"))
	}
	return a.Status == http.StatusOK
}

// WantAdmits fails the test unless a guard admits the token, or refuses it if
// want is false.
func (s *Server) WantAdmits(token string, want bool, what string) {
	s.T.Helper()
	if got := s.Admits(token); got != want {
		s.T.Errorf("%s: the guard admits the access token = %v, want %v", what, got, want)
	}
}

// Told returns the API's response.
func (a *Response) Told() (got admitted) {
	a.T.Helper()
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusOK {
		a.T.Fatalf("want the API's response, got %s", a)
	}
	return got
}

// Description returns the error_description of a refusal.
func (a *Response) Description() string {
	a.T.Helper()
	text, _ := a.JSON()["error_description"].(string)
	return text
}

// WantBlameless fails the test if the server logged an error. A client's
// request must never cause a server error.
func (s *Server) WantBlameless() {
	s.T.Helper()
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			s.T.Errorf("a client's request was logged as a server error: %s", line)
		}
	}
}

// Watched returns a server whose store can be made to fail.
func Watched(t *testing.T, change ...func(*passport.Config)) (*Server, *WatchedStore) {
	t.Helper()
	store := &WatchedStore{Store: new(memstore.Store)}
	s := NewServer(t, slices.Concat([]func(*passport.Config){func(c *passport.Config) { c.Store = store }}, change)...)
	return s, store
}

// Total returns how many methods were called since its last call.
func (w *WatchedStore) Total() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, calls := range w.calls {
		n += calls
	}
	clear(w.calls)
	return n
}

// NewECKey returns a new P-256 key.
func NewECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// WithKeys returns a configuration change that sets these keys. The first key
// signs.
func WithKeys(t testing.TB, signers ...crypto.Signer) func(*passport.Config) {
	t.Helper()
	keys, err := passport.NewKeys(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *passport.Config) { c.Keys = keys }
}

// WithAudit enables the audit log.
func WithAudit(c *passport.Config) { c.AuditLog = true }

// Change changes a stored client, as an administrator would.
func (s *Server) Change(c *Client, how func(*oauth.Client)) {
	s.T.Helper()
	stored, err := s.Store.Client(s.T.Context(), c.ID)
	if err != nil {
		s.T.Fatal(err)
	}
	how(stored)
	if err := s.Store.UpdateClient(s.T.Context(), stored, nil); err != nil {
		s.T.Fatal(err)
	}
}

// NarrowClient restricts a client to these scopes.
func (s *Server) NarrowClient(c *Client, scopes ...string) {
	s.T.Helper()
	s.Change(c, func(stored *oauth.Client) { stored.Scopes = scopes })
}

// Suspend suspends a client.
func (s *Server) Suspend(c *Client) {
	s.T.Helper()
	s.Change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Now() })
}

// Median returns the median of durations. It sorts d.
func Median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// WantAudit fails the test unless the audit log has exactly this many records
// of an action.
func (s *Server) WantAudit(action string, want int) {
	s.T.Helper()
	got := 0
	for record := range s.Audited() {
		if record.Action == action {
			got++
		}
	}
	if got != want {
		s.T.Errorf("the audit log has %d records of %q, want %d", got, action, want)
	}
}

// Audited returns an iterator over the audit log.
func (s *Server) Audited() func(yield func(*oauth.AuditRecord) bool) {
	s.T.Helper()
	log, ok := oauth.StoreAs[oauth.AuditStore](s.Store)
	if !ok {
		s.T.Fatal("the store has no audit log")
	}
	return func(yield func(*oauth.AuditRecord) bool) {
		for record, err := range log.AuditLog(s.T.Context(), time.Time{}) {
			if err != nil {
				s.T.Fatal(err)
			}
			if !yield(record) {
				return
			}
		}
	}
}

// NewGet returns a GET request.
func NewGet(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }

// Printed returns a value formatted with every verb that could leak a secret.
func Printed(v any) string {
	return fmt.Sprintf("%v\n%+v\n%#v\n%s\n%x", v, v, v, v, v)
}

// PlainConfig returns a minimal configuration without logging.
func PlainConfig(t testing.TB) passport.Config {
	t.Helper()
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	return passport.Config{
		Issuer: Issuer, Store: new(memstore.Store), Keys: keys, Users: NewAccounts("alice"),
		Scopes: []passport.Scope{{ID: "read", Description: "Read your orders"}}, Logger: slog.New(slog.DiscardHandler),
	}
}

// AccessIn returns the access token of a token response.
func AccessIn(body string) string {
	var got Tokens
	_ = json.Unmarshal([]byte(body), &got)
	return got.Access
}

// IsNotFound reports whether err is [oauth.ErrNotFound].
func IsNotFound(err error) bool { return errors.Is(err, oauth.ErrNotFound) }
