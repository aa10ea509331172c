package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
)

// Issuer is the URL of the shop.
const Issuer = "http://127.0.0.1:8080"

// Shop is the application.
type Shop struct {
	db   *sql.DB
	auth *passport.Server // set by Handler
}

// Config returns the shop's configuration of Passport, without Store and Keys,
// which depend on the machine.
func (s *Shop) Config() passport.Config {
	return passport.Config{
		Issuer: Issuer,
		Users:  passport.UserFuncs{Current: s.currentUser, ByID: s.userByID, SignInPage: "/login"},
		Scopes: []passport.Scope{
			{ID: "check-status", Description: "Check order status"},
			{ID: "place-orders", Description: "Place orders"},
			{ID: "import-stock", Description: "Import stock"},
		},
		DefaultScopes: []string{"check-status"},
		OnEvent:       s.listen,
	}
}

// Handler returns the shop with its routes and Passport's.
func (s *Shop) Handler(auth *passport.Server) http.Handler {
	s.auth = auth
	mux := http.NewServeMux()
	auth.Mount(mux)

	// For the apps that customers connect.
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("check-status"))(http.HandlerFunc(s.listOrders)))
	mux.Handle("POST /api/orders", auth.Guard(guard.Scopes("place-orders"))(http.HandlerFunc(s.placeOrder)))

	// For machines that act for themselves.
	mux.Handle("POST /api/stock", auth.GuardClient(guard.Scopes("import-stock"))(http.HandlerFunc(s.importStock)))

	// For customers in a browser. The shop refuses forms of other sites.
	own := http.NewCrossOriginProtection()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /login", s.showSignIn)
	mux.Handle("POST /login", own.Handler(http.HandlerFunc(s.signIn)))
	mux.Handle("POST /logout", own.Handler(http.HandlerFunc(s.signOut)))
	mux.Handle("POST /settings/tokens", own.Handler(http.HandlerFunc(s.createToken)))
	return mux
}

// tables are the shop's own tables. Passport's are in the same database.
const tables = `
CREATE TABLE IF NOT EXISTS customers (
	id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, salt BLOB NOT NULL, password BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
	cookie TEXT PRIMARY KEY, id TEXT NOT NULL, customer_id INTEGER NOT NULL, signed_in_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
	number INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, item TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stock (
	item TEXT PRIMARY KEY, count INTEGER NOT NULL);`

// Migrate creates the shop's tables.
func (s *Shop) Migrate(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, tables); err != nil {
		return fmt.Errorf("create the tables of the shop: %w", err)
	}
	return nil
}
