package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// How long links work.
const (
	InviteTTL = 7 * 24 * time.Hour
	ResetTTL  = time.Hour
	VerifyTTL = 24 * time.Hour
)

// Link is a link that lets its holder act for an account, once. Send it to the user, and
// to no other person.
type Link struct {
	URL       string // contains a secret; the database has only its digest
	User      *User
	ExpiresAt time.Time
}

// Format implements [fmt.Formatter]. It prints no secret: only the user's ID.
func (l Link) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "account.Link(%s)", l.User.ID) }

// LogValue implements [slog.LogValuer]. It logs only the user's ID.
func (l Link) LogValue() slog.Value { return slog.StringValue(l.User.ID) }

// purpose is what a link is for.
type purpose string

const (
	forInvite purpose = "invite"
	forReset  purpose = "reset"
	forVerify purpose = "verify"
)

const (
	selectVersion  = `SELECT session_version FROM passport_users WHERE id = ? AND disabled_at IS NULL`
	insertLink     = `INSERT INTO passport_account_links (digest, user_id, purpose, session_version, expires_at) VALUES (?, ?, ?, ?, ?)`
	deleteLinksFor = `DELETE FROM passport_account_links WHERE user_id = ? AND purpose = ?`
	deleteLinksOf  = `DELETE FROM passport_account_links WHERE user_id = ?`
	selectLink     = `SELECT u.id, u.email, u.name, u.disabled_at, u.created_at, u.email_verified_at, CASE WHEN u.password = '' THEN 1 ELSE 0 END, l.purpose, l.session_version
FROM passport_account_links l JOIN passport_users u ON u.id = l.user_id AND u.session_version = l.session_version
WHERE l.digest = ? AND l.expires_at > ? AND u.disabled_at IS NULL`
	useLink = `DELETE FROM passport_account_links WHERE digest = ? AND expires_at > ?`
)

// Invite creates an account without a password, and returns a link with which the user
// chooses one. The link works once, within [InviteTTL]. For an account that was invited
// and has no password yet, Invite returns another link, and the earlier one ends. It
// returns [oauth.ErrConflict] if the account has a password.
func (a *Accounts) Invite(ctx context.Context, email, name string) (*Link, error) {
	if err := errors.Join(checkEmail(email), checkName(name)); err != nil {
		return nil, err
	}
	u := &User{
		ID: uuid.NewV7(), Email: composed(trimmed(email)), Name: cleanName(name), Invited: true,
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	const noPassword = "" // no password matches it
	created, err := a.insert(ctx, u, email, noPassword)
	if err != nil {
		return nil, fmt.Errorf("store account: %w", err)
	}
	if !created {
		if u, err = a.UserByEmail(ctx, email); err != nil {
			return nil, err
		}
		if !u.Invited {
			return nil, emailTaken(u.Email)
		}
	}
	return a.link(ctx, u, forInvite, setPasswordPath, InviteTTL)
}

// ResetLink returns a link with which the user of an account chooses a new password,
// without the current one. The link works once, within [ResetTTL], and ends earlier
// links of this kind. Sessions and tokens end when it is used. ResetLink returns
// [oauth.ErrNotFound] if there is no such account, or if it is disabled.
func (a *Accounts) ResetLink(ctx context.Context, userID string) (*Link, error) {
	return a.linkTo(ctx, userID, forReset, setPasswordPath, ResetTTL)
}

// VerifyLink returns a link with which the user of an account confirms the email
// address: send it to that address only. The link works once, within [VerifyTTL]. Then
// [User.EmailVerifiedAt] is set. VerifyLink returns [oauth.ErrNotFound] if there is no
// such account, or if it is disabled.
func (a *Accounts) VerifyLink(ctx context.Context, userID string) (*Link, error) {
	return a.linkTo(ctx, userID, forVerify, verifyEmailPath, VerifyTTL)
}

func (a *Accounts) linkTo(ctx context.Context, userID string, p purpose, path string, ttl time.Duration) (*Link, error) {
	u, err := a.User(ctx, userID)
	if err != nil {
		return nil, err
	}
	return a.link(ctx, u, p, path, ttl)
}

// link stores a new link. It replaces the user's links for the same purpose.
func (a *Accounts) link(ctx context.Context, u *User, p purpose, path string, ttl time.Duration) (*Link, error) {
	token, expires := secret.New(), time.Now().Add(ttl).UTC().Truncate(time.Second)
	err := a.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, deleteLinksFor, u.ID, string(p)); err != nil {
			return err
		}
		var version int64 // if it changes meanwhile, the link is dead
		if err := tx.Row(ctx, selectVersion, func(row sqldb.Row) error { return row.Scan(&version) }, u.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertLink, string(oauth.DigestOf(token)), u.ID, string(p), version, sqldb.At(expires))
		return err
	})
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, fmt.Errorf("the account is disabled: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("store link: %w", err)
	}
	return &Link{URL: a.issuer.String() + path + "?" + url.Values{"token": {token}}.Encode(), User: u, ExpiresAt: expires}, nil
}

// foundLink is a link that works.
type foundLink struct {
	digest  oauth.Digest
	user    *User
	purpose purpose
	version int64 // of the user's sessions
}

// errLink means that a link is unknown, expired or used.
var errLink = errors.New("the link is unknown, has expired, was used, or another link replaced it")

// findLink returns the link with a token, or errLink.
func (a *Accounts) findLink(ctx context.Context, token string, purposes ...purpose) (*foundLink, error) {
	if !secret.WellFormed(token) {
		return nil, errLink
	}
	l := &foundLink{digest: oauth.DigestOf(token)}
	var text string
	err := a.db.Row(ctx, selectLink, func(row sqldb.Row) (err error) {
		l.user, err = scanUser(row, &text, &l.version)
		return err
	}, string(l.digest), sqldb.At(time.Now()))
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return nil, fmt.Errorf("find link: %w", err)
	}
	for _, p := range purposes {
		if err == nil && string(p) == text {
			l.purpose = p
			return l, nil
		}
	}
	return nil, errLink
}

// use uses a link up, and makes the changes that it allows, in one transaction. It
// returns errLink if another request was faster, or if a change affects no row.
func (a *Accounts) use(ctx context.Context, l *foundLink, changes func(context.Context, *sqldb.Tx) error) error {
	err := a.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		if err := changeUser(ctx, tx, useLink, string(l.digest), sqldb.At(time.Now())); err != nil {
			return err
		}
		return changes(ctx, tx)
	})
	if errors.Is(err, oauth.ErrNotFound) {
		return errLink
	}
	if err != nil {
		return fmt.Errorf("use link: %w", err)
	}
	return nil
}
