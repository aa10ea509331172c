// Command api is an API in another process than its authorization server.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/go-passport/passport/guard"
)

// newAPI returns the guard of the API. id and secret are its own credentials at the server.
func newAPI(issuer, audience, id, secret string) *guard.Remote {
	return &guard.Remote{
		Issuer: issuer, Audience: audience,
		ClientID: id, ClientSecret: secret, Introspect: 10 * time.Second,
		Name: "Orders API", Scopes: []string{"check-status"}, // for its metadata
	}
}

func routes(api *guard.Remote) http.Handler {
	mux := http.NewServeMux()
	api.Mount(mux) // the metadata, so that clients find the server
	mux.Handle("GET /orders", api.Guard(guard.Scopes("check-status"))(http.HandlerFunc(listOrders)))
	return mux
}

// listOrders knows the user by ID only: the accounts are in the process of the server.
func listOrders(w http.ResponseWriter, r *http.Request) {
	token := guard.TokenFrom(r.Context())
	user, _ := token.Subject().User()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"customer": user.ID, "app": token.Client.ID, "orders": []int{1001, 1002}})
}

func main() {
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "the `URL` of the authorization server")
	audience := flag.String("api", "http://127.0.0.1:8081", "the `URL` of this API")
	id, secret := flag.String("id", "", "the API's own client `ID`"), flag.String("secret", "", "its `secret`")
	flag.Parse()
	api := newAPI(*issuer, *audience, *id, *secret)
	if err := api.Validate(); err != nil {
		log.Fatal(err)
	}
	at, err := url.Parse(*audience)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("The API runs at %s.\n", *audience)
	log.Fatal(http.ListenAndServe(at.Host, routes(api)))
}
