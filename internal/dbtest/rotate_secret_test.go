package dbtest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// After several concurrent rotations, only the last secret is valid: a rotation because
// of a leaked secret must end all others.
func TestRotateSecret_NeverRepeat_A1_Concurrent(t *testing.T) {
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		for range 20 {
			c := s.register(passport.Registration{Name: "worker", GrantTypes: []string{"client_credentials"}})
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := s.RotateSecret(t.Context(), c.id, 0); err != nil {
						t.Errorf("RotateSecret() = %v, want nil", err)
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
				t.Fatalf("after 8 concurrent rotations %d of %d secrets are live, want 1 of 9", len(live), len(client.Secrets))
			}
		}
	})
}
