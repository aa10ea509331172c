package passport

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// apiListTokens serves GET /oauth/tokens: the apps that the user has connected,
// one for each consent that is alive. It is shown by its newest access token,
// which may have expired; a refresh would bring another.
func apiListTokens(s *Server, r *apiRequest) (apiAnswer, error) {
	newest := map[string]*oauth.AccessToken{}
	for t, err := range s.config.Store.TokensOf(r.Context(), r.user) {
		if err != nil {
			return apiAnswer{}, fmt.Errorf("list tokens: %w", err)
		}
		if !t.Family.Live(r.at) || !t.Client.RevokedAt.IsZero() || !s.connected(t) {
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
	return apiAnswer{http.StatusOK, s.apiTokens(tokens)}, nil
}

// connected reports whether a token is of an app that the user has connected: not
// of the application's own clients, and not one that another client got in
// exchange, which ends with the family that it joined.
func (s *Server) connected(t *oauth.AccessToken) bool {
	firstParty := s.parts.AnyTrait(t.Client, func(traits oauth.GrantTraits) bool { return traits.FirstParty })
	return !t.Family.Personal && !firstParty && t.Client.ID == t.Family.ClientID
}

// apiDeleteToken serves DELETE /oauth/tokens/{id} and the same for personal
// access tokens: everything of the same consent ends, whichever of its tokens is
// named. A second request is no error.
//
// A user who removes an app does not expect it to come back without a page. So the
// last connection takes the remembered consent with it, in the same write.
func apiDeleteToken(s *Server, r *apiRequest) (apiAnswer, error) {
	t, err := s.config.Store.AccessToken(r.Context(), r.id)
	switch {
	case errors.Is(err, oauth.ErrNotFound), err == nil && (t.Family == nil || t.Family.User != r.user):
		return apiAnswer{}, errNoSuchRecord
	case err != nil:
		return apiAnswer{}, fmt.Errorf("find access token: %w", err)
	}
	if err := s.disconnect(r.Context(), t); err != nil && !errors.Is(err, oauth.ErrNotFound) { // purged since it was read
		return apiAnswer{}, err
	}
	return apiAnswer{status: http.StatusNoContent}, nil
}

// apiListScopes serves GET /oauth/scopes: those that are registered, in their
// order.
func apiListScopes(s *Server, _ *apiRequest) (apiAnswer, error) {
	shown := make([]apiScope, 0, len(s.config.Scopes))
	for _, scope := range s.config.Scopes {
		shown = append(shown, apiScope{scope.ID, scope.Description})
	}
	return apiAnswer{http.StatusOK, shown}, nil
}
