// Package claims checks the claims of JWT access tokens (RFC 9068).
package claims

import (
	"encoding/json"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Claims are the claims of an access token that a guard checks.
type Claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	ClientID string   `json:"client_id"`
	ID       string   `json:"jti"`
	Audience Audience `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Before   int64    `json:"nbf"`
}

// Check returns an error unless c belongs to a token of the issuer that is
// valid now (RFC 9068 §4). It leaves the audience to the caller.
func (c Claims) Check(issuer string, now time.Time) error {
	switch {
	case c.Issuer != issuer:
		return oauth.InvalidToken.Errorf("the token is of another issuer")
	case c.ID == "" || c.Subject == "" || c.ClientID == "" || c.IssuedAt == 0 || c.Expires == 0:
		return oauth.InvalidToken.Errorf("the token lacks a required claim")
	case now.Unix() >= c.Expires:
		return oauth.InvalidToken.Errorf("the token has expired or was revoked")
	case c.IssuedAt > now.Unix()+60 || c.Before > now.Unix()+60:
		return oauth.InvalidToken.Errorf("the token is not valid yet")
	}
	return nil
}

// Audience is one string or a list of them (RFC 7519 §4.1.3).
type Audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *Audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = Audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}
