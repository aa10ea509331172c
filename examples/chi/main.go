// Command chi mounts Passport into a chi router.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
)

func newServer() (*passport.Server, error) {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return nil, err
	}
	return passport.New(passport.Config{
		Issuer: shop.Issuer, Store: new(memstore.Store), Keys: keys, Users: shop.Users, Scopes: shop.Scopes,
	})
}

func routes(auth *passport.Server) http.Handler {
	r := chi.NewRouter()
	r.Handle("/login", shop.SignInPage)
	auth.Mount(r)
	r.With(auth.Guard(guard.Scopes("check-status"))).Get("/api/orders", orders)
	r.With(auth.GuardClient()).Get("/api/stock", stock)
	return r
}

func orders(w http.ResponseWriter, r *http.Request) {
	customer, _ := passport.UserFromContext[*shop.Customer](r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(customer.Orders())
}

func stock(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Hello, %s: 42 espresso machines are in stock.\n", guard.TokenFrom(r.Context()).Client.Name)
}

func main() {
	auth, err := newServer()
	if err != nil {
		log.Fatal(err)
	}
	shop.PrintClient(auth)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", routes(auth)))
}
