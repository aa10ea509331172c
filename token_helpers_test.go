package passport_test

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

// code goes as far as the code: alice allows the client.
func (s *server) code(c *client, pairs ...string) string {
	s.t.Helper()
	return s.browser().signIn("alice").authorize(c, pairs...).allow().code()
}

// refresh sends a refresh token, with further pairs of parameters.
func (s *server) refresh(c *client, token string, pairs ...string) *answer {
	s.t.Helper()
	return s.exchange(c, append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

// machineToken returns an access token that a client gets for itself.
func (s *server) machineToken(c *client, pairs ...string) string {
	s.t.Helper()
	return s.exchange(c, append([]string{"grant_type", "client_credentials"}, pairs...)...).tokens().Access
}

// send sends a token request as it is, with pairs of header and value; "-" takes
// a header out.
func (s *server) send(body string, header ...string) *answer {
	r := httptest.NewRequest("POST", s.tokenURL(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	setHeader(r, header)
	return s.do(r)
}

func (s *server) tokenURL() string { return strings.TrimSuffix(s.config.Issuer, "/") + "/oauth/token" }

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

// api is an API that answers with what the guard told it.
func api(w http.ResponseWriter, r *http.Request) {
	t := guard.TokenFrom(r.Context())
	a := admitted{Client: t.Client.ID, Scopes: t.Scopes}
	if u, ok := passport.UserFromContext[*record](r.Context()); ok {
		a.User = u.ID
	}
	if u, ok := t.Subject().User(); ok {
		a.Provider = u.Provider
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

// call sends a request to the API behind a guard, with pairs of header and
// value.
func (s *server) call(protect func(http.Handler) http.Handler, header ...string) *answer {
	r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
	setHeader(r, header)
	return s.callWith(protect, r)
}

func (s *server) callWith(protect func(http.Handler) http.Handler, r *http.Request) *answer {
	w := httptest.NewRecorder()
	protect(http.HandlerFunc(api)).ServeHTTP(w, r)
	return &answer{t: s.t, status: w.Code, header: w.Header(), body: w.Body.String()}
}

// admits reports whether a guard for anybody lets the token in, and fails the
// test for anything but a yes and an invalid_token.
func (s *server) admits(token string) bool {
	s.t.Helper()
	a := s.call(s.GuardAny(), "Authorization", "Bearer "+token)
	if a.status != http.StatusOK && (a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`)) {
		s.t.Errorf("a guard answered %s with challenge %q: want the API's answer, or invalid_token", a, a.header.Get("WWW-Authenticate"))
	}
	return a.status == http.StatusOK
}

// wantAdmits fails unless the token is admitted, or refused.
func (s *server) wantAdmits(token string, want bool, what string) {
	s.t.Helper()
	if got := s.admits(token); got != want {
		s.t.Errorf("%s: the access token is admitted = %v, want %v", what, got, want)
	}
}

// told returns what the API behind the guard was told.
func (a *answer) told() (got admitted) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK {
		a.t.Fatalf("want the API's answer, got %s", a)
	}
	return got
}

// description is the error_description of a refusal.
func (a *answer) description() string {
	a.t.Helper()
	text, _ := a.json()["error_description"].(string)
	return text
}

// wantBlameless fails if the server logged an error: what a client sends is
// never a fault that somebody has to mend.
func (s *server) wantBlameless() {
	s.t.Helper()
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			s.t.Errorf("what a client sent was logged as a fault of ours: %s", line)
		}
	}
}

// watched is a server whose store can be made to fail.
func watched(t *testing.T, change ...func(*passport.Config)) (*server, *watchedStore) {
	t.Helper()
	store := &watchedStore{Store: new(memstore.Store)}
	s := newServer(t, slices.Concat([]func(*passport.Config){func(c *passport.Config) { c.Store = store }}, change)...)
	return s, store
}

// total returns how many verbs were called since the last time.
func (w *watchedStore) total() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, calls := range w.calls {
		n += calls
	}
	clear(w.calls)
	return n
}

func newECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// withKeys returns a change of the configuration: these keys, the first of which
// signs.
func withKeys(t testing.TB, signers ...crypto.Signer) func(*passport.Config) {
	t.Helper()
	keys, err := passport.NewKeys(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *passport.Config) { c.Keys = keys }
}

// withAudit turns the audit log on.
func withAudit(c *passport.Config) { c.AuditLog = true }

// change changes a client as an administrator would.
func (s *server) change(c *client, how func(*oauth.Client)) {
	s.t.Helper()
	stored, err := s.store.Client(s.t.Context(), c.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	how(stored)
	if err := s.store.UpdateClient(s.t.Context(), stored, nil); err != nil {
		s.t.Fatal(err)
	}
}

// narrowClient leaves a client only these scopes.
func (s *server) narrowClient(c *client, scopes ...string) {
	s.t.Helper()
	s.change(c, func(stored *oauth.Client) { stored.Scopes = scopes })
}

// suspend suspends a client.
func (s *server) suspend(c *client) {
	s.t.Helper()
	s.change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Now() })
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// wantAudit fails unless the audit log holds so many records of an action.
func (s *server) wantAudit(action string, want int) {
	s.t.Helper()
	got := 0
	for record := range s.audited() {
		if record.Action == action {
			got++
		}
	}
	if got != want {
		s.t.Errorf("the audit log holds %d records of %q, want %d", got, action, want)
	}
}

// audited yields the audit log.
func (s *server) audited() func(yield func(*oauth.AuditRecord) bool) {
	s.t.Helper()
	log, ok := oauth.StoreAs[oauth.AuditStore](s.store)
	if !ok {
		s.t.Fatal("the store has no audit log")
	}
	return func(yield func(*oauth.AuditRecord) bool) {
		for record, err := range log.AuditLog(s.t.Context(), time.Time{}) {
			if err != nil {
				s.t.Fatal(err)
			}
			if !yield(record) {
				return
			}
		}
	}
}

func newGet(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }

// printed is a value in all the ways that a careless line of code prints it.
func printed(v any) string {
	return fmt.Sprintf("%v\n%+v\n%#v\n%s\n%x", v, v, v, v, v)
}

// plainConfig is a configuration without what a test looks at: it logs nothing.
func plainConfig(t testing.TB) passport.Config {
	t.Helper()
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	return passport.Config{
		Issuer: issuer, Store: new(memstore.Store), Keys: keys, Users: newAccounts("alice"),
		Scopes: []passport.Scope{{ID: "read", Description: "Read your orders"}}, Logger: slog.New(slog.DiscardHandler),
	}
}

// accessIn returns the access token of a token response.
func accessIn(body string) string {
	var got tokens
	_ = json.Unmarshal([]byte(body), &got)
	return got.Access
}

func isNotFound(err error) bool { return errors.Is(err, oauth.ErrNotFound) }
