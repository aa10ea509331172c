// Command server is the authorization server of an API and a client in other processes.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

func newServer(issuer, api string) (*passport.Server, error) {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return nil, err
	}
	return passport.New(passport.Config{
		Issuer: issuer, Store: new(memstore.Store), Keys: keys, Users: shop.Users, Scopes: shop.Scopes,
		Resources: []string{api}, // clients name it in the parameter resource
		Features:  []passport.Feature{passport.Device{}},
	})
}

// register creates the command line client, and the credentials of the API.
func register(ctx context.Context, auth *passport.Server, api string) (*passport.NewClient, error) {
	_, err := auth.CreateClient(ctx, passport.Registration{
		ID: "orders-cli", Name: "Orders on the command line", AuthMethod: oauth.AuthNone,
		RedirectURIs: []string{"http://127.0.0.1/callback"}, // any port
		GrantTypes:   []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
	})
	if err != nil {
		return nil, err
	}
	return auth.CreateClient(ctx, passport.Registration{Name: "Orders API", Audience: api})
}

func main() {
	issuer := flag.String("issuer", shop.Issuer, "the `URL` of this server")
	api := flag.String("api", "http://127.0.0.1:8081", "the `URL` of the API")
	flag.Parse()
	auth, err := newServer(*issuer, *api)
	if err != nil {
		log.Fatal(err)
	}
	created, err := register(context.Background(), auth, *api)
	if err != nil {
		log.Fatal(err)
	}
	at, err := url.Parse(*issuer)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/login", shop.SignInPage)
	fmt.Printf(`The server runs at %[1]s. Start the API in a second terminal, and the client in a third:

  go -C examples run ./remote/api -issuer %[1]s -api %[2]s -id %[3]s -secret %[4]s
  go -C examples run ./remote/cli -api %[2]s
  go -C examples run ./remote/cli -api %[2]s -device

`, *issuer, *api, created.Client.ID, created.Secret)
	log.Fatal(http.ListenAndServe(at.Host, mux))
}
