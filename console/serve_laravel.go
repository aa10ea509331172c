package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

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
		logger.Warn("imported clients get no tokens from this server until the switch: to switch, run `passport import laravel … --switch`")
	}
	return nil
}
