package jsonapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// listTokens serves GET /oauth/tokens: the user's connected apps, one entry per
// live token family. The entry is the family's newest access token, which may have
// expired: the app can refresh it.
func listTokens(a *API, r *request) (response, error) {
	newest := map[string]*oauth.AccessToken{}
	for t, err := range a.Tokens.TokensOf(r.Context(), r.user) {
		if err != nil {
			return response{}, fmt.Errorf("list tokens: %w", err)
		}
		if !t.Family.Live(r.at) || !t.Client.RevokedAt.IsZero() || !a.connected(t) {
			continue
		}
		if before := newest[t.Family.ID]; before == nil || !t.IssuedAt.Before(before.IssuedAt) {
			newest[t.Family.ID] = t
		}
	}
	tokens := make([]*oauth.AccessToken, 0, len(newest))
	for _, t := range newest {
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, func(a, b *oauth.AccessToken) int { return strings.Compare(a.ID, b.ID) })
	return response{http.StatusOK, a.tokenRecords(tokens)}, nil
}

// connected reports whether a token belongs to an app that the user has connected.
// First-party clients do not count. Neither does a token that another client got by
// token exchange: it ends with the family that it joined.
func (a *API) connected(t *oauth.AccessToken) bool {
	firstParty := a.Parts.AnyTrait(t.Client, func(traits oauth.GrantTraits) bool { return traits.FirstParty })
	return !t.Family.Personal && !firstParty && t.Client.ID == t.Family.ClientID
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

// listScopes serves GET /oauth/scopes: the registered scopes, in their configured
// order.
func listScopes(a *API, _ *request) (response, error) {
	shown := make([]scopeRecord, 0, len(a.Policy.Scopes))
	for _, scope := range a.Policy.Scopes {
		shown = append(shown, scopeRecord{scope.ID, scope.Description})
	}
	return response{http.StatusOK, shown}, nil
}
