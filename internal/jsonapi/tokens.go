package jsonapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// listTokens serves GET /oauth/tokens: the user's connected apps, one entry per
// live token family. The entry is the family's newest access token, which may have
// expired: the app can refresh it. First-party clients are not listed.
func listTokens(a *API, r *request) (response, error) {
	tokens, err := a.Tokens.Connections(r.Context(), r.user, r.at)
	if err != nil {
		return response{}, fmt.Errorf("list tokens: %w", err)
	}
	tokens = slices.DeleteFunc(tokens, func(t *oauth.AccessToken) bool {
		return a.Parts.AnyTrait(t.Client, func(traits oauth.GrantTraits) bool { return traits.FirstParty })
	})
	return response{http.StatusOK, a.tokenRecords(tokens)}, nil
}

// deleteToken serves DELETE /oauth/tokens/{id}, and the same for personal access
// tokens. It revokes the token's whole family, and is idempotent.
//
// A removed app must not reconnect without a consent page. So removing the app's
// last connection also deletes the stored consent, in the same atomic write.
func deleteToken(a *API, r *request) (response, error) {
	t, err := a.Tokens.Token(r.Context(), r.id)
	switch {
	case errors.Is(err, oauth.ErrNotFound), err == nil && (t.Family == nil || t.Family.User != r.user):
		return response{}, errNoSuchRecord
	case err != nil:
		return response{}, fmt.Errorf("find access token: %w", err)
	}
	if err := a.Tokens.Disconnect(r.Context(), t); err != nil && !errors.Is(err, oauth.ErrNotFound) { // purged in the meantime
		return response{}, err
	}
	return response{status: http.StatusNoContent}, nil
}

// listScopes serves GET /oauth/scopes: the scopes for a personal access token, in their
// configured order.
func listScopes(a *API, _ *request) (response, error) {
	shown := make([]scopeRecord, 0, len(a.Policy.Scopes))
	for _, scope := range a.Policy.NamedByUsers() {
		shown = append(shown, scopeRecord(scope))
	}
	return response{http.StatusOK, shown}, nil
}
