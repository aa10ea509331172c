package idtoken

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-passport/passport/internal/claims"
)

// Hint is what an ID token says, sent back by a client in id_token_hint.
type Hint struct {
	Subject  string // the sub claim: compare it with [oauth.Subject.Claim]
	ClientID string // that the token was issued to
	SID      string // of the session; empty if the token has none
}

// Hint verifies an ID token of this issuer that a client sends back. The token may have
// expired. The error says what is wrong with it, without a part of the token. A hint
// names a user and a client; it never signs a user in.
func (s *Service) Hint(raw string) (*Hint, error) {
	payload, err := s.Keys.VerifyAs(typ, raw)
	if err != nil {
		return nil, fmt.Errorf("it is not an ID token of this server: %w", err)
	}
	var c struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience claims.Audience `json:"aud"`
		Expires  int64           `json:"exp"`
		IssuedAt int64           `json:"iat"`
		SID      string          `json:"sid"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, errors.New("its claims are not those of an ID token")
	}
	switch {
	case c.Issuer != s.Issuer:
		return nil, errors.New("it is of another issuer")
	case c.Subject == "" || len(c.Audience) != 1 || c.Audience[0] == "" || c.Expires == 0 || c.IssuedAt == 0:
		return nil, errors.New("it lacks a claim that every ID token has")
	}
	return &Hint{Subject: c.Subject, ClientID: c.Audience[0], SID: c.SID}, nil
}
