package console

import (
	"context"
	"log/slog"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/laravelimport"
)

// importedAccounts implements [laravelimport.Accounts].
type importedAccounts struct{ accounts *account.Accounts }

func (i importedAccounts) Import(ctx context.Context, a laravelimport.Account) (laravelimport.AccountState, error) {
	found, err := i.accounts.Import(ctx, account.ImportedUser(a))
	return laravelimport.AccountState(found), err
}

func (i importedAccounts) Check(ctx context.Context, a laravelimport.Account) (laravelimport.AccountState, error) {
	found, err := i.accounts.CheckImport(ctx, account.ImportedUser(a))
	return laravelimport.AccountState(found), err
}

func (i importedAccounts) Active(ctx context.Context) (int, error) {
	return i.accounts.ActiveImports(ctx)
}

func (i importedAccounts) DisableMissing(ctx context.Context, foundAt time.Time) (int, error) {
	return i.accounts.DisableMissing(ctx, foundAt)
}

// connectAccounts connects a server, which ends the tokens of accounts that are disabled.
// It signs nothing.
func (o *opened) connectAccounts() error {
	keys, err := o.settings.generatedKeys()
	if err != nil {
		return err
	}
	o.settings.Config = withoutPersonalClient(o.settings.Config)
	_, err = o.server(keys, slog.New(slog.DiscardHandler))
	return err
}
