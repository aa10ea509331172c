package memstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// sessionKey is a browser session of a user at a client.
type sessionKey struct {
	user     oauth.UserRef
	session  oauth.Digest
	clientID string
}

type clientSession struct {
	sid                string
	createdAt, expires time.Time
}

type notice struct {
	oauth.LogoutNotice
	next time.Time // when it is due, or its lease ends
}

// putFamily stores a new family. If it belongs to a client session, it gets the sid that
// the client has for the session.
func (s *Store) putFamily(family *oauth.Family) {
	f := cloneFamily(*family)
	if f.SID != "" {
		key := sessionKey{f.User, f.Session, f.ClientID}
		row, ok := s.sessions[key]
		if !ok {
			row = clientSession{sid: f.SID, createdAt: f.CreatedAt}
		}
		if f.ExpiresAt.After(row.expires) {
			row.expires = f.ExpiresAt
		}
		s.sessions.put(key, row)
		if f.SID = row.sid; f.Session == "" {
			f.SID = ""
		}
	}
	s.families.put(f.ID, *f)
}

// endSessions deletes the client sessions that the cut-off ends, and stores the notices
// about them.
func (s *Store) endSessions(c cutOff) {
	if c.Unredeemed || c.EndsWithSession {
		return
	}
	for key, row := range s.sessions {
		if row.createdAt.After(c.until()) || !c.Matches(&oauth.Family{User: key.user, ClientID: key.clientID, Session: key.session}) {
			continue
		}
		delete(s.sessions, key)
		client := s.clients[key.clientID]
		if !isTold(client) {
			continue
		}
		n := notice{next: c.at, LogoutNotice: oauth.LogoutNotice{
			ID: row.sid, SID: row.sid, ClientID: client.ID, User: c.User, CreatedAt: c.at, ExpiresAt: c.at.Add(oauth.LogoutNoticeTTL),
		}}
		if key.session == "" || c.Session == "" && c.ExceptSession == "" && !client.OpenID.BackchannelSessionRequired {
			n.SID, n.ID = "", "all sessions of "+c.User.Provider+":"+c.User.ID+" at "+client.ID+" "+c.at.String()
		}
		s.notices.put(n.ID, n)
	}
}

// isTold reports whether a client gets notices.
func isTold(c oauth.Client) bool {
	return c.OpenID != nil && c.OpenID.BackchannelLogoutURI != "" && c.RevokedAt.IsZero()
}

// SID implements [oauth.LogoutStore].
func (s *Store) SID(_ context.Context, user oauth.UserRef, session oauth.Digest, clientID string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.sessions[sessionKey{user, session, clientID}]
	if !ok || session == "" {
		return "", oauth.ErrNotFound
	}
	return row.sid, nil
}

// LeaseLogouts implements [oauth.LogoutStore].
func (s *Store) LeaseLogouts(_ context.Context, l *oauth.LogoutLease) (leased []*oauth.LogoutNotice, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []notice
	for _, n := range s.notices {
		if !n.next.After(micros(l.Time)) && !slices.Contains(l.Except, n.ClientID) {
			due = append(due, n)
		}
	}
	slices.SortFunc(due, func(a, b notice) int { return cmp.Or(a.next.Compare(b.next), strings.Compare(a.ID, b.ID)) })
	of := map[string]int{}
	for _, n := range due {
		if of[n.ClientID]++; len(leased) >= min(l.Limit, oauth.MaxLogoutLease) || of[n.ClientID] > l.PerClient {
			continue
		}
		n.Tries, n.Lease, n.next = n.Tries+1, l.ID, micros(l.Until)
		s.notices.put(n.ID, n)
		leased = append(leased, &n.LogoutNotice)
	}
	return leased, nil
}

// SettleLogout implements [oauth.LogoutStore].
func (s *Store) SettleLogout(ctx context.Context, r *oauth.LogoutResult) error {
	return s.change(ctx, nil, func() (bool, error) {
		n, ok := s.notices[r.Notice.ID]
		if !ok || n.Lease == "" || n.Lease != r.Notice.Lease {
			return false, oauth.ErrNotFound
		}
		if r.RetryAt.IsZero() {
			delete(s.notices, n.ID)
		} else {
			n.next, n.Lease = micros(r.RetryAt), ""
			s.notices.put(n.ID, n)
		}
		status := s.logouts[n.ClientID]
		status.LastAt, status.LastResult = micros(r.Time), r.Result
		if status.Failures++; r.Done {
			status.SucceededAt, status.Failures = micros(r.Time), 0
		}
		s.logouts.put(n.ClientID, status)
		return true, nil
	})
}

// LogoutStatus implements [oauth.LogoutStore].
func (s *Store) LogoutStatus(_ context.Context, clientID string) (*oauth.LogoutStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return new(s.logouts[clientID]), nil
}

// TellsClients implements [oauth.LogoutStore].
func (s *Store) TellsClients(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		if isTold(c) {
			return true, nil
		}
	}
	return false, nil
}
