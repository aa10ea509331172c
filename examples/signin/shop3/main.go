// Command shop is a shop where customers sign in and see their orders.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"html/template"
	"log"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

var address = "127.0.0.1:8080"

// wiki is the address of another company's site.
var wiki = "http://127.0.0.1:8081"

// Customer is an account of the shop.
type Customer struct{ ID, Name string }

var customers = map[string]*Customer{"1": {"1", "Ada"}, "2": {"2", "Grace"}}

// Session is a browser in which a customer is signed in.
type Session struct {
	ID       string
	Customer *Customer
	Since    time.Time
}

var sessions sync.Map // of *Session, by cookie

// sessionOf returns the session of the browser that sent r, or nil.
func sessionOf(r *http.Request) *Session {
	cookie, err := r.Cookie("shop")
	if err != nil {
		return nil
	}
	session, ok := sessions.Load(cookie.Value)
	if !ok {
		return nil
	}
	return session.(*Session)
}

var loginPage = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post"><input type="hidden" name="return_to" value="{{.}}">
<button name="customer" value="1">Sign in as Ada</button></form>`))

func showLogin(w http.ResponseWriter, r *http.Request) {
	_ = loginPage.Execute(w, r.FormValue("return_to"))
}

// local returns the path to go to after the sign-in. Any address that is not a
// path on this host would be an open redirect.
func local(returnTo string) string {
	if !strings.HasPrefix(returnTo, "/") || strings.HasPrefix(returnTo, "//") || strings.ContainsAny(returnTo, "\\\t\r\n") {
		return "/orders"
	}
	return returnTo
}

func login(w http.ResponseWriter, r *http.Request) {
	customer, ok := customers[r.FormValue("customer")]
	if !ok {
		http.Error(w, "Unknown customer.", http.StatusUnprocessableEntity)
		return
	}
	cookie := rand.Text()
	sessions.Store(cookie, &Session{rand.Text(), customer, time.Now()})
	http.SetCookie(w, &http.Cookie{Name: "shop", Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, local(r.FormValue("return_to")), http.StatusSeeOther)
}

// orders is a page for a signed-in customer.
func orders(w http.ResponseWriter, r *http.Request) {
	session := sessionOf(r)
	if session == nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	writeOrders(w, session.Customer)
}

func writeOrders(w http.ResponseWriter, customer *Customer) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"customer": customer.Name, "orders": []string{"espresso machine"}})
}

// currentUser returns the signed-in customer of the browser that sent r.
func currentUser(r *http.Request) (*passport.User, error) {
	session := sessionOf(r)
	if session == nil {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{
		ID: session.Customer.ID, Name: session.Customer.Name, AuthenticatedAt: session.Since, Data: session.Customer,
		SessionID: session.ID,
	}, nil
}

// signOut ends the session of the browser that sent r. Passport calls it.
func signOut(w http.ResponseWriter, r *http.Request) error {
	if cookie, err := r.Cookie("shop"); err == nil {
		sessions.Delete(cookie.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: "shop", Path: "/", MaxAge: -1})
	return nil
}

// findUser returns the customer with an ID. Passport calls it for each token.
func findUser(_ context.Context, id string) (*passport.User, error) {
	customer, ok := customers[id]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: customer.ID, Name: customer.Name, Data: customer}, nil
}

// claimsOf returns what the shop knows about a customer.
func claimsOf(_ context.Context, user *oauth.User, _ *oauth.Client, _ []string) (openid.Claims, error) {
	return openid.Claims{Name: user.Name}, nil
}

func newAuth() (*passport.Server, error) {
	keys, err := passport.GenerateKeys("ES256", "RS256") // for a trial: passport.LoadKeys otherwise
	if err != nil {
		return nil, err
	}
	return passport.New(passport.Config{
		Issuer: "http://" + address,
		Store:  new(memstore.Store),
		Keys:   keys,
		Users:  passport.UserFuncs{Current: currentUser, ByID: findUser, SignOut: signOut, SignInPage: "/login"},
		Scopes: []passport.Scope{{ID: "orders:read", Description: "See your orders"}},

		Features: []passport.Feature{passport.OpenID{UserClaims: claimsOf}},
	})
}

// addWiki registers the wiki.
func addWiki(ctx context.Context, auth *passport.Server) error {
	created, err := auth.CreateClient(ctx, passport.Registration{
		ID: "wiki", Name: "The Wiki", RedirectURIs: []string{wiki + "/callback"},
		OpenID: &oauth.ClientOpenID{PostLogoutRedirectURIs: []string{wiki + "/"}},
	})
	if err != nil {
		return err
	}
	log.Print("The secret of the wiki is ", created.Secret)
	return nil
}

func main() {
	auth, err := newAuth()
	if err != nil {
		log.Fatal(err)
	}
	if err := addWiki(context.Background(), auth); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.HandleFunc("GET /login", showLogin)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("GET /orders", orders)
	log.Print("The shop runs at http://", address, "/orders")
	log.Fatal(http.ListenAndServe(address, mux))
}
