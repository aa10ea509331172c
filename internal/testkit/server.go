package testkit

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// A test server uses a memstore, accounts that sign in with a cookie, browsers (see
// browser.go) and clients. It uses no sockets, so that tests can run in a synctest
// bubble:
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

// Do serves one request outside a browser.
func (s *Server) Do(r *http.Request) *Response {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return &Response{T: s.T, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// Works fails the test if err is not nil.
func (s *Server) Works(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// NewGet returns a GET request.
func NewGet(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }

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

// IsNotFound reports whether err is [oauth.ErrNotFound].
func IsNotFound(err error) bool { return errors.Is(err, oauth.ErrNotFound) }

// Get sends a GET to a path of the server.
func (s *Server) Get(path string, header ...string) *Response {
	r := NewGet(s.Config.Issuer + path)
	setHeader(r, header)
	return s.Do(r)
}

// Check fails the test, without stopping it, if err is not nil.
func Check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
