package testkit

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// DefaultState is the state that [Client.Request] sends.
const DefaultState = "state-of-the-client"

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
	created, err := s.CreateClient(s.T.Context(), reg)
	if err != nil {
		s.T.Fatalf("CreateClient: %v", err)
	}
	return &Client{created.Client, created.Secret, strings.Repeat("verifier-", 6)}
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

// Kiosk registers a client for the custom grant and more grant types.
func (s *Server) Kiosk(more ...string) *Client {
	return s.Register(passport.Registration{GrantTypes: append([]string{VoucherType}, more...)})
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

// Legacy registers a client for the password grant.
func (s *Server) Legacy(change ...func(*passport.Registration)) *Client {
	s.T.Helper()
	reg := passport.Registration{GrantTypes: []string{"password", "refresh_token"}, RedirectURIs: []string{}}
	for _, f := range change {
		f(&reg)
	}
	return s.Register(reg)
}

// Owned registers a client that bob owns, with one redirect URI.
func (s *Server) Owned(uri string) *Client {
	s.T.Helper()
	return s.Register(passport.Registration{Owner: Ref("bob"), RedirectURIs: []string{uri}})
}

// MachineNamed registers a client with this ID, and with secret as a further
// secret.
func (s *Server) MachineNamed(id, secret string) *Client {
	s.T.Helper()
	c := s.Register(passport.Registration{ID: id, GrantTypes: []string{"client_credentials"}})
	s.AddSecret(id, secret, time.Time{})
	return c
}

// Request returns the parameters of an authorization request with the scope read. pairs
// of name and value change it. An empty value removes a parameter.
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

// Change writes to the store directly, without the checks of UpdateClient. So it can
// store values that only another version or another program would store.
func (s *Server) Change(c *Client, change func(*oauth.Client)) {
	s.T.Helper()
	stored, err := s.Store.Client(s.T.Context(), c.ID)
	if err != nil {
		s.T.Fatal(err)
	}
	change(stored)
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

// AddSecret adds a secret to a client, even one that the server's RotateSecret
// would refuse. A zero expiresAt means that it never expires.
func (s *Server) AddSecret(id, secret string, expiresAt time.Time) {
	s.T.Helper()
	added := oauth.Secret{Digest: oauth.DigestOf(secret), CreatedAt: time.Now(), ExpiresAt: expiresAt}
	if err := s.Store.RotateSecret(s.T.Context(), id, added, time.Now().Add(24*time.Hour), nil); err != nil {
		s.T.Fatal(err)
	}
}

// ExpireSecrets expires the secrets of a client, which must have at least one.
func (s *Server) ExpireSecrets(c *Client) {
	s.T.Helper()
	past := time.Now().Add(-time.Second)
	expired := oauth.Secret{Digest: oauth.DigestOf("expired"), CreatedAt: past, ExpiresAt: past}
	if err := s.Store.RotateSecret(s.T.Context(), c.ID, expired, past, nil); err != nil {
		s.T.Fatal(err)
	}
}
