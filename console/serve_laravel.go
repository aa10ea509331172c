package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/oauth"
)

const (
	refusesLaravel = "the database has an import of Laravel Passport, but this server refuses each token of Laravel"
	addLaravel     = ": add the table [laravel] with public_key and app_keys to passport.toml, or enabled = false when no token of Laravel is left"
)

// warnOfImport warns of an import that this server can't serve: without the table [laravel]
// or before the switch. An operator who sets laravel.enabled = false wants no warning.
func (o *opened) warnOfImport(ctx context.Context, logger *slog.Logger) error {
	if _, err := laravelimport.Last(ctx, o.store); errors.Is(err, oauth.ErrNotFound) {
		return nil
	}
	switched, err := laravelimport.Switched(ctx, o.store)
	switch {
	case err != nil:
		return fmt.Errorf("find out whether Laravel still issues tokens: %w", err)
	case !o.settings.begun["laravel"] && switched.IsZero():
		logger.Warn(refusesLaravel + ", and issues tokens to imported clients although Laravel still does" + addLaravel)
	case !o.settings.begun["laravel"]:
		logger.Warn(refusesLaravel + addLaravel)
	case o.settings.Laravel.Enabled && switched.IsZero():
		if err := o.checkFrom(ctx, logger); err != nil {
			return err
		}
		logger.Warn("imported clients get no tokens from this server until the switch: to switch, run `passport import laravel … --switch`")
	}
	return nil
}

// checkFrom checks the database of Laravel, which guards read until the switch. The server
// starts although it can't be read: that may end, and concerns only the tokens of Laravel.
func (o *opened) checkFrom(ctx context.Context, logger *slog.Logger) error {
	if o.laravel == nil {
		return nil
	}
	s := o.settings
	u, err := dburl.Read(s.Laravel.From)
	if err != nil {
		return fmt.Errorf("laravel.from: %w", err)
	}
	own, err := dburl.Read(s.DatabaseURL)
	if err != nil {
		return err
	}
	source := laravelimport.Source{DB: o.laravel, Dialect: u.Dialect, Prefix: s.Laravel.TablePrefix}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if sameDatabase(s.DatabaseURL, s.Laravel.From) || source.IsIn(ctx, o.db, own.Dialect) {
		return errors.New("laravel.from is the database of this server: name that of Laravel")
	}
	if err := source.Readable(ctx); err != nil {
		logger.Warn("guards refuse each token of Laravel with 503 while they can't read its database: check laravel.from and laravel.table_prefix", "error", u.Hide(err))
	}
	return nil
}
