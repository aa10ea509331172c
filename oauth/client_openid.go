package oauth

import "time"

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
