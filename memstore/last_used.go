package memstore

import (
	"context"

	"github.com/go-passport/passport/oauth"
)

// SaveUses implements [oauth.LastUsedStore].
func (s *Store) SaveUses(_ context.Context, uses []oauth.Use) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range uses {
		u.At = micros(u.At)
		if s.families.has(u.FamilyID) && s.lastUsed[u.FamilyID].At.Before(u.At) {
			s.lastUsed.put(u.FamilyID, u)
		}
	}
	return nil
}

// used sets the last use of each token's family.
func (s *Store) used(tokens []*oauth.AccessToken) []*oauth.AccessToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tokens {
		u := s.lastUsed[t.Family.ID]
		t.LastUsedAt, t.LastUsedAddress, t.LastUsedAgent = u.At, u.Address, u.Agent
	}
	return tokens
}
