package console_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-passport/passport"
)

// Without a default provider, every kind of client that acts for users gets the only
// provider. If there are several, the command needs --provider.
func TestClient_FR_42_ProvidersWithoutUsers(t *testing.T) {
	kinds := map[string]bool{ // whether the kind acts for users
		"--redirect_uri https://app.example.com/cb":          true,
		"--public --redirect_uri https://app.example.com/cb": true,
		"--password": true,
		"--personal": true,
		"--client":   false,
		"--api":      false,
	}
	for _, several := range []bool{false, true} {
		o, _ := shop(t, func(c *passport.Config) {
			c.EnablePasswordGrant = true
			c.Providers = map[string]passport.UserProvider{"staff": c.Users}
			if several {
				c.Providers["customers"] = c.Users
			}
			c.Users = nil
		})
		for kind, forUsers := range kinds {
			args := append([]string{"client", "--json", "--name", "x"}, strings.Fields(kind)...)
			got := run(t, o, args...)
			if several && forUsers {
				if got.status == 0 || !strings.Contains(got.stderr, "not a terminal: pass --provider") {
					t.Errorf("passport client %s with two providers = %+v, want that it names --provider", kind, got)
				}
				got = run(t, o, append(args, "--provider", "staff")...)
			}
			want := ""
			if forUsers {
				want = "staff"
			}
			var made struct {
				Provider string `json:"provider"`
			}
			if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || made.Provider != want {
				t.Errorf("passport client %s made a client for the users of %q, want %q: %+v", kind, made.Provider, want, got)
			}
		}
	}
}
