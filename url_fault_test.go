package passport_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// misplaced are URLs with a secret, as an operator may put them into the wrong
// setting.
var misplaced = []string{
	"https://admin:zvkqj@host", "https://zvkqj@host", "https://host/?key=zvkqj", "https://host/#zvkqj", "https://admin:p@zvkqj@host/%zz", "HTTPS://u:zvkqj@H/",
	"postgres://u:zvkqj@h:5432/d?password=zvkqj", "postgres://u:a/zvkqj@h/d", "mysql:zvkqj@h/d", "u:zvkqj@tcp(h)/d", "sqlite:/x.db?key=zvkqj", "host=h password=zvkqj #",
}

// The faults of a configuration show no secret from a URL.
func TestValidate_FR_45_FaultsShowNoSecretOfAURL(t *testing.T) {
	for name, set := range map[string]func(*passport.Config, string){
		"Issuer":                func(c *passport.Config, u string) { c.Issuer = u },
		"Path":                  func(c *passport.Config, u string) { c.Path = u },
		"Audience or Resources": func(c *passport.Config, u string) { c.Audience = u + " #" },
		"Resources":             func(c *passport.Config, u string) { c.Resources = []string{u + " #"} },
		"CookieName":            func(c *passport.Config, u string) { c.CookieName = u },
		"ClientIDs":             func(c *passport.Config, u string) { c.ClientIDs = passport.IDFormat(u) },
		"PersonalTokenFormat":   func(c *passport.Config, u string) { c.PersonalTokenFormat = passport.TokenFormat(u) },
		"PersonalTokenPrefix":   func(c *passport.Config, u string) { c.PersonalTokenPrefix = u },
	} {
		for _, u := range misplaced {
			c := testkit.NewServer(t).Config
			set(&c, u)
			err := c.Validate()
			_, newErr := passport.New(c)
			if err == nil || newErr == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %q: Validate() = %v, New() = %v, want a fault that names the field", name, u, err, newErr)
				continue
			}
			if all := err.Error() + newErr.Error(); strings.Contains(all, "zvkqj") {
				t.Errorf("%s %q: the fault shows the secret: %v", name, u, err)
			}
		}
	}
}

// The faults of a registration show no secret from a URL either.
func TestCreateClient_FR_45_FaultsShowNoSecretOfAURL(t *testing.T) {
	s := testkit.NewServer(t)
	for _, u := range misplaced {
		_, err := s.CreateClient(t.Context(), passport.Registration{Name: "c", AuthMethod: oauth.AuthBasic, GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{u + "#"}, Audience: u})
		if err == nil || !strings.Contains(err.Error(), "redirect URI") || !strings.Contains(err.Error(), "audience") || strings.Contains(err.Error(), "zvkqj") {
			t.Errorf("a client with the URL %q: %v, want a fault without the secret", u, err)
		}
		if err := (&oauth.Client{Audience: u + " "}).Validate(); err == nil || strings.Contains(err.Error(), "zvkqj") {
			t.Errorf("Client.Validate() with the audience %q = %v, want a fault without the secret", u, err)
		}
	}
}
