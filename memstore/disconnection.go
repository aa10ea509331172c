package memstore

import (
	"context"

	"github.com/go-passport/passport/oauth"
)

// Disconnect implements [oauth.TokenStore].
func (s *Store) Disconnect(_ context.Context, d *oauth.Disconnection) (revoked, withdrawn bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.families[s.access[d.TokenID].family]
	if !ok || f.User != d.User || !storable(d.TokenID) {
		return false, false, oauth.ErrNotFound
	}
	if revoked = s.revoke(f.ID, d.Time); revoked {
		s.keep(d.Revoked)
	}
	all := cutOff{
		FamilyFilter: oauth.FamilyFilter{User: f.User, ClientID: f.ClientID, KeepPersonal: true}, at: micros(d.Time), consents: true,
	}
	if f.Personal || !s.remembers(all) || s.connected(all) {
		if revoked && !f.Personal && f.Session != "" {
			all.Session = f.Session
			s.endSessions(all)
		}
		return revoked, false, nil
	}
	s.cut(all)
	s.keep(d.Withdrawn)
	return revoked, true, nil
}

// remembers reports whether there is a consent for the cut-off to withdraw.
func (s *Store) remembers(c cutOff) bool {
	for key := range s.consents {
		if key.user == c.User && key.clientID == c.ClientID && !key.at.After(c.until()) && !s.withdrawn(key) {
			return true
		}
	}
	return false
}

// connected reports whether the user has a connection with the client.
func (s *Store) connected(c cutOff) bool {
	used, unredeemed := map[string]bool{}, map[string]bool{}
	for _, t := range s.access {
		used[t.family] = true
	}
	for _, k := range s.codes {
		unredeemed[k.family] = k.SpentAt.IsZero()
	}
	for id, stored := range s.families {
		if !c.Matches(&stored) || !used[id] && !stored.CreatedAt.After(c.until()) {
			continue
		}
		if f, err := s.family(id, unredeemed[id]); err == nil && f.Live(c.at) {
			return true
		}
	}
	return false
}
