package memstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

func cloneFamily(f oauth.Family) *oauth.Family {
	f.Resources, f.AMR = slices.Clone(f.Resources), slices.Clone(f.AMR)
	f.AuthTime, f.CreatedAt, f.ExpiresAt, f.RevokedAt = micros(f.AuthTime), micros(f.CreatedAt), micros(f.ExpiresAt), micros(f.RevokedAt)
	return &f
}

// cutOff ends the matching families whose request came in before it, including
// families that are stored after it.
type cutOff struct {
	oauth.FamilyFilter
	at       time.Time
	consents bool // also withdraw the user's consents for the client
}

// ends reports whether the cut-off ends a family. unredeemed says whether the
// family's code is unredeemed.
func (c cutOff) ends(f *oauth.Family, unredeemed bool) bool { return c.endsUntil(c.at, f, unredeemed) }

// endsUntil is ends for requests up to the given time instead of the cut-off's.
func (c cutOff) endsUntil(until time.Time, f *oauth.Family, unredeemed bool) bool {
	return c.Matches(f) && !until.Before(f.CreatedAt) && (!c.Unredeemed || unredeemed)
}

// until is the time up to which the cut-off ends what is already stored: a node
// whose clock is ahead may have stored it. Reading and a purge compare with at
// instead, because by then a user may have signed in again.
func (c cutOff) until() time.Time { return c.at.Add(oauth.ClockSkew) }

// IssueCode implements [oauth.FamilyStore].
func (s *Store) IssueCode(ctx context.Context, b *oauth.CodeIssuance) error {
	return s.change(ctx, b.Audit, func() (bool, error) {
		ticket := onceKey{oauth.SpendTicket, b.Ticket}
		switch {
		case b.Ticket != "" && s.once.has(ticket):
			return false, oauth.ErrSpent
		case s.families.has(b.Family.ID):
			return false, taken("family", b.Family.ID)
		case s.codes.has(b.Code.Digest):
			return false, taken("code", b.Code.Digest)
		}
		if b.Ticket != "" {
			s.once.put(ticket, b.Until)
		}
		s.putFamily(b.Family)
		code := codeRow{*cloneCode(*b.Code), b.Family.ID}
		code.SpentAt = time.Time{}
		s.codes.put(code.Digest, code)
		s.consent(b.Family, b.ConsentVersion, b.Consents, b.Declined)
		return true, nil
	})
}

func taken(what string, id any) error {
	return fmt.Errorf("memstore: the %s exists: %v", what, id)
}

// RevokeFamily implements [oauth.FamilyStore].
func (s *Store) RevokeFamily(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	return s.change(ctx, audit, func() (bool, error) {
		if !s.families.has(id) {
			return false, oauth.ErrNotFound
		}
		return s.revoke(id, at), nil
	})
}

// revoke ends a family, and reports whether that changed anything.
func (s *Store) revoke(id string, at time.Time) bool {
	f, ok := s.families[id]
	if !ok || !f.RevokedAt.IsZero() {
		return false
	}
	f.RevokedAt = micros(at)
	s.families.put(id, f)
	return true
}

// RevokeFamilies implements [oauth.FamilyStore].
func (s *Store) RevokeFamilies(ctx context.Context, which oauth.FamilyFilter, at time.Time, audit *oauth.AuditRecord) error {
	if err := which.Validate(); err != nil {
		return err
	}
	if !storable(which.User.Provider, which.User.ID, which.ClientID, string(which.Session), string(which.ExceptSession)) {
		return oauth.ErrNotFound
	}
	return s.change(ctx, audit, func() (bool, error) { return s.cut(cutOff{FamilyFilter: which, at: micros(at)}), nil })
}

// EndSession implements [oauth.FamilyStore].
func (s *Store) EndSession(ctx context.Context, user oauth.UserRef, session oauth.Digest, at time.Time, audit *oauth.AuditRecord) error {
	which := oauth.FamilyFilter{User: user, Session: session}
	if err := which.Validate(); err != nil || session == "" {
		return cmp.Or(err, errors.New("memstore: ending a session needs a session"))
	}
	if !storable(user.Provider, user.ID, string(session)) {
		return oauth.ErrNotFound
	}
	codes, tokens := which, which
	codes.Unredeemed, tokens.EndsWithSession = true, true
	return s.change(ctx, audit, func() (bool, error) {
		changed := s.cut(cutOff{FamilyFilter: codes, at: micros(at)})
		changed = s.cut(cutOff{FamilyFilter: tokens, at: micros(at)}) || changed
		s.endSessions(cutOff{FamilyFilter: which, at: micros(at)})
		return changed, nil
	})
}

// cut revokes stored families, and keeps the cut-off for families that are stored
// later. It ends the client sessions, too.
func (s *Store) cut(c cutOff) (changed bool) {
	changed = s.revokeCut(c, c.until())
	s.withdraw(c, c.until())
	s.endSessions(c)
	if slices.Contains(s.cutOffs[c.User], c) {
		return changed
	}
	if s.cutOffs == nil {
		s.cutOffs = map[oauth.UserRef][]cutOff{}
	}
	s.cutOffs[c.User] = append(s.cutOffs[c.User], c)
	return true
}

// revokeCut ends the stored families of requests up to the given time.
func (s *Store) revokeCut(c cutOff, until time.Time) (changed bool) {
	unredeemed := map[string]bool{}
	if c.Unredeemed {
		for _, k := range s.codes {
			unredeemed[k.family] = k.SpentAt.IsZero()
		}
	}
	for id, f := range s.families {
		if c.endsUntil(until, &f, unredeemed[id]) && s.revoke(id, c.at) {
			changed = true
		}
	}
	return changed
}

// withdraw deletes the stored consents of requests up to the given time.
func (s *Store) withdraw(c cutOff, until time.Time) {
	for key := range s.consents {
		if c.consents && key.user == c.User && key.clientID == c.ClientID && !key.at.After(until) {
			delete(s.consents, key)
		}
	}
}

// family returns a family with the cut-offs applied.
func (s *Store) family(id string, unredeemed bool) (*oauth.Family, error) {
	stored, ok := s.families[id]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	f := cloneFamily(stored)
	if !f.RevokedAt.IsZero() {
		return f, nil
	}
	if at := s.clients[f.ClientID].TokensNotBefore; !at.Before(f.CreatedAt) {
		f.RevokedAt = at
	}
	for _, c := range s.cutOffs[f.User] {
		if c.ends(f, unredeemed) && (f.RevokedAt.IsZero() || c.at.Before(f.RevokedAt)) {
			f.RevokedAt = c.at
		}
	}
	return f, nil
}
