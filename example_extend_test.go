package passport_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// MagicLink is a grant that signs a customer in with a link in an email.
type MagicLink struct {
	// Find returns the customer that an unexpired link was sent to, and when it
	// expires.
	Find func(ctx context.Context, link string) (customerID string, expires time.Time, err error)
}

// GrantType implements oauth.Grant.
func (MagicLink) GrantType() string { return "urn:example:grant-type:magic-link" }

// Authorize implements oauth.Grant. It decides; the server writes.
func (g MagicLink) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	link := r.Form.Get("link")
	id, expires, err := g.Find(ctx, link)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, oauth.InvalidGrant.Errorf("the link is unknown or has expired")
	}
	if err != nil {
		return nil, fmt.Errorf("find link: %w", err) // logged; the client gets server_error
	}
	user := passport.UserRef{Provider: passport.DefaultProvider, ID: id}
	return &oauth.Authorization{
		Subject: oauth.ForUser(user),
		Scopes:  r.Scopes,
		Refresh: r.Client.Allows("refresh_token"),
		// The write that stores the tokens also uses up the link.
		Spends: oauth.Spend{Purpose: "example.magic-link", ID: link, Until: expires},
		// All tokens belong to this family, so that one write revokes them.
		NewFamily: true,
		Family: &oauth.Family{
			ID: rand.Text(), User: user, ClientID: r.Client.ID,
			CreatedAt: r.Time, ExpiresAt: r.Time.Add(90 * 24 * time.Hour),
		},
	}, nil
}

// A custom grant can do everything that the built-in grants can.
func ExampleConfig_grants() {
	keys, err := passport.GenerateKeys()
	if err != nil {
		log.Fatal(err)
	}
	links := MagicLink{Find: func(_ context.Context, link string) (string, time.Time, error) {
		if link != "8TDGQ2" {
			return "", time.Time{}, sql.ErrNoRows
		}
		return "42", time.Now().Add(time.Hour), nil
	}}
	auth, err := passport.New(passport.Config{
		Issuer: "https://app.example.com", Store: new(memstore.Store), Keys: keys,
		Users:  passport.UserFuncs{Current: currentUser, ByID: findUser, SignInPage: "/login"},
		Grants: []oauth.Grant{links},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	app, err := auth.CreateClient(context.Background(), passport.Registration{
		Name: "Our app", GrantTypes: []string{"urn:example:grant-type:magic-link"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		form := url.Values{"grant_type": {"urn:example:grant-type:magic-link"}, "link": {"8TDGQ2"}}
		r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(app.Client.ID, app.Secret)
		w := httptest.NewRecorder()
		auth.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.Contains(w.Body.String(), `"access_token"`))
	}
	// Output:
	// 200 true
	// 400 false
}

func ExampleNew_databases() {
	var err error
	switch driver := "sqlite"; driver {
	case "sqlite": // modernc.org/sqlite
		db, err = sql.Open(driver, sqlstore.SQLiteDSN("app.db"))
		store = sqlstore.New(db, sqlstore.SQLite)
	case "pgx": // github.com/jackc/pgx/v5/stdlib: PostgreSQL
		db, err = sql.Open(driver, "postgres://shop@localhost/shop")
		store = sqlstore.New(db, sqlstore.Postgres)
	case "mysql": // github.com/go-sql-driver/mysql: MySQL and MariaDB
		db, err = sql.Open(driver, "shop@tcp(localhost)/shop")
		store = sqlstore.New(db, sqlstore.MySQL)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleServer_Guard_rule() {
	fresh := guard.RuleFunc(func(token *oauth.AccessToken) error {
		if time.Since(token.Family.AuthTime) > 15*time.Minute {
			return oauth.InsufficientScope.Errorf("the user must sign in again")
		}
		return nil
	})
	mux.Handle("POST /api/orders", auth.Guard(guard.Scopes("place-orders"), fresh)(orders))
}

func ExampleConfig_auditLog() {
	for record, err := range store.AuditLog(ctx, time.Now().Add(-24*time.Hour)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.Time, record.Action, record.Actor, record.User, record.ClientID, record.Address, record.RequestID)
	}
}
