package laravel_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// hashed imports a client whose secret the old server had hashed.
func (o *old) hashed(id, secret string) {
	o.T.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	o.Works(err)
	digest := oauth.Digest(strings.Replace(string(hash), "$2a$", "$2y$", 1)) // the mark of PHP
	o.load(&oauth.ImportBatch{Clients: []*oauth.ImportedClient{{Client: &oauth.Client{
		ID: id, Name: "Hashed", AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials"}, CreatedAt: time.Now(),
		Secrets: []oauth.Secret{{Digest: digest, CreatedAt: time.Now()}},
	}}}})
}

func TestSecret_LP_2_AHashIsReplaced(t *testing.T) {
	o := newOld(t)
	secret := strings.Repeat("a1B2", 10)
	o.hashed("9d0c", secret)
	ask := func(secret string) int {
		return o.form("9d0c", "grant_type", "client_credentials", "client_secret", secret).Status
	}
	for _, wrong := range []string{secret + "x", secret[1:], strings.Repeat("a", 100), "wrong"} {
		if got := ask(wrong); got != http.StatusUnauthorized {
			t.Errorf("the secret %q gets %d, want 401", wrong, got)
		}
	}
	c, err := o.Store.Client(t.Context(), "9d0c")
	o.Works(err)
	if hash := string(c.Secrets[0].Digest); !strings.HasPrefix(hash, "$2y$") || ask(hash) != http.StatusUnauthorized {
		t.Errorf("before the first right secret, the secret is %s, and the hash itself must not work", hash)
	}
	for range 2 {
		if got := ask(secret); got != http.StatusOK {
			t.Fatalf("the right secret gets %d, want 200", got)
		}
		c, err = o.Store.Client(t.Context(), "9d0c")
		o.Works(err)
		if len(c.Secrets) != 1 || c.Secrets[0].Digest != oauth.DigestOf(secret) {
			t.Errorf("after the right secret, the secrets are %v, want its digest", c.Secrets)
		}
	}
	if got := ask("wrong"); got != http.StatusUnauthorized {
		t.Errorf("a wrong secret gets %d after the hash was replaced, want 401", got)
	}
}

// A rotation ends the hash like each other secret, and the feature alone verifies one.
func TestSecret_LP_2_AHashEnds(t *testing.T) {
	o := newOld(t)
	secret := strings.Repeat("a1B2", 10)
	o.hashed("9d0c", secret)
	without := &old{Server: o.Restart(func(c *passport.Config) { c.Features = nil }), imports: o.imports}
	if got := without.form("9d0c", "grant_type", "client_credentials", "client_secret", secret); got.Status != http.StatusUnauthorized {
		t.Errorf("a server without the feature responds with %s, want 401", got)
	}
	_, err := o.RotateSecret(t.Context(), "9d0c", 0)
	o.Works(err)
	if got := o.form("9d0c", "grant_type", "client_credentials", "client_secret", secret); got.Status != http.StatusUnauthorized {
		t.Errorf("after a rotation the old secret gets %s, want 401", got)
	}
}

// The hashed secret of the imported client for personal access tokens is right for New.
func TestSecret_LP_2_PersonalAccessClient(t *testing.T) {
	o := newOld(t)
	secret := strings.Repeat("a1B2", 10)
	o.hashed("9d0c", secret)
	c, err := o.Store.Client(t.Context(), "9d0c")
	o.Works(err)
	c.GrantTypes = []string{"personal_access"}
	o.Works(o.Store.UpdateClient(t.Context(), c, nil))
	with := func(secret string) error {
		config := o.Config
		config.PersonalAccessClientID, config.PersonalAccessClientSecret = "9d0c", secret
		_, err := passport.New(config)
		return err
	}
	if err := with("wrong"); err == nil {
		t.Error("New() accepts a wrong PersonalAccessClientSecret")
	}
	if err := with(secret); err != nil {
		t.Errorf("New() with the secret that Laravel has hashed = %v", err)
	}
}

// Wrong secrets lead to a pause, in which nothing is hashed.
func TestSecret_LP_2_GuessesAreThrottled(t *testing.T) {
	o := newOld(t)
	o.hashed("9d0c", strings.Repeat("a1B2", 10))
	last := 0
	for range 12 {
		last = o.form("9d0c", "grant_type", "client_credentials", "client_secret", "wrong").Status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 12th wrong secret gets %d, want 429", last)
	}
}
