package account_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
)

func TestNew_FR_45_FaultsShowNoSecretOfAURL(t *testing.T) {
	for _, u := range []string{"https://admin:zvkqj@host", "https://host?key=zvkqj", "postgres://u:p/zvkqj@h/d", "mysql:zvkqj@h", "sqlite:/x.db?key=zvkqj"} {
		_, err := account.New(account.Config{Issuer: u, Provider: u})
		if err == nil || !strings.Contains(err.Error(), "Issuer") || !strings.Contains(err.Error(), "Provider") || strings.Contains(err.Error(), "zvkqj") {
			t.Errorf("New() with issuer and provider %q = %v, want errors that name the fields and don't show the secret", u, err)
		}
	}
}
