package dbtest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Who rotates because a secret has leaked wants one that is good: of many rotations
// at once the last one ends what the others made.
func TestRotateSecret_NeverRepeat_A1_AtOnce(t *testing.T) {
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		for range 20 {
			c := s.register(passport.Registration{Name: "worker", GrantTypes: []string{"client_credentials"}})
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := s.RotateSecret(t.Context(), c.id, 0); err != nil {
						t.Errorf("RotateSecret: %v", err)
					}
				})
			}
			wg.Wait()
			client, err := s.store.Client(t.Context(), c.id)
			must(t, err)
			var live []oauth.Secret
			for _, secret := range client.Secrets {
				if secret.ExpiresAt.IsZero() || time.Now().Before(secret.ExpiresAt) {
					live = append(live, secret)
				}
			}
			if len(live) != 1 || len(client.Secrets) != 9 {
				t.Fatalf("after 8 rotations at once %d of %d secrets are live, want one of 9", len(live), len(client.Secrets))
			}
		}
	})
}
