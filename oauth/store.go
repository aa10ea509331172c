package oauth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

var (
	// ErrNotFound means that the record does not exist.
	ErrNotFound = errors.New("oauth: not found")

	// ErrConflict means that the record was changed since it was read, or that
	// its ID is already taken.
	ErrConflict = errors.New("oauth: changed by another request")

	// ErrSpent means that a one-time value was already used.
	ErrSpent = errors.New("oauth: already spent")

	// ErrLimit means that the user already has as many records of a kind as the
	// server's settings allow.
	ErrLimit = errors.New("oauth: the user's limit is reached")

	// ErrUnavailable is in the chain of a [Store]'s error if a retry may help:
	// the database is unreachable or busy, or a COMMIT had no response.
	ErrUnavailable = errors.New("oauth: the store is unavailable")
)

// ReplayError is the error of [Replayed].
type ReplayError struct {
	What   Purpose
	Family *Family
}

// Error names the one-time value.
func (e *ReplayError) Error() string {
	if e == nil {
		return "a nil *oauth.ReplayError was returned as an error: return nil itself"
	}
	return fmt.Sprintf("the %s was used before", e.What)
}

// Replayed returns an error for a one-time value that was used twice, so that
// one of the two holders must be an attacker. The endpoint revokes the family
// and responds with invalid_grant (RFC 9700 §4.14.2).
func Replayed(what Purpose, family *Family) error { return &ReplayError{What: what, Family: family} }

// ClockSkew is how far the clocks of two nodes may differ at a revocation: one
// minute. A revocation by time ends every stored record of a request up to
// ClockSkew after it, because a node whose clock is ahead may have stored it. A
// record that is stored later ends only if its request came at or before the time
// of the revocation, also after a purge: the user may have signed in again.
const ClockSkew = time.Minute

// Store keeps Passport's records. Each method is atomic and safe for concurrent
// use by many goroutines and nodes. For a missing record, or an ID that cannot
// exist, it returns [ErrNotFound]. Package storetest checks an implementation.
//
// A method that changes something takes the audit record of the change and
// stores it in the same write. A nil record writes no audit log.
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

	// ClientByKey returns the client with a [Client.Key], even if it is
	// revoked. An empty key is [ErrNotFound].
	ClientByKey(ctx context.Context, key string) (*Client, error)

	// Clients yields all clients, ordered by ID. ClientsOf yields the clients
	// of an owner. UnrevokedClientsOf yields only the owner's clients that are not
	// revoked, and reads no others.
	Clients(ctx context.Context) iter.Seq2[*Client, error]
	ClientsOf(ctx context.Context, owner UserRef) iter.Seq2[*Client, error]
	UnrevokedClientsOf(ctx context.Context, owner UserRef) iter.Seq2[*Client, error]

	// CreateClient returns [ErrConflict] if the ID or the Key is taken. A
	// client without an ID gets the next free number, starting with 1. The
	// store sets it in c and in the stored audit record. A failed call uses no
	// number.
	CreateClient(ctx context.Context, c *Client, audit *AuditRecord) error

	// CreateClientWithin is CreateClient for a client with an owner. If the owner
	// already has that many clients that are not revoked, it returns [ErrLimit].
	// The write itself checks the limit. Concurrent calls may exceed it by their
	// own number.
	CreateClientWithin(ctx context.Context, c *Client, limit int, audit *AuditRecord) error

	// UpdateClient changes a client, except its Key, secrets, AuthMethod,
	// CreatedAt, RevokedAt and TokensNotBefore. If c.Version differs from the stored version, it
	// returns [ErrConflict]; otherwise it increments the stored version. In the
	// same write it increments the stored ConsentVersion if c does not look
	// like the stored client (see [Client.LooksLike]). It ignores
	// c.ConsentVersion.
	UpdateClient(ctx context.Context, c *Client, audit *AuditRecord) error

	// RotateSecret adds a secret. The other secrets expire at othersUntil, or
	// earlier if they already do. It returns [ErrConflict] if the client
	// already has the secret.
	RotateSecret(ctx context.Context, clientID string, s Secret, othersUntil time.Time, audit *AuditRecord) error

	// RevokeClient revokes the client and all of its tokens, because reading a
	// token joins its client. A second call changes nothing.
	RevokeClient(ctx context.Context, id string, at time.Time, audit *AuditRecord) error
}

// FamilyStore keeps families. A revoked family stays revoked.
type FamilyStore interface {
	// IssueCode stores a family and its code, and uses up the ticket of the
	// consent page. If the ticket was already used, it returns [ErrSpent].
	IssueCode(ctx context.Context, b *CodeIssuance) error

	// RevokeFamily revokes a family. Tokens that are being issued into it at
	// the same moment are not valid either. A second call changes nothing.
	RevokeFamily(ctx context.Context, id string, at time.Time, audit *AuditRecord) error

	// RevokeFamilies revokes every family that matches the filter and whose
	// CreatedAt is not after at, even if it is stored at the same moment or
	// later. Of the families that are stored already, it also revokes those
	// whose CreatedAt is up to [ClockSkew] after at. RevokedAt is at for both. A
	// filter without a user is an error; it never means all families.
	RevokeFamilies(ctx context.Context, which FamilyFilter, at time.Time, audit *AuditRecord) error

	// LimitFamilies revokes the live families of l.User at l.ClientID that began
	// before the newest l.Keep, which is at least 1. Families of personal access
	// tokens, and families whose code expired at l.Time or before and was not
	// redeemed, neither count nor end. It returns how many families it revoked.
	LimitFamilies(ctx context.Context, l *FamilyLimit) (ended int, err error)

	// EndSession ends the user's browser session in one write. It revokes, as
	// RevokeFamilies does, the families of the session whose code was not
	// redeemed yet, and those that end with their session. Without a user or a
	// session it returns an error.
	EndSession(ctx context.Context, user UserRef, session Digest, at time.Time, audit *AuditRecord) error
}

// FamilyLimit is a limit on the live families of a user at a client.
type FamilyLimit struct {
	User     UserRef
	ClientID string
	Keep     int // how many families stay live, at least 1
	Time     time.Time
	Audit    *AuditRecord // of the families that are revoked
}

// FamilyFilter selects the families that match all of its non-zero fields.
type FamilyFilter struct {
	User     UserRef // required, both fields
	ClientID string

	// Session selects the families of a browser session. ExceptSession excludes
	// the families of a browser session.
	Session, ExceptSession Digest

	Unredeemed      bool // only those whose code was not redeemed yet
	EndsWithSession bool // only those that end with their session
	KeepPersonal    bool // exclude personal access tokens
}

// Matches reports whether f selects the family. It ignores Unredeemed.
func (f FamilyFilter) Matches(family *Family) bool {
	return f.User == family.User &&
		(f.ClientID == "" || f.ClientID == family.ClientID) &&
		(f.Session == "" || f.Session == family.Session) &&
		(f.ExceptSession == "" || f.ExceptSession != family.Session) &&
		(!f.EndsWithSession || family.EndsWithSession) &&
		(!f.KeepPersonal || !family.Personal)
}

// Validate returns an error if the filter names no user.
func (f FamilyFilter) Validate() error {
	if f.User.Provider == "" || f.User.ID == "" {
		return errors.New("oauth: a family filter needs a user: provider and ID")
	}
	return nil
}

// TokenStore keeps codes and tokens. It reads each record together with its
// family, and an access token also with its client, in one query. RevokedAt of
// the family includes earlier calls of [FamilyStore.RevokeFamilies] and
// RevokeTokensOfClient.
type TokenStore interface {
	Code(ctx context.Context, d Digest) (*Code, error)
	AccessToken(ctx context.Context, id string) (*AccessToken, error)

	// OpaqueToken returns the access token with an [AccessToken.Digest], which
	// is unique. An empty digest is [ErrNotFound].
	OpaqueToken(ctx context.Context, d Digest) (*AccessToken, error)

	RefreshToken(ctx context.Context, d Digest) (*RefreshToken, error)

	// TokensOf yields all access tokens of a user, including ended ones,
	// ordered by family ID and then by ID. It reads pages, so that the cost
	// grows with the number of tokens.
	//
	// Lists of tokens read what they show: the Client of a token in a list has
	// no RedirectURIs, no Attributes and no Secrets.
	TokensOf(ctx context.Context, user UserRef) iter.Seq2[*AccessToken, error]

	// Connections returns the newest access token of each of the user's
	// families that is live at the given time, ordered by ID, with its
	// GrantedScopes. That token may
	// have expired: the client can refresh it. It returns no families of
	// personal access tokens, no families without a token of their client, and
	// no families of a revoked client. If the user has more than [MaxListed]
	// live families, it considers the families that expire last. It reads no other
	// families and one token of each.
	Connections(ctx context.Context, user UserRef, at time.Time) ([]*AccessToken, error)

	// PersonalTokens returns the user's personal access tokens, ordered by ID,
	// including expired ones. It returns no revoked tokens and no tokens of a
	// revoked client. If the user has more than [MaxListed], it considers those
	// that expire last.
	PersonalTokens(ctx context.Context, user UserRef) ([]*AccessToken, error)

	// Issue uses up i.Spends and stores the tokens. Exactly one of several
	// calls with the same value succeeds; the others return [ErrSpent]. If it uses up an
	// imported refresh token, it also revokes the access token that was issued with it;
	// see [Digest.Imported]. It
	// returns [ErrLimit] as i.PersonalLimit says.
	Issue(ctx context.Context, i *Issuance) error

	// UseOnce records that a value was used. It returns [ErrSpent] if it was
	// used before. The store may delete the record after until.
	UseOnce(ctx context.Context, purpose Purpose, id string, until time.Time) error

	// RevokeToken revokes a client's own access token. For a user's token it
	// revokes the family, so that no refreshed token stays valid. A second call
	// changes nothing.
	RevokeToken(ctx context.Context, id string, at time.Time, audit *AuditRecord) error

	// RevokeTokensOfClient ends all codes and tokens of a client, including
	// personal access tokens, and keeps the client and all consents. It sets
	// the client's TokensNotBefore to at, unless it is later already.
	//
	// It ends the client's families whose CreatedAt is not after at, even if
	// they are stored at the same moment or later. It also ends the client's
	// access tokens that are in no family, or in a family of another client, and
	// whose IssuedAt is not after at. Of the records that are stored already, it
	// ends those up to [ClockSkew] after at, as RevokeFamilies does, also if
	// TokensNotBefore is later than at: the node of the earlier call may have a
	// clock that is ahead. A second call with the same time changes nothing.
	RevokeTokensOfClient(ctx context.Context, clientID string, at time.Time, audit *AuditRecord) error

	// TokensOfClient yields the access tokens that were issued to a client,
	// including ended ones, ordered by IssuedAt and ID. It reads them page by
	// page. The Client of a token has no Secrets.
	TokensOfClient(ctx context.Context, clientID string) iter.Seq2[*AccessToken, error]

	// Disconnect revokes the family of an access token of d.User. Unless the
	// user has another connection with the client, it also withdraws the
	// consents at d.Time, as [ConsentStore.Withdraw] does. Both changes are one
	// atomic write.
	//
	// A connection is a live family that has an access token or began after
	// d.Time + [ClockSkew]. The family of a personal access token is not a connection. If
	// concurrent calls end the last connections, one of them withdraws. A
	// second call changes nothing, except that it completes an earlier
	// RevokeToken.
	//
	// Disconnect reports which of the two changes it made. A token of another
	// user, or a client's own token, is [ErrNotFound].
	Disconnect(ctx context.Context, d *Disconnection) (revoked, withdrawn bool, err error)
}

// MaxListed is the maximum number of families that [TokenStore.Connections] and
// [TokenStore.PersonalTokens] consider. It bounds the memory that a request for a
// list takes.
const MaxListed = 1000

// CodeIssuance is one write of the authorization endpoint.
type CodeIssuance struct {
	Ticket   string    // ID of the consent page's ticket; empty if no page was shown
	Until    time.Time // when the ticket's row may be purged
	Family   *Family
	Code     *Code
	Consents []string // scopes that the user agreed to remember
	Declined []string // optional scopes that the user declined; none of Consents

	// ConsentVersion is the [Client.ConsentVersion] that the page showed. The
	// store keeps it with both lists, even if the client has another version
	// now.
	ConsentVersion int64

	Audit *AuditRecord
}

// Issuance is one write of the token endpoint.
type Issuance struct {
	Time           time.Time
	Spends         Spend
	NewFamily      *Family  // stored first, if the grant begins a family
	Consents       []string // scopes to remember for the user of NewFamily
	Declined       []string // as in a [CodeIssuance]
	ConsentVersion int64    // as in a [CodeIssuance]
	AccessToken    *AccessToken
	RefreshToken   *RefreshToken // nil if none is issued; required if Spends is a refresh token

	// PersonalLimit is the maximum number of live personal access tokens of the
	// user of NewFamily; zero for no limit. Tokens that ended with their client, or
	// by RevokeTokensOfClient or RevokeFamilies, don't count. If the user already has
	// as many, Issue writes nothing and returns [ErrLimit]. The write itself checks the
	// limit. Concurrent calls may exceed it by their own number.
	PersonalLimit int

	Audit *AuditRecord
}

// ConsentStore remembers consents, in one row per scope and request. A consent grants
// a scope or declines it. Of several for the same scope the newest request decides; of
// two at the same time, the one that declines.
type ConsentStore interface {
	// Consented returns the scopes that the user has granted to the client or
	// declined, and not withdrawn, each list sorted. No scope is in both. Only
	// consents with c.ConsentVersion count. c is
	// the client as the caller has read it, so that the caller never acts on a
	// newer version. A row without a version is from before versions existed:
	// it counts as version 0 if c has no owner, and as void if c has one.
	Consented(ctx context.Context, user UserRef, c *Client) (granted, declined []string, err error)

	// Withdraw deletes the user's consents for the client, granted and declined, and revokes the
	// user's families at the client, as [FamilyStore.RevokeFamilies] does: the
	// stored consents of requests up to [ClockSkew] after at, and later stored
	// ones up to at. A consent and the family of the same request have the same
	// end. Personal access tokens stay valid.
	Withdraw(ctx context.Context, user UserRef, clientID string, at time.Time, audit *AuditRecord) error
}

// Purger deletes ended records.
type Purger interface {
	// Purge deletes about limit ended rows at most and returns how many; call
	// it until it returns 0. It keeps a spent code or refresh token as long as
	// its family, so that a replay is always detected. It keeps the access
	// token of a usable refresh token. Families and tokens that ended by RevokeClient
	// or RevokeTokensOfClient were revoked at that time.
	//
	// It deletes a revoked client with an owner, without a Key, and with an ID that
	// CreateClient will not choose again, once the client has no family and no access
	// token. The client's secrets and consents go with it. All other clients stay.
	//
	// It ends no family and no consent of a
	// request after the revocation, not even within [ClockSkew].
	//
	// If an [ImportStore] has imported clients, revoked records stay until they expire or
	// the note [ImportSwitched] is set: another import would bring them back. Until then
	// RevokeFamilies and Withdraw also end earlier families and consents that an import
	// stores after the purge.
	Purge(ctx context.Context, ended PurgeBefore, limit int) (n int, err error)
}

// PurgeBefore selects the rows to purge: those revoked at Revoked or earlier,
// and those that expired at Expired or earlier. A zero time selects no rows.
type PurgeBefore struct{ Revoked, Expired time.Time }

// EndedBefore selects rows that were revoked or that expired at the given time
// or earlier.
func EndedBefore(at time.Time) PurgeBefore { return PurgeBefore{Revoked: at, Expired: at} }
