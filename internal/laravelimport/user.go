package laravelimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Account is a row of a table of users.
type Account struct {
	ID, Email, Name, PasswordHash string

	EmailVerifiedAt, CreatedAt time.Time

	FoundAt time.Time // when the import began
}

// AccountState is how an import finds an account in the target. It is empty for a new one.
type AccountState struct {
	Active   bool // Accounts.Active counts it
	Disabled bool // it is disabled, and stays so
}

// Accounts are the accounts of the target.
type Accounts interface {
	// Import stores an account. The error says what is wrong with it. It is
	// [oauth.ErrConflict] if another account has its ID or its email address.
	Import(ctx context.Context, a Account) (AccountState, error)

	// Check returns what Import would return, and writes nothing.
	Check(ctx context.Context, a Account) (AccountState, error)

	// Active returns the number of enabled accounts of earlier imports.
	Active(ctx context.Context) (int, error)

	// DisableMissing disables the accounts of earlier imports that Import was not called
	// for with this FoundAt, and returns their number.
	DisableMissing(ctx context.Context, foundAt time.Time) (int, error)
}

// Format implements [fmt.Formatter]. It prints only the ID.
func (a Account) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "laravelimport.Account(%s)", a.ID)
}

// LogValue implements [slog.LogValuer]. It logs only the ID.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.ID) }

const userPage = 500

// userRow is a row of the table of users.
type userRow struct {
	Account
	deletedAt    time.Time
	secondFactor bool
}

// checkUsers checks the table of users before anything is written. From an empty one, an
// import would disable accounts.
func (i *importer) checkUsers(ctx context.Context) (err error) {
	if i.UsersTable == "" {
		return nil
	}
	if i.users, err = i.source.usersColumns(ctx, i.UsersTable); err != nil {
		return err
	}
	if i.PrepareAccounts != nil {
		if err := i.PrepareAccounts(ctx); err != nil {
			return err
		}
	}
	repeated, err := i.laterThanBefore(ctx)
	if err != nil || !repeated {
		return err
	}
	return i.notEmptied(ctx)
}

// laterThanBefore sets foundAt to a later time than that of the import with users before,
// which may have run on a machine with another clock. An import changes no account that a
// later one has found. repeated reports whether there was one.
func (i *importer) laterThanBefore(ctx context.Context) (repeated bool, err error) {
	i.foundAt = i.report.At
	text, err := i.store.ImportNote(ctx, foundNote)
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	var before time.Time
	if err == nil {
		before, err = time.Parse(time.RFC3339Nano, text)
	}
	if err != nil {
		return false, fmt.Errorf("read when the last import with users began: %w", err)
	}
	if !i.foundAt.After(before) {
		i.foundAt = before.Add(time.Microsecond)
	}
	return true, nil
}

// notEmptied refuses an empty table of users if there are accounts of earlier imports.
func (i *importer) notEmptied(ctx context.Context) error {
	empty := true
	err := i.source.each(ctx, "SELECT 1 FROM "+i.source.source.quoted(i.UsersTable)+" LIMIT 1", func(*sql.Rows) error {
		empty = false
		return nil
	})
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	if !empty {
		return nil
	}
	n, err := i.Accounts.Active(ctx)
	if err != nil {
		return fmt.Errorf("count imported accounts: %w", err)
	}
	if n > 0 {
		return fmt.Errorf("the table %s of the Laravel database is empty, so this import would disable all %d imported accounts: check --from, and that the user has permission to see the rows", i.source.source.Prefix+i.UsersTable, n)
	}
	return nil
}

// usersColumns returns the columns of a table of users.
func (s *Snapshot) usersColumns(ctx context.Context, table string) (columnTypes, error) {
	if !prefixForm.MatchString(table) {
		return nil, errors.New("the name of the table of users is not valid: want at most 64 letters, digits and underscores")
	}
	found, err := s.source.columnsOf(ctx, table)
	if err != nil {
		return nil, fmt.Errorf("%w: check --users-table, give the name without --prefix, and check that the user has permission to SELECT", noTable(err, s.source.Prefix+table))
	}
	for _, column := range []string{"id", "email", "password"} {
		if !found.has(column) {
			return nil, fmt.Errorf("the table %s has no column %s: only accounts with an email address and a password can be imported", s.source.Prefix+table, column)
		}
	}
	return found, nil
}

// eachUser calls do for each row of the table of users.
func (s *Snapshot) eachUser(ctx context.Context, table string, have columnTypes, do func(userRow) error) error {
	names := []string{"id", "email", "password", "name", "email_verified_at", "created_at", "deleted_at"}
	for n, c := range names {
		if !have.has(c) {
			names[n] = "NULL"
		}
	}
	selected := "SELECT " + strings.Join(append(names, have.secondFactor()), ", ") + " FROM " + s.source.quoted(table)
	verified, created, deleted := have.zone("email_verified_at", s.source.Location), have.zone("created_at", s.source.Location), have.zone("deleted_at", s.source.Location)
	var last any
	for {
		q, args := selected, []any(nil)
		if last != nil {
			q, args = q+" WHERE id > ?", []any{last}
		}
		var page []userRow
		err := s.each(ctx, q+fmt.Sprintf(" ORDER BY id LIMIT %d", userPage), func(rows *sql.Rows) error {
			var a userRow
			err := rows.Scan(id{&a.ID}, text{&a.Email}, text{&a.PasswordHash}, text{&a.Name}, moment{&a.EmailVerifiedAt, verified}, moment{&a.CreatedAt, created}, moment{&a.deletedAt, deleted},
				flag{&a.secondFactor})
			page = append(page, a)
			return err
		}, args...)
		if err != nil {
			return fmt.Errorf("read users: %w", err)
		}
		for _, a := range page {
			if err := do(a); err != nil {
				return err
			}
			last = a.ID
		}
		if len(page) < userPage {
			return nil
		}
	}
}

// secondFactor returns an SQL expression: 1 if the user signs in with a second factor, in
// the columns of Laravel Fortify. Older versions of Fortify don't ask for a confirmation.
func (c columnTypes) secondFactor() string {
	switch {
	case c.has("two_factor_confirmed_at"):
		return "CASE WHEN two_factor_confirmed_at IS NOT NULL THEN 1 ELSE 0 END"
	case c.has("two_factor_secret"):
		return "CASE WHEN two_factor_secret <> '' THEN 1 ELSE 0 END"
	}
	return "0"
}
