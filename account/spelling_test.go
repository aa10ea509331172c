package account_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/sqlstore"
)

// The pages compare the issuer with the origin that browsers send, so it must have the
// browsers' spelling.
func TestNew_FR_50_IssuerAsBrowsersSpellIt(t *testing.T) {
	for _, issuer := range []string{"https://müller.example", "https://auth.example.com:443", "https://Auth.example.com", "https://auth.example.com.", "http://[0:0::1]:8000"} {
		_, err := account.New(account.Config{DB: new(sql.DB), Dialect: sqlstore.SQLite, Issuer: issuer})
		if err == nil || !strings.Contains(err.Error(), "Config.Issuer") {
			t.Errorf("New() with the issuer %s = %v, want an error that names Config.Issuer", issuer, err)
		}
	}
}
