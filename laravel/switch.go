package laravel

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/oauth"
)

var errTooEarly = oauth.TemporarilyUnavailable.Errorf("another server still issues and revokes the tokens of this client")

// MayDecide implements [feature.Foreign]. The first call asks for the switch, so that a server
// that starts after it makes no other look-up. Until the switch, a client of this server
// costs one look-up, also without an import. No import makes it an imported one.
func (f *foreign) MayDecide(ctx context.Context, clientID string) error {
	if !f.asked.Load() {
		if _, err := f.before(ctx); err != nil {
			return err
		}
		f.asked.Store(true)
	}
	if f.switched.Load() {
		return nil
	}
	_, err := f.imports.ImportedClient(ctx, clientID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find imported client: %w", err)
	}
	return f.afterSwitch(ctx)
}

// afterSwitch returns an error until the switch.
func (f *foreign) afterSwitch(ctx context.Context) error {
	before, err := f.before(ctx)
	if err == nil && before {
		err = fmt.Errorf("until the switch, Laravel alone issues and revokes the tokens of imported clients; to switch, run `passport import laravel … --switch`: %w", errTooEarly)
	}
	return err
}

// before reports whether the switch has not happened. The switch is final, so it is read
// until it has happened.
func (f *foreign) before(ctx context.Context) (bool, error) {
	if f.switched.Load() {
		return false, nil
	}
	_, err := f.imports.ImportNote(ctx, oauth.ImportSwitched)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("find out whether Laravel still issues tokens: %w", err)
	}
	f.switched.Store(true)
	return false, nil
}
