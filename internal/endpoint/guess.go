package endpoint

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// How many wrong guesses are free, and how long it takes until as many are forgotten.
const (
	GuessFailures       = 10 // of one name from one address
	GuessFailuresWithin = 15 * time.Minute

	NameFailures       = 100 // of one name from all addresses, except those from which it was right lately
	NameFailuresWithin = time.Hour
)

func newGuessThrottle() *throttle.Throttle {
	return throttle.New(clients.MaxCounters, throttle.Limits{
		Pair:    throttle.Limit{Failures: GuessFailures, Within: GuessFailuresWithin},
		Name:    throttle.Limit{Failures: NameFailures, Within: NameFailuresWithin},
		Address: throttle.Limit{Failures: clients.AddressFailures, Within: GuessFailuresWithin},
	})
}

// throttleGuesses returns the grants. Those by which something can be guessed are
// behind a throttle each.
func throttleGuesses(parts *feature.Joined) map[string]oauth.Grant {
	grants := maps.Clone(parts.Grants)
	for grantType, g := range grants {
		if guesses := parts.Traits(grantType).Guesses; guesses != nil {
			grants[grantType] = throttled{g, guesses, newGuessThrottle()}
		}
	}
	return grants
}

// throttled is a grant by which something can be guessed, behind a throttle. Every
// guess that the token endpoint takes passes here.
type throttled struct {
	oauth.Grant
	guesses  func(*oauth.TokenRequest) string
	throttle *throttle.Throttle
}

// Authorize implements [oauth.Grant]. During a pause the guess is refused before
// the grant looks at it, because that is slow on purpose. The outcome is told only
// if no pause has begun in the meantime.
func (g throttled) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	name := g.guesses(r)
	if name == "" {
		return g.Grant.Authorize(ctx, r) // says what is missing, and no more
	}
	from := reqinfo.From(ctx)
	from.Shared = !r.Client.Public() // a server, which speaks for all of its users
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
		return nil, err // a fault: nothing was found out
	}
	if refused := g.throttle.Settle(attempt, err == nil); refused != nil {
		return nil, throttle.Error(oauth.InvalidGrant, refused)
	}
	return a, err
}

// folded is one spelling for all names that an application may take for the same
// user: without case, spaces and invisible characters. Two names that share a
// counter do no harm; one name with several counters would.
func folded(username string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, username)
}
