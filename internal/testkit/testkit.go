package testkit

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

// The harness of the server's tests: a server over a memstore, accounts that
// sign in with a cookie, a browser (see browser.go) and clients. It uses no
// sockets, so that tests can run in a synctest bubble:
//
//	s := testkit.NewServer(t)
//	c := s.Web()                          // or s.Spa(), s.Native(), s.Register(…)
//	b := s.Browser().SignIn("alice")
//	code := b.Authorize(c).Allow().Code() // GET, consent page, form, code
//	tokens := s.Redeem(c, code)           // fails the test unless it gets tokens
//	refused := s.Exchange(c, "grant_type", "refresh_token", "refresh_token", tokens.Refresh)
//	refused.WantJSONError(400, "invalid_grant")

// Issuer is the default issuer of a test server.
const Issuer = "https://auth.example.com"

// DefaultState is the state that [Client.Request] sends.
const DefaultState = "state-of-the-client"

// Server is a server under test, with its configuration, store, users, log and
// events.
type Server struct {
	*passport.Server
	T      *testing.T
	Config passport.Config // the configuration of passport.New
	Store  oauth.Store
	Users  *Accounts
	Log    *LockedBuffer // the whole log, as JSON lines
	Events *events
}

// NewServer returns a server with the scopes read, write and admin, the users
// alice and bob, and no consents. The functions in change may change the
// configuration.
func NewServer(t *testing.T, change ...func(*passport.Config)) *Server {
	t.Helper()
	s := &Server{T: t, Users: NewAccounts("alice", "bob"), Log: new(LockedBuffer), Events: new(events)}
	s.Config = passport.Config{
		Issuer: Issuer, Store: new(memstore.Store), Keys: NewKeys(t), Users: s.Users,
		Scopes: []passport.Scope{
			{ID: "read", Description: "Read your orders"}, {ID: "write", Description: "Place orders for you"},
			{ID: "admin", Description: "Administer the shop"},
		},
		OnEvent: s.Events.add,
		Logger:  slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return s.Restart(change...)
}

// Restart returns another server with the same store, users and log, and a
// changed configuration. s keeps working.
func (s *Server) Restart(change ...func(*passport.Config)) *Server {
	s.T.Helper()
	next := *s
	for _, f := range change {
		f(&next.Config)
	}
	var err error
	if next.Server, err = passport.New(next.Config); err != nil {
		s.T.Fatalf("New: %v", err)
	}
	next.Store = next.Config.Store
	return &next
}

// In returns the server for a subtest: its helpers fail t.
func (s *Server) In(t *testing.T) *Server {
	sub := *s
	sub.T = t
	return &sub
}

// NewKeys returns new signing keys.
func NewKeys(t *testing.T) *passport.Keys {
	t.Helper()
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Client is a registered client with its credentials.
type Client struct {
	*oauth.Client
	Secret   string // empty for a public client
	Verifier string // its code_verifier, the same in every request
}

// Register creates a client. It fills in a name and a website's redirect URI if
// reg omits them.
func (s *Server) Register(reg passport.Registration) *Client {
	s.T.Helper()
	if reg.Name == "" {
		reg.Name = "Example App"
	}
	if reg.RedirectURIs == nil {
		reg.RedirectURIs = []string{"https://app.example.com/cb"}
	}
	made, err := s.CreateClient(s.T.Context(), reg)
	if err != nil {
		s.T.Fatalf("CreateClient: %v", err)
	}
	return &Client{made.Client, made.Secret, strings.Repeat("verifier-", 6)}
}

// Web registers a confidential client.
func (s *Server) Web() *Client { return s.Register(passport.Registration{}) }

// Spa registers a public client that runs in a browser.
func (s *Server) Spa() *Client {
	return s.Register(passport.Registration{AuthMethod: oauth.AuthNone})
}

// Native registers a public client on the user's device.
func (s *Server) Native() *Client {
	return s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/cb"}})
}

// Machine registers a client that acts for itself.
func (s *Server) Machine() *Client {
	return s.Register(passport.Registration{GrantTypes: []string{"client_credentials"}})
}

// Request returns the parameters of an authorization request for the scope
// read. pairs of name and value change it. An empty value removes a parameter.
func (c *Client) Request(pairs ...string) url.Values {
	params := url.Values{
		"client_id": {c.ID}, "response_type": {"code"}, "scope": {"read"}, "state": {DefaultState},
		"code_challenge": {Challenge(c.Verifier)}, "code_challenge_method": {"S256"},
	}
	if len(c.RedirectURIs) > 0 {
		params.Set("redirect_uri", c.RedirectURIs[0])
	}
	return Set(params, pairs...)
}

// Challenge returns the S256 code challenge of a verifier (RFC 7636 §4.2).
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Set sets parameters from pairs of name and value. An empty value removes a
// parameter.
func Set(params url.Values, pairs ...string) url.Values {
	for i := 0; i < len(pairs); i += 2 {
		params.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			params.Del(pairs[i])
		}
	}
	return params
}

// Exchange sends a token request with pairs of parameters. A confidential
// client authenticates with HTTP Basic, a public client sends its ID.
func (s *Server) Exchange(c *Client, pairs ...string) *Response {
	s.T.Helper()
	form := Set(url.Values{}, pairs...)
	if c.Secret == "" {
		form.Set("client_id", c.ID)
	}
	r := httptest.NewRequest("POST", Issuer+"/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.Secret != "" {
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
	return s.Do(r)
}

// Do serves one request outside a browser.
func (s *Server) Do(r *http.Request) *Response {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return &Response{T: s.T, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// Tokens is a token response.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
}

// CodeForm returns the parameters with which a client redeems a code.
func (c *Client) CodeForm(code string) []string {
	return []string{"grant_type", "authorization_code", "code", code, "redirect_uri", c.RedirectURIs[0], "code_verifier", c.Verifier}
}

// Redeem exchanges a code for tokens.
func (s *Server) Redeem(c *Client, code string) *Tokens {
	s.T.Helper()
	return s.Exchange(c, c.CodeForm(code)...).Tokens()
}

// GrantTokens runs the whole code flow: alice allows the client, and the client
// redeems the code.
func (s *Server) GrantTokens(c *Client, pairs ...string) *Tokens {
	s.T.Helper()
	return s.Redeem(c, s.Browser().SignIn("alice").Authorize(c, pairs...).Allow().Code())
}

// Accounts is a UserProvider. A session is a cookie with a session ID.
type Accounts struct {
	mu       sync.Mutex
	ByID     map[string]*passport.User
	Sessions map[string]*passport.User
	Current  func(*passport.User) (*passport.User, error) // changes the result of CurrentUser, if set
	Failure  error                                        // error of CurrentUser and UserByID, if set
	NoSignIn bool                                         // there is no sign-in page
	Checked  int                                          // number of password checks
	During   func()                                       // runs during a password check, if set
}

// Record is the application's own record of an account, in User.Data.
type Record struct{ ID string }

// NewAccounts returns accounts with these IDs.
func NewAccounts(ids ...string) *Accounts {
	a := &Accounts{ByID: map[string]*passport.User{}, Sessions: map[string]*passport.User{}}
	for _, id := range ids {
		a.ByID[id] = &passport.User{ID: id, Name: "Name of " + id, Data: &Record{id}}
	}
	return a
}

// With runs change while no request reads the accounts.
func (a *Accounts) With(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// Remove deletes an account.
func (a *Accounts) Remove(id string) { a.With(func() { delete(a.ByID, id) }) }

// CurrentUser implements [passport.UserProvider].
func (a *Accounts) CurrentUser(r *http.Request) (*passport.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Failure != nil {
		return nil, a.Failure
	}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil || a.Sessions[cookie.Value] == nil || a.ByID[a.Sessions[cookie.Value].ID] == nil {
		return nil, oauth.ErrNotFound
	}
	user := *a.Sessions[cookie.Value]
	if a.Current != nil {
		return a.Current(&user)
	}
	return &user, nil
}

// UserByID implements [passport.UserProvider].
func (a *Accounts) UserByID(_ context.Context, id string) (*passport.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Failure != nil {
		return nil, a.Failure
	}
	if u, ok := a.ByID[id]; ok {
		user := *u
		return &user, nil
	}
	return nil, oauth.ErrNotFound
}

// SignInURL implements [passport.UserProvider].
func (a *Accounts) SignInURL(_ *http.Request, returnTo string) string {
	if a.NoSignIn {
		return ""
	}
	return "/login?" + url.Values{"return_to": {returnTo}}.Encode()
}

// Ref returns the reference of an account of the default provider.
func Ref(id string) oauth.UserRef { return oauth.UserRef{Provider: passport.DefaultProvider, ID: id} }

// events collects the published events.
type events struct {
	Mu  sync.Mutex
	All []passport.Event
}

func (e *events) add(_ context.Context, event passport.Event) {
	e.Mu.Lock()
	defer e.Mu.Unlock()
	e.All = append(e.All, event)
}

// EventsOf returns the events of one type so far.
func EventsOf[E passport.Event](s *Server) (found []E) {
	s.Events.Mu.Lock()
	defer s.Events.Mu.Unlock()
	for _, event := range s.Events.All {
		if e, ok := event.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// LockedBuffer is a bytes.Buffer that is safe for concurrent use.
type LockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (b *LockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns everything that was written.
func (b *LockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// ClaimsOf returns the claims of a JWT without verifying it.
func ClaimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", token)
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

// NewSigner returns a new P-256 key as a signer.
func NewSigner(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// KeysOf returns keys with these signers.
func KeysOf(t *testing.T, signers ...crypto.Signer) *passport.Keys {
	t.Helper()
	keys, err := passport.NewKeys(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
