package memstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// consent stores the consents of a family that begins. A declined scope replaces older
// rows of the scope, so that their number is bounded.
func (s *Store) consent(f *oauth.Family, version int64, granted, declined []string) {
	at := micros(f.CreatedAt)
	for _, scope := range granted {
		s.consents.put(consentKey{f.User, f.ClientID, scope, false, at, version}, at)
	}
	for _, scope := range declined {
		for key := range s.consents {
			if key.user == f.User && key.clientID == f.ClientID && key.scope == scope && key.at.Before(at) {
				delete(s.consents, key)
			}
		}
		s.consents.put(consentKey{f.User, f.ClientID, scope, true, at, version}, at)
	}
}

// consentKey includes the time of the request. So a consent of an old request,
// stored after a withdrawal, does not replace the consent of a new one.
type consentKey struct {
	user     oauth.UserRef
	clientID string
	scope    string
	declined bool
	at       time.Time
	version  int64 // the client's ConsentVersion on the page
}

// latest are the times of the newest consents of a scope, by whether they decline it.
type latest map[bool]time.Time

// granted reports whether the newest consent grants the scope. Of two at the same time,
// the one that declines counts.
func (l latest) granted() bool {
	at, granted := l[false]
	end, declined := l[true]
	return granted && (!declined || at.After(end))
}

// consented returns the consents that count, by client and scope. at reports whether a
// client's consents of a version are wanted.
func (s *Store) consented(user oauth.UserRef, at func(clientID string, version int64) bool) map[[2]string]latest {
	found := map[[2]string]latest{}
	for key := range s.consents {
		if key.user != user || !at(key.clientID, key.version) || s.withdrawn(key) {
			continue
		}
		id := [2]string{key.clientID, key.scope}
		if found[id] == nil {
			found[id] = latest{}
		}
		if at, ok := found[id][key.declined]; !ok || key.at.After(at) {
			found[id][key.declined] = key.at
		}
	}
	return found
}

// Consented implements [oauth.ConsentStore].
func (s *Store) Consented(_ context.Context, user oauth.UserRef, c *oauth.Client) (granted, declined []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := func(clientID string, version int64) bool { return clientID == c.ID && version == c.ConsentVersion }
	for id, l := range s.consented(user, of) {
		if l.granted() {
			granted = append(granted, id[1])
		} else {
			declined = append(declined, id[1])
		}
	}
	slices.Sort(granted)
	slices.Sort(declined)
	return granted, declined, nil
}

func (s *Store) withdrawn(key consentKey) bool {
	return slices.ContainsFunc(s.cutOffs[key.user], func(c cutOff) bool {
		return c.consents && c.ClientID == key.clientID && !c.at.Before(key.at)
	})
}

// Withdraw implements [oauth.ConsentStore].
func (s *Store) Withdraw(ctx context.Context, user oauth.UserRef, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	c := cutOff{FamilyFilter: oauth.FamilyFilter{User: user, ClientID: clientID, KeepPersonal: true}, at: micros(at), consents: true}
	if err := c.Validate(); err != nil {
		return err
	}
	if clientID == "" {
		return errors.New("memstore: a withdrawal needs a client")
	}
	if !storable(user.Provider, user.ID, clientID) {
		return oauth.ErrNotFound
	}
	return s.change(ctx, audit, func() (bool, error) { return s.cut(c), nil })
}
