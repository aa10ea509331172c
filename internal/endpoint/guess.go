package endpoint

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// Wrong guesses within these limits have no consequence. A counter is dropped after
// its time.
const (
	GuessFailures       = 10 // for one name, from one address
	GuessFailuresWithin = 15 * time.Minute

	NameFailures       = 100 // for one name, from all addresses except those with a recent success
	NameFailuresWithin = time.Hour
)

func newGuessThrottle() *throttle.Throttle {
	return throttle.New(clients.MaxCounters, throttle.Limits{
		Pair:    throttle.Limit{Failures: GuessFailures, Within: GuessFailuresWithin},
		Name:    throttle.Limit{Failures: NameFailures, Within: NameFailuresWithin},
		Address: throttle.Limit{Failures: clients.AddressFailures, Within: GuessFailuresWithin},
	})
}

// throttleGuesses returns the grants, with a throttle for each grant that allows
// guessing.
func throttleGuesses(parts *feature.Joined) map[string]oauth.Grant {
	grants := maps.Clone(parts.Grants)
	for grantType, g := range grants {
		if guesses := parts.Traits(grantType).Guesses; guesses != nil {
			grants[grantType] = throttled{g, guesses, newGuessThrottle()}
		}
	}
	return grants
}

// throttled is a grant that allows guessing, behind a throttle. Every guess at the
// token endpoint passes through it.
type throttled struct {
	oauth.Grant
	guesses  func(*oauth.TokenRequest) string
	throttle *throttle.Throttle
}

// Authorize implements [oauth.Grant]. During a pause it refuses the guess before it
// calls the grant, because checking a password is deliberately slow. It returns the
// grant's result only if no pause has begun in the meantime.
func (g throttled) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	name := g.guesses(r)
	if name == "" {
		return g.Grant.Authorize(ctx, r) // the grant reports the missing parameter
	}
	from := reqinfo.From(ctx)
	from.Shared = !r.Client.Public() // a confidential client sends the requests of all its users from one address
	attempt := throttle.Attempt{
		Name:    cmp.Or(r.Client.Provider, oauth.DefaultProvider) + "\x00" + folded(name),
		Address: from.Address,
		Shared:  from.Shared,
	}
	if err := g.throttle.Refuse(attempt); err != nil {
		return nil, throttle.Error(oauth.InvalidGrant, err)
	}
	a, err := g.Grant.Authorize(reqinfo.With(ctx, from), r)
	if err != nil && !errors.Is(err, oauth.InvalidGrant) {
		return nil, err // a fault: the guess was not checked
	}
	if refused := g.throttle.Settle(attempt, err == nil); refused != nil {
		return nil, throttle.Error(oauth.InvalidGrant, refused)
	}
	return a, err
}
