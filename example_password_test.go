package passport_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// The example application's records of customers' passwords.
type credentials struct {
	Customer
	Hash string
}

// noCustomer has the hash of a random password.
var noCustomer = credentials{Hash: "hash of something random"}

func customerByEmail(_ context.Context, email string) (credentials, error) {
	if email == "taylor@example.com" {
		return credentials{Customer{"1", "Taylor"}, "hash of my-password"}, nil
	}
	return credentials{}, sql.ErrNoRows
}

func customerByLogin(ctx context.Context, login string) (credentials, error) {
	return customerByEmail(ctx, login)
}
func clerkByPassword(context.Context, string, string) (*passport.User, error) {
	return nil, oauth.ErrNotFound
}
func hashMatches(hash, password string) bool { return hash == "hash of "+password } // argon2id or bcrypt

// byPassword returns the account with this email address and password.
func byPassword(ctx context.Context, username, password string) (*passport.User, error) {
	found, err := customerByEmail(ctx, username)
	if errors.Is(err, sql.ErrNoRows) {
		found, err = noCustomer, nil // compute a hash anyway, so that the duration reveals nothing
	}
	if err != nil {
		return nil, err
	}
	if !hashMatches(found.Hash, password) || found.ID == "" {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: found.ID, Name: found.Name}, nil
}

func ExampleUserFuncs_byPassword() {
	config.EnablePasswordGrant = true
	config.Users = passport.UserFuncs{Current: currentUser, ByID: findUser, ByPassword: byPassword, SignInPage: "/login"}
}

func ExampleUserFuncs_providers() {
	config.Providers = map[string]passport.UserProvider{
		"staff": passport.UserFuncs{Current: currentClerk, ByID: findClerk, ByPassword: clerkByPassword, SignInPage: "/staff/login"},
	}
	// `passport client --password --provider staff`, or in Go:
	till, err := auth.CreateClient(ctx, passport.Registration{
		Name:       "Warehouse terminal",
		GrantTypes: []string{"password", "refresh_token"},
		Provider:   "staff",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(till.Client.ID, till.Secret)
	mux.Handle("GET /staff/orders", auth.Guard(guard.Provider("staff"))(http.HandlerFunc(staffOrders)))
}

// byLogin lets users sign in with a name that they chose.
func byLogin(ctx context.Context, username, password string) (*passport.User, error) {
	found, err := customerByLogin(ctx, username) // WHERE login = ?
	if errors.Is(err, sql.ErrNoRows) {
		found, err = noCustomer, nil
	}
	if err != nil {
		return nil, err
	}
	if !hashMatches(found.Hash, password) || found.ID == "" {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: found.ID, Name: found.Name}, nil
}

// directory is a service that checks passwords, such as an LDAP server.
var directory interface {
	Bind(ctx context.Context, username, password string) (id string, err error)
}

var errBind error

// byDirectory lets the directory check the password.
func byDirectory(ctx context.Context, username, password string) (*passport.User, error) {
	id, err := directory.Bind(ctx, username, password)
	if errors.Is(err, errBind) {
		return nil, oauth.ErrNotFound // unknown name or wrong password
	}
	if err != nil {
		return nil, err // the directory is unreachable: the client gets an error
	}
	return findUser(ctx, id)
}

func ExampleUserFuncs_username() {
	config.Users = passport.UserFuncs{Current: currentUser, ByID: findUser, ByPassword: byLogin, SignInPage: "/login"}
}

func ExampleUserFuncs_password() {
	config.Users = passport.UserFuncs{Current: currentUser, ByID: findUser, ByPassword: byDirectory, SignInPage: "/login"}
}

// inProcess sends requests to a handler without a socket.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// printTokens prints a token response without its tokens.
func printTokens(response *http.Response, err error) {
	if err != nil {
		log.Fatal(err)
	}
	var tokens struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int    `json:"expires_in"`
		Scope        string `json:"scope"`
	}
	if err := json.NewDecoder(response.Body).Decode(&tokens); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d, scope %q for %d seconds, refreshable: %v\n", response.StatusCode, tokens.Scope, tokens.ExpiresIn, tokens.RefreshToken != "")
}

// The password grant from end to end: one of the organization's own clients
// exchanges a user's name and password for tokens.
func ExampleConfig_password() {
	keys, err := passport.GenerateKeys()
	if err != nil {
		log.Fatal(err)
	}
	byID := func(_ context.Context, id string) (*passport.User, error) { return &passport.User{ID: id}, nil }
	auth, err := passport.New(passport.Config{
		Issuer: "https://auth.example.com", Store: new(memstore.Store), Keys: keys, Logger: slog.New(slog.DiscardHandler),
		EnablePasswordGrant: true,
		Users:               passport.UserFuncs{Current: currentUser, ByID: byID, ByPassword: byPassword, SignInPage: "/login"},
		Scopes:              []passport.Scope{{ID: "place-orders", Description: "Place orders"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	created, err := auth.CreateClient(context.Background(), passport.Registration{
		Name: "Our mobile app", GrantTypes: []string{"password", "refresh_token"},
	})
	if err != nil {
		log.Fatal(err)
	}
	http := &http.Client{Transport: inProcess{auth}}

	response, err := http.PostForm("https://auth.example.com/oauth/token", url.Values{
		"grant_type":    {"password"},
		"client_id":     {created.Client.ID},
		"client_secret": {created.Secret},
		"username":      {"taylor@example.com"},
		"password":      {"my-password"},
		"scope":         {"place-orders"},
	})
	printTokens(response, err)
	for _, scope := range []string{"", "*"} {
		printTokens(http.PostForm("https://auth.example.com/oauth/token", url.Values{
			"grant_type": {"password"}, "client_id": {created.Client.ID}, "client_secret": {created.Secret},
			"username": {"taylor@example.com"}, "password": {"my-password"}, "scope": {scope},
		}))
	}
	// Output:
	// 200, scope "place-orders" for 3600 seconds, refreshable: true
	// 200, scope "" for 3600 seconds, refreshable: true
	// 200, scope "*" for 3600 seconds, refreshable: true
}
