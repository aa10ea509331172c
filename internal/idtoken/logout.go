package idtoken

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// Logout is a notice to a client that a user has signed out.
type Logout struct {
	Client  *oauth.Client
	Subject string // the sub claim
	SID     string // of the session that ended; empty for all sessions of the user
	Time    time.Time
}

const (
	logoutType  = "logout+jwt"
	logoutLife  = 2 * time.Minute
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// SignLogout returns the logout token, which is valid for two minutes. Each call returns
// a new token (OpenID Connect Back-Channel Logout §2.4).
func (s *Service) SignLogout(l Logout) (string, error) {
	if l.Subject == "" && l.SID == "" {
		return "", errors.New("sign logout token: it names neither a user nor a session")
	}
	claims := map[string]any{
		"iss": s.Issuer, "aud": l.Client.ID, "iat": l.Time.Unix(), "exp": l.Time.Add(logoutLife).Unix(), "jti": uuid.NewV7(),
		"events": map[string]any{logoutEvent: struct{}{}},
	}
	if l.Subject != "" {
		claims["sub"] = l.Subject
	}
	if l.SID != "" {
		claims["sid"] = l.SID
	}
	token, err := s.Keys.SignAs(alg(l.Client), logoutType, claims)
	if err != nil {
		return "", fmt.Errorf("sign logout token: %w", err)
	}
	return token, nil
}
