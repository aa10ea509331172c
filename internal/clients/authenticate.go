package clients

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// Failed authentications within these limits have no consequence. Beyond them the
// server responds with 429: for one second, and for twice as long after each
// further failure, up to the time after which one failure is forgotten. Each node
// counts separately.
const (
	Failures       = 10 // of one client ID from one address
	FailuresWithin = 10 * time.Minute

	AddressFailures = 100 // of all client IDs from one address, in the same time
)

// MaxCounters limits the memory of a throttle to about ten megabytes.
const MaxCounters = 1 << 16

func newThrottle() *throttle.Throttle {
	return throttle.New(MaxCounters, throttle.Limits{
		Pair:    throttle.Limit{Failures: Failures, Within: FailuresWithin},
		Address: throttle.Limit{Failures: AddressFailures, Within: FailuresWithin},
	})
}

// Credentials are the credentials of a client (RFC 6749 §2.3).
type Credentials struct {
	ID, Secret string
	Method     oauth.AuthMethod

	// Client is the client with this ID if the caller has just read it. Nil:
	// Authenticate reads it.
	Client *oauth.Client
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (c Credentials) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "clients.Credentials(%s)", c.ID)
}

// LogValue implements [slog.LogValuer]: only the client ID.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.ID) }

// dummyDigest is compared with the secret if the client does not exist, so that the
// response takes the same time.
var dummyDigest = oauth.DigestOf("no client has this secret")

// Authenticate finds the client and checks its credentials. It refuses all attempts
// after too many failures. The work is the same in every case. Concurrent guesses
// count the same as sequential ones.
func (r *Registry) Authenticate(ctx context.Context, c Credentials, at time.Time) (*oauth.Client, error) {
	client, err := r.identify(ctx, c, at)
	if err != nil && !errors.Is(err, oauth.InvalidClient) || err == nil && client.Public() {
		return client, err // a public client has no secret to guess
	}
	attempt := throttle.Attempt{Name: c.ID, Address: reqinfo.From(ctx).Address}
	if refused := r.throttle.Settle(attempt, err == nil); refused != nil {
		return nil, throttle.Error(oauth.InvalidClient, refused)
	}
	return client, err
}

// MayTry returns a [throttle.Refusal] if a client may not try a secret now, after too many
// wrong ones. Use it before a check that takes much work.
func (r *Registry) MayTry(ctx context.Context, clientID string) error {
	return r.throttle.Refuse(throttle.Attempt{Name: clientID, Address: reqinfo.From(ctx).Address})
}

// Failed counts a wrong secret of a client.
func (r *Registry) Failed(ctx context.Context, clientID string) {
	_ = r.throttle.Settle(throttle.Attempt{Name: clientID, Address: reqinfo.From(ctx).Address}, false)
}

// Holds reports whether a secret is one of a client's secrets, also an imported one.
func (r *Registry) Holds(ctx context.Context, c *oauth.Client, secret string, at time.Time) (bool, error) {
	if c.Authenticates(secret, at) {
		return true, nil
	}
	return r.foreign(ctx, c, secret, at)
}

// foreign reports whether a secret is a client's secret at another server. During a pause
// after too many wrong secrets it does not compare them, because that takes much work.
func (r *Registry) foreign(ctx context.Context, c *oauth.Client, secret string, at time.Time) (bool, error) {
	may := func() error { return r.MayTry(ctx, c.ID) }
	if r.parts.Foreign == nil || c.Public() || !c.Active() || !r.parts.Foreign.HasSecret(c, secret) || may() != nil {
		return false, nil //nolint:nilerr // Authenticate reports a pause
	}
	right, err := r.parts.Foreign.Secret(ctx, c, secret, at, may)
	if _, paused := errors.AsType[*throttle.Refusal](err); paused {
		return false, nil // which Authenticate reports
	}
	return right, err
}

// identify finds the client and checks its credentials. Every failure gives the
// client the same error and takes the same work. The log names the failed check.
func (r *Registry) identify(ctx context.Context, c Credentials, at time.Time) (*oauth.Client, error) {
	failed := oauth.InvalidClient.Errorf("client authentication failed")
	client, err := c.Client, error(nil)
	if client == nil || client.ID != c.ID {
		client, err = r.store.Client(ctx, c.ID)
	}
	if errors.Is(err, oauth.ErrNotFound) {
		dummyDigest.Matches(c.Secret)
		return nil, fmt.Errorf("no client has this ID; `passport client list` shows all clients: %w", failed)
	}
	if err != nil {
		return nil, fmt.Errorf("find client: %w", err)
	}
	right, err := r.Holds(ctx, client, c.Secret, at)
	if err != nil {
		return nil, fmt.Errorf("check the secret: %w", err)
	}
	switch {
	case !client.Active():
		return nil, fmt.Errorf("the client is revoked or suspended: %w", failed)
	case client.Public() && c.Method != oauth.AuthNone:
		return nil, fmt.Errorf("the client is public and sent a secret; remove the secret from its settings: %w", failed)
	case client.Public():
		return client, nil
	case c.Method == oauth.AuthNone:
		return nil, fmt.Errorf("the client is confidential and sent no secret; add the secret to its settings: %w", failed)
	case !client.AuthMethod.Accepts(c.Method):
		return nil, fmt.Errorf("the client authenticated with %s, but is registered for %s; change its settings: %w", c.Method, client.AuthMethod, failed)
	case !right:
		return nil, fmt.Errorf("the secret is wrong or has expired; copy it again, or rotate it (stored secrets: %d): %w", len(client.Secrets), failed)
	}
	return client, nil
}

// Named adds the client's ID to an error, for the log.
func Named(clientID string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("client %.100q: %w", clientID, err)
}
