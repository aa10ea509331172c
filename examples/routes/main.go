// Command routes mounts Passport's routes itself: below another path, with one
// route replaced, one wrapped and some omitted.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/memstore"
)

// settings returns the shop's configuration. Its endpoints are at /auth/… instead
// of /oauth/….
func settings() passport.Config {
	return passport.Config{Issuer: shop.Issuer, Path: "/auth", Users: shop.Users, Scopes: shop.Scopes}
}

// application returns the shop with Passport in it.
func application(auth *passport.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/login", shop.SignInPage)
	mount(mux, auth)
	return mux
}

// mount replaces auth.Mount(mux).
func mount(mux *http.ServeMux, auth *passport.Server) {
	for route := range auth.Routes() {
		switch route.Name {
		case "passport.scopes.index":
			if route.Method == http.MethodGet || route.Method == http.MethodHead {
				route.Handler = translatedScopes(auth) // replaced
			}
		case "passport.clients.store":
			route.Handler = forDevelopers(route.Handler) // wrapped
		case "passport.personal.tokens.index", "passport.personal.tokens.store", "passport.personal.tokens.destroy":
			continue // omitted
		}
		mux.Handle(route.Method+" "+route.Path, route.Handler)
	}
}

var german = map[string]string{"check-status": "Den Stand der Bestellungen sehen"}

// translatedScopes lists the scopes in the language of the request.
func translatedScopes(auth *passport.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scopes := auth.Scopes()
		for i, scope := range scopes {
			if text, ok := german[scope.ID]; ok && strings.HasPrefix(r.Header.Get("Accept-Language"), "de") {
				scopes[i].Description = text
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Vary", "Accept-Language")
		_ = json.NewEncoder(w).Encode(scopes)
	})
}

// developers are the customers who may register apps.
var developers = map[string]bool{"1": true}

func forDevelopers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := shop.CurrentUser(r)
		if err == nil && !developers[user.ID] {
			http.Error(w, `{"message":"Ask us to register apps."}`, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r) // which checks the signed-in user itself
	})
}

func main() {
	config := settings()
	config.Store = new(memstore.Store) // for a trial
	var err error
	if config.Keys, err = passport.GenerateKeys(); err != nil {
		log.Fatal(err)
	}
	auth, err := passport.New(config)
	if err != nil {
		log.Fatal(err)
	}
	log.Print("Passport's routes are at ", shop.Issuer, "/auth/…; see ", shop.Issuer, "/auth/scopes")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", application(auth)))
}
