package passport_test

import (
	"fmt"
	"log"
	"log/slog"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

func ExampleConfig_inheritScopes() {
	config.InheritScopes = true // or inherit_scopes = true
	config.Scopes = []passport.Scope{
		{ID: "orders", Description: "Do everything with your orders"},
		{ID: "orders:read", Description: "See your orders"},
	}
}

func ExampleServer_Guard_scopes() {
	// Admits a user's token with both scopes.
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("check-status", "place-orders"))(orders))
	// Admits a user's token with at least one of the scopes.
	mux.Handle("GET /api/summary", auth.Guard(guard.AnyScope("check-status", "place-orders"))(orders))
}

func ExampleServer_GuardClient_scopes() {
	// Admits any client that acts for itself.
	mux.Handle("GET /api/stock", auth.GuardClient()(orders))
	// Admits such a client with both scopes.
	mux.Handle("POST /api/stock", auth.GuardClient(guard.Scopes("import-stock", "check-status"))(orders))
	// Admits such a client with at least one of the scopes.
	mux.Handle("GET /api/stock/summary", auth.GuardClient(guard.AnyScope("import-stock", "check-status"))(orders))
}

func ExampleServer_CreateToken_scopes() {
	user := passport.UserRef{Provider: passport.DefaultProvider, ID: "42"}
	created, err := auth.CreateToken(ctx, user, "My Token", "place-orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.AccessToken)
}

func ExampleServer_additionalScopeMethods() {
	ids := auth.ScopeIDs()                                 // all IDs
	scopes := auth.Scopes()                                // all scopes
	some := auth.ScopesFor("place-orders", "check-status") // the scopes with these IDs
	exists := auth.HasScope("place-orders")                // whether the scope is registered
	fmt.Println(ids, scopes, some, exists)
}

func ExampleServer_ScopesFor() {
	keys, err := passport.GenerateKeys()
	if err != nil {
		log.Fatal(err)
	}
	auth, err := passport.New(passport.Config{
		Issuer: "https://auth.example.com", Store: new(memstore.Store), Keys: keys, Logger: slog.New(slog.DiscardHandler),
		Scopes: []passport.Scope{{ID: "check-status", Description: "Check order status"}, {ID: "place-orders", Description: "Place orders"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(auth.ScopeIDs())
	for _, scope := range auth.ScopesFor("place-orders", "check-status", "nothing") {
		fmt.Println(scope.ID, "=", scope.Description)
	}
	fmt.Println(auth.HasScope("place-orders"), auth.HasScope("nothing"), auth.HasScope(oauth.AllScopes))
	// Output:
	// [check-status place-orders]
	// check-status = Check order status
	// place-orders = Place orders
	// true false true
}
