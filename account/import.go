package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// ImportedUser is an account of another system, for [Accounts.Import].
type ImportedUser struct {
	ID           string // stays the ID, because tokens and consents name it; at most 36 bytes
	Email        string // as in [NewUser]
	Name         string // as in [NewUser]
	PasswordHash string // as in [NewUser]

	EmailVerifiedAt time.Time // zero: not verified
	CreatedAt       time.Time // zero: now

	// FoundAt is when the import began that found the account in the other system. Give
	// all accounts of one import the same time. Zero: now.
	FoundAt time.Time
}

// Format implements [fmt.Formatter]. It prints only the ID.
func (u ImportedUser) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "account.ImportedUser(%s)", u.ID)
}

// LogValue implements [slog.LogValuer]. It logs only the ID.
func (u ImportedUser) LogValue() slog.Value { return slog.StringValue(u.ID) }

// maxID is the size of the column in bytes.
const maxID = 36

// Validate returns what is wrong with the account, as [Accounts.Import] does.
func (u ImportedUser) Validate() error {
	switch {
	case !u.storable():
		return fmt.Errorf("the ID is empty, longer than %d bytes or not text", maxID)
	case u.PasswordHash == "":
		return errors.New("the password hash is missing")
	}
	return NewUser{Email: u.Email, PasswordHash: u.PasswordHash}.validate()
}

func (u ImportedUser) storable() bool {
	return u.ID != "" && len(u.ID) <= maxID && sqldb.Storable(u.ID)
}

// ImportResult is how [Accounts.Import] found the account here. It is empty for a new one.
type ImportResult struct {
	Active   bool // [Accounts.ActiveImports] counts it
	Disabled bool // it is disabled, and stays so
}

const (
	// markFound compares, so that an import that began earlier changes nothing.
	markFound = `UPDATE passport_users SET imported_at = ? WHERE id = ? AND imported_at < ?`

	claimColumns = `u.id, u.imported_at, u.disabled_at`
	selectClaims = `SELECT ` + claimColumns + ` FROM (SELECT id FROM passport_users WHERE id = ?
UNION SELECT id FROM passport_users WHERE email_key IN (?, ?, ?)) x JOIN passport_users u ON u.id = x.id`

	importUser = `INSERT INTO passport_users (id, email, email_key, name, password, session_version, created_at, email_verified_at, imported_at, imported_password)
VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?)`

	// reimportUser keeps the password if it was chosen here, or if the other system has
	// not changed it since the last import: a sign-in here may have replaced its hash.
	// It changes nothing that a later import has found. The version comes first: MySQL
	// assigns from left to right.
	reimportUser = `UPDATE passport_users SET
session_version = CASE WHEN imported_password <> ? AND password <> ? THEN session_version + 1 ELSE session_version END,
password = CASE WHEN imported_password <> ? THEN ? ELSE password END,
imported_password = CASE WHEN imported_password IS NULL THEN NULL ELSE ? END,
email = ?, email_key = ?, name = ?, email_verified_at = ? WHERE id = ? AND imported_at <= ?`

	// releaseEmail frees the address of an account that the other system has deleted.
	releaseEmail = `UPDATE passport_users SET email_key = ? WHERE id = ? AND imported_at = 0 AND disabled_at IS NOT NULL`
)

// Import creates an account with the ID that it has in another system, or updates it from
// there. Import is for the time in which the other system is still the one that people
// use: it replaces an address and a name that were changed here. If the password was
// changed there, it replaces the password and ends the sessions of the account, unless
// the password was changed here too. A disabled account stays disabled.
//
// After the last account, call [Accounts.DisableMissing].
//
// The error says what is wrong with the data. It is [oauth.ErrConflict] if an account
// that was created here has the ID, or if another account has the address. The address of
// an account that DisableMissing has disabled is free. With such an error, the account
// stays as it was.
func (a *Accounts) Import(ctx context.Context, u ImportedUser) (ImportResult, error) {
	if !u.storable() {
		return ImportResult{}, u.Validate()
	}
	now := time.Now()
	if u.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	if u.FoundAt.IsZero() {
		u.FoundAt = now
	}
	var c claims
	var refused error
	err := a.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) (err error) {
		if err := u.markFound(ctx, tx.Exec); err != nil {
			return err
		}
		if c, err = u.claims(ctx, tx.Each); err != nil {
			return err
		}
		if refused = c.refuse(u); refused == nil {
			refused, err = c.store(ctx, tx, u)
		}
		return err
	})
	switch {
	case err == nil:
		return c.result(), refused
	case !errors.Is(err, oauth.ErrUnavailable): // the database refuses the data
		err = errors.Join(err, u.markFound(ctx, a.db.Exec))
	}
	return c.result(), fmt.Errorf("import account: %w", err)
}

// CheckImport returns what [Accounts.Import] would return, and writes nothing.
func (a *Accounts) CheckImport(ctx context.Context, u ImportedUser) (ImportResult, error) {
	if !u.storable() {
		return ImportResult{}, u.Validate()
	}
	c, err := u.claims(ctx, a.db.Each)
	if err != nil {
		return ImportResult{}, fmt.Errorf("check account: %w", err)
	}
	return c.result(), c.refuse(u)
}

// markFound notes that an import has found the account, even if it can't be updated:
// [Accounts.DisableMissing] keeps it.
func (u ImportedUser) markFound(ctx context.Context, exec func(context.Context, string, ...any) (int64, error)) error {
	at := sqldb.At(u.FoundAt)
	_, err := exec(ctx, markFound, at, u.ID, at)
	return err
}

// claims are the accounts here that have the ID or the address of an imported account.
type claims struct {
	own   *claim // nil if it is new
	other *claim // has the address; nil if it is free
}

// claim is an account here.
type claim struct {
	id         string
	importedAt sql.NullInt64
	disabledAt time.Time
}

// createdHere reports whether no import has created the account.
func (c *claim) createdHere() bool { return !c.importedAt.Valid }

// follows reports whether imports update and disable the account.
func (c *claim) follows() bool { return c.importedAt.Int64 > 0 }

func (c *claim) disabled() bool { return !c.disabledAt.IsZero() }

// gone reports whether [Accounts.DisableMissing] has disabled the account.
func (c *claim) gone() bool {
	return !c.createdHere() && !c.follows() && c.disabled()
}

func (u ImportedUser) claims(ctx context.Context, each func(context.Context, string, func(sqldb.Row) error, ...any) error) (c claims, err error) {
	keys := [3]string{}
	if isEmail(u.Email) {
		keys = emailKeys(u.Email)
	}
	err = each(ctx, selectClaims, func(row sqldb.Row) error {
		found, err := scanClaim(row)
		switch {
		case found.id == u.ID:
			c.own = found
		case c.other == nil || c.other.gone(): // old accounts may have the address in another form
			c.other = found
		}
		return err
	}, u.ID, keys[0], keys[1], keys[2])
	return c, err
}

func scanClaim(row sqldb.Row) (*claim, error) {
	c := &claim{}
	return c, row.Scan(&c.id, &c.importedAt, sqldb.Micros{T: &c.disabledAt})
}

func (c claims) result() ImportResult {
	if c.own == nil || c.own.createdHere() {
		return ImportResult{}
	}
	return ImportResult{Active: c.own.follows() && !c.own.disabled(), Disabled: c.own.disabled()}
}

// refuse returns why an account can't be imported, or nil.
func (c claims) refuse(u ImportedUser) error {
	switch err := u.Validate(); {
	case c.own != nil && c.own.createdHere():
		return fmt.Errorf("an account that was created here has the ID %s: %w", u.ID, oauth.ErrConflict)
	case err != nil:
		return err
	case c.other != nil && !c.other.gone():
		return emailTaken(u.Email)
	}
	return nil
}

// store writes the account. refused is set if another write took the address meanwhile.
func (c claims) store(ctx context.Context, tx *sqldb.Tx, u ImportedUser) (refused, err error) {
	email, name, digest := composed(trimmed(u.Email)), cutName(cleanName(u.Name)), string(oauth.DigestOf(u.PasswordHash))
	if c.other != nil {
		const noKey = "released " // no address has a space
		if _, err := tx.Exec(ctx, releaseEmail, noKey+c.other.id, c.other.id); err != nil {
			return nil, err
		}
	}
	if c.own == nil {
		created, err := tx.Insert(ctx, importUser, u.ID, email, emailKey(email), name, u.PasswordHash, sqldb.At(u.CreatedAt), sqldb.When(u.EmailVerifiedAt),
			sqldb.At(u.FoundAt), digest)
		if err == nil && !created {
			refused = emailTaken(u.Email)
		}
		return refused, err
	}
	_, err = tx.Exec(ctx, reimportUser, digest, u.PasswordHash, digest, u.PasswordHash, digest, email, emailKey(email), name, sqldb.When(u.EmailVerifiedAt), u.ID, sqldb.At(u.FoundAt))
	return nil, err
}

// cutName returns the first characters of a name that is too long.
func cutName(name string) string {
	if runes := []rune(name); len(runes) > maxName {
		return string(runes[:maxName])
	}
	return name
}
