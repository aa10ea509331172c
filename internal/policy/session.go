package policy

import (
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// BindToSession completes a new family: it decides whether the family ends with its
// browser session, and if so, the family expires with the session. sessionEnd is when
// the session expires; zero if that is unknown. A personal access token has no
// session.
func (p *Policy) BindToSession(f *oauth.Family, c *oauth.Client, scopes []string, sessionEnd time.Time) {
	if f.Personal {
		return
	}
	ends := f.EndsWithSession || p.FamiliesEndWithSession || c.EndsWithSession
	f.EndsWithSession = ends && !slices.Contains(scopes, offlineAccess)
	if f.EndsWithSession {
		f.ExpiresAt = Earlier(f.ExpiresAt, sessionEnd)
	}
}

// Earlier returns the earlier of two times in whole microseconds, as stores keep
// them. other may be zero.
func Earlier(end, other time.Time) time.Time {
	if other = other.UTC().Truncate(time.Microsecond); other.IsZero() || end.Before(other) {
		return end
	}
	return other
}
