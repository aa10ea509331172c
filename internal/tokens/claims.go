package tokens

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/oauth"
)

// claims returns the claims of a JWT access token (RFC 9068 §2.2).
func (s *Service) claims(ctx context.Context, t *oauth.AccessToken) (map[string]any, error) {
	claims := map[string]any{
		"iss": s.issuer, "sub": t.Subject().Claim(t.Client.ID), "client_id": t.Client.ID, "jti": t.ID,
		"iat": t.IssuedAt.Unix(), "exp": t.ExpiresAt.Unix(), "aud": t.Audience,
	}
	if len(t.Audience) == 1 {
		claims["aud"] = t.Audience[0]
	}
	if len(t.Scopes) > 0 {
		claims["scope"] = strings.Join(t.Scopes, " ")
	}
	if t.Family != nil && !t.Family.AuthTime.IsZero() {
		claims["auth_time"] = t.Family.AuthTime.Unix()
	}
	if s.moreClaims == nil {
		return claims, nil
	}
	more, err := s.moreClaims(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("Config.Claims: %w", err)
	}
	for name := range more {
		if idtoken.Reserved(name) {
			return nil, fmt.Errorf("Config.Claims returned %q: the server sets that claim; choose another name", name)
		}
	}
	maps.Copy(claims, more)
	return claims, nil
}

// response returns the response for the client, at the time of its request. For an
// opaque token it completes the record.
func (s *Service) response(ctx context.Context, t *oauth.AccessToken, refresh string, i *Request) (*Response, error) {
	res := &Response{
		TokenType: "Bearer", ExpiresIn: int64(t.ExpiresAt.Sub(i.Time) / time.Second), RefreshToken: refresh, Scope: strings.Join(t.Scopes, " "),
	}
	if i.Spends.Purpose == oauth.SpendRefreshToken {
		res.Refreshed = t.Family
	}
	if i.Opaque {
		res.AccessToken = opaque.New(s.opaquePrefix)
		t.Digest = oauth.DigestOf(res.AccessToken)
		return res, nil
	}
	var err error
	if res.AccessToken, err = s.signed(ctx, t); err != nil {
		return nil, err
	}
	res.IDToken, err = s.idToken(ctx, t, res.AccessToken, i)
	return res, err
}

// signed returns the JWT of an access token.
func (s *Service) signed(ctx context.Context, t *oauth.AccessToken) (string, error) {
	claims, err := s.claims(ctx, t)
	if err != nil {
		return "", err
	}
	token, err := s.keys.Sign("at+jwt", claims)
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	if n := len(token); n > jws.MaxBytes {
		return "", fmt.Errorf("sign access token: it has %d bytes, but guards accept at most %d; return fewer claims from Config.Claims", n, jws.MaxBytes)
	}
	return token, nil
}
