package account

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// User is an account. [oauth.User] holds a *User in Data.
type User struct {
	// ID is a UUID that never changes and is never given to another account.
	ID string

	// Email is the address that the user signs in with, as it was entered, in NFC.
	// Letter case makes no difference.
	Email string

	// Name is the name on the pages. If it is empty, they show Email.
	Name string

	// DisabledAt is when the account was disabled. It is zero while the account is
	// enabled.
	DisabledAt time.Time

	// EmailVerifiedAt is when the user confirmed the address with a link of
	// [Accounts.VerifyLink], or the operator with [Accounts.ConfirmEmail]. It is zero before.
	EmailVerifiedAt time.Time

	// Invited is true while the account of [Accounts.Invite] has no password.
	Invited bool

	// CreatedAt is when the account was created.
	CreatedAt time.Time
}

// LogValue implements [slog.LogValuer].
func (u *User) LogValue() slog.Value { return slog.StringValue(u.ID) }

// DisplayName returns the user's name, or the email address if the name is empty.
func (u *User) DisplayName() string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}

// NewUser holds the data for [Accounts.Create].
type NewUser struct {
	Email string // required: at most 254 bytes, with one @
	Name  string // at most 100 characters; invisible ones are removed

	// Password has at least 8 characters and at most 1024 bytes.
	Password string

	// PasswordHash is an alternative to Password, for a user imported from another
	// system: bcrypt, or argon2id or argon2i as a PHC string. The first sign-in
	// replaces an outdated hash.
	PasswordHash string
}

// Format implements [fmt.Formatter]. It prints only the email address.
func (n NewUser) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "account.NewUser(%s)", n.Email) }

// LogValue implements [slog.LogValuer]. It logs only the email address.
func (n NewUser) LogValue() slog.Value { return slog.StringValue(n.Email) }

const (
	userColumns    = `id, email, name, disabled_at, created_at, email_verified_at, CASE WHEN password = '' THEN 1 ELSE 0 END`
	insertUser     = `INSERT INTO passport_users (id, email, email_key, name, password, session_version, created_at) VALUES (?, ?, ?, ?, ?, 1, ?)`
	selectUser     = `SELECT ` + userColumns + ` FROM passport_users WHERE id = ?`
	selectByEmail  = `SELECT ` + userColumns + ` FROM passport_users WHERE email_key = ?`
	selectUserPage = `SELECT ` + userColumns + ` FROM passport_users WHERE id > ? ORDER BY id LIMIT 100`

	// A session is alive only while its version equals that of its user. If a sign-in
	// checked the old password and stores its session after the change, that session is
	// dead.
	updatePassword = `UPDATE passport_users SET password = ?, imported_password = NULL, session_version = session_version + 1 WHERE id = ?`
	keepSession    = `UPDATE passport_sessions SET session_version = session_version + 1 WHERE id = ? AND user_id = ?`
	disableUser    = `UPDATE passport_users SET disabled_at = ?, session_version = session_version + 1 WHERE id = ? AND disabled_at IS NULL`
	enableUser     = `UPDATE passport_users SET disabled_at = NULL, session_version = session_version + 1 WHERE id = ? AND disabled_at IS NOT NULL`
)

// Create creates an account. Its error lists every fault in n, in sentences for the
// person who entered the data. It is [oauth.ErrConflict] if the address is taken.
func (a *Accounts) Create(ctx context.Context, n NewUser) (*User, error) {
	if err := n.validate(); err != nil {
		return nil, err
	}
	hash := n.PasswordHash
	if hash == "" {
		var err error
		if hash, err = a.newHash(ctx, n.Password); err != nil {
			return nil, err
		}
	}
	u := &User{
		ID: uuid.NewV7(), Email: composed(trimmed(n.Email)), Name: cleanName(n.Name),
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	created, err := a.insert(ctx, u, n.Email, hash)
	if err != nil {
		return nil, fmt.Errorf("store account: %w", err)
	}
	if !created {
		return nil, emailTaken(u.Email)
	}
	return u, nil
}

// insert stores an account unless its address is taken. The unique key ensures that.
// The SELECT is for old accounts whose address was not composed; no node creates these
// any more.
func (a *Accounts) insert(ctx context.Context, u *User, entered, hash string) (created bool, err error) {
	_, err = a.UserByEmail(ctx, entered)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, oauth.ErrNotFound) {
		return false, err
	}
	return a.db.Insert(ctx, insertUser, u.ID, u.Email, emailKey(u.Email), u.Name, hash, sqldb.At(u.CreatedAt))
}

func emailTaken(email string) error {
	return fmt.Errorf("an account with the email address %s already exists: %w", composed(trimmed(email)), oauth.ErrConflict)
}

func (n NewUser) validate() error {
	var faults []error
	faults = append(faults, checkEmail(n.Email), checkName(n.Name))
	switch {
	case n.PasswordHash == "":
		faults = append(faults, checkNewPassword(n.Password))
	case n.Password != "":
		faults = append(faults, errors.New("set Password or PasswordHash, not both"))
	default:
		_, err := parseHash(n.PasswordHash)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func (a *Accounts) newHash(ctx context.Context, password string) (string, error) {
	release, err := a.hasher.enter(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return a.hasher.hash(password), nil
}

// SetPassword changes a password and ends the user's sessions except exceptSessionID,
// which may be empty. The connected server then decides which codes and tokens end. If
// the server fails, the password is changed nevertheless; call SetPassword again.
func (a *Accounts) SetPassword(ctx context.Context, userID, password, exceptSessionID string) error {
	if !sqldb.Storable(userID) || !sqldb.Storable(exceptSessionID) {
		return oauth.ErrNotFound
	}
	if err := checkNewPassword(password); err != nil {
		return err
	}
	hash, err := a.newHash(ctx, password)
	if err != nil {
		return err
	}
	err = a.endOthers(ctx, userID, exceptSessionID, func(ctx context.Context, tx *sqldb.Tx) error {
		if err := changeUser(ctx, tx, updatePassword, hash, userID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, keepSession, exceptSessionID, userID)
		return err
	})
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	err = a.notify(ctx, func(ctx context.Context, s server) error {
		return s.PasswordChanged(ctx, a.ref(userID), exceptSessionID)
	})
	if err != nil {
		return fmt.Errorf("the password is changed, but clients may still have tokens; change it again to revoke them: %w", err)
	}
	return nil
}

// Disable disables an account, or enables it again. While it is disabled, its user
// can't sign in, and guards refuse its tokens. Disabling ends its sessions for good,
// and the connected server revokes all of its codes and tokens, including personal
// access tokens; see [passport.Server.RevokeUser]. They stay revoked after the account
// is enabled again. Consents stay. If the server fails, the account is disabled
// nevertheless; call Disable again. It returns [oauth.ErrNotFound] if there is no such
// account.
func (a *Accounts) Disable(ctx context.Context, userID string, disabled bool) error {
	if _, err := a.User(ctx, userID); err != nil {
		return err
	}
	if !disabled {
		if _, err := a.db.Exec(ctx, enableUser, userID); err != nil {
			return fmt.Errorf("enable account: %w", err)
		}
		return nil
	}
	err := a.endOthers(ctx, userID, "", func(ctx context.Context, tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, disableUser, sqldb.At(time.Now()), userID)
		return err
	})
	if err != nil {
		return fmt.Errorf("disable account: %w", err)
	}
	err = a.notify(ctx, func(ctx context.Context, s server) error { return s.RevokeUser(ctx, a.ref(userID)) })
	if err != nil {
		return fmt.Errorf("the account is disabled, but its tokens are not revoked yet; disable it again: %w", err)
	}
	return nil
}

// changeUser runs an update and returns [oauth.ErrNotFound] if it changed no row.
func changeUser(ctx context.Context, tx *sqldb.Tx, q string, args ...any) error {
	n, err := tx.Exec(ctx, q, args...)
	if err == nil && n == 0 {
		return oauth.ErrNotFound
	}
	return err
}

// Users yields all accounts in the order of their creation, disabled ones included.
func (a *Accounts) Users(ctx context.Context) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		for last := ""; ; {
			// Read a whole page first. The caller may change accounts in the loop and
			// needs the connection, which may be the only one.
			page, err := a.userPage(ctx, last)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, u := range page {
				if !yield(u, nil) {
					return
				}
				last = u.ID
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

func (a *Accounts) userPage(ctx context.Context, after string) (page []*User, err error) {
	err = a.db.Each(ctx, selectUserPage, func(row sqldb.Row) error {
		u, err := scanUser(row)
		page = append(page, u)
		return err
	}, after)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return page, nil
}

// User returns the account with an ID, even a disabled one, or [oauth.ErrNotFound].
func (a *Accounts) User(ctx context.Context, id string) (*User, error) {
	if !sqldb.Storable(id) {
		return nil, oauth.ErrNotFound
	}
	return a.user(ctx, selectUser, id)
}

// UserByEmail returns the account with an email address, even a disabled one, or
// [oauth.ErrNotFound].
func (a *Accounts) UserByEmail(ctx context.Context, email string) (u *User, err error) {
	if !isEmail(email) {
		return nil, oauth.ErrNotFound
	}
	keys := emailKeys(email)
	for _, key := range slices.Compact(keys[:]) {
		if u, err = a.user(ctx, selectByEmail, key); !errors.Is(err, oauth.ErrNotFound) {
			break
		}
	}
	return u, err
}

func (a *Accounts) user(ctx context.Context, q, arg string) (u *User, err error) {
	err = a.db.Lookup(ctx, q, func(row sqldb.Row) (err error) {
		u, err = scanUser(row)
		return err
	}, nil, arg)
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	return u, nil
}

// scanUser scans [userColumns], and any further columns into more.
func scanUser(row sqldb.Row, more ...any) (*User, error) {
	u, invited := &User{}, int64(0)
	into := []any{&u.ID, &u.Email, &u.Name, sqldb.Micros{T: &u.DisabledAt}, sqldb.Micros{T: &u.CreatedAt}, sqldb.Micros{T: &u.EmailVerifiedAt}, &invited}
	err := row.Scan(append(into, more...)...)
	u.Invited = invited == 1
	return u, err
}
