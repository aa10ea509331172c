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

// What the tests of the token endpoint and of the guard share beside the
// harness.

// Code goes as far as the code: alice allows the client.
func (s *Server) Code(c *Client, pairs ...string) string {
	s.T.Helper()
	return s.Browser().SignIn("alice").Authorize(c, pairs...).Allow().Code()
}

// Refresh sends a refresh token, with further pairs of parameters.
func (s *Server) Refresh(c *Client, token string, pairs ...string) *Answer {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

// MachineToken returns an access token that a client gets for itself.
func (s *Server) MachineToken(c *Client, pairs ...string) string {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "client_credentials"}, pairs...)...).Tokens().Access
}

// Send sends a token request as it is, with pairs of header and value; "-" takes
// a header out.
func (s *Server) Send(body string, header ...string) *Answer {
	r := httptest.NewRequest("POST", s.TokenURL(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	setHeader(r, header)
	return s.Do(r)
}

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

// admitted is what the API behind a guard was told.
type admitted struct {
	User     string   `json:"user"`   // from its own record, empty for a client
	Client   string   `json:"client"` // of the token
	Scopes   []string `json:"scopes"`
	Provider string   `json:"provider"`
}

// API is an API that answers with what the guard told it.
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

// Call sends a request to the API behind a guard, with pairs of header and
// value.
func (s *Server) Call(protect func(http.Handler) http.Handler, header ...string) *Answer {
	r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
	setHeader(r, header)
	return s.CallWith(protect, r)
}

func (s *Server) CallWith(protect func(http.Handler) http.Handler, r *http.Request) *Answer {
	w := httptest.NewRecorder()
	protect(http.HandlerFunc(API)).ServeHTTP(w, r)
	return &Answer{T: s.T, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// Admits reports whether a guard for anybody lets the token in, and fails the
// test for anything but a yes and an invalid_token.
func (s *Server) Admits(token string) bool {
	s.T.Helper()
	a := s.Call(s.GuardAny(), "Authorization", "Bearer "+token)
	if a.Status != http.StatusOK && (a.Status != http.StatusUnauthorized || !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`)) {
		s.T.Errorf("a guard answered %s with challenge %q: want the API's answer, or invalid_token", a, a.Header.Get("WWW-Authenticate"))
	}
	return a.Status == http.StatusOK
}

// WantAdmits fails unless the token is admitted, or refused.
func (s *Server) WantAdmits(token string, want bool, what string) {
	s.T.Helper()
	if got := s.Admits(token); got != want {
		s.T.Errorf("%s: the access token is admitted = %v, want %v", what, got, want)
	}
}

// Told returns what the API behind the guard was told.
func (a *Answer) Told() (got admitted) {
	a.T.Helper()
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusOK {
		a.T.Fatalf("want the API's answer, got %s", a)
	}
	return got
}

// Description is the error_description of a refusal.
func (a *Answer) Description() string {
	a.T.Helper()
	text, _ := a.JSON()["error_description"].(string)
	return text
}

// WantBlameless fails if the server logged an error: what a client sends is
// never a fault that somebody has to mend.
func (s *Server) WantBlameless() {
	s.T.Helper()
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			s.T.Errorf("what a client sent was logged as a fault of ours: %s", line)
		}
	}
}

// Watched is a server whose store can be made to fail.
func Watched(t *testing.T, change ...func(*passport.Config)) (*Server, *WatchedStore) {
	t.Helper()
	store := &WatchedStore{Store: new(memstore.Store)}
	s := NewServer(t, slices.Concat([]func(*passport.Config){func(c *passport.Config) { c.Store = store }}, change)...)
	return s, store
}

// Total returns how many verbs were called since the last time.
func (w *WatchedStore) Total() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, calls := range w.calls {
		n += calls
	}
	clear(w.calls)
	return n
}

func NewECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// WithKeys returns a change of the configuration: these keys, the first of which
// signs.
func WithKeys(t testing.TB, signers ...crypto.Signer) func(*passport.Config) {
	t.Helper()
	keys, err := passport.NewKeys(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *passport.Config) { c.Keys = keys }
}

// WithAudit turns the audit log on.
func WithAudit(c *passport.Config) { c.AuditLog = true }

// Change changes a client as an administrator would.
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

// NarrowClient leaves a client only these scopes.
func (s *Server) NarrowClient(c *Client, scopes ...string) {
	s.T.Helper()
	s.Change(c, func(stored *oauth.Client) { stored.Scopes = scopes })
}

// Suspend suspends a client.
func (s *Server) Suspend(c *Client) {
	s.T.Helper()
	s.Change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Now() })
}

func Median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// WantAudit fails unless the audit log holds so many records of an action.
func (s *Server) WantAudit(action string, want int) {
	s.T.Helper()
	got := 0
	for record := range s.Audited() {
		if record.Action == action {
			got++
		}
	}
	if got != want {
		s.T.Errorf("the audit log holds %d records of %q, want %d", got, action, want)
	}
}

// Audited yields the audit log.
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

func NewGet(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }

// Printed is a value in all the ways that a careless line of code prints it.
func Printed(v any) string {
	return fmt.Sprintf("%v\n%+v\n%#v\n%s\n%x", v, v, v, v, v)
}

// PlainConfig is a configuration without what a test looks at: it logs nothing.
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

func IsNotFound(err error) bool { return errors.Is(err, oauth.ErrNotFound) }
