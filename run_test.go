package passport_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// purges counts calls and returns err.
type purges struct {
	befores []time.Time
	err     error
}

func (p *purges) Purge(_ context.Context, ended oauth.PurgeBefore, _ int) (int, error) {
	p.befores = append(p.befores, ended.Expired)
	return 0, p.err
}

// Run purges every hour what ended before PurgeAfter, also after a failure, and
// returns when its context ends.
func TestRun_PurgesEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, err := passport.GenerateKeys()
		if err != nil {
			t.Fatal(err)
		}
		store := new(memstore.Store)
		s, err := passport.New(passport.Config{Issuer: "https://app.test", Store: store, Keys: keys, PurgeAfter: 48 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		created, err := s.CreateClient(t.Context(), passport.Registration{Name: "Machine", GrantTypes: []string{"client_credentials"}})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().UTC().Truncate(time.Microsecond)
		err = store.Issue(t.Context(), &oauth.Issuance{Time: at, AccessToken: &oauth.AccessToken{
			ID: "ended", Client: created.Client, IssuedAt: at, ExpiresAt: at.Add(time.Hour),
		}})
		if err != nil {
			t.Fatal(err)
		}
		also := &purges{err: errors.New("unreachable")}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx, also) }()

		time.Sleep(48 * time.Hour)
		if _, err := store.AccessToken(t.Context(), "ended"); err != nil {
			t.Errorf("the token was purged before PurgeAfter: %v", err)
		}
		time.Sleep(3 * time.Hour)
		if _, err := store.AccessToken(t.Context(), "ended"); !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("the token was not purged an hour after PurgeAfter: %v", err)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v when its context ends, want nil", err)
		}
		if n := len(also.befores); n < 49 || n > 52 {
			t.Errorf("%d purges in 51 hours, want one per hour, also after failures", n)
		}
		if got := time.Since(also.befores[len(also.befores)-1]); got < 48*time.Hour || got > 50*time.Hour {
			t.Errorf("the last purge was for records that ended %v ago, want 48h plus the time since", got)
		}
	})
}
