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

// User is an account. It is what [oauth.User] holds in Data.
type User struct {
	// ID is a UUID that never changes and is never given to another account.
	ID string

	// Email is the address that the user signs in with, as it was entered, with
	// accents composed (NFC). Capitals make no difference.
	Email string

	// Name is shown on pages; Email stands in for an empty one.
	Name string

	// DisabledAt is when the account was closed; zero while it is open.
	DisabledAt time.Time

	// CreatedAt is when the account was made.
	CreatedAt time.Time
}

// LogValue implements [slog.LogValuer].
func (u *User) LogValue() slog.Value { return slog.StringValue(u.ID) }

// DisplayName is the user's name, or else the e-mail address.
func (u *User) DisplayName() string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}

// NewUser is what [Accounts.Create] makes an account of.
type NewUser struct {
	Email string // required: at most 254 bytes, with one @
	Name  string // at most 100 characters; those that cannot be seen are left out

	// Password has at least 8 characters and at most 1024 bytes.
	Password string

	// PasswordHash takes the place of Password for a user who comes from
	// another system: bcrypt, or argon2id as a PHC string. It is replaced at
	// the first sign-in.
	PasswordHash string
}

// Format implements [fmt.Formatter]. It prints no secret: only the e-mail address.
func (n NewUser) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "account.NewUser(%s)", n.Email) }

// LogValue implements [slog.LogValuer], without the password.
func (n NewUser) LogValue() slog.Value { return slog.StringValue(n.Email) }

const (
	userColumns    = `id, email, name, disabled_at, created_at`
	insertUser     = `INSERT INTO passport_users (id, email, email_key, name, password, session_version, created_at) VALUES (?, ?, ?, ?, ?, 1, ?)`
	selectUser     = `SELECT ` + userColumns + ` FROM passport_users WHERE id = ?`
	selectByEmail  = `SELECT ` + userColumns + ` FROM passport_users WHERE email_key = ?`
	selectUserPage = `SELECT ` + userColumns + ` FROM passport_users WHERE id > ? ORDER BY id LIMIT 100`

	// A session is alive as long as its version is that of its user, so a
	// sign-in that read the old password and stores its session after the
	// change has stored a dead one.
	updatePassword = `UPDATE passport_users SET password = ?, session_version = session_version + 1 WHERE id = ?`
	keepSession    = `UPDATE passport_sessions SET session_version = session_version + 1 WHERE id = ? AND user_id = ?`
	disableUser    = `UPDATE passport_users SET disabled_at = ?, session_version = session_version + 1 WHERE id = ? AND disabled_at IS NULL`
	enableUser     = `UPDATE passport_users SET disabled_at = NULL, session_version = session_version + 1 WHERE id = ? AND disabled_at IS NOT NULL`
)

// Create makes an account. Its error says everything that is wrong with what was
// given, in sentences for the person who entered it; it is [oauth.ErrConflict]
// when there is an account with that address.
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
	made, err := a.insert(ctx, u, n.Email, hash)
	if err != nil {
		return nil, fmt.Errorf("store account: %w", err)
	}
	if !made {
		return nil, fmt.Errorf("there is an account with the e-mail address %s: %w", u.Email, oauth.ErrConflict)
	}
	return u, nil
}

// insert stores an account unless there is one with its address. The unique key
// decides that, except for accounts from before addresses were composed, which no
// node makes any more.
func (a *Accounts) insert(ctx context.Context, u *User, entered, hash string) (made bool, err error) {
	_, err = a.UserByEmail(ctx, entered)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, oauth.ErrNotFound) {
		return false, err
	}
	return a.db.Insert(ctx, insertUser, u.ID, u.Email, emailKey(u.Email), u.Name, hash, sqldb.At(u.CreatedAt))
}

func (n NewUser) validate() error {
	var faults []error
	faults = append(faults, checkEmail(n.Email), checkName(n.Name))
	switch {
	case n.PasswordHash == "":
		faults = append(faults, checkNewPassword(n.Password))
	case n.Password != "":
		faults = append(faults, errors.New("give a password or a password hash, not both"))
	default:
		_, err := parseHash(n.PasswordHash)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func (a *Accounts) newHash(ctx context.Context, password string) (string, error) {
	leave, err := a.hasher.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return a.hasher.hash(password), nil
}

// SetPassword changes a password and ends the user's sessions but the one given,
// which may be empty: whoever knew the old one is out. Of what clients hold
// ends what the connected server decides. If that part fails the password is
// changed all the same; call again.
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
	err = a.tell(ctx, func(ctx context.Context, s server) error {
		return s.PasswordChanged(ctx, a.ref(userID), exceptSessionID)
	})
	if err != nil {
		return fmt.Errorf("the password is changed, but what clients hold may live on, so change it again: %w", err)
	}
	return nil
}

// Disable closes an account, or opens it again. While it is closed, its user can't sign
// in, and guards refuse its tokens. Closing it ends its sessions for good, and the
// connected server revokes all of its tokens and codes, also personal access tokens; see
// [passport.Server.RevokeUser]. None of them works again once the account is open. If
// the server fails, the account is closed all the same; call again. Consents stay. It
// returns [oauth.ErrNotFound] if there is no such account.
func (a *Accounts) Disable(ctx context.Context, userID string, disabled bool) error {
	if !sqldb.Storable(userID) {
		return oauth.ErrNotFound
	}
	if _, err := a.user(ctx, selectUser, userID); err != nil {
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
	err = a.tell(ctx, func(ctx context.Context, s server) error { return s.RevokeUser(ctx, a.ref(userID)) })
	if err != nil {
		return fmt.Errorf("the account is disabled, but its tokens are not revoked yet, so disable it again: %w", err)
	}
	return nil
}

// changeUser runs an update that changes the row of a user, if there is one.
func changeUser(ctx context.Context, tx *sqldb.Tx, q string, args ...any) error {
	n, err := tx.Exec(ctx, q, args...)
	if err == nil && n == 0 {
		return oauth.ErrNotFound
	}
	return err
}

// Users yields all accounts in the order in which they were made, those that are
// disabled too.
func (a *Accounts) Users(ctx context.Context) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		for last := ""; ; {
			// A page is read to its end first: whoever changes accounts while
			// ranging over them needs the connection, and it may be the only one.
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

// UserByEmail returns the account with an e-mail address, also if it is
// disabled, or [oauth.ErrNotFound].
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
	}, arg)
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	return u, nil
}

// scanUser reads [userColumns], and what a query has after them into more.
func scanUser(row sqldb.Row, more ...any) (*User, error) {
	u := &User{}
	into := []any{&u.ID, &u.Email, &u.Name, sqldb.Micros{T: &u.DisabledAt}, sqldb.Micros{T: &u.CreatedAt}}
	return u, row.Scan(append(into, more...)...)
}
