package e2e_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// An application embeds the library. The scripts of its pages call its API with
// unmodified axios from npm.
type application struct {
	server
	auth     *passport.Server
	mu       sync.Mutex
	sessions map[string]string // session to user
	orders   int               // placed orders
}

// axiosFile is the unmodified axios file for websites.
var axiosFile = filepath.Join("node_modules", "axios", "dist", "axios.min.js")

// customer is the application's own record of a user.
type customer struct {
	Name string `json:"name"`
}

var customers = map[string]*customer{"1": {"Ada"}, "2": {"Bob"}}

const home = `<!doctype html><link rel="icon" href="data:,"><title>Shop</title>
<meta name="csrf-token" content="%s"><script src="/axios.min.js"></script><p>Welcome to the shop.`

// startApplication starts an application. around changes the library's routes.
func startApplication(t *testing.T, around ...func(passport.Route) passport.Route) *application {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &application{sessions: map[string]string{}}
	a.URL, a.log, a.canaries = "http://"+l.Addr().String(), &output{}, &canaries{}
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	auth, err := passport.New(passport.Config{
		Issuer: a.URL, Store: new(memstore.Store), Keys: keys,
		Users:  passport.UserFuncs{Current: a.currentUser, ByID: findCustomer, SignInPage: "/sign-in"},
		Scopes: []passport.Scope{{ID: "place-orders", Description: "Place orders"}},
		Logger: slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.auth = auth
	mux := http.NewServeMux()
	for route := range auth.Routes() {
		for _, change := range around {
			route = change(route)
		}
		mux.Handle(route.Method+" "+route.Path, route.Handler)
	}
	a.routes(mux, auth)
	serveOn(t, l, mux)
	t.Cleanup(func() { a.canaries.check(t, "the application's log", a.log.String()) })
	return a
}

func (a *application) routes(mux *http.ServeMux, auth *passport.Server) {
	mux.Handle("GET /{$}", auth.FreshToken(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, home, passport.CSRFToken(r.Context()))
	})))
	mux.HandleFunc("GET /axios.min.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, axiosFile) })
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><title>Sign in</title><p>Sign in here`)
	})
	mux.HandleFunc("GET /sign-in/{id}", func(w http.ResponseWriter, r *http.Request) { // signs in without a password
		session := rand.Text()
		a.mu.Lock()
		a.sessions[session] = r.PathValue("id")
		a.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "shop_session", Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.Handle("GET /api/user", auth.Guard()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := passport.UserFromContext[*customer](r.Context())
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(user)
	})))
	mux.Handle("POST /api/orders", auth.Guard(guard.Scopes("place-orders"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.orders++
		a.mu.Unlock()
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(order)
	})))
	mux.Handle("GET /api/service", auth.GuardClient()(http.NotFoundHandler()))
}

// placed returns the number of placed orders.
func (a *application) placed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.orders
}

// signOutEverywhere ends all sessions, as from another computer.
func (a *application) signOutEverywhere() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.sessions)
}

func (a *application) currentUser(r *http.Request) (*passport.User, error) {
	cookie, err := r.Cookie("shop_session")
	if err != nil {
		return nil, oauth.ErrNotFound
	}
	a.mu.Lock()
	id := a.sessions[cookie.Value]
	a.mu.Unlock()
	if id == "" {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: id, SessionID: cookie.Value}, nil
}

func findCustomer(_ context.Context, id string) (*passport.User, error) {
	found, ok := customers[id]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: id, Name: found.Name, Data: found}, nil
}
