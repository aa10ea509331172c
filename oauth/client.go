package oauth

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Client is an application that is registered to request tokens (RFC 6749 §2).
type Client struct {
	ID string // valid UTF-8 without NUL, at most 255 bytes

	// Key is a unique name of a client that the server creates itself. If
	// several nodes create it at the same time, only one succeeds. Empty for
	// all other clients.
	Key string

	Name       string  // shown to users; at most 255 bytes
	Owner      UserRef // the user that owns it; zero for a client of an administrator
	AuthMethod AuthMethod
	Secrets    []Secret // several during a rotation; empty in a client that was read with a token
	Provider   string   // the provider of its users; empty for the default provider

	RedirectURIs []string
	GrantTypes   []string
	Scopes       []string // nil allows every registered scope, empty none

	// AllowedOrigins are further origins whose pages may call the token and
	// revocation endpoints as this client (CORS), such as "capacitor://localhost":
	// scheme://host or scheme://host:port in lower case (RFC 6454 §6.2). The origins
	// of RedirectURIs need no entry. At most [MaxOrigins].
	AllowedOrigins []string

	// The lifetimes of the client's tokens. Zero: the server's lifetimes.
	// FamilyTTL is the lifetime of a [Family].
	AccessTokenTTL, RefreshTokenTTL, FamilyTTL time.Duration

	// EndsWithSession ends the client's tokens with the browser session in which
	// the user granted them: a sign-out revokes them, and they expire at
	// [User.SessionExpiresAt]. A granted scope offline_access exempts them (OpenID
	// Connect Core §11).
	EndsWithSession bool

	// Audience makes the client an API (a resource server): it may introspect
	// tokens for this audience (RFC 7662 §4, RFC 8707). It is an absolute URI
	// without fragment, at most [MaxAudience] bytes. It is empty for a client that
	// isn't an API.
	Audience string

	// OpenID are the client's settings for OpenID Connect; nil for none. It is read with
	// the client alone, not with a token.
	OpenID *ClientOpenID

	Attributes  map[string]string // the application's own
	CreatedAt   time.Time
	UpdatedAt   time.Time // zero until it is changed; see [ClientStore]
	SuspendedAt time.Time // can be undone
	RevokedAt   time.Time // final

	// TokensNotBefore is the time up to which all codes and tokens of the client have
	// ended; zero if none have. See [TokenStore].
	TokensNotBefore time.Time

	Version int64 // counts changes; see [ClientStore]

	// ConsentVersion counts the changes of what consent pages show about the client;
	// see [Client.LooksLike]. A consent is valid at the number that its page showed
	// and at no other. A store counts it, and ignores the value in an update.
	ConsentVersion int64
}

// MaxOrigins is the largest number of AllowedOrigins of a [Client]. Each request with
// one of the client's tokens reads them.
const MaxOrigins = 50

// MaxAudience is the longest Audience of a [Client], in bytes.
const MaxAudience = 2048

// Validate returns an error for a client that a store refuses: one with an Audience
// that no token can have, with AllowedOrigins that no browser sends, or with an OpenID
// that is too long.
func (c *Client) Validate() error {
	if err := c.OpenID.Validate(); err != nil {
		return err
	}
	if len(c.AllowedOrigins) > MaxOrigins || slices.ContainsFunc(c.AllowedOrigins, notOrigin) {
		return fmt.Errorf("oauth: the client's allowed origins are not valid: want at most %d, each as scheme://host or scheme://host:port in lower case", MaxOrigins)
	}
	u, err := url.Parse(c.Audience)
	switch {
	case c.Audience == "":
		return nil
	case err != nil, !u.IsAbs(), len(c.Audience) > MaxAudience, !utf8.ValidString(c.Audience), strings.ContainsFunc(c.Audience, notInAudience):
		return fmt.Errorf("oauth: the client's audience is not valid: want an absolute URI without fragment, at most %d bytes (RFC 8707 §2)", MaxAudience)
	}
	return nil
}

// notOrigin reports whether a text can't be an origin or can't be stored in a list.
func notOrigin(text string) bool {
	const maxOrigin = 255
	return !strings.Contains(text, "://") || len(text) > maxOrigin || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func notInAudience(r rune) bool { return r == '#' || unicode.IsSpace(r) || !unicode.IsGraphic(r) }

// Secret is one of a client's secrets.
type Secret struct {
	Digest    Digest
	CreatedAt time.Time
	ExpiresAt time.Time // zero: it does not expire
}

// AuthMethod is the way in which a client authenticates, as in
// token_endpoint_auth_method (RFC 7591 §2). It does not change after the
// client's creation: a client that loses its last secret does not become
// public.
type AuthMethod string

// The authentication methods.
const (
	AuthNone  AuthMethod = "none"
	AuthBasic AuthMethod = "client_secret_basic"
	AuthPost  AuthMethod = "client_secret_post"

	// AuthSecret accepts AuthBasic and AuthPost, but not both in one request
	// (RFC 6749 §2.3). It is the default.
	AuthSecret AuthMethod = "client_secret_basic client_secret_post"
)

// Accepts reports whether m is or includes the method used.
func (m AuthMethod) Accepts(used AuthMethod) bool {
	return slices.Contains(strings.Fields(string(m)), string(used))
}

// Public reports whether the client is public: it has no secret (RFC 6749
// §2.1).
func (c *Client) Public() bool { return c.AuthMethod == AuthNone }

// Active reports whether the client may request tokens and use its tokens.
func (c *Client) Active() bool { return c.RevokedAt.IsZero() && c.SuspendedAt.IsZero() }

// Allows reports whether the client may use the grant_type.
func (c *Client) Allows(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// MayAsk reports whether the client may request the scope. It does not consider
// inherited scopes; see [Covers].
func (c *Client) MayAsk(scope string) bool {
	return c.Scopes == nil || slices.Contains(c.Scopes, scope)
}

// LooksLike reports whether consent pages show the same about both clients:
// name, owner, redirect URIs and attributes, which a custom page may show. A
// store increments ConsentVersion in every update for which LooksLike is false.
func (c *Client) LooksLike(other *Client) bool {
	return c.Name == other.Name && c.Owner == other.Owner &&
		slices.Equal(c.RedirectURIs, other.RedirectURIs) && maps.Equal(c.Attributes, other.Attributes)
}

// Authenticates reports whether secret is one of the client's unexpired secrets
// at the given time. It compares every secret in constant time, so that the
// duration does not reveal which one matched.
func (c *Client) Authenticates(secret string, at time.Time) bool {
	found := false
	for _, s := range c.Secrets {
		live := s.ExpiresAt.IsZero() || at.Before(s.ExpiresAt)
		found = s.Digest.Matches(secret) && live || found
	}
	return found
}

// Refreshes reports whether the client may get refresh tokens (RFC 6749 §6).
func (c *Client) Refreshes() bool { return c.Allows("refresh_token") }

// DefaultGrantTypes returns the grant types of a client that is registered without
// any.
func DefaultGrantTypes() []string { return []string{"authorization_code", "refresh_token"} }
