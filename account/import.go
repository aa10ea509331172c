package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// ImportedUser is an account of another system, for [Accounts.Import].
type ImportedUser struct {
	ID           string // stays the ID, because tokens and consents name it; at most 255 bytes
	Email        string // as in [NewUser]
	Name         string // as in [NewUser]
	PasswordHash string // as in [NewUser]

	EmailVerifiedAt time.Time // zero: not verified
	CreatedAt       time.Time // zero: now
}

// Format implements [fmt.Formatter]. It prints only the ID.
func (u ImportedUser) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "account.ImportedUser(%s)", u.ID)
}

// LogValue implements [slog.LogValuer]. It logs only the ID.
func (u ImportedUser) LogValue() slog.Value { return slog.StringValue(u.ID) }

// Validate returns what is wrong with the account, as [Accounts.Import] does.
func (u ImportedUser) Validate() error {
	switch {
	case u.ID == "" || !sqldb.Storable(u.ID):
		return errors.New("the ID is empty, longer than 255 bytes or not text")
	case u.PasswordHash == "":
		return errors.New("the password hash is missing")
	}
	return NewUser{Email: u.Email, PasswordHash: u.PasswordHash}.validate()
}

const (
	importUser = `INSERT INTO passport_users (id, email, email_key, name, password, session_version, created_at, email_verified_at) VALUES (?, ?, ?, ?, ?, 1, ?, ?)`

	// The version comes first: MySQL assigns from left to right.
	reimportUser = `UPDATE passport_users SET session_version = CASE WHEN password = ? THEN session_version ELSE session_version + 1 END,
email = ?, email_key = ?, name = ?, password = ?, email_verified_at = ? WHERE id = ?`
)

// Import creates an account with the ID that it has in another system, or updates it from
// there. If the password was changed there, the sessions of the account end. Import is for
// the time in which the other system is still the one that people use: it replaces an
// address, a name and a password that were changed here.
//
// Its error says what is wrong with the data. It is [oauth.ErrConflict] if another account
// has the address.
func (a *Accounts) Import(ctx context.Context, u ImportedUser) error {
	if err := u.Validate(); err != nil {
		return err
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = time.Now()
	}
	email, name := composed(trimmed(u.Email)), cutName(cleanName(u.Name))
	other, err := a.UserByEmail(ctx, u.Email)
	switch {
	case err == nil && other.ID != u.ID:
		return fmt.Errorf("an account with the email address %s already exists: %w", email, oauth.ErrConflict)
	case err != nil && !errors.Is(err, oauth.ErrNotFound):
		return err
	}
	created, err := a.db.Insert(ctx, importUser, u.ID, email, emailKey(email), name, u.PasswordHash, sqldb.At(u.CreatedAt), sqldb.When(u.EmailVerifiedAt))
	if err == nil && !created {
		_, err = a.db.Exec(ctx, reimportUser, u.PasswordHash, email, emailKey(email), name, u.PasswordHash, sqldb.When(u.EmailVerifiedAt), u.ID)
	}
	if err != nil {
		return fmt.Errorf("import account: %w", err)
	}
	return nil
}

// cutName returns the first characters of a name that is too long.
func cutName(name string) string {
	if runes := []rune(name); len(runes) > maxName {
		return string(runes[:maxName])
	}
	return name
}
