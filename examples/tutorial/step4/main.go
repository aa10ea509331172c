// Command shop is a shop where customers sign in and see their orders.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"golang.org/x/oauth2"
)

var address = "127.0.0.1:8080"

// Customer is an account of the shop.
type Customer struct{ ID, Name string }

var customers = map[string]*Customer{"1": {"1", "Ada"}, "2": {"2", "Grace"}}

// Session is a browser in which a customer is signed in.
type Session struct {
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
	sessions.Store(cookie, &Session{customer, time.Now()})
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
	}, nil
}

// findUser returns the customer with an ID. Passport calls it for each token.
func findUser(_ context.Context, id string) (*passport.User, error) {
	customer, ok := customers[id]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: customer.ID, Name: customer.Name, Data: customer}, nil
}

func newAuth() (*passport.Server, error) {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return nil, err
	}
	return passport.New(passport.Config{
		Issuer: "http://" + address,
		Store:  new(memstore.Store),
		Keys:   keys,
		Users:  passport.UserFuncs{Current: currentUser, ByID: findUser, SignInPage: "/login"},
		Scopes: []passport.Scope{{ID: "orders:read", Description: "See your orders"}},
	})
}

// apiOrders is an API for apps that act for a customer.
func apiOrders(w http.ResponseWriter, r *http.Request) {
	customer, _ := passport.UserFromContext[*Customer](r.Context())
	writeOrders(w, customer)
}

// stock is an API for machines.
func stock(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "42 espresso machines, %s\n", guard.TokenFrom(r.Context()).Client.Name)
}

// addClients registers the programs that may ask for tokens.
func addClients(ctx context.Context, auth *passport.Server) error {
	robot, err := auth.CreateClient(ctx, passport.Registration{
		ID: "stock-robot", Name: "Stock robot", GrantTypes: []string{"client_credentials"},
	})
	if err != nil {
		return err
	}
	log.Print("The secret of stock-robot is ", robot.Secret)
	_, err = auth.CreateClient(ctx, passport.Registration{
		ID: "order-tracker", Name: "Order Tracker", AuthMethod: oauth.AuthNone, // public: no secret, but PKCE
		RedirectURIs: []string{"http://" + address + "/tracker/callback"},
	})
	return err
}

// tracker is the configuration of the app. Another company would run the app.
func tracker() *oauth2.Config {
	return &oauth2.Config{
		ClientID: "order-tracker", RedirectURL: "http://" + address + "/tracker/callback", Scopes: []string{"orders:read"},
		Endpoint: oauth2.Endpoint{AuthURL: "http://" + address + "/oauth/authorize", TokenURL: "http://" + address + "/oauth/token"},
	}
}

// trackerStart sends the browser to the shop, with a new state and PKCE challenge.
func trackerStart(w http.ResponseWriter, r *http.Request) {
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	http.SetCookie(w, &http.Cookie{Name: "tracker", Value: state + "." + verifier, Path: "/tracker", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, tracker().AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), http.StatusFound)
}

// trackerCallback redeems the code that the browser brings back, and calls the API.
func trackerCallback(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie("tracker")
	if err != nil {
		http.Error(w, "Start at /tracker.", http.StatusBadRequest)
		return
	}
	state, verifier, _ := strings.Cut(cookie.Value, ".")
	if r.FormValue("state") != state || r.FormValue("error") != "" {
		http.Error(w, "Not connected: "+r.FormValue("error"), http.StatusBadRequest)
		return
	}
	token, err := tracker().Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	response, err := tracker().Client(r.Context(), token).Get("http://" + address + "/api/orders")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

func main() {
	ctx := context.Background()
	auth, err := newAuth()
	if err != nil {
		log.Fatal(err)
	}
	if err := addClients(ctx, auth); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.HandleFunc("GET /login", showLogin)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("GET /orders", orders)
	mux.Handle("GET /api/stock", auth.GuardClient()(http.HandlerFunc(stock)))
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("orders:read"))(http.HandlerFunc(apiOrders)))
	mux.HandleFunc("GET /tracker", trackerStart)
	mux.HandleFunc("GET /tracker/callback", trackerCallback)
	log.Print("The shop runs at http://", address, "/orders")
	log.Fatal(http.ListenAndServe(address, mux))
}
