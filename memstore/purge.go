package memstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// lateness is the longest that a request may take between the moment at which
// it comes in and its last write. What such a request could still meet is kept
// for that long after it has ended.
const lateness = time.Hour

// Purge implements [oauth.Purger].
func (s *Store) Purge(_ context.Context, before time.Time, limit int) (n int, err error) {
	if limit <= 0 {
		return 0, errors.New("memstore: a purge needs a limit")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := purge{before: micros(before), late: micros(before.Add(-lateness)), left: limit}
	s.settle(&p)
	s.endAbandoned(p.late)
	s.purgeFamilies(&p)
	sweep(&p, s.access, func(t accessRow) bool { return p.ended(t.ExpiresAt) || p.ended(t.RevokedAt) })
	sweep(&p, s.once, func(until time.Time) bool { return !until.After(p.late) })
	return limit - p.left, nil
}

type purge struct {
	before, late time.Time
	left         int
}

func (p *purge) ended(at time.Time) bool { return !at.IsZero() && !at.After(p.before) }

func sweep[K comparable, V any](p *purge, t table[K, V], gone func(V) bool) {
	for k, v := range t {
		if p.left > 0 && gone(v) {
			delete(t, k)
			p.left--
		}
	}
}

// settle turns what old cut-offs match into revocations and drops them.
func (s *Store) settle(p *purge) {
	for user, all := range s.cutOffs {
		left := slices.DeleteFunc(slices.Clone(all), func(c cutOff) bool {
			if p.left <= 0 || c.at.After(p.late) {
				return false
			}
			s.revokeCut(c)
			for key := range s.consents {
				if c.consents && key.user == user && key.clientID == c.ClientID && !key.at.After(c.at) {
					delete(s.consents, key)
				}
			}
			p.left--
			return true
		})
		if s.cutOffs[user] = left; len(left) == 0 {
			delete(s.cutOffs, user)
		}
	}
}

// endAbandoned ends the families whose code was never redeemed.
func (s *Store) endAbandoned(late time.Time) {
	for _, c := range s.codes {
		if c.SpentAt.IsZero() && !c.ExpiresAt.After(late) {
			s.revoke(c.family, late)
		}
	}
}

// purgeFamilies forgets what is under families that have ended, and then the
// families. A refresh token without a family goes too: it is dead.
func (s *Store) purgeFamilies(p *purge) {
	gone := func(family string) bool {
		f, ok := s.families[family]
		return ok && (p.ended(f.RevokedAt) || p.ended(f.ExpiresAt))
	}
	sweep(p, s.refresh, func(r refreshRow) bool { return gone(r.family) || !s.families.has(r.family) && p.ended(r.ExpiresAt) })
	sweep(p, s.access, func(t accessRow) bool { return gone(t.family) })
	sweep(p, s.codes, func(c codeRow) bool { return gone(c.family) })

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
	late := purge{before: p.late, left: p.left}
	sweep(&late, s.families, func(f oauth.Family) bool { return !inUse[f.ID] && (late.ended(f.RevokedAt) || late.ended(f.ExpiresAt)) })
	p.left = late.left
}
