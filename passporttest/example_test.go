package passporttest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

// application is the application under test: its routes behind its guards.
func application(auth *passport.Server) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("check-status"))(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			customer, _ := passport.UserFromContext[*customer](r.Context())
			fmt.Fprint(w, "the orders of ", customer.Name)
		})))
	mux.Handle("POST /api/stock", auth.GuardClient(guard.Scopes("import-stock"))(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "imported by ", guard.TokenFrom(r.Context()).Client.Name)
		})))
	return mux
}

// appConfig is the application's configuration.
var appConfig = passport.Config{Scopes: []passport.Scope{
	{ID: "check-status", Description: "Check order status"},
	{ID: "import-stock", Description: "Import stock"},
}}

func ExampleActingAs() {
	app := application(server())
	ada := &passport.User{ID: "42", Data: &customer{Name: "Ada"}}
	for _, scope := range []string{"check-status", "import-stock"} {
		r := httptest.NewRequest("GET", "/api/orders", nil)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, passporttest.ActingAs(r, ada, scope))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 the orders of Ada
	// 403 {"error":"insufficient_scope","error_description":"the token lacks a scope: all of these are required","scope":"check-status"}
}

func ExampleActingAsClient() {
	robot := &oauth.Client{ID: "robot", Name: "Stock robot"}
	r := httptest.NewRequest("POST", "/api/stock", nil)
	w := httptest.NewRecorder()
	application(server()).ServeHTTP(w, passporttest.ActingAsClient(r, robot, "import-stock"))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 imported by Stock robot
}

func ExampleNewServer() {
	_ = func(t *testing.T) { // TestOrders
		auth := passporttest.NewServer(t, appConfig)
		auth.Serve(application(auth.Server))
		ada := auth.AddUser(&passport.User{ID: "42", Data: &customer{Name: "Ada"}})

		token := auth.Token(ada, "check-status")
		res, err := token.HTTPClient().Get("/api/orders")
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("GET /api/orders = %v, %v, want 200", res, err)
		}

		auth.Expire(token.ID)
		res, err = token.HTTPClient().Get("/api/orders")
		if err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("GET /api/orders with an expired token = %v, %v, want 401", res, err)
		}
	}
}

// In a bubble of testing/synctest, time passes at once.
func ExampleClient_Refresh() {
	_ = func(t *testing.T) { // TestConnectedForAMonth
		synctest.Test(t, func(t *testing.T) {
			auth := passporttest.NewServer(t, appConfig)
			tracker := auth.NewClient(passport.Registration{Name: "Order Tracker"})
			token := tracker.Token(auth.User("42"), "check-status")

			time.Sleep(29 * 24 * time.Hour)
			token, err := tracker.Refresh(token)
			if err != nil {
				t.Fatal(err)
			}

			time.Sleep(31 * 24 * time.Hour)
			if _, err := tracker.Refresh(token); !errors.Is(err, oauth.InvalidGrant) {
				t.Errorf("Refresh() after 31 days = %v, want invalid_grant", err)
			}
		})
	}
}

// server returns a server for the examples that use only its guards.
func server() *passport.Server {
	config := appConfig
	keys, err := passport.GenerateKeys()
	if err != nil {
		panic(err) // never happens
	}
	config.Issuer, config.Store, config.Keys = passporttest.Issuer, new(memstore.Store), keys
	auth, err := passport.New(config)
	if err != nil {
		panic(err) // the configuration is valid
	}
	return auth
}
