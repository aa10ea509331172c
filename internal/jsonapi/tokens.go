package jsonapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// listTokens serves GET /oauth/tokens: the apps that the user has connected,
// one for each consent that is alive. It is shown by its newest access token,
// which may have expired; a refresh would bring another.
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

// connected reports whether a token is of an app that the user has connected: not
// of the application's own clients, and not one that another client got in
// exchange, which ends with the family that it joined.
func (a *API) connected(t *oauth.AccessToken) bool {
	firstParty := a.Parts.AnyTrait(t.Client, func(traits oauth.GrantTraits) bool { return traits.FirstParty })
	return !t.Family.Personal && !firstParty && t.Client.ID == t.Family.ClientID
}

// deleteToken serves DELETE /oauth/tokens/{id} and the same for personal
// access tokens: everything of the same consent ends, whichever of its tokens is
// named. A second request is no error.
//
// A user who removes an app does not expect it to come back without a page. So the
// last connection takes the remembered consent with it, in the same write.
func deleteToken(a *API, r *request) (response, error) {
	t, err := a.Tokens.Token(r.Context(), r.id)
	switch {
	case errors.Is(err, oauth.ErrNotFound), err == nil && (t.Family == nil || t.Family.User != r.user):
		return response{}, errNoSuchRecord
	case err != nil:
		return response{}, fmt.Errorf("find access token: %w", err)
	}
	if err := a.Tokens.Disconnect(r.Context(), t); err != nil && !errors.Is(err, oauth.ErrNotFound) { // purged since it was read
		return response{}, err
	}
	return response{status: http.StatusNoContent}, nil
}

// listScopes serves GET /oauth/scopes: those that are registered, in their
// order.
func listScopes(a *API, _ *request) (response, error) {
	shown := make([]scopeRecord, 0, len(a.Policy.Scopes))
	for _, scope := range a.Policy.Scopes {
		shown = append(shown, scopeRecord{scope.ID, scope.Description})
	}
	return response{http.StatusOK, shown}, nil
}
