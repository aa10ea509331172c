package testkit

import (
	"context"
	"net/http/httptest"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// PasswordOf returns the password of a test account.
func PasswordOf(id string) string { return "the-password-of-" + id }

// WithPasswords enables the password grant.
func WithPasswords(c *passport.Config) { c.EnablePasswordGrant = true }

// UserByPassword implements [oauth.PasswordAuthenticator]. The user names are
// the account IDs, in any case.
func (a *Accounts) UserByPassword(ctx context.Context, username, password string) (*passport.User, error) {
	a.mu.Lock()
	a.Checked++
	during, id := a.During, strings.ToLower(username)
	a.mu.Unlock()
	user, err := a.UserByID(ctx, id)
	if err == nil && password != PasswordOf(id) {
		user, err = nil, oauth.ErrNotFound
	}
	if during != nil {
		during()
	}
	return user, err
}

// Legacy registers a client for the password grant.
func (s *Server) Legacy(change ...func(*passport.Registration)) *Client {
	s.T.Helper()
	reg := passport.Registration{GrantTypes: []string{"password", "refresh_token"}, RedirectURIs: []string{}}
	for _, f := range change {
		f(&reg)
	}
	return s.Register(reg)
}

// SignIn sends a password grant request, with further pairs of parameters.
func (s *Server) SignIn(c *Client, username, password string, pairs ...string) *Response {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "password", "username", username, "password", password}, pairs...)...)
}

// SendFrom sends a token request from an IP address.
func (s *Server) SendFrom(address, body string, header ...string) *Response {
	r := httptest.NewRequest("POST", s.TokenURL(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = address + ":40000"
	setHeader(r, header)
	return s.Do(r)
}
