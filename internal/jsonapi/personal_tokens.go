package passport

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-passport/passport/oauth"
)

// apiListPersonalTokens serves GET /oauth/personal-access-tokens: those that the
// user has made and not removed, expired ones too until they are purged.
func apiListPersonalTokens(s *Server, r *apiRequest) (apiAnswer, error) {
	var tokens []*oauth.AccessToken
	for t, err := range s.config.Store.TokensOf(r.Context(), r.user) {
		if err != nil {
			return apiAnswer{}, fmt.Errorf("list tokens: %w", err)
		}
		if t.Family.Personal && t.Family.RevokedAt.IsZero() && t.Client.RevokedAt.IsZero() {
			tokens = append(tokens, t)
		}
	}
	return apiAnswer{http.StatusOK, s.apiTokens(tokens)}, nil
}

// apiCreatePersonalToken serves POST /oauth/personal-access-tokens.
func apiCreatePersonalToken(s *Server, r *apiRequest) (apiAnswer, error) {
	p := PersonalToken{User: r.user}
	var f apiFaults
	p.Name = f.name(r.input["name"])
	p.Scopes = f.scopes(r.input["scopes"], s.policy.Registered)
	p.ExpiresAt = f.expiry(r.input["expires_at"], r.at, r.at.Add(s.config.PersonalTokenTTL))
	if err := f.err(); err != nil {
		return apiAnswer{}, err
	}
	made, err := s.createPersonalToken(r.Context(), p, r.at)
	switch {
	case errors.Is(err, oauth.InvalidScope): // registered, but not for these
		f.add("scopes", selectedScopes)
		return apiAnswer{}, fmt.Errorf("%w: %w", err, f.err())
	case errors.Is(err, oauth.ErrNotFound): // the account has gone since it was asked who is signed in
		return apiAnswer{}, fmt.Errorf("%w: %w", err, errUnauthenticated)
	case err != nil:
		return apiAnswer{}, err
	}
	return apiAnswer{http.StatusOK, apiNewToken{made.AccessToken, s.apiToken(made.Token)}}, nil
}
