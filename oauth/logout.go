package oauth

import (
	"context"
	"time"
)

// LogoutStore is a [Store] that knows which clients of a browser session to tell about
// its end (OpenID Connect Back-Channel Logout §2.3). passport.OpenID needs it.
//
// [FamilyStore.IssueCode], [TokenStore.Issue] with a new family and
// [DeviceStore.ApproveDeviceCode] store a client session if the family has a SID: the
// [Family.SID] of a user, a browser session and a client. If the client already has a SID
// for the session, the family gets that one. All families without a Session share a client
// session for each user and client, and lose their SID. A client session ends with the
// last family that it was stored for, or earlier by one of the following verbs, which
// delete it. In the same write each verb stores notices for those clients that are not
// revoked and have a [ClientOpenID.BackchannelLogoutURI]. A notice about the client session
// of families without a Session has no SID:
//
//   - [FamilyStore.EndSession]: one for each client session of the browser session.
//   - [FamilyStore.RevokeFamilies] without a Session and without an ExceptSession, and
//     [ConsentStore.Withdraw]: all sessions of the user end, at all clients or at one. So
//     each client gets one notice without a SID. A client with
//     [ClientOpenID.BackchannelSessionRequired] gets one for each of its client sessions.
//   - RevokeFamilies with a Session or an ExceptSession: one for each client session that
//     ends.
//   - [TokenStore.Disconnect]: the same as Withdraw if it withdraws the consents;
//     otherwise one for the client session of the family, if it revokes the family.
//
// RevokeFamilies with Unredeemed or EndsWithSession ends no client session. A verb ends
// the client sessions that are stored already and began up to [ClockSkew] after its time.
type LogoutStore interface {
	// SID returns the SID that the client has for a browser session of the user, or
	// [ErrNotFound].
	SID(ctx context.Context, user UserRef, session Digest, clientID string) (string, error)

	// LeaseLogouts returns notices that are due, the oldest first, and counts a try for
	// each. It returns no notice to a second caller before l.Until.
	LeaseLogouts(ctx context.Context, l *LogoutLease) ([]*LogoutNotice, error)

	// SettleLogout stores the result of a try. Without r.RetryAt it deletes the notice. It
	// returns [ErrNotFound], and stores nothing, if another caller has leased the notice
	// since.
	SettleLogout(ctx context.Context, r *LogoutResult) error

	// LogoutStatus returns what became of the notices to a client. It has the zero value
	// if none was sent.
	LogoutStatus(ctx context.Context, clientID string) (*LogoutStatus, error)

	// TellsClients reports whether a client that is not revoked has a
	// BackchannelLogoutURI.
	TellsClients(ctx context.Context) (bool, error)
}

// LogoutNotice tells a client that a browser session has ended, or all sessions of a
// user.
type LogoutNotice struct {
	ID        string
	ClientID  string
	User      UserRef
	SID       string // of the session that ended; empty for all sessions of the user
	CreatedAt time.Time
	ExpiresAt time.Time // [LogoutNoticeTTL] after CreatedAt
	Tries     int       // with this one
	Lease     string    // names the call of LeaseLogouts
}

// LogoutNoticeTTL is how long the server tries to send a notice.
const LogoutNoticeTTL = time.Hour

// LogoutLease asks for notices.
type LogoutLease struct {
	ID        string    // random
	Time      time.Time // notices that are due then
	Until     time.Time // when another caller may have them
	Limit     int       // at most [MaxLogoutLease]
	PerClient int       // how many of one client
	Except    []string  // IDs of clients that get none now; at most [MaxLogoutExcept]
}

// MaxLogoutLease is the largest number of notices of one lease. MaxLogoutExcept is the
// largest number of clients that a lease can except.
const (
	MaxLogoutLease  = 10
	MaxLogoutExcept = 20
)

// LogoutResult is the result of a try to send a notice.
type LogoutResult struct {
	Notice  *LogoutNotice
	Time    time.Time
	Result  string    // for the operator: what the client responded, at most [MaxLogoutResult] bytes
	Done    bool      // the client has accepted the notice
	RetryAt time.Time // zero: there is no further try
}

// MaxLogoutResult is the largest length of a result, in bytes.
const MaxLogoutResult = 255

// LogoutStatus is what became of the notices to a client.
type LogoutStatus struct {
	LastAt      time.Time // of the last try; zero if there was none
	LastResult  string
	SucceededAt time.Time // when the client last accepted a notice; zero if it never did
	Failures    int       // failed tries since then
}
