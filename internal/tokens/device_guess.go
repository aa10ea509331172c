package tokens

import (
	"context"
	"errors"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// Wrong user codes within these limits have no consequence (RFC 8628 §5.1). Beyond them
// the user must wait. Each node counts separately.
const (
	UserCodeFailures       = 5 // of one user from one address
	UserCodeFailuresWithin = 15 * time.Minute

	userCodeNameFailures    = 10 // of one user, in the same time
	userCodeAddressFailures = 50 // of all users at one address, in the same time

	// Of all users together. With a thousand pending codes, an attacker that has any
	// number of accounts and addresses finds one in a month.
	userCodeAllFailures = 600
	userCodeAllWithin   = time.Minute
)

// guesses limits how often users may enter a wrong user code. A right code forgives no
// wrong ones, because an attacker can get right codes too.
type guesses struct{ each, all *throttle.Throttle }

func newGuesses() *guesses {
	limit := func(failures int) throttle.Limit {
		return throttle.Limit{Failures: failures, Within: UserCodeFailuresWithin}
	}
	return &guesses{
		each: throttle.New(clients.MaxCounters, throttle.Limits{
			Pair: limit(UserCodeFailures), Name: limit(userCodeNameFailures), Address: limit(userCodeAddressFailures),
		}),
		all: throttle.New(1, throttle.Limits{Name: throttle.Limit{Failures: userCodeAllFailures, Within: userCodeAllWithin}}),
	}
}

// find looks a code up, unless there were too many wrong ones. It returns the result
// only if no pause has begun in the meantime, so that concurrent guesses count the same
// as sequential ones.
func (g *guesses) find(ctx context.Context, user oauth.UserRef, look func() (*oauth.DeviceCode, error)) (*oauth.DeviceCode, error) {
	attempt := throttle.Attempt{Name: user.Provider + "\x00" + user.ID, Address: reqinfo.From(ctx).Address}
	if err := g.refuse(attempt); err != nil {
		return nil, err
	}
	found, err := look()
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		if refused := errors.Join(g.each.Settle(attempt, false), g.all.Settle(throttle.Attempt{}, false)); refused != nil {
			return nil, throttle.Error(oauth.AccessDenied, refused)
		}
		return nil, err
	case err != nil:
		return nil, err
	}
	if err := g.refuse(attempt); err != nil {
		return nil, err
	}
	return found, nil
}

// refuse returns an error if the user must wait.
func (g *guesses) refuse(a throttle.Attempt) error {
	for _, err := range []error{g.each.Refuse(a), g.all.Refuse(throttle.Attempt{})} {
		if err != nil {
			return throttle.Error(oauth.AccessDenied, err)
		}
	}
	return nil
}
