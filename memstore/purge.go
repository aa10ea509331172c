package memstore

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// lateness is the maximum time between the arrival of a request and its last write.
// Records that such a request may use are kept for that long after they have ended.
const lateness = time.Hour

// Purge implements [oauth.Purger].
func (s *Store) Purge(_ context.Context, ended oauth.PurgeBefore, limit int) (n int, err error) {
	if limit <= 0 {
		return 0, errors.New("memstore: Purge needs a limit")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := purge{PurgeBefore: oauth.PurgeBefore{Revoked: micros(ended.Revoked), Expired: micros(ended.Expired)}, importing: s.importing(), left: limit}
	if p.importing { // an import would bring back what was revoked and is deleted here
		p.Revoked = time.Time{}
	}
	s.settle(&p)
	s.endAbandoned(p.late())
	s.purgeFamilies(&p)
	kept := s.kept(&p)
	sweep(&p, s.access, func(t accessRow) bool {
		return p.expired(t.ExpiresAt) && !kept[t.ID] || p.revoked(t.RevokedAt) || s.tokenWithClient(t, p.late())
	})
	s.purgeClients(&p)
	for digest, id := range s.opaque {
		if !s.access.has(id) {
			delete(s.opaque, digest)
		}
	}
	sweep(&p, s.pending, func(r oauth.PendingRequest) bool { return p.expired(r.ExpiresAt) })
	sweep(&p, s.devices, func(c oauth.DeviceCode) bool { return p.expired(c.ExpiresAt) && !s.families.has(c.FamilyID) })
	sweep(&p, s.sessions, func(c clientSession) bool { return p.expired(c.expires) })
	sweep(&p, s.notices, func(n notice) bool { return p.expired(n.ExpiresAt) })
	for user, device := range s.userCode {
		if !s.devices.has(device) {
			delete(s.userCode, user)
		}
	}
	late := purge{PurgeBefore: p.late(), left: p.left}
	sweep(&late, s.once, late.expired)
	sweep(&late, s.imports.unowned, func(t oauth.ImportedRefreshToken) bool { return late.expired(t.ExpiresAt) })
	p.left = late.left
	return limit - p.left, nil
}

type purge struct {
	oauth.PurgeBefore
	importing bool // an import may still come
	left      int
}

func (p *purge) revoked(at time.Time) bool { return !at.IsZero() && !at.After(p.Revoked) }
func (p *purge) expired(at time.Time) bool { return !p.Expired.IsZero() && !at.After(p.Expired) }

// late returns the times of the purge minus lateness. No pending request uses records
// that ended before them.
func (p *purge) late() (late oauth.PurgeBefore) {
	if !p.Revoked.IsZero() {
		late.Revoked = p.Revoked.Add(-lateness)
	}
	if !p.Expired.IsZero() {
		late.Expired = p.Expired.Add(-lateness)
	}
	return late
}

// kept returns the access tokens whose refresh token still works: they represent it
// in the lists that users see.
func (s *Store) kept(p *purge) map[string]bool {
	kept := map[string]bool{}
	for _, r := range s.refresh {
		if f, ok := s.families[r.family]; ok && f.RevokedAt.IsZero() && r.SpentAt.IsZero() && !p.expired(r.ExpiresAt) {
			kept[r.AccessTokenID] = true
		}
	}
	return kept
}

func sweep[K comparable, V any](p *purge, t table[K, V], gone func(V) bool) {
	for k, v := range t {
		if p.left > 0 && gone(v) {
			delete(t, k)
			p.left--
		}
	}
}

// later returns the later of the two times. Cut-offs are neither revoked nor
// expired, so they are purged with either.
func later(ended oauth.PurgeBefore) time.Time {
	if ended.Expired.After(ended.Revoked) {
		return ended.Expired
	}
	return ended.Revoked
}

// settle revokes the families that old cut-offs match, and deletes the cut-offs. It
// compares exactly: at this time there are families of later requests.
func (s *Store) settle(p *purge) {
	for user, all := range s.cutOffs {
		left := slices.DeleteFunc(slices.Clone(all), func(c cutOff) bool {
			if p.left <= 0 || c.at.After(later(p.late())) || s.mayBegin(later(p.late())) {
				return false
			}
			if p.importing && c.Session == "" { // it also ends families that an import will bring
				return false
			}
			s.revokeCut(c, c.at)
			s.withdraw(c, c.at)
			p.left--
			return true
		})
		if s.cutOffs[user] = left; len(left) == 0 {
			delete(s.cutOffs, user)
		}
	}
}

// endAbandoned expires families whose code was never redeemed.
func (s *Store) endAbandoned(late oauth.PurgeBefore) {
	for _, c := range s.codes {
		f, ok := s.families[c.family]
		if ok && f.RevokedAt.IsZero() && c.SpentAt.IsZero() && !c.ExpiresAt.After(late.Expired) && f.ExpiresAt.After(late.Expired) {
			f.ExpiresAt = late.Expired
			s.families.put(f.ID, f)
		}
	}
}

// purgeFamilies deletes the records of ended families, and then the families. It
// also deletes refresh tokens without a family, which are invalid.
func (s *Store) purgeFamilies(p *purge) {
	gone := func(family string) bool {
		f, ok := s.families[family]
		return ok && (p.revoked(f.RevokedAt) || p.expired(f.ExpiresAt) || s.endedWithClient(f.ClientID, f.CreatedAt, p.late()))
	}
	sweep(p, s.refresh, func(r refreshRow) bool { return gone(r.family) || !s.families.has(r.family) && p.expired(r.ExpiresAt) })
	sweep(p, s.access, func(t accessRow) bool { return gone(t.family) })
	sweep(p, s.codes, func(c codeRow) bool { return gone(c.family) })
	sweep(p, s.lastUsed, func(u oauth.Use) bool { return gone(u.FamilyID) })

	inUse := map[string]bool{}
	for _, r := range s.refresh {
		inUse[r.family] = true
	}
	for _, t := range s.access {
		inUse[t.family] = true
	}
	for _, c := range s.codes {
		inUse[c.family] = true
	}
	for family := range s.lastUsed {
		inUse[family] = true
	}
	late := purge{PurgeBefore: p.late(), left: p.left}
	sweep(&late, s.families, func(f oauth.Family) bool {
		return !inUse[f.ID] && (late.revoked(f.RevokedAt) || late.expired(f.ExpiresAt) || s.endedWithClient(f.ClientID, f.CreatedAt, late.PurgeBefore))
	})
	p.left = late.left
}

// endedWithClient reports whether a record of a client ended with the client, or with
// all tokens of it. came is the time of the record's request.
func (s *Store) endedWithClient(clientID string, came time.Time, late oauth.PurgeBefore) bool {
	c, p := s.clients[clientID], purge{PurgeBefore: late}
	return p.revoked(c.RevokedAt) || p.revoked(c.TokensNotBefore) && !came.After(c.TokensNotBefore)
}

// tokenWithClient is endedWithClient for a token. A token in a family of its client
// ends with the family.
func (s *Store) tokenWithClient(t accessRow, late oauth.PurgeBefore) bool {
	if f, ok := s.families[t.family]; ok && f.ClientID == t.client {
		return false
	}
	return s.endedWithClient(t.client, t.IssuedAt, late)
}

// purgeClients deletes revoked clients that belong to a user and have no family
// and no token. The server will not assign their IDs again.
func (s *Store) purgeClients(p *purge) {
	inUse := map[string]bool{}
	for _, f := range s.families {
		inUse[f.ClientID] = true
	}
	for _, t := range s.access {
		inUse[t.client] = true
	}
	late := purge{PurgeBefore: p.late()}
	for key := range s.consents { // also of clients that stay
		if late.revoked(s.clients[key.clientID].RevokedAt) && p.left > 0 {
			delete(s.consents, key)
			p.left--
		}
	}
	sweep(p, s.clients, func(c oauth.Client) bool {
		if !late.revoked(c.RevokedAt) || c.Key != "" || c.Owner.Provider == "" || inUse[c.ID] || !s.assigned(c.ID) {
			return false
		}
		for key := range s.consents {
			if key.clientID == c.ID {
				delete(s.consents, key)
			}
		}
		delete(s.metadata, c.ID)
		delete(s.logouts, c.ID)
		return true
	})
}

// assigned reports whether an ID is a UUID, or a number up to the last assigned
// one.
func (s *Store) assigned(id string) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	return strings.Contains(id, "-") || err == nil && n <= s.lastID
}
