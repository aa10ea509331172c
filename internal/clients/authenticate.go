package clients

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// How many failed authentications are free, and how long it takes until as many are
// forgotten. Beyond that the server answers 429 for a while: for a second, and with
// each further failure twice as long, up to the time that it takes to forget one.
// Each node counts by itself.
const (
	Failures       = 10 // of one client ID from one address
	FailuresWithin = 10 * time.Minute

	AddressFailures = 100 // of all client IDs from one address, in the same time
)

// MaxCounters bounds the memory of a throttle to about ten megabytes.
const MaxCounters = 1 << 16

func newThrottle() *throttle.Throttle {
	return throttle.New(MaxCounters, throttle.Limits{
		Pair:    throttle.Limit{Failures: Failures, Within: FailuresWithin},
		Address: throttle.Limit{Failures: AddressFailures, Within: FailuresWithin},
	})
}

// Credentials are what a client authenticates with (RFC 6749 §2.3).
type Credentials struct {
	ID, Secret string
	Method     oauth.AuthMethod
}

// dummyDigest is compared with the secret when there is no client.
var dummyDigest = oauth.DigestOf("no client has this secret")

// Authenticate finds the client and checks how it authenticated, unless too many
// authentications have failed. The work is the same in every case. Concurrent
// guesses count the same as sequential ones.
func (r *Registry) Authenticate(ctx context.Context, c Credentials, at time.Time) (*oauth.Client, error) {
	client, err := r.identify(ctx, c, at)
	if err != nil && !errors.Is(err, oauth.InvalidClient) || err == nil && client.Public() {
		return client, err // nothing was proved or disproved
	}
	attempt := throttle.Attempt{Name: c.ID, Address: reqinfo.From(ctx).Address}
	if refused := r.throttle.Settle(attempt, err == nil); refused != nil {
		return nil, throttle.Error(oauth.InvalidClient, refused)
	}
	return client, err
}

// identify finds the client and checks how it authenticated. Every failure has the
// same error for the client and takes the same work; the log says which check it
// was.
func (r *Registry) identify(ctx context.Context, c Credentials, at time.Time) (*oauth.Client, error) {
	failed := oauth.InvalidClient.Errorf("client authentication failed")
	client, err := r.store.Client(ctx, c.ID)
	if errors.Is(err, oauth.ErrNotFound) {
		dummyDigest.Matches(c.Secret)
		return nil, fmt.Errorf("no client has this ID; `passport client list` shows those there are: %w", failed)
	}
	if err != nil {
		return nil, fmt.Errorf("find client: %w", err)
	}
	right := client.Authenticates(c.Secret, at)
	switch {
	case !client.Active():
		return nil, fmt.Errorf("the client is revoked or suspended: %w", failed)
	case client.Public() && c.Method != oauth.AuthNone:
		return nil, fmt.Errorf("the client is public and sent a secret; take the secret out of it: %w", failed)
	case client.Public():
		return client, nil
	case c.Method == oauth.AuthNone:
		return nil, fmt.Errorf("the client is confidential and sent no secret: %w", failed)
	case !client.AuthMethod.Accepts(c.Method):
		return nil, fmt.Errorf("the client used %s and is registered for %s: %w", c.Method, client.AuthMethod, failed)
	case !right:
		return nil, fmt.Errorf("none of the client's %d secrets matches or is live; copy it again, or make a new one: %w", len(client.Secrets), failed)
	}
	return client, nil
}

// Named adds to an error which client it is about, for the log.
func Named(clientID string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("client %.100q: %w", clientID, err)
}
