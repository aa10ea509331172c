package idtoken

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"maps"
	"time"

	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/oauth"
)

// typ is the typ of an ID token. It differs from every other token that the keys sign
// (RFC 8725 §3.11).
const typ = "JWT"

// Request is what an ID token is signed for.
type Request struct {
	Client      *oauth.Client
	User        *oauth.User
	Family      *oauth.Family
	Scopes      []string // granted
	Nonce       string   // of the authorization request; empty on a refresh
	AccessToken string   // that is issued with it, for at_hash
	Time        time.Time
}

// Sign returns the ID token. It has the claims of the scopes only if the client's
// settings ask for them (OpenID Connect Core §5.4). It ends with its family at the
// latest, because some clients use it as a credential.
func (s *Service) Sign(ctx context.Context, r Request) (string, error) {
	claims := map[string]any{}
	if r.Client.OpenID != nil && r.Client.OpenID.ClaimsInIDToken {
		about, err := s.Claims(ctx, r.User, r.Client, r.Scopes)
		if err != nil {
			return "", err
		}
		claims = about
	}
	maps.Copy(claims, s.protocol(r))
	token, err := s.Keys.SignAs(alg(r.Client), typ, claims)
	if err != nil {
		return "", fmt.Errorf("sign ID token: %w", err)
	}
	if n := len(token); n > jws.MaxBytes {
		return "", fmt.Errorf("sign ID token: it has %d bytes, more than the %d of an id_token_hint; return fewer claims from OpenID.UserClaims", n, jws.MaxBytes)
	}
	return token, nil
}

// protocol returns the claims that every ID token has (OpenID Connect Core §2).
func (s *Service) protocol(r Request) map[string]any {
	expires := r.Time.Add(s.life(r.Client))
	if end := r.Family.ExpiresAt; !end.IsZero() && end.Before(expires) {
		expires = end
	}
	claims := map[string]any{
		"iss": s.Issuer, "sub": oauth.ForUser(r.Family.User).Claim(r.Client.ID), "aud": r.Client.ID,
		"iat": r.Time.Unix(), "exp": expires.Unix(), "at_hash": leftHalf(alg(r.Client), r.AccessToken),
	}
	if !r.Family.AuthTime.IsZero() {
		claims["auth_time"] = r.Family.AuthTime.Unix()
	}
	if len(r.Family.AMR) > 0 {
		claims["amr"] = r.Family.AMR
	}
	for name, value := range map[string]string{"nonce": r.Nonce, "acr": r.Family.ACR, "sid": r.Family.SID} {
		if value != "" {
			claims[name] = value
		}
	}
	return claims
}

// leftHalf returns the at_hash of a token: the left half of its hash with the hash
// function of the algorithm (OpenID Connect Core §3.1.3.6). Ed25519 uses SHA-512.
func leftHalf(alg, token string) string {
	if alg == jws.EdDSA {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
