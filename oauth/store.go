package oauth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

var (
	// ErrNotFound says that there is no such record.
	ErrNotFound = errors.New("oauth: not found")

	// ErrConflict says that a record was changed since it was read, or that one
	// with its ID exists.
	ErrConflict = errors.New("oauth: changed by somebody else")

	// ErrSpent is returned by a [Store] when a one-time value was used before.
	ErrSpent = errors.New("oauth: already spent")

	// ErrUnavailable is in the chain of a [Store]'s error when asking again
	// later may help: out of reach, busy, or a COMMIT without an answer.
	ErrUnavailable = errors.New("oauth: the store is unavailable")
)

// ReplayError is what [Replayed] returns.
type ReplayError struct {
	What   Purpose
	Family *Family
}

func (e *ReplayError) Error() string { return fmt.Sprintf("the %s was used before", e.What) }

// Replayed says that a one-time value came twice, so that one of the two who
// held it is a thief: the endpoint revokes the family and answers
// invalid_grant (RFC 9700 §4.14.2).
func Replayed(what Purpose, family *Family) error { return &ReplayError{What: what, Family: family} }

// Store keeps Passport's records. Each method is one whole decision: it happens
// completely or not at all, and is safe to call from many goroutines and many
// machines. A record that is missing is [ErrNotFound], also when the ID is one
// that could not be stored. Package storetest checks an implementation.
//
// Verbs that change something take the audit record of their change, to be
// stored in the same write; nil leaves the log alone.
//
// A wrapper that embeds a Store has an Unwrap() Store method, through which the
// optional powers of the inner one are found; see [StoreAs]. A grant sees a Store
// only through a [TokenReader].
type Store interface {
	ClientStore
	FamilyStore
	TokenStore
	ConsentStore
	Purger
}

// TokenReader is how a [Grant] reads a [Store]. It has the verbs that look up one
// record, and none that writes; see [ReadOnly]. A record that is missing is
// [ErrNotFound]. A caller must not change a record: a store may give the same one to
// several callers.
type TokenReader interface {
	// Client returns the client with an ID, also one that is suspended or revoked;
	// see [Client.Active].
	Client(ctx context.Context, id string) (*Client, error)

	// Code returns a code with its family, also one that is spent or has expired.
	Code(ctx context.Context, d Digest) (*Code, error)

	// AccessToken returns the access token with an ID, the jti of a JWT, together
	// with its client and family, also one that has ended; see [AccessToken.Live].
	AccessToken(ctx context.Context, id string) (*AccessToken, error)

	// OpaqueToken returns the access token with an [AccessToken.Digest]. For an empty
	// digest it is [ErrNotFound].
	OpaqueToken(ctx context.Context, d Digest) (*AccessToken, error)

	// RefreshToken returns a refresh token with its family and, if it is spent, its
	// successor.
	RefreshToken(ctx context.Context, d Digest) (*RefreshToken, error)
}

// ClientStore keeps clients. They change by verbs, because saving a record that
// was read earlier would bring back a revoked client or a removed secret.
// CreateClient and UpdateClient return the error of [Client.Validate], if any.
type ClientStore interface {
	Client(ctx context.Context, id string) (*Client, error)

	// ClientByKey returns the client with a [Client.Key], revoked or not. An empty
	// key is nobody's.
	ClientByKey(ctx context.Context, key string) (*Client, error)

	// Clients yields all clients by ID; ClientsOf those of an owner.
	Clients(ctx context.Context) iter.Seq2[*Client, error]
	ClientsOf(ctx context.Context, owner UserRef) iter.Seq2[*Client, error]

	// CreateClient returns [ErrConflict] if the ID or the Key is taken. A client
	// without an ID gets the next free number, from 1, which is set in c and which
	// the stored audit record names. A call that fails takes no number.
	CreateClient(ctx context.Context, c *Client, audit *AuditRecord) error

	// UpdateClient changes what may be changed: not the Key, the secrets, the
	// AuthMethod, CreatedAt or RevokedAt. If c.Version is not the stored one it is
	// [ErrConflict]; the stored one then counts up. The stored ConsentVersion counts
	// up in the same write if c does not look like the stored client (see
	// [Client.LooksLike]); c.ConsentVersion is ignored.
	UpdateClient(ctx context.Context, c *Client, audit *AuditRecord) error

	// RotateSecret adds a secret, and the others end at a time, unless they end
	// before it. A secret that the client has already is [ErrConflict].
	RotateSecret(ctx context.Context, clientID string, s Secret, othersUntil time.Time, audit *AuditRecord) error

	// RevokeClient ends the client and, because reading a token joins its
	// client, every token that it holds. A second call changes nothing.
	RevokeClient(ctx context.Context, id string, at time.Time, audit *AuditRecord) error
}

// FamilyStore keeps families. A revoked one never lives again.
type FamilyStore interface {
	// IssueCode stores a family and the code that begins it, and uses up the
	// ticket of the consent page. For a ticket used before it is [ErrSpent].
	IssueCode(ctx context.Context, b *CodeIssuance) error

	// RevokeFamily ends one family. Nothing that is being issued into it at
	// that moment can be used afterwards. A second call changes nothing.
	RevokeFamily(ctx context.Context, id string, at time.Time, audit *AuditRecord) error

	// RevokeFamilies ends every family that the filter matches and whose
	// CreatedAt is not after at, also one that is being stored at that moment
	// or is stored later: it is dead from the start. A filter without a user
	// is an error, never "all".
	RevokeFamilies(ctx context.Context, which FamilyFilter, at time.Time, audit *AuditRecord) error

	// EndSession does what a browser session's end does, in one write: it ends the
	// user's families of the session whose code was not redeemed yet, and those
	// that end with their session, as RevokeFamilies does. Without a user or a
	// session it is an error.
	EndSession(ctx context.Context, user UserRef, session Digest, at time.Time, audit *AuditRecord) error
}

// FamilyFilter selects families by all of its fields that are set.
type FamilyFilter struct {
	User     UserRef // required, both fields
	ClientID string

	// Session selects those of one browser session, ExceptSession spares those
	// of one.
	Session, ExceptSession Digest

	Unredeemed      bool // only those whose code was not redeemed yet
	EndsWithSession bool // only those that end with their session
	KeepPersonal    bool // not those of personal access tokens
}

// Matches reports whether f selects the family, Unredeemed apart.
func (f FamilyFilter) Matches(family *Family) bool {
	return f.User == family.User &&
		(f.ClientID == "" || f.ClientID == family.ClientID) &&
		(f.Session == "" || f.Session == family.Session) &&
		(f.ExceptSession == "" || f.ExceptSession != family.Session) &&
		(!f.EndsWithSession || family.EndsWithSession) &&
		(!f.KeepPersonal || !family.Personal)
}

// Validate returns an error for a filter that does not name a user.
func (f FamilyFilter) Validate() error {
	if f.User.Provider == "" || f.User.ID == "" {
		return errors.New("oauth: a family filter needs a user: provider and ID")
	}
	return nil
}

// TokenStore keeps codes and tokens. Each record is read together with its
// family, and an access token with its client too, in one go. What a cut-off
// ended (see [FamilyStore.RevokeFamilies]) shows as RevokedAt of the family.
type TokenStore interface {
	Code(ctx context.Context, d Digest) (*Code, error)
	AccessToken(ctx context.Context, id string) (*AccessToken, error)

	// OpaqueToken returns the access token with a [AccessToken.Digest]; no two have
	// the same. An empty digest is nobody's.
	OpaqueToken(ctx context.Context, d Digest) (*AccessToken, error)

	RefreshToken(ctx context.Context, d Digest) (*RefreshToken, error)

	// TokensOf yields the access tokens of a user by ID, dead ones too.
	TokensOf(ctx context.Context, user UserRef) iter.Seq2[*AccessToken, error]

	// Issue uses up i.Spends and stores the tokens. Of many calls that spend
	// one value exactly one succeeds; the others get [ErrSpent].
	Issue(ctx context.Context, i *Issuance) error

	// UseOnce records that a value was seen, or returns [ErrSpent]. The record
	// may be forgotten after until.
	UseOnce(ctx context.Context, purpose Purpose, id string, until time.Time) error

	// RevokeToken ends a client's own access token; of a user's it ends the
	// family, so that no refreshed token lives on. A second call changes nothing.
	RevokeToken(ctx context.Context, id string, at time.Time, audit *AuditRecord) error

	// Disconnect ends the family of an access token of d.User and, unless that
	// user has another connection with the client, withdraws the consents as
	// [ConsentStore.Withdraw] does at d.Time: all or nothing. A connection is a
	// family that lives, is not of a personal access token, and has an access
	// token or was begun after d.Time. Of calls at once for the last connections
	// one withdraws. A second call changes nothing but finishes what a call of
	// RevokeToken left. It reports which of the two changes it made; a token of
	// another user, or of a client's own, is [ErrNotFound].
	Disconnect(ctx context.Context, d *Disconnection) (revoked, withdrawn bool, err error)
}

// CodeIssuance is one write of the authorization endpoint.
type CodeIssuance struct {
	Ticket   string    // ID of the consent page's ticket; empty when no page was shown
	Until    time.Time // when the ticket's row may be purged
	Family   *Family
	Code     *Code
	Consents []string // scopes the user has agreed to remember

	// ConsentVersion is the [Client.ConsentVersion] that the page showed. The
	// consents are stored with it, also if the client has another one by now.
	ConsentVersion int64

	Audit *AuditRecord
}

// Issuance is one write of the token endpoint.
type Issuance struct {
	Time           time.Time
	Spends         Spend
	NewFamily      *Family  // stored first, for a grant that begins one here
	Consents       []string // of the user of NewFamily: scopes to remember
	ConsentVersion int64    // of the client on the page, as in a [CodeIssuance]
	AccessToken    *AccessToken
	RefreshToken   *RefreshToken // nil when none is issued; required when one is spent
	Audit          *AuditRecord
}

// ConsentStore remembers consents, one row for each scope and request.
type ConsentStore interface {
	// Consented returns the scopes that the user has granted the client and not
	// withdrawn since, sorted. Only consents with c.ConsentVersion count: c is the
	// client as the caller has read it, and the caller acts on nothing newer. A row
	// without a number is older than the numbers: it counts as number 0 if c has no
	// owner, and is void if c has one.
	Consented(ctx context.Context, user UserRef, c *Client) ([]string, error)

	// Withdraw forgets them and ends every family of the user at the client, as
	// [FamilyStore.RevokeFamilies] does. Personal access tokens stay.
	Withdraw(ctx context.Context, user UserRef, clientID string, at time.Time, audit *AuditRecord) error
}

// Purger forgets what has ended.
type Purger interface {
	// Purge deletes at most about limit rows of what has ended, and returns how
	// many; call it until that is 0. A spent code or refresh token stays as long
	// as its family, so that a replay is found whenever it comes; the access token
	// of a refresh token that can be used stays with it.
	Purge(ctx context.Context, ended PurgeBefore, limit int) (n int, err error)
}

// PurgeBefore says what is purged: what was revoked at the one time or before, and
// what expired at the other or before. A zero time leaves what ended in that way
// alone.
type PurgeBefore struct{ Revoked, Expired time.Time }

// EndedBefore is what ended at a time or before, in either way.
func EndedBefore(at time.Time) PurgeBefore { return PurgeBefore{Revoked: at, Expired: at} }

// AuditRecord says who did what. It is stored by the write that it tells of, and
// holds no secret: no code, no token, no password.
type AuditRecord struct {
	Time      time.Time
	Action    string  // such as "token.issued"
	Actor     string  // "users:42", "client:7f3a"; empty for the command line
	User      UserRef // whom it concerns, if anybody
	ClientID  string
	Reason    string
	Address   string // of the caller
	RequestID string
}

// AuditStore is a [Store] whose audit log can be read.
type AuditStore interface {
	// AuditLog yields the records since a time, oldest first.
	AuditLog(ctx context.Context, since time.Time) iter.Seq2[*AuditRecord, error]
}

// KeyStore is a [Store] that can keep the server's keys. They come sealed: the
// store has nothing to open them with.
type KeyStore interface {
	// KeyRing returns what was saved last and its version, or [ErrNotFound].
	KeyRing(ctx context.Context) (sealed string, version int64, err error)

	// SaveKeyRing saves it in place of the version that was read, 0 for none, and
	// counts up. If another one is stored by now it is [ErrConflict].
	SaveKeyRing(ctx context.Context, sealed string, version int64) error
}

// Checker is a [Store] that can tell whether what it stands on is set up
// safely. It reports all faults, each with its remedy.
type Checker interface {
	Check(ctx context.Context) error
}
