package demo

import (
	"context"
	"log/slog"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/oauth"
)

// The account of the tour. It may be public, because the tour listens on loopback only.
const (
	Email    = "demo@example.com"
	Password = "passport"
)

// Name is the name of the server in the tour. The tour is that of a shop, whose API has
// orders.
const Name = "The Shop"

// Scopes are the scopes of the tour.
var Scopes = []passport.Scope{
	{ID: "check-status", Description: "Check order status", Group: "Orders"},
	{ID: "place-orders", Description: "Place orders", Group: "Orders", CanChange: true},
}

// Made holds the clients of the tour.
type Made struct {
	Issuer  string
	Web     *oauth.Client
	Service *oauth.Client
	Device  *oauth.Client
	Secret  string // of Service
}

// Make creates the account and the clients of the tour.
func Make(ctx context.Context, server *passport.Server, accounts *account.Accounts, issuer string) (*Made, error) {
	if _, err := accounts.Create(ctx, account.NewUser{Email: Email, Name: "Demo User", Password: Password}); err != nil {
		return nil, err
	}
	web, err := server.CreateClient(ctx, passport.Registration{
		ID: "demo-web", Name: "Order Tracker", AuthMethod: oauth.AuthNone,
		RedirectURIs: []string{issuer + CallbackPath},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		OpenID:       &oauth.ClientOpenID{ClaimsInIDToken: true}, // to show them
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
	device, err := server.CreateClient(ctx, passport.Registration{
		ID: "demo-device", Name: "Kitchen Display", AuthMethod: oauth.AuthNone, Scopes: []string{"check-status"},
		GrantTypes: []string{deviceGrant, "refresh_token"},
	})
	if err != nil {
		return nil, err
	}
	return &Made{Issuer: issuer, Web: web.Client, Service: service.Client, Device: device.Client, Secret: service.Secret}, nil
}

// Display returns the configuration of the device.
func (m *Made) Display(logger *slog.Logger) AppConfig {
	return AppConfig{Issuer: m.Issuer, ClientID: m.Device.ID, Scopes: m.Device.Scopes, Email: Email, Password: Password, Logger: logger}
}

// App returns the configuration of the application.
func (m *Made) App(logger *slog.Logger) AppConfig {
	scopes := []string{"openid", "profile", "email"}
	for _, s := range Scopes {
		scopes = append(scopes, s.ID)
	}
	return AppConfig{Issuer: m.Issuer, ClientID: m.Web.ID, Scopes: scopes, Email: Email, Password: Password, Logger: logger}
}
