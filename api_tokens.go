package passport

import (
	"context"
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
// access tokens: all that came of the same consent ends, whichever of its tokens
// is named. Again, it is no error.
//
// Who removes an app does not expect it to come back without a word: if that was
// the last of its consents, what it was allowed is forgotten too.
func apiDeleteToken(s *Server, r *apiRequest) (apiAnswer, error) {
	t, err := s.config.Store.AccessToken(r.Context(), r.id)
	switch {
	case errors.Is(err, oauth.ErrNotFound), err == nil && (t.Family == nil || t.Family.User != r.user):
		return apiAnswer{}, errNoSuchRecord
	case err != nil:
		return apiAnswer{}, fmt.Errorf("find access token: %w", err)
	}
	if t.Family.RevokedAt.IsZero() {
		err := s.revokeToken(r.Context(), t, "token")
		if err != nil && !errors.Is(err, oauth.ErrNotFound) { // purged since it was read
			return apiAnswer{}, err
		}
	}
	if !t.Family.Personal {
		err = s.forgetRemoved(r.Context(), t.Family)
	}
	return apiAnswer{status: http.StatusNoContent}, err
}

// forgetRemoved withdraws the user's consent to a client of which a family has
// ended, unless another lives. It looks after that end was stored: of two that
// are removed at once, the second is seen to be the last.
func (s *Server) forgetRemoved(ctx context.Context, ended *oauth.Family) error {
	at := now()
	for t, err := range s.config.Store.TokensOf(ctx, ended.User) {
		if err != nil {
			return fmt.Errorf("list tokens: %w", err)
		}
		if f := t.Family; f.ClientID == ended.ClientID && f.Live(at) {
			return nil
		}
	}
	client, err := s.config.Store.Client(ctx, ended.ClientID)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find client: %w", err)
	}
	allowed, err := s.config.Store.Consented(ctx, ended.User, client)
	if err != nil {
		return fmt.Errorf("find consent: %w", err)
	}
	if len(allowed) == 0 {
		return nil
	}
	return s.Withdraw(ctx, ended.User, ended.ClientID)
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
