package tokens

import (
	"cmp"
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

	// Of browsers without a signed-in user. Beyond these the user must sign in first, so an
	// attacker without accounts cannot stop the others.
	signedOutFailures    = 5   // at one address, in the same time
	allSignedOutFailures = 300 // in the same time

	// Of all users together. With a thousand pending codes, an attacker that has any
	// number of accounts and addresses finds one in a month.
	userCodeAllFailures = 600
	userCodeAllWithin   = time.Minute
)

// guesses limits how often users may enter a wrong user code. A right code forgives no
// wrong ones, because an attacker can get right codes too.
type guesses struct{ user, signedOut, all *throttle.Throttle }

func newGuesses() *guesses {
	limit := func(failures int) throttle.Limit {
		return throttle.Limit{Failures: failures, Within: UserCodeFailuresWithin}
	}
	return &guesses{
		user: throttle.New(clients.MaxCounters, throttle.Limits{
			Pair: limit(UserCodeFailures), Name: limit(userCodeNameFailures), Address: limit(userCodeAddressFailures),
		}),
		signedOut: throttle.New(clients.MaxCounters, throttle.Limits{Name: limit(allSignedOutFailures), Address: limit(signedOutFailures)}),
		all:       throttle.New(1, throttle.Limits{Name: throttle.Limit{Failures: userCodeAllFailures, Within: userCodeAllWithin}}),
	}
}

// find looks a code up, unless there were too many wrong ones. It returns the result
// only if no pause has begun in the meantime, so that concurrent guesses count the same
// as sequential ones. A code that was decided or has expired counts as a wrong one:
// otherwise the limit would tell attackers which codes exist.
func (g *guesses) find(ctx context.Context, user oauth.UserRef, look func() (*oauth.DeviceCode, error)) (*oauth.DeviceCode, error) {
	counted := g.countedFor(user, reqinfo.From(ctx).Address)
	if err := counted.each((*throttle.Throttle).Refuse); err != nil {
		return nil, err
	}
	found, err := look()
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return nil, err
	}
	if err != nil || !found.Pending() || !time.Now().Before(found.ExpiresAt) { // all look wrong to the user
		if refused := counted.each(func(t *throttle.Throttle, a throttle.Attempt) error { return t.Settle(a, false) }); refused != nil {
			return nil, refused
		}
		return found, err
	}
	if err := counted.each((*throttle.Throttle).Refuse); err != nil {
		return nil, err
	}
	return found, nil
}

// counted are the counters of a guess.
type counted []struct {
	*throttle.Throttle
	attempt throttle.Attempt
}

// countedFor returns the counters of a user, or of a browser without one. They are
// separate, so that signed-out attackers delay no signed-in user.
func (g *guesses) countedFor(user oauth.UserRef, address string) counted {
	if user == (oauth.UserRef{}) {
		return counted{{g.signedOut, throttle.Attempt{Address: address}}}
	}
	return counted{{g.user, throttle.Attempt{Name: user.Provider + "\x00" + user.ID, Address: address}}, {g.all, throttle.Attempt{}}}
}

// each calls do with every counter, and returns an error if the user must wait.
func (all counted) each(do func(*throttle.Throttle, throttle.Attempt) error) error {
	var refused error
	for _, c := range all {
		refused = cmp.Or(refused, do(c.Throttle, c.attempt))
	}
	if refused == nil {
		return nil
	}
	return throttle.Error(oauth.AccessDenied, refused)
}
