package passport_test

import (
	"context"
	"net/http/httptest"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// passwordOf is the password of an account of the harness.
func passwordOf(id string) string { return "the-password-of-" + id }

// withPasswords turns the password grant on.
func withPasswords(c *passport.Config) { c.EnablePasswordGrant = true }

// UserByPassword makes the accounts an oauth.PasswordAuthenticator. Their names
// are their IDs, in any case.
func (a *accounts) UserByPassword(ctx context.Context, username, password string) (*passport.User, error) {
	a.mu.Lock()
	a.checked++
	during, id := a.during, strings.ToLower(username)
	a.mu.Unlock()
	user, err := a.UserByID(ctx, id)
	if err == nil && password != passwordOf(id) {
		user, err = nil, oauth.ErrNotFound
	}
	if during != nil {
		during()
	}
	return user, err
}

// legacy is a client of the password grant.
func (s *server) legacy(change ...func(*passport.Registration)) *client {
	s.t.Helper()
	reg := passport.Registration{GrantTypes: []string{"password", "refresh_token"}, RedirectURIs: []string{}}
	for _, f := range change {
		f(&reg)
	}
	return s.register(reg)
}

// signIn sends a user's name and password, with further pairs of parameters.
func (s *server) signIn(c *client, username, password string, pairs ...string) *answer {
	s.t.Helper()
	return s.exchange(c, append([]string{"grant_type", "password", "username", username, "password", password}, pairs...)...)
}

// sendFrom sends a token request from an address.
func (s *server) sendFrom(address, body string, header ...string) *answer {
	r := httptest.NewRequest("POST", s.tokenURL(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = address + ":40000"
	setHeader(r, header)
	return s.do(r)
}
