package passporttest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

// customer is the application's own record of an account.
type customer struct{ Name string }

var (
	ada   = &passport.User{ID: "42", Name: "Ada", Data: &customer{"Ada Lovelace"}}
	robot = &oauth.Client{ID: "robot", Name: "Robot"}

	scopes = []passport.Scope{{ID: "orders", Description: "Orders"}, {ID: "orders:read", Description: "Read orders"}, {ID: "stock", Description: "Stock"}}
)

// whoami responds with the user, client and scopes that handlers find in their
// requests.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	token := guard.TokenFrom(r.Context())
	record, isUser := passport.UserFromContext[*customer](r.Context())
	if !isUser {
		record = &customer{"no user"}
	}
	fmt.Fprintf(w, "%s by %s as %s with %s", record.Name, token.Client.Name, token.Subject().Claim(token.Client.ID), token.Scopes)
})

// ask serves a request and returns the status and the body.
func ask(handler http.Handler, r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func get() *http.Request { return httptest.NewRequest("GET", "/api/orders", nil) }

func want(t *testing.T, who string, handler http.Handler, r *http.Request, status int, says string) {
	t.Helper()
	if code, body := ask(handler, r); code != status || !strings.Contains(body, says) {
		t.Errorf("%s: response %d %s, want %d and %q", who, code, body, status, says)
	}
}

func TestActingAs_PassesTheGuardsOfUsers(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{Scopes: scopes})
	orders := auth.Guard(guard.Scopes("orders:read"))(whoami)

	want(t, "no token", orders, get(), http.StatusUnauthorized, "")
	want(t, "the scope", orders, passporttest.ActingAs(get(), ada, "orders:read"), http.StatusOK, "Ada Lovelace by A test as users:42 with [orders:read]")
	want(t, "no scope", orders, passporttest.ActingAs(get(), ada), http.StatusForbidden, "insufficient_scope")
	want(t, "another scope", orders, passporttest.ActingAs(get(), ada, "orders", "stock"), http.StatusForbidden, "insufficient_scope")
	want(t, "every scope", orders, passporttest.ActingAs(get(), ada, oauth.AllScopes), http.StatusOK, "Ada")
	want(t, "a guard for both", auth.GuardAny()(whoami), passporttest.ActingAs(get(), ada), http.StatusOK, "Ada")
	want(t, "two guards", auth.Guard()(orders), passporttest.ActingAs(get(), ada, "orders:read"), http.StatusOK, "Ada")
}

func TestActingAs_NeverRepeat_F11_UserAndClientAreSeparate(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{Scopes: scopes})
	want(t, "a user at a guard for clients", auth.GuardClient()(whoami), passporttest.ActingAs(get(), ada), http.StatusForbidden, "a client's own token is required")
	want(t, "a client at a guard for users", auth.Guard()(whoami), passporttest.ActingAsClient(get(), robot), http.StatusForbidden, "a user's token is required")
}

func TestActingAsClient_PassesTheGuardsOfClients(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{Scopes: scopes})
	stock := auth.GuardClient(guard.AnyScope("stock", "orders"))(whoami)
	want(t, "the scope", stock, passporttest.ActingAsClient(get(), robot, "stock"), http.StatusOK, "no user by Robot as client:robot with [stock]")
	want(t, "another scope", stock, passporttest.ActingAsClient(get(), robot, "orders:read"), http.StatusForbidden, "insufficient_scope")
	want(t, "a guard for both", auth.GuardAny()(whoami), passporttest.ActingAsClient(get(), robot), http.StatusOK, "Robot")
}

// User 1 of one provider is never user 1 of another, in tests too.
func TestActingAs_NeverRepeat_E11_ProvidersAreSeparate(t *testing.T) {
	staff := passport.UserFuncs{
		Current: func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }, ByID: noUser, SignInPage: "/staff",
	}
	auth := passporttest.NewServer(t, passport.Config{Providers: map[string]passport.UserProvider{"staff": staff}})
	customers, clerks := auth.Guard()(whoami), auth.Guard(guard.Provider("staff"))(whoami)
	want(t, "a clerk among clerks", clerks, passporttest.ActingAsUserOf(get(), "staff", ada), http.StatusOK, "as staff:42")
	want(t, "a clerk among customers", customers, passporttest.ActingAsUserOf(get(), "staff", ada), http.StatusForbidden, "")
	want(t, "a customer among clerks", clerks, passporttest.ActingAs(get(), ada), http.StatusForbidden, "")
}

func TestActingAs_InheritScopes(t *testing.T) {
	for _, inherit := range []bool{false, true} {
		auth := passporttest.NewServer(t, passport.Config{Scopes: scopes, InheritScopes: inherit})
		status := http.StatusForbidden
		if inherit {
			status = http.StatusOK
		}
		read := auth.GuardAny(guard.Scopes("orders:read"))(whoami)
		who := fmt.Sprintf("orders at a route of orders:read, InheritScopes %t", inherit)
		want(t, who, read, passporttest.ActingAs(get(), ada, "orders"), status, "")
		want(t, who, read, passporttest.ActingAsClient(get(), robot, "orders"), status, "")
	}
}

// The token for handlers and custom rules is as complete as an issued one.
func TestActingAs_TokenIsComplete(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{})
	user := &passport.User{ID: "42", AuthenticatedAt: time.Now().Add(-time.Hour).UTC(), SessionID: "s1"}
	var token *oauth.AccessToken
	rule := guard.RuleFunc(func(t *oauth.AccessToken) error { token = t; return nil })
	want(t, "a rule", auth.Guard(rule)(whoami), passporttest.ActingAs(get(), user, "orders"), http.StatusOK, "")
	switch {
	case !token.Live(time.Now()):
		t.Errorf("the token %+v is not live, want a live one", token)
	case !token.Family.AuthTime.Equal(user.AuthenticatedAt) || token.Family.Session != oauth.DigestOf("s1"):
		t.Errorf("the family %+v lacks the user's sign-in", token.Family)
	case len(token.Audience) != 1 || token.Audience[0] != passporttest.Issuer:
		t.Errorf("the token is for %q, want the audience of the server", token.Audience)
	case token.ID == "" || token.Client.ID == "":
		t.Errorf("the token %+v has no ID or no client", token)
	}
}

func TestActingAs_PanicsWithoutUserOrClient(t *testing.T) {
	for name, act := range map[string]func(){
		"no user":             func() { passporttest.ActingAs(get(), nil) },
		"a user without ID":   func() { passporttest.ActingAs(get(), &passport.User{}) },
		"no provider":         func() { passporttest.ActingAsUserOf(get(), "", ada) },
		"no client":           func() { passporttest.ActingAsClient(get(), nil) },
		"a client without ID": func() { passporttest.ActingAsClient(get(), &oauth.Client{}) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "passporttest: acting as") {
					t.Errorf("%s: panic %q, want one that names the missing value", name, text)
				}
			}()
			act()
		}()
	}
}
