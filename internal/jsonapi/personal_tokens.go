package jsonapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-passport/passport/internal/reauth"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

// listPersonalTokens serves GET /oauth/personal-access-tokens: the user's own
// tokens that they have not removed. Expired tokens are listed until they are
// purged.
func listPersonalTokens(a *API, r *request) (response, error) {
	own, err := a.Tokens.PersonalTokens(r.Context(), r.user)
	if err != nil {
		return response{}, fmt.Errorf("list tokens: %w", err)
	}
	return response{http.StatusOK, a.tokenRecords(own)}, nil
}

// errNotRecent asks for a recent authentication, as the middleware password.confirm of
// Laravel does.
var errNotRecent = &failure{status: http.StatusLocked, Message: "Password confirmation required."}

// createPersonalToken serves POST /oauth/personal-access-tokens.
func createPersonalToken(a *API, r *request) (response, error) {
	if a.RecentAuthentication && !reauth.Recent(r.data) {
		return response{}, errNotRecent
	}
	p := tokens.PersonalToken{User: r.user}
	var f faults
	p.Name = f.name(r.input["name"])
	p.Scopes = f.scopes(r.input["scopes"], a.Policy.CheckRegistered)
	p.ExpiresAt = f.expiry(r.input["expires_at"], r.at, r.at.Add(a.Policy.PersonalTokenTTL))
	if err := f.err(); err != nil {
		return response{}, err
	}
	raw, token, err := a.Personal.Create(r.Context(), p, r.at)
	switch {
	case errors.Is(err, oauth.InvalidScope): // a registered scope that personal access tokens may not have
		f.add("scopes", selectedScopes)
		return response{}, fmt.Errorf("%w: %w", err, f.err())
	case errors.Is(err, oauth.ErrLimit):
		f.add("name", "You have reached the limit of personal access tokens. Delete one first.")
		return response{}, fmt.Errorf("%w: %w", err, f.err())
	case errors.Is(err, oauth.ErrNotFound): // the account was deleted after the sign-in check
		return response{}, fmt.Errorf("%w: %w", err, errUnauthenticated)
	case err != nil:
		return response{}, err
	}
	return response{http.StatusOK, newTokenRecord{raw, a.tokenRecord(token)}}, nil
}
