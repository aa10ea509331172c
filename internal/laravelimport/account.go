package laravelimport

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// accountImport imports a table of users.
type accountImport struct {
	*importer
	do      func(context.Context, Account) (AccountState, error) // imports an account, or only checks it
	active  int                                                  // found in the target, and enabled
	waiting []waitingUser
}

// waitingUser is a user whose ID or email address another account has.
type waitingUser struct {
	userRow
	conflict error
}

// maxWaiting bounds the users that wait.
const maxWaiting = 1000

// accounts imports the table of users, and disables the accounts of users that Laravel has
// deleted since an earlier import.
func (i *importer) accounts(ctx context.Context) error {
	if i.UsersTable == "" {
		return nil
	}
	if i.DryRun {
		return i.checkAccounts(ctx)
	}
	a := &accountImport{importer: i, do: i.Accounts.Import}
	if err := i.source.eachUser(ctx, i.UsersTable, i.users, func(u userRow) error { return a.user(ctx, u) }); err != nil {
		return err
	}
	var err error
	if i.report.AccountsDisabled, err = i.Accounts.DisableMissing(ctx, i.foundAt); err != nil {
		return fmt.Errorf("disable the accounts of users that Laravel has deleted: %w (run the import again: it continues)", err)
	}
	return a.retry(ctx)
}

// checkAccounts counts what accounts would import. An active account that no user leads to
// would be disabled.
func (i *importer) checkAccounts(ctx context.Context) error {
	active, err := i.Accounts.Active(ctx)
	if err != nil {
		return fmt.Errorf("count imported accounts: %w", err)
	}
	a := &accountImport{importer: i, do: i.Accounts.Check}
	if err := i.source.eachUser(ctx, i.UsersTable, i.users, func(u userRow) error { return a.user(ctx, u) }); err != nil {
		return err
	}
	i.report.AccountsDisabled = active - a.active
	a.giveUp()
	return nil
}

// retry imports the users that wait. An address is free once its account has another one,
// or is disabled because Laravel has deleted its user. So it repeats while that helps.
func (a *accountImport) retry(ctx context.Context) error {
	for before := 0; len(a.waiting) != before; {
		before = len(a.waiting)
		users := a.waiting
		a.waiting = nil
		for _, u := range users {
			if err := a.user(ctx, u.userRow); err != nil {
				return err
			}
		}
	}
	a.giveUp()
	return nil
}

// giveUp leaves out the users that wait.
func (a *accountImport) giveUp() {
	for _, u := range a.waiting {
		a.conflict(u)
	}
	a.waiting = nil
}

func (a *accountImport) conflict(u waitingUser) {
	a.leaveOut(u.userRow, "another account here has its ID or its email address", u.conflict)
}

func (a *accountImport) leaveOut(u userRow, why string, err error) {
	a.report.leaveOut("accounts", why, 1)
	a.report.note(fmt.Sprintf("account %s is left out: %s", u.ID, strings.TrimSuffix(err.Error(), ": "+oauth.ErrConflict.Error())))
}

// user imports or checks one user, and counts it.
func (a *accountImport) user(ctx context.Context, u userRow) error {
	if !u.deletedAt.IsZero() {
		a.report.leaveOut("accounts", "Laravel has deleted it (deleted_at)", 1)
		return nil
	}
	u.FoundAt = a.foundAt
	found, err := a.do(ctx, u.Account)
	if found.Active {
		a.active++
	}
	switch {
	case err == nil && found.Disabled:
		a.report.leaveOut("accounts", "it is disabled here, and stays so: see `passport user enable`", 1)
	case err == nil:
		a.report.Imported.Accounts++
		if u.secondFactor {
			a.report.AccountsWithSecondFactor++
		}
	case errors.Is(err, oauth.ErrUnavailable), errors.Is(err, oauth.ErrImportOvertaken), ctx.Err() != nil:
		return fmt.Errorf("import account %s: %w", u.ID, err)
	case errors.Is(err, oauth.ErrConflict) && len(a.waiting) < maxWaiting:
		a.waiting = append(a.waiting, waitingUser{u, err})
	case errors.Is(err, oauth.ErrConflict):
		a.conflict(waitingUser{u, err})
	case u.Email == "" || u.PasswordHash == "":
		a.report.leaveOut("accounts", "it has no email address or no password", 1)
	default:
		a.leaveOut(u, "it can't be an account here", err)
	}
	return nil
}
