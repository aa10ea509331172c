package passport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
)

// The examples below change config; auth is the server with it.
var (
	config passport.Config
	auth   *passport.Server
)

func ExampleConfig_lifetimes() {
	config.AccessTokenTTL = 15 * time.Minute     // one hour by default
	config.RefreshTokenTTL = 15 * 24 * time.Hour // how long a client may be inactive; 30 days by default
	config.FamilyTTL = 180 * 24 * time.Hour      // then the client must ask the user again, regardless of refreshes
	config.RefreshTokenGrace = 30 * time.Second  // for clients that lost the response; 10 seconds by default
	config.CodeTTL = 30 * time.Second            // one minute by default

	config.PersonalTokenTTL = 180 * 24 * time.Hour // personal access tokens; one year by default
	config.AccessTokenTTLByGrant = map[string]time.Duration{"client_credentials": 5 * time.Minute}
}

func ExampleConfig_scopes() {
	config.Scopes = []passport.Scope{
		{ID: "check-status", Description: "Check order status"},
		{ID: "place-orders", Description: "Place orders"},
	}
	config.DefaultScopes = []string{"check-status"} // for requests without a scope
}

func ExampleConfig_scopeGroups() {
	config.Scopes = []passport.Scope{
		{ID: "orders:read", Description: "See your orders"},
		{ID: "orders:write", Description: "Place and cancel orders", CanChange: true},
		{ID: "cards", Description: "See your payment cards", Group: "Payment", Sensitive: true},
	}
}

func ExampleConfig_optionalScopes() {
	config.Scopes = []passport.Scope{
		{ID: "orders:read", Description: "See your orders"},
		{ID: "orders:write", Description: "Place and cancel orders", CanChange: true, Optional: true},
		{ID: "cards", Description: "See your payment cards", Group: "Payment", Sensitive: true, Optional: true},
	}
}

func ExampleConfig_skipConsent() {
	config.SkipConsent = func(_ context.Context, client *oauth.Client, _ *passport.User) bool {
		return client.Attributes["first-party"] == "yes"
	}
}

func ExampleConfig_claims() {
	config.Claims = func(ctx context.Context, token *oauth.AccessToken) (map[string]any, error) {
		user, ok := token.Subject().User()
		if !ok {
			return nil, nil // a client's own token
		}
		customer, err := customerByID(ctx, user.ID)
		if err != nil {
			return nil, err
		}
		return map[string]any{"customer_name": customer.Name}, nil
	}
}

func ExampleConfig_onEvent() {
	config.OnEvent = func(ctx context.Context, event passport.Event) {
		switch e := event.(type) {
		case passport.Replayed:
			slog.WarnContext(ctx, "a token was stolen", "user", e.Family.User, "client_id", e.Family.ClientID, "request_id", e.RequestID)
		case passport.ConsentGiven:
			slog.InfoContext(ctx, "an app was connected", "user", e.User, "client_id", e.ClientID, "address", e.Address)
		}
	}
}

func ExampleConfig_onRefusal() {
	config.OnRefusal = func(w http.ResponseWriter, _ *http.Request, err *oauth.Error) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(err.Code.Status())
		json.NewEncoder(w).Encode(map[string]any{"title": err.Code, "detail": err.Description})
	}
}

func ExampleConfig_providers() {
	config.Users = passport.UserFuncs{Current: currentUser, ByID: findUser, SignInPage: "/login"}
	config.Providers = map[string]passport.UserProvider{
		"staff": passport.UserFuncs{Current: currentClerk, ByID: findClerk, SignInPage: "/staff/login"},
	}
}

func currentClerk(*http.Request) (*passport.User, error)        { return nil, oauth.ErrNotFound }
func findClerk(context.Context, string) (*passport.User, error) { return nil, oauth.ErrNotFound }
func importStock(http.ResponseWriter, *http.Request)            {}
func health(http.ResponseWriter, *http.Request)                 {}
func staffOrders(http.ResponseWriter, *http.Request)            {}

func ExampleServer_Guard() {
	// Admits a user's token with all of the scopes.
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("check-status"))(orders))
	// Admits a user's token with at least one of the scopes.
	mux.Handle("GET /api/summary", auth.Guard(guard.AnyScope("check-status", "place-orders"))(orders))
	// Admits a token of a user of the provider "staff", with any scopes.
	mux.Handle("GET /staff/orders", auth.Guard(guard.Provider("staff"))(http.HandlerFunc(staffOrders)))
}

func ExampleServer_GuardClient() {
	mux.Handle("POST /api/stock", auth.GuardClient(guard.Scopes("import-stock"))(http.HandlerFunc(importStock)))
}

func ExampleServer_GuardAny() {
	mux.Handle("GET /api/health", auth.GuardAny()(http.HandlerFunc(health)))
}

func ExampleUserFromContext() {
	hello := func(w http.ResponseWriter, r *http.Request) {
		customer, ok := passport.UserFromContext[*Customer](r.Context())
		if !ok {
			fmt.Fprintln(w, "Hello, machine.")
			return
		}
		fmt.Fprintf(w, "Hello, %s.\n", customer.Name)
	}
	mux.Handle("GET /api/hello", auth.GuardAny()(http.HandlerFunc(hello)))
}

func ExampleServer_Routes() {
	for route := range auth.Routes() {
		if route.Name == "passport.token" {
			route.Handler = slowDown(route.Handler)
		}
		mux.Handle(route.Method+" "+route.Path, route.Handler)
	}
}

func slowDown(next http.Handler) http.Handler { return next }
