package passport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// How many failures are free at the token endpoint, and how long it takes until as
// many are forgotten. What goes beyond is answered 429 for a while: a second, and
// with each further failure twice as long, up to the time that it takes to forget
// one. A node counts by itself.
const (
	// ClientFailures is for one client ID from one address.
	ClientFailures       = 10
	ClientFailuresWithin = 10 * time.Minute

	// PasswordFailures is for one user name from one address.
	PasswordFailures       = 10
	PasswordFailuresWithin = 15 * time.Minute

	// UserFailures is for one user name from all addresses together, those apart
	// from which it was right lately.
	UserFailures       = 100
	UserFailuresWithin = time.Hour

	// AddressFailures is for all client IDs, or all user names, from one address,
	// in the time that one of them has.
	AddressFailures = 100
)

// maxCounters bounds the memory of each throttle to about ten megabytes.
const maxCounters = 1 << 16

func newClientThrottle() *throttle.Throttle {
	return throttle.New(maxCounters, throttle.Limits{
		Pair:    throttle.Limit{Failures: ClientFailures, Within: ClientFailuresWithin},
		Address: throttle.Limit{Failures: AddressFailures, Within: ClientFailuresWithin},
	})
}

func newPasswordThrottle() *throttle.Throttle {
	return throttle.New(maxCounters, throttle.Limits{
		Pair:    throttle.Limit{Failures: PasswordFailures, Within: PasswordFailuresWithin},
		Name:    throttle.Limit{Failures: UserFailures, Within: UserFailuresWithin},
		Address: throttle.Limit{Failures: AddressFailures, Within: PasswordFailuresWithin},
	})
}

// tooMany is what a client is told in place of an outcome. The throttle's own error
// stays in the chain, for the log and for the headers.
func tooMany(code oauth.ErrorCode, refusal error) error {
	return fmt.Errorf("%w: %w", refusal, code.Errorf("too many failed attempts: wait before the next one"))
}

// setThrottled sets the headers of a refusal by a throttle (RFC 6585 §4), and
// reports whether err is one.
func setThrottled(w http.ResponseWriter, err error) bool {
	refusal, ok := errors.AsType[*throttle.Refusal](err)
	if !ok {
		return false
	}
	seconds := strconv.Itoa(int(math.Ceil(refusal.Wait.Seconds())))
	h := w.Header()
	h.Set("Retry-After", seconds)
	h.Set("RateLimit-Policy", fmt.Sprintf(`"failures";q=%d;w=%d`, refusal.Limit.Failures, int(refusal.Limit.Within.Seconds())))
	h.Set("RateLimit", `"failures";r=0;t=`+seconds)
	return true
}

// throttleGuesses returns the grants. Those by which something can be guessed are
// behind a throttle each.
func throttleGuesses(parts *feature.Joined) map[string]oauth.Grant {
	grants := maps.Clone(parts.Grants)
	for grantType, g := range grants {
		if guesses := parts.Traits(grantType).Guesses; guesses != nil {
			grants[grantType] = throttled{g, guesses, newPasswordThrottle()}
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
		Name:    cmp.Or(r.Client.Provider, DefaultProvider) + "\x00" + folded(name),
		Address: from.Address,
		Shared:  from.Shared,
	}
	if err := g.throttle.Refuse(attempt); err != nil {
		return nil, tooMany(oauth.InvalidGrant, err)
	}
	a, err := g.Grant.Authorize(reqinfo.With(ctx, from), r)
	if err != nil && !errors.Is(err, oauth.InvalidGrant) {
		return nil, err // a fault: nothing was found out
	}
	if refused := g.throttle.Settle(attempt, err == nil); refused != nil {
		return nil, tooMany(oauth.InvalidGrant, refused)
	}
	return a, err
}

// folded is one spelling for what an application may take for the same user name:
// without case, spaces and what does not show. That two names share a counter does
// no harm; that one has several would.
func folded(username string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, username)
}
