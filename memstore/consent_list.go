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
	counts := func(clientID string, version int64) bool {
		c, ok := s.clients[clientID]
		return ok && c.RevokedAt.IsZero() && version == c.ConsentVersion
	}
	decided, found := s.consented(user, counts), map[[2]string]*oauth.Consent{}
	for key := range s.consents {
		id := [2]string{key.clientID, key.scope}
		if key.user != user || key.declined || !decided[id].granted() || !counts(key.clientID, key.version) || s.withdrawn(key) {
			continue
		}
		if found[id] == nil {
			client := cloneClient(s.clients[key.clientID])
			client.RedirectURIs, client.Attributes, client.Secrets, client.OpenID = nil, nil, nil, nil
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
