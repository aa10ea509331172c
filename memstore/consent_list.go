package memstore

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// ConsentsOf implements [oauth.ConsentListStore].
func (s *Store) ConsentsOf(_ context.Context, user oauth.UserRef) iter.Seq2[*oauth.Consent, error] {
	return list(func() []*oauth.Consent { return s.consentsOf(user) })
}

func (s *Store) consentsOf(user oauth.UserRef) []*oauth.Consent {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[[2]string]*oauth.Consent{}
	for key := range s.consents {
		c, ok := s.clients[key.clientID]
		if key.user != user || !ok || !c.RevokedAt.IsZero() || key.version != c.ConsentVersion || s.withdrawn(key) {
			continue
		}
		id := [2]string{key.clientID, key.scope}
		if found[id] == nil {
			client := cloneClient(c)
			client.RedirectURIs, client.Attributes, client.Secrets = nil, nil, nil
			found[id] = &oauth.Consent{Client: client, Scope: key.scope, GrantedAt: key.at}
		}
		if key.at.Before(found[id].GrantedAt) {
			found[id].GrantedAt = key.at
		}
	}
	consents := make([]*oauth.Consent, 0, len(found))
	for _, c := range found {
		consents = append(consents, c)
	}
	slices.SortFunc(consents, func(a, b *oauth.Consent) int {
		return cmp.Or(strings.Compare(a.Client.ID, b.Client.ID), strings.Compare(a.Scope, b.Scope))
	})
	return consents
}
