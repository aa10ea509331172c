package oauth

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// ClientOpenID are the settings of a client for OpenID Connect (OpenID Connect Dynamic
// Client Registration §2). All fields are optional. The server checks them; a store keeps
// them unchanged.
type ClientOpenID struct {
	// IDTokenAlg is the algorithm of its ID tokens: id_token_signed_response_alg. Empty
	// means RS256.
	IDTokenAlg string `json:"id_token_signed_response_alg,omitempty"`

	// IDTokenTTL is the lifetime of its ID tokens. Zero: the server's lifetime.
	IDTokenTTL time.Duration `json:"id_token_ttl,omitempty"`

	// ClaimsInIDToken puts the claims of the granted scopes into its ID tokens, for
	// clients that don't call UserInfo, such as Kubernetes.
	ClaimsInIDToken bool `json:"claims_in_id_token,omitempty"`

	// DefaultMaxAge is the max_age of requests that have none: default_max_age, in
	// seconds. Nil: no limit.
	DefaultMaxAge *int64 `json:"default_max_age,omitempty"`

	// RequireAuthTime is require_auth_time. Every ID token has auth_time if the user
	// provider reports it; with this, a request fails without it.
	RequireAuthTime bool `json:"require_auth_time,omitempty"`

	// PostLogoutRedirectURIs are where the browser may return after a sign-out:
	// post_logout_redirect_uris (OpenID Connect RP-Initiated Logout §3.1). At most
	// [MaxPostLogoutRedirectURIs].
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`

	// BackchannelLogoutURI gets a logout token if the user signs out:
	// backchannel_logout_uri (OpenID Connect Back-Channel Logout §2.2).
	BackchannelLogoutURI string `json:"backchannel_logout_uri,omitempty"`

	// BackchannelSessionRequired says that the client needs the sid of the session in
	// every ID and logout token: backchannel_logout_session_required.
	BackchannelSessionRequired bool `json:"backchannel_logout_session_required,omitempty"`
}

// MaxPostLogoutRedirectURIs is the largest number of PostLogoutRedirectURIs.
const MaxPostLogoutRedirectURIs = 10

// maxOpenIDURI is the longest URI in a [ClientOpenID], in bytes. maxIDTokenAlg is the
// longest name of an algorithm.
const (
	maxOpenIDURI  = 2048
	maxIDTokenAlg = 32
)

// Validate returns an error for settings that a store refuses, because they are too long
// or negative. The server checks more before: that the URIs are valid, and that it has a
// key for the algorithm.
func (o *ClientOpenID) Validate() error {
	switch {
	case o == nil:
		return nil
	case len(o.IDTokenAlg) > maxIDTokenAlg || !utf8.ValidString(o.IDTokenAlg):
		return errors.New("oauth: id_token_signed_response_alg of the client is not valid: want the name of an algorithm, such as RS256")
	case o.IDTokenTTL < 0 || o.DefaultMaxAge != nil && *o.DefaultMaxAge < 0:
		return errors.New("oauth: id_token_ttl and default_max_age of the client must not be negative")
	case len(o.PostLogoutRedirectURIs) > MaxPostLogoutRedirectURIs:
		return fmt.Errorf("oauth: the client has too many post_logout_redirect_uris: want at most %d", MaxPostLogoutRedirectURIs)
	}
	for _, uri := range append([]string{o.BackchannelLogoutURI}, o.PostLogoutRedirectURIs...) {
		if len(uri) > maxOpenIDURI || !utf8.ValidString(uri) {
			return fmt.Errorf("oauth: post_logout_redirect_uris or backchannel_logout_uri of the client is not valid: want URIs of at most %d bytes", maxOpenIDURI)
		}
	}
	return nil
}

// Clone returns a deep copy.
func (o *ClientOpenID) Clone() *ClientOpenID {
	if o == nil {
		return nil
	}
	c := *o
	if o.DefaultMaxAge != nil {
		c.DefaultMaxAge = new(*o.DefaultMaxAge)
	}
	c.PostLogoutRedirectURIs = slices.Clone(o.PostLogoutRedirectURIs)
	return &c
}
