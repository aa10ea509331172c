package laravel

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// A secret that is sent again, before the client is read with its new digest, costs no
// second bcrypt. Another secret and another hash cost their own.
func TestSecret_LP_2_ARightSecretCostsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newForeign(newDerivations(1))
		if err := f.use(new(memstore.Store)); err != nil {
			t.Fatal(err)
		}
		client := func() *oauth.Client {
			hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
			if err != nil {
				t.Fatal(err)
			}
			return &oauth.Client{ID: "4", Secrets: []oauth.Secret{{Digest: oauth.Digest(hash)}}}
		}
		c, other := client(), client()
		ask := func(c *oauth.Client, secret string, may func() error) (bool, error) {
			return f.Secret(t.Context(), c, secret, time.Now(), may)
		}
		if right, err := ask(c, "wrong", always); right || err != nil {
			t.Errorf("Secret() of a wrong secret = %v, %v, want false", right, err)
		}
		if right, err := ask(c, "secret", always); !right || err != nil {
			t.Fatalf("Secret() of the right secret = %v, %v, want true", right, err)
		}
		busy(f.slow)
		if right, err := ask(c, "secret", always); !right || err != nil {
			t.Errorf("Secret() of the right secret again = %v, %v without a free slot, want true", right, err)
		}
		paused := errors.New("paused")
		if right, err := ask(c, "secret", func() error { return paused }); right || !errors.Is(err, paused) {
			t.Errorf("Secret() of the right secret during a pause = %v, %v, want the refusal", right, err)
		}
		for what, ask := range map[string]func() (bool, error){
			"the wrong secret again":            func() (bool, error) { return ask(c, "wrong", always) },
			"the right secret of another hash":  func() (bool, error) { return ask(other, "secret", always) },
			"the right secret with a character": func() (bool, error) { return ask(c, "secret ", always) },
		} {
			if right, err := ask(); right || !errors.Is(err, errBusy) {
				t.Errorf("Secret() of %s = %v, %v without a free slot, want an error: it needs its own derivation", what, right, err)
			}
		}
	})
}
