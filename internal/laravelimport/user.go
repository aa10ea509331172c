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
	deletedAt time.Time
}

// usersColumns checks the table of users before anything is written.
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

// eachUser calls do for each row of the table of users, and says whether Laravel has
// deleted the user softly.
func (s *Snapshot) eachUser(ctx context.Context, table string, have columnTypes, do func(a Account, deleted bool) error) error {
	names := []string{"id", "email", "password", "name", "email_verified_at", "created_at", "deleted_at"}
	for n, c := range names {
		if !have.has(c) {
			names[n] = "NULL"
		}
	}
	selected := "SELECT " + strings.Join(names, ", ") + " FROM " + s.source.quoted(table)
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
			err := rows.Scan(id{&a.ID}, text{&a.Email}, text{&a.PasswordHash}, text{&a.Name}, moment{&a.EmailVerifiedAt, verified}, moment{&a.CreatedAt, created}, moment{&a.deletedAt, deleted})
			page = append(page, a)
			return err
		}, args...)
		if err != nil {
			return fmt.Errorf("read users: %w", err)
		}
		for _, a := range page {
			if err := do(a.Account, !a.deletedAt.IsZero()); err != nil {
				return err
			}
			last = a.ID
		}
		if len(page) < userPage {
			return nil
		}
	}
}

// accounts imports the table of users.
func (i *importer) accounts(ctx context.Context) error {
	if i.UsersTable == "" {
		return nil
	}
	return i.source.eachUser(ctx, i.UsersTable, i.usersHave, func(a Account, deleted bool) error {
		var err error
		switch {
		case deleted:
			i.report.leaveOut("accounts", "Laravel has deleted it (deleted_at)", 1)
			return nil
		case a.Email == "" || a.PasswordHash == "":
			i.report.leaveOut("accounts", "it has no email address or no password", 1)
			return nil
		case i.DryRun:
			err = i.CheckAccount(a)
		default:
			err = i.ImportAccount(ctx, a)
		}
		switch {
		case err == nil:
			i.report.Imported.Accounts++
		case errors.Is(err, oauth.ErrUnavailable) || ctx.Err() != nil:
			return fmt.Errorf("import account %s: %w", a.ID, err)
		default:
			i.report.leaveOut("accounts", "it can't be an account here", 1)
			i.report.note(fmt.Sprintf("account %s is left out: %s", a.ID, err))
		}
		return nil
	})
}
