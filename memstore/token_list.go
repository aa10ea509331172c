package memstore

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// listed returns the user's tokens for a list. Tokens of one client share its
// record, which has no redirect URIs and no attributes.
func (s *Store) listed(user oauth.UserRef, match func(*oauth.AccessToken) bool) (found []*oauth.AccessToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clients := map[string]*oauth.Client{}
	for _, row := range s.access {
		if f, ok := s.families[row.family]; !ok || f.User != user {
			continue
		}
		t, err := s.joined(row)
		if err != nil || !match(t) {
			continue
		}
		if clients[row.client] == nil {
			t.Client.RedirectURIs, t.Client.Attributes = nil, nil
			clients[row.client] = t.Client
		}
		t.Client = clients[row.client]
		found = append(found, t)
	}
	return found
}

// TokensOf implements [oauth.TokenStore].
func (s *Store) TokensOf(_ context.Context, user oauth.UserRef) iter.Seq2[*oauth.AccessToken, error] {
	return list(func() []*oauth.AccessToken {
		found := s.listed(user, func(*oauth.AccessToken) bool { return true })
		slices.SortFunc(found, func(a, b *oauth.AccessToken) int {
			return cmp.Or(strings.Compare(a.Family.ID, b.Family.ID), byTokenID(a, b))
		})
		return found
	})
}

// Connections implements [oauth.TokenStore].
func (s *Store) Connections(_ context.Context, user oauth.UserRef, at time.Time) ([]*oauth.AccessToken, error) {
	return s.granted(s.used(newest(s.listed(user, func(t *oauth.AccessToken) bool { return !t.Family.Personal && t.Family.Live(at) && listable(t) })))), nil
}

// granted sets the GrantedScopes of tokens.
func (s *Store) granted(tokens []*oauth.AccessToken) []*oauth.AccessToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := map[string][]string{}
	for _, row := range s.refresh {
		of[row.AccessTokenID] = row.Scopes
	}
	for _, t := range tokens {
		t.GrantedScopes = slices.Clone(of[t.ID])
	}
	return tokens
}

// PersonalTokens implements [oauth.TokenStore].
func (s *Store) PersonalTokens(_ context.Context, user oauth.UserRef) ([]*oauth.AccessToken, error) {
	return s.used(newest(s.listed(user, func(t *oauth.AccessToken) bool {
		return t.Family.Personal && t.Family.RevokedAt.IsZero() && listable(t)
	}))), nil
}

func listable(t *oauth.AccessToken) bool {
	return t.Client.ID == t.Family.ClientID && t.Client.RevokedAt.IsZero()
}

// newest keeps the newest token of each family, for the families that expire last.
func newest(tokens []*oauth.AccessToken) []*oauth.AccessToken {
	slices.SortFunc(tokens, func(a, b *oauth.AccessToken) int {
		return cmp.Or(b.Family.ExpiresAt.Compare(a.Family.ExpiresAt), strings.Compare(b.Family.ID, a.Family.ID), b.IssuedAt.Compare(a.IssuedAt), byTokenID(b, a))
	})
	tokens = slices.CompactFunc(tokens, func(a, b *oauth.AccessToken) bool { return a.Family.ID == b.Family.ID })
	tokens = tokens[:min(len(tokens), oauth.MaxListed)]
	slices.SortFunc(tokens, byTokenID)
	return tokens
}
