package clients_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// traited is a custom grant with traits.
type traited struct {
	grantType string
	traits    oauth.GrantTraits
}

func (g traited) GrantType() string { return g.grantType }

func (g traited) Traits() oauth.GrantTraits { return g.traits }

func (traited) Authorize(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) {
	return nil, oauth.InvalidGrant
}

// onlyProviders returns a server with the providers staff and customers, and without
// Config.Users.
func onlyProviders(t *testing.T, change func(*passport.Config)) *passport.Server {
	t.Helper()
	staff := testkit.NewAccounts("alice")
	config := passport.Config{
		Issuer: testkit.Issuer, Store: new(memstore.Store), Keys: testkit.NewKeys(t), EnablePasswordGrant: true, EnableImplicitGrant: true, Logger: slog.New(slog.DiscardHandler),
		Providers: map[string]passport.UserProvider{"staff": staff, "customers": testkit.NewAccounts("eve")},
		Grants:    []oauth.Grant{traited{"urn:example:users", oauth.GrantTraits{}}, traited{"urn:example:machines", oauth.GrantTraits{ClientOnly: true}}},
	}
	change(&config)
	s, err := passport.New(config)
	testkit.Check(t, err)
	return s
}

// Without Config.Users, a client that acts for users must name a provider, when it
// is created and when it is changed. A client that acts for itself and an API need
// none.
func TestCreateClient_FR_42_ProvidersWithoutUsers(t *testing.T) {
	s := onlyProviders(t, func(*passport.Config) {})
	for name, tt := range map[string]struct {
		reg  passport.Registration
		need bool
	}{
		"authorization_code":  {passport.Registration{}, true},
		"public":              {passport.Registration{AuthMethod: oauth.AuthNone}, true},
		"password":            {passport.Registration{GrantTypes: []string{"password", "refresh_token"}}, true},
		"implicit":            {passport.Registration{GrantTypes: []string{"implicit"}, AuthMethod: oauth.AuthNone}, true},
		"personal_access":     {passport.Registration{GrantTypes: []string{"personal_access"}}, true},
		"a grant for users":   {passport.Registration{GrantTypes: []string{"urn:example:users"}}, true},
		"of both kinds":       {passport.Registration{GrantTypes: []string{"client_credentials", "authorization_code"}}, true},
		"client_credentials":  {passport.Registration{GrantTypes: []string{"client_credentials"}}, false},
		"a grant for clients": {passport.Registration{GrantTypes: []string{"urn:example:machines"}}, false},
		"an API":              {passport.Registration{Audience: testkit.Issuer}, false},
		"an API that acts":    {passport.Registration{Audience: testkit.Issuer, GrantTypes: []string{"client_credentials"}}, false},
		"an API with users":   {passport.Registration{Audience: testkit.Issuer, GrantTypes: []string{"password"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tt.reg.Name = name
			if tt.reg.GrantTypes == nil && tt.reg.Audience == "" || len(tt.reg.GrantTypes) > 1 || name == "implicit" {
				tt.reg.RedirectURIs = []string{"https://app.example.com/cb"}
			}
			_, err := s.CreateClient(t.Context(), tt.reg)
			if refused := err != nil; refused != tt.need || refused && !strings.Contains(err.Error(), "name one of Config.Providers: customers, staff") {
				t.Fatalf("CreateClient() without a provider = %v, want an error with the names of the providers: %v", err, tt.need)
			}
			if !tt.need {
				return
			}
			tt.reg.Provider = "staff"
			created, err := s.CreateClient(t.Context(), tt.reg)
			testkit.Check(t, err)
			created.Client.Provider = ""
			if err := s.UpdateClient(t.Context(), created.Client); err == nil || !strings.Contains(err.Error(), "name one of Config.Providers: customers, staff") {
				t.Errorf("UpdateClient() that removes the provider = %v, want an error with the names of the providers", err)
			}
		})
	}
	both := onlyProviders(t, func(c *passport.Config) { c.Users = testkit.NewAccounts("bob") })
	_, err := both.CreateClient(t.Context(), passport.Registration{Name: "App", RedirectURIs: []string{"https://app.example.com/cb"}})
	testkit.Check(t, err)
}
