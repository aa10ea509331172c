// Package shop is the application of the examples: customers who sign in, and their
// orders. Only the two functions at the end are for Passport: they connect the
// server to the customers.
package shop

import (
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Customer is an account of the shop.
type Customer struct{ ID, Name string }

// Order is an order of a customer.
type Order struct {
	Number int    `json:"number"`
	Status string `json:"status"`
}

var customers = map[string]*Customer{
	"1": {"1", "Ada"},
	"2": {"2", "Grace"},
}

// Orders returns the customer's orders.
func (c *Customer) Orders() []Order { return []Order{{1001, "shipped"}, {1002, "being packed"}} }

// session is a browser in which a customer is signed in.
type session struct {
	id       string // stays the same if the cookie changes
	customer *Customer
	since    time.Time
}

// sessions are all sessions, by cookie.
var sessions sync.Map

const cookieName = "shop_session"

// SignInPage serves /login. A real application checks a password; here a click is
// enough.
var SignInPage http.Handler = http.NewCrossOriginProtection().Handler(http.HandlerFunc(signIn))

func signIn(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		_ = page.Execute(w, r.URL.Query().Get("return_to"))
		return
	}
	customer, ok := customers[r.PostFormValue("customer")]
	if !ok {
		http.Error(w, "The customer does not exist.", http.StatusUnprocessableEntity)
		return
	}
	cookie := rand.Text()
	sessions.Store(cookie, &session{id: rand.Text(), customer: customer, since: time.Now()})
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, local(r.PostFormValue("return_to")), http.StatusSeeOther)
}

// local returns an address if it is a path on this host, against open redirects.
func local(returnTo string) string {
	if !strings.HasPrefix(returnTo, "/") || strings.HasPrefix(returnTo, "//") || strings.ContainsAny(returnTo, "\\\t\r\n") {
		return "/"
	}
	return returnTo
}

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<h1>Sign in to the shop</h1>
<form method="post" action="/login"><input type="hidden" name="return_to" value="{{.}}">
<button name="customer" value="1">as Ada</button> <button name="customer" value="2">as Grace</button></form></html>`))

// CurrentUser returns the signed-in user of the browser that sent r.
func CurrentUser(r *http.Request) (*passport.User, error) {
	cookie, err := r.Cookie(cookieName)
	if errors.Is(err, http.ErrNoCookie) {
		return nil, oauth.ErrNotFound
	}
	found, ok := sessions.Load(cookie.Value)
	if !ok {
		return nil, oauth.ErrNotFound
	}
	s := found.(*session)
	return &passport.User{ID: s.customer.ID, Name: s.customer.Name, AuthenticatedAt: s.since, SessionID: s.id, Data: s.customer}, nil
}

// FindUser returns an account that exists.
func FindUser(_ context.Context, id string) (*passport.User, error) {
	customer, ok := customers[id]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: customer.ID, Name: customer.Name, Data: customer}, nil
}
