package passporttest

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// Server is a real server for a test. Use it like a [passport.Server]: mount its
// routes, guard with it, revoke with it. Parallel subtests may share one.
type Server struct {
	*passport.Server

	t        testing.TB
	issuer   *url.URL
	users    map[string]passport.UserProvider // by the provider's name
	accounts *accounts                        // nil if the configuration has Users
	store    *store
	handler  http.Handler

	mu     sync.Mutex // guards tester
	tester *Client    // created on first use

	authorizePath, tokenPath string
}

// Issuer is the issuer of a server whose configuration has none. The domain is
// reserved for tests (RFC 6761 §6.2).
const Issuer = "https://app.test"

// NewServer returns a server in memory with the given configuration: usually the
// application's, without its database and its machine's settings. NewServer fills
// in missing fields:
//
//   - Issuer with [Issuer], Store with a [memstore.Store], Keys with new keys;
//   - Users with the server's own accounts, see [Server.User];
//   - Logger with the test's log, which go test shows if the test fails.
//
// A fault in the configuration ends the test. NewServer panics outside of tests.
func NewServer(t testing.TB, config passport.Config) *Server {
	insideTest("NewServer")
	t.Helper()
	s := &Server{t: t}
	s.complete(&config)
	var err error
	if s.issuer, err = url.Parse(config.Issuer); err != nil {
		t.Fatalf("passporttest: Config.Issuer: %v", err)
	}
	if s.Server, err = passport.New(config); err != nil {
		t.Fatalf("passporttest: the configuration has faults:\n%v", err)
	}
	s.handler = s.Server
	for route := range s.Routes() {
		switch route.Name {
		case "passport.authorizations.authorize":
			s.authorizePath = route.Path
		case "passport.token":
			s.tokenPath = route.Path
		}
	}
	return s
}

// algorithms returns the algorithms of the keys that the features need.
func algorithms(features []passport.Feature) []string {
	for _, f := range features {
		if _, ok := f.(passport.OpenID); ok {
			return []string{"ES256", "RS256"}
		}
	}
	return nil
}

// context returns the test's context, without its end, so that it is also valid
// during cleanup.
func (s *Server) context() context.Context { return context.WithoutCancel(s.t.Context()) }

// complete fills in missing fields of the configuration, and wraps its users and
// its store, so that a test can sign users in and expire tokens.
func (s *Server) complete(c *passport.Config) {
	s.t.Helper()
	c.Issuer = cmp.Or(c.Issuer, Issuer)
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(s.t.Output(), nil))
	}
	if c.Keys == nil {
		keys, err := passport.GenerateKeys(algorithms(c.Features)...)
		if err != nil {
			s.t.Fatalf("passporttest: %v", err)
		}
		c.Keys = keys
	}
	if c.Store == nil {
		c.Store = new(memstore.Store)
	}
	s.store = &store{Store: c.Store}
	c.Store = s.store

	if c.Users == nil {
		s.accounts = new(accounts)
		c.Users = s.accounts
	}
	s.users = maps.Clone(c.Providers)
	if s.users == nil {
		s.users = map[string]passport.UserProvider{}
	}
	c.Providers = maps.Clone(c.Providers)
	for name, users := range c.Providers {
		c.Providers[name] = withSignIn(name, users)
	}
	s.users[passport.DefaultProvider] = c.Users
	c.Users = withSignIn(passport.DefaultProvider, c.Users)
}

// Serve sets the handler for [Server.HTTPClient] and the other clients: the
// application, with the server's routes mounted in it. Without it, they send
// requests to the server itself.
func (s *Server) Serve(handler http.Handler) { s.handler = handler }

// Expire ends an access token now: guards refuse it even if its claims have a
// later expiry, and the lists of tokens show it as ended. Its refresh token stays
// valid. The ID is [Token.ID], or the ID in the record of a personal access
// token.
//
// To let all records age, sleep in a bubble of testing/synctest.
func (s *Server) Expire(tokenID string) {
	s.t.Helper()
	if err := s.store.expire(s.context(), tokenID); err != nil {
		s.t.Fatalf("passporttest: expire the access token %q: %v", tokenID, err)
	}
}

// NewClient creates a client. The registration may be empty: NewClient fills in
// Name, RedirectURIs and GrantTypes, with the grants that are enabled by default. With
// Audience and without GrantTypes it is an API, which gets only a Name.
// A fault in the registration ends the test.
func (s *Server) NewClient(reg passport.Registration) *Client {
	s.t.Helper()
	reg.Name = cmp.Or(reg.Name, "Test client")
	isAPI := reg.Audience != "" && reg.GrantTypes == nil // it gets no tokens
	if reg.GrantTypes == nil && !isAPI {
		reg.GrantTypes = []string{"authorization_code", "refresh_token"}
		if reg.AuthMethod != oauth.AuthNone {
			reg.GrantTypes = append(reg.GrantTypes, "client_credentials")
		}
	}
	if reg.RedirectURIs == nil && !isAPI {
		reg.RedirectURIs = []string{"https://client.test/callback"}
	}
	created, err := s.CreateClient(s.context(), reg)
	if err != nil {
		s.t.Fatalf("passporttest: create client: %v", err)
	}
	return s.Adopt(created)
}

// Adopt returns a client that the application created, for tests that act as this
// client.
func (s *Server) Adopt(created *passport.NewClient) *Client {
	return &Client{Client: created.Client, Secret: created.Secret, server: s}
}

// Token returns a user's token with these scopes, at a client of the test; see
// [Client.Token].
func (s *Server) Token(user *passport.User, scopes ...string) *Token {
	s.t.Helper()
	return s.testClient().Token(user, scopes...)
}

// ClientToken returns a token with these scopes of a client that acts for itself;
// see [Client.OwnToken].
func (s *Server) ClientToken(scopes ...string) *Token {
	s.t.Helper()
	return s.testClient().OwnToken(scopes...)
}

// PersonalToken returns a personal access token of a user of the default provider,
// with these scopes; see [passport.Server.CreateToken]. A refusal ends the test.
func (s *Server) PersonalToken(user *passport.User, scopes ...string) *Token {
	s.t.Helper()
	ref := passport.UserRef{Provider: passport.DefaultProvider, ID: user.ID}
	created, err := s.CreateToken(s.context(), ref, "Test token", scopes...)
	if err != nil {
		s.t.Fatalf("passporttest: the user %q got no personal access token for the scopes %q: %v", user.ID, scopes, err)
	}
	return &Token{ID: created.Token.ID, AccessToken: created.AccessToken, Record: created.Token, server: s}
}

func (s *Server) testClient() *Client {
	s.t.Helper()
	s.mu.Lock() // subtests may run in parallel
	defer s.mu.Unlock()
	if s.tester == nil {
		s.tester = s.NewClient(passport.Registration{})
	}
	return s.tester
}
