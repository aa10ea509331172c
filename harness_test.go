package passport_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// What the tests of this package share: a server over a memstore, accounts whose
// sign-in is a cookie, a browser (see harness_browser_test.go) and clients. No
// sockets, so all of it runs in a synctest bubble:
//
//	s := newServer(t)
//	c := s.web()                          // or s.spa(), s.native(), s.register(…)
//	b := s.browser().signIn("alice")
//	code := b.authorize(c).allow().code() // GET, consent page, form, code
//	tokens := s.redeem(c, code)           // fails the test unless it gets tokens
//	refused := s.exchange(c, "grant_type", "refresh_token", "refresh_token", tokens.Refresh)
//	refused.wantJSONError(400, "invalid_grant")

// issuer is that of every server here, unless a test says otherwise.
const issuer = "https://auth.example.com"

// defaultState is the state that [client.request] sends.
const defaultState = "state-of-the-client"

// server is a server under test with what it stands on.
type server struct {
	*passport.Server
	t      *testing.T
	config passport.Config // as it was given to New
	store  oauth.Store
	users  *accounts
	log    *lockedBuffer // all that was logged, as JSON lines
	events *events
}

// newServer returns a server with the scopes read, write and admin, the users
// alice and bob, and nothing remembered. change, if given, sees the
// configuration before New does.
func newServer(t *testing.T, change ...func(*passport.Config)) *server {
	t.Helper()
	s := &server{t: t, users: newAccounts("alice", "bob"), log: new(lockedBuffer), events: new(events)}
	s.config = passport.Config{
		Issuer: issuer, Store: new(memstore.Store), Keys: newKeys(t), Users: s.users,
		Scopes: []passport.Scope{
			{ID: "read", Description: "Read your orders"}, {ID: "write", Description: "Place orders for you"},
			{ID: "admin", Description: "Administer the shop"},
		},
		OnEvent: s.events.add,
		Logger:  slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return s.restart(change...)
}

// restart returns another server over the same store, users and log, with a
// changed configuration; s keeps working.
func (s *server) restart(change ...func(*passport.Config)) *server {
	s.t.Helper()
	next := *s
	for _, f := range change {
		f(&next.config)
	}
	var err error
	if next.Server, err = passport.New(next.config); err != nil {
		s.t.Fatalf("New: %v", err)
	}
	next.store = next.config.Store
	return &next
}

// in returns the server for a subtest, which fails in place of its parent.
func (s *server) in(t *testing.T) *server {
	sub := *s
	sub.t = t
	return &sub
}

func newKeys(t *testing.T) *passport.Keys {
	t.Helper()
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// client is a registered client with all that it knows.
type client struct {
	*oauth.Client
	secret   string // empty for a public one
	verifier string // its code_verifier, the same in every request
}

// register makes a client. What reg leaves out is filled in: a name, and the
// redirect URI of a website.
func (s *server) register(reg passport.Registration) *client {
	s.t.Helper()
	if reg.Name == "" {
		reg.Name = "Example App"
	}
	if reg.RedirectURIs == nil {
		reg.RedirectURIs = []string{"https://app.example.com/cb"}
	}
	made, err := s.CreateClient(s.t.Context(), reg)
	if err != nil {
		s.t.Fatalf("CreateClient: %v", err)
	}
	return &client{made.Client, made.Secret, strings.Repeat("verifier-", 6)}
}

// web is a confidential client, spa a public one that runs in a browser, native
// a public one on the user's device, machine one that acts for itself.
func (s *server) web() *client { return s.register(passport.Registration{}) }

func (s *server) spa() *client {
	return s.register(passport.Registration{AuthMethod: oauth.AuthNone})
}

func (s *server) native() *client {
	return s.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/cb"}})
}

func (s *server) machine() *client {
	return s.register(passport.Registration{GrantTypes: []string{"client_credentials"}})
}

// request returns the parameters of an authorization request for the scope read,
// changed by pairs of name and value. An empty value takes a parameter out.
func (c *client) request(pairs ...string) url.Values {
	params := url.Values{
		"client_id": {c.ID}, "response_type": {"code"}, "scope": {"read"}, "state": {defaultState},
		"code_challenge": {challenge(c.verifier)}, "code_challenge_method": {"S256"},
	}
	if len(c.RedirectURIs) > 0 {
		params.Set("redirect_uri", c.RedirectURIs[0])
	}
	return set(params, pairs...)
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func set(params url.Values, pairs ...string) url.Values {
	for i := 0; i < len(pairs); i += 2 {
		params.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			params.Del(pairs[i])
		}
	}
	return params
}

// exchange sends a token request of the client's: with HTTP Basic, or its ID
// alone if it is public, and these pairs of parameters.
func (s *server) exchange(c *client, pairs ...string) *answer {
	s.t.Helper()
	form := set(url.Values{}, pairs...)
	if c.secret == "" {
		form.Set("client_id", c.ID)
	}
	r := httptest.NewRequest("POST", issuer+"/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.secret != "" {
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.secret))
	}
	return s.do(r)
}

// do serves one request, outside of any browser.
func (s *server) do(r *http.Request) *answer {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return &answer{t: s.t, status: w.Code, header: w.Header(), body: w.Body.String()}
}

// tokens is what a token response holds.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
}

// codeForm is what a client sends to redeem a code.
func (c *client) codeForm(code string) []string {
	return []string{"grant_type", "authorization_code", "code", code, "redirect_uri", c.RedirectURIs[0], "code_verifier", c.verifier}
}

// redeem exchanges a code for tokens.
func (s *server) redeem(c *client, code string) *tokens {
	s.t.Helper()
	return s.exchange(c, c.codeForm(code)...).tokens()
}

// grantTokens goes the whole way: alice allows the client, which redeems the code.
func (s *server) grantTokens(c *client, pairs ...string) *tokens {
	s.t.Helper()
	return s.redeem(c, s.browser().signIn("alice").authorize(c, pairs...).allow().code())
}

// accounts is a UserProvider. Signing in is a cookie that holds a session ID.
type accounts struct {
	mu       sync.Mutex
	byID     map[string]*passport.User
	sessions map[string]*passport.User
	current  func(*passport.User) (*passport.User, error) // changes what CurrentUser returns, if set
	failure  error                                        // of CurrentUser and UserByID, if set
	noSignIn bool                                         // there is no sign-in page
	checked  int                                          // passwords
	during   func()                                       // happens while a password is checked
}

// record is the application's own of an account, in User.Data.
type record struct{ ID string }

func newAccounts(ids ...string) *accounts {
	a := &accounts{byID: map[string]*passport.User{}, sessions: map[string]*passport.User{}}
	for _, id := range ids {
		a.byID[id] = &passport.User{ID: id, Name: "Name of " + id, Data: &record{id}}
	}
	return a
}

// with changes the accounts while nobody reads them.
func (a *accounts) with(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// remove makes an account go away.
func (a *accounts) remove(id string) { a.with(func() { delete(a.byID, id) }) }

func (a *accounts) CurrentUser(r *http.Request) (*passport.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failure != nil {
		return nil, a.failure
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || a.sessions[cookie.Value] == nil || a.byID[a.sessions[cookie.Value].ID] == nil {
		return nil, oauth.ErrNotFound
	}
	user := *a.sessions[cookie.Value]
	if a.current != nil {
		return a.current(&user)
	}
	return &user, nil
}

func (a *accounts) UserByID(_ context.Context, id string) (*passport.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failure != nil {
		return nil, a.failure
	}
	if u, ok := a.byID[id]; ok {
		user := *u
		return &user, nil
	}
	return nil, oauth.ErrNotFound
}

func (a *accounts) SignInURL(_ *http.Request, returnTo string) string {
	if a.noSignIn {
		return ""
	}
	return "/login?" + url.Values{"return_to": {returnTo}}.Encode()
}

// ref names an account of the default provider.
func ref(id string) oauth.UserRef { return oauth.UserRef{Provider: passport.DefaultProvider, ID: id} }

// events keeps what was announced.
type events struct {
	mu  sync.Mutex
	all []passport.Event
}

func (e *events) add(_ context.Context, event passport.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// eventsOf returns the events of one type so far.
func eventsOf[E passport.Event](s *server) (found []E) {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	for _, event := range s.events.all {
		if e, ok := event.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// lockedBuffer is a bytes.Buffer for many goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// claimsOf returns the claims of a JWT without verifying it.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func newSigner(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keysOf(t *testing.T, signers ...crypto.Signer) *passport.Keys {
	t.Helper()
	keys, err := passport.NewKeys(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
