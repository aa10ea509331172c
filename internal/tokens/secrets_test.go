package tokens_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/internal/tokens"
)

// Types that hold a secret don't print it.
func TestSecrets_FR_15_TypesDoNotPrintSecrets(t *testing.T) {
	const canary = "canary-of-a-test"
	response := tokens.Response{AccessToken: canary, RefreshToken: canary}
	for _, value := range []any{
		response, &response, tokens.PersonalConfig{ClientSecret: canary}, clients.Credentials{Secret: canary}, keyring.Stored{Secret: []byte(canary)},
	} {
		testkit.WantHidden(t, value, canary)
	}
	if text, err := json.Marshal(response); err != nil || strings.Count(string(text), canary) != 2 {
		t.Errorf("JSON of the token response = %s, %v, want both tokens", text, err)
	}
}
