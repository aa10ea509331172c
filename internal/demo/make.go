package demo

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/oauth"
)

// What everybody may know: the tour is reached from its own machine alone.
const (
	Email    = "demo@example.com"
	Password = "passport"
)

// Scopes are those of the tour.
var Scopes = []passport.Scope{
	{ID: "check-status", Description: "Check order status"},
	{ID: "place-orders", Description: "Place orders"},
}

// Made is what was made for the tour.
type Made struct {
	Issuer  string
	Web     *oauth.Client
	Service *oauth.Client
	Secret  string // of Service
}

// Make makes the account and the two clients of the tour.
func Make(ctx context.Context, server *passport.Server, accounts *account.Accounts, issuer string) (*Made, error) {
	if _, err := accounts.Create(ctx, account.NewUser{Email: Email, Name: "Demo User", Password: Password}); err != nil {
		return nil, err
	}
	web, err := server.CreateClient(ctx, passport.Registration{
		ID: "demo-web", Name: "Order Tracker", AuthMethod: oauth.AuthNone,
		RedirectURIs: []string{issuer + CallbackPath},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
	})
	if err != nil {
		return nil, err
	}
	service, err := server.CreateClient(ctx, passport.Registration{
		ID: "demo-service", Name: "Demo Service",
		RedirectURIs: []string{"http://127.0.0.1:9999/callback"},
		GrantTypes:   []string{"authorization_code", "refresh_token", "client_credentials", "password"},
	})
	if err != nil {
		return nil, err
	}
	return &Made{Issuer: issuer, Web: web.Client, Service: service.Client, Secret: service.Secret}, nil
}

// App returns the configuration of the application.
func (m *Made) App(logger *slog.Logger) AppConfig {
	scopes := make([]string, len(Scopes))
	for i, s := range Scopes {
		scopes[i] = s.ID
	}
	return AppConfig{Issuer: m.Issuer, ClientID: m.Web.ID, Scopes: scopes, Email: Email, Password: Password, Logger: logger}
}

// Describe says what was made: for people to follow, and for curl to use.
func (m *Made) Describe() string {
	return fmt.Sprintf(strings.TrimPrefix(`
Passport runs at %[1]s until you press Ctrl-C; nothing of it stays.

  Open           %[1]s/demo
  Sign in as     %[2]s
  Password       %[3]s

  Clients        demo-web       public, redirect %[4]s
                 demo-service   secret %[5]s
                                redirect %[6]s

  Guarded        GET %[1]s/api/user      any user's token
                 GET %[1]s/api/orders    a user's token with the scope check-status
                 GET %[1]s/api/service   a client's own token

A client that acts for itself, with curl:

  TOKEN=$(curl -s -u demo-service:%[5]s -d grant_type=client_credentials \
    %[1]s/oauth/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s -H "Authorization: Bearer $TOKEN" %[1]s/api/service

It asks about its token, revokes it, and asks again:

  curl -s -u demo-service:%[5]s -d token=$TOKEN %[1]s/oauth/introspect
  curl -s -u demo-service:%[5]s -d token=$TOKEN %[1]s/oauth/revoke
  curl -s -u demo-service:%[5]s -d token=$TOKEN %[1]s/oauth/introspect

`, ""), m.Issuer, Email, Password, m.Web.RedirectURIs[0], m.Secret, m.Service.RedirectURIs[0])
}
