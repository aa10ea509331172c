package account

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	selectImportedPage = `SELECT ` + claimColumns + ` FROM passport_users u WHERE u.id > ? ORDER BY u.id LIMIT 500`

	// disableMissing compares again: an import may have found the account since the
	// SELECT.
	disableMissing = `UPDATE passport_users SET disabled_at = COALESCE(disabled_at, ?), session_version = session_version + 1
WHERE id = ? AND imported_at > 0 AND imported_at < ?`
	markGone = `UPDATE passport_users SET imported_at = 0 WHERE id = ? AND imported_at > 0 AND imported_at < ?`
)

// DisableMissing disables each imported account that the import of a time did not find:
// the other system has deleted it. at is [ImportedUser.FoundAt] of that import. It
// disables an account as [Accounts.Disable] does, and returns how many it has disabled.
// Accounts that were created here stay. So does an account that was missing before, if it
// has been enabled here since.
//
// If the server fails, the account is disabled nevertheless; call DisableMissing again.
func (a *Accounts) DisableMissing(ctx context.Context, at time.Time) (n int, err error) {
	for c, err := range a.imported(ctx) {
		if err != nil {
			return n, err
		}
		if c.importedAt.Int64 >= sqldb.At(at) {
			continue
		}
		missing, err := a.disableMissing(ctx, c.id, at)
		if err != nil {
			return n, err
		}
		if missing && !c.disabled() {
			n++
		}
	}
	return n, nil
}

// disableMissing marks the account only after its tokens have ended. If the server fails,
// the next call finds the account again.
func (a *Accounts) disableMissing(ctx context.Context, userID string, at time.Time) (bool, error) {
	err := a.endOthers(ctx, userID, "", func(ctx context.Context, tx *sqldb.Tx) error {
		return changeUser(ctx, tx, disableMissing, sqldb.At(time.Now()), userID, sqldb.At(at))
	})
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("disable account: %w", err)
	}
	err = a.notify(ctx, func(ctx context.Context, s server) error { return s.RevokeUser(ctx, a.ref(userID)) })
	if err != nil {
		return false, fmt.Errorf("the account %s is disabled, but its tokens are not revoked yet: %w", userID, err)
	}
	if _, err := a.db.Exec(ctx, markGone, userID, sqldb.At(at)); err != nil {
		return false, fmt.Errorf("disable account: %w", err)
	}
	return true, nil
}

// ActiveImports returns how many accounts of earlier imports are enabled. It leaves out
// those that were missing in an import and have been enabled since.
func (a *Accounts) ActiveImports(ctx context.Context) (n int, err error) {
	for c, err := range a.imported(ctx) {
		if err != nil {
			return n, err
		}
		if !c.disabled() {
			n++
		}
	}
	return n, nil
}

// imported yields the accounts that follow another system.
func (a *Accounts) imported(ctx context.Context) iter.Seq2[*claim, error] {
	return func(yield func(*claim, error) bool) {
		for last := ""; ; {
			var page []*claim // the caller may change accounts, and needs the connection
			err := a.db.Each(ctx, selectImportedPage, func(row sqldb.Row) error {
				c, err := scanClaim(row)
				page = append(page, c)
				return err
			}, last)
			if err != nil {
				yield(nil, fmt.Errorf("list imported accounts: %w", err))
				return
			}
			for _, c := range page {
				if c.follows() && !yield(c, nil) {
					return
				}
				last = c.id
			}
			if len(page) == 0 {
				return
			}
		}
	}
}
