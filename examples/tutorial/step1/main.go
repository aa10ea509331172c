// Command shop is a shop where customers sign in and see their orders.
package main

import (
	"crypto/rand"
	"encoding/json"
	"html/template"
	"log"
	"net/http"
	"sync"
	"time"
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
<form method="post"><button name="customer" value="1">Sign in as Ada</button></form>`))

func showLogin(w http.ResponseWriter, r *http.Request) {
	_ = loginPage.Execute(w, nil)
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
	http.Redirect(w, r, "/orders", http.StatusSeeOther)
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

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", showLogin)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("GET /orders", orders)
	log.Print("The shop runs at http://", address, "/orders")
	log.Fatal(http.ListenAndServe(address, mux))
}
