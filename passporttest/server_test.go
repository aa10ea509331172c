package passporttest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

func noUser(context.Context, string) (*passport.User, error) { return nil, oauth.ErrNotFound }

// newAPI returns a server that serves an API with a route for users and a route
// for clients.
func newAPI(t testing.TB, config passport.Config) *passporttest.Server {
	t.Helper()
	config.Scopes = scopes
	auth := passporttest.NewServer(t, config)
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("orders"))(whoami))
	mux.Handle("GET /api/stock", auth.GuardClient(guard.Scopes("stock"))(whoami))
	auth.Serve(mux)
	return auth
}

// wantGet fails the test unless a GET of the path returns the status and the
// text.
func wantGet(t *testing.T, client *http.Client, path string, status int, says string) {
	t.Helper()
	res, err := client.Get(path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status || !strings.Contains(string(body), says) {
		t.Errorf("GET %s = %d %s, want %d and %q", path, res.StatusCode, body, status, says)
	}
}

func TestNewServer_TokensOpenTheRoutesOfTheirScopes(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	auth.AddUser(ada)
	wantGet(t, auth.HTTPClient(), "/api/orders", http.StatusUnauthorized, "")
	wantGet(t, auth.Token(ada, "orders").HTTPClient(), "/api/orders", http.StatusOK, "Ada Lovelace by Test client as users:42 with [orders]")
	wantGet(t, auth.Token(ada, "stock").HTTPClient(), "/api/orders", http.StatusForbidden, "insufficient_scope")
	wantGet(t, auth.Token(ada, "stock").HTTPClient(), "/api/stock", http.StatusForbidden, "")
	wantGet(t, auth.ClientToken("stock").HTTPClient(), "/api/stock", http.StatusOK, "with [stock]")
	wantGet(t, auth.ClientToken("orders").HTTPClient(), "/api/orders", http.StatusForbidden, "")

	r := auth.Token(auth.User("43"), "orders").SetAuthHeader(get())
	want(t, "a request of httptest", auth.Guard()(whoami), r, http.StatusOK, "as users:43")
	r = auth.PersonalToken(ada, "orders").SetAuthHeader(get())
	want(t, "a personal token", auth.Guard(guard.Scopes("orders"))(whoami), r, http.StatusOK, "Ada Lovelace by Personal Access Client")
}

// A test gets the optional scopes that it asks for.
func TestNewServer_PA_1_OptionalScopes(t *testing.T) {
	auth := newAPI(t, passport.Config{Scopes: []passport.Scope{
		{ID: "orders", Description: "See your orders"}, {ID: "stock", Description: "See the stock", Optional: true},
	}})
	if got := auth.Token(auth.User("42"), "orders", "stock").Record.Scopes; len(got) != 2 {
		t.Errorf("the token has the scopes %q, want orders and stock", got)
	}
	if got := auth.Token(auth.User("42"), "orders").Record.Scopes; len(got) != 1 {
		t.Errorf("the token has the scopes %q, want orders", got)
	}
}

// A test gets the tokens that the server stored.
func TestNewServer_TokensAreReal(t *testing.T) {
	var events []passport.Event
	auth := newAPI(t, passport.Config{
		OnEvent: func(_ context.Context, e passport.Event) { events = append(events, e) },
	})
	token := auth.Token(auth.User("42"), "orders")
	row, err := auth.Store().AccessToken(t.Context(), token.ID)
	if err != nil {
		t.Fatal(err)
	}
	if row.ID != token.Record.ID || row.Family.User.ID != "42" || token.Record.Family.ID != row.Family.ID || token.RefreshToken == "" {
		t.Errorf("the token is %+v, its row %+v, want the same", token, row)
	}
	if strings.Count(token.AccessToken, ".") != 2 {
		t.Errorf("the access token %q isn't a JWT", token.AccessToken)
	}
	consented, _, err := auth.Store().Consented(t.Context(), row.Family.User, row.Client)
	if err != nil || len(consented) != 1 || consented[0] != "orders" {
		t.Errorf("Consented() = %v, %v, want the requested scopes", consented, err)
	}
	issued := 0
	for _, e := range events {
		if _, ok := e.(passport.AccessTokenIssued); ok {
			issued++
		}
	}
	if issued != 1 {
		t.Errorf("%d AccessTokenIssued events, want 1: %+v", issued, events)
	}
}

func TestNewServer_EveryKindOfClientGetsTokens(t *testing.T) {
	for name, reg := range map[string]passport.Registration{
		"confidential": {},
		"by Basic":     {AuthMethod: oauth.AuthBasic},
		"in the body":  {AuthMethod: oauth.AuthPost},
		"browser":      {AuthMethod: oauth.AuthNone},
		"loopback":     {AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/callback"}},
		"phone":        {AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.tracker:/callback"}},
		"with a query": {RedirectURIs: []string{"https://tracker.example.com/callback?from=passport&more=yes"}},
	} {
		for _, skip := range []bool{false, true} {
			auth := newAPI(t, passport.Config{
				SkipConsent: func(context.Context, *oauth.Client, *passport.User) bool { return skip },
			})
			client := auth.NewClient(reg)
			token := client.Token(auth.User("42"), "orders")
			if token.Record.Client.ID != client.ID || len(token.Record.Scopes) != 1 {
				t.Errorf("%s: the token is %+v, want a token of the client with one scope", name, token.Record)
			}
			again, err := client.Refresh(token)
			if err != nil || again.ID == token.ID || again.Record.Family.ID != token.Record.Family.ID {
				t.Errorf("%s: Refresh() = %+v, %v, want another token of the same family", name, again, err)
			}
		}
	}
}

func TestNewServer_RefusalsAreErrorsOfOAuth(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	client := auth.NewClient(passport.Registration{})
	form := client.AuthorizationCode(auth.User("42"), "orders")
	first, err := client.Exchange(form)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Exchange(form); !errors.Is(err, oauth.InvalidGrant) {
		t.Errorf("Exchange() of a used code = %v, want invalid_grant", err)
	}
	if _, err := client.Refresh(first); !errors.Is(err, oauth.InvalidGrant) {
		t.Errorf("Refresh() after the replay of the code = %v, want invalid_grant", err)
	}
	wantGet(t, first.HTTPClient(), "/api/orders", http.StatusUnauthorized, "invalid_token")
}

func TestExpire_TheGuardRefusesAtOnce(t *testing.T) {
	for name, config := range map[string]passport.Config{"its own store": {}, "a store of the application": {Store: new(memstore.Store)}} {
		auth := newAPI(t, config)
		client := auth.NewClient(passport.Registration{})
		token, other := client.Token(auth.User("42"), "orders"), client.Token(auth.User("42"), "orders")
		wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK, "")

		auth.Expire(token.ID)
		wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized, "the token has expired or was revoked")
		wantGet(t, other.HTTPClient(), "/api/orders", http.StatusOK, "")
		for row, err := range auth.Tokens(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "42"}) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Live(time.Now()) == (row.ID == token.ID) {
				t.Errorf("%s: in the list of tokens, %s is live: %t, want false", name, row.ID, row.Live(time.Now()))
			}
		}
		again, err := client.Refresh(token)
		if err != nil {
			t.Fatalf("%s: Refresh() of an expired access token = %v, want no error", name, err)
		}
		wantGet(t, again.HTTPClient(), "/api/orders", http.StatusOK, "")
	}
}

func TestExpire_PersonalTokens(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	auth.AddUser(ada)
	token := auth.PersonalToken(ada, "orders")
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK, "by Personal Access Client")
	auth.Expire(token.ID)
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized, "expired")
}

func TestNewServer_RevokingIsImmediate(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	auth.AddUser(ada)
	token := auth.Token(ada, "orders")
	if err := auth.RevokeToken(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized, "")

	token = auth.Token(ada, "orders")
	auth.RemoveUser(ada.ID)
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized, "the account may no longer act")
}

// The server runs in a bubble of testing/synctest: it waits for no socket and no
// outside goroutine, so years pass at once.
func TestNewServer_InABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth := newAPI(t, passport.Config{AccessTokenTTL: 15 * time.Minute, RefreshTokenTTL: 30 * 24 * time.Hour})
		client := auth.NewClient(passport.Registration{})
		token := client.Token(auth.User("42"), "orders")
		time.Sleep(15*time.Minute - time.Second)
		wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK, "")
		time.Sleep(time.Second)
		wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized, "expired")
		token, err := client.Refresh(token)
		if err != nil {
			t.Fatal(err)
		}
		wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK, "")
		time.Sleep(30 * 24 * time.Hour)
		if _, err := client.Refresh(token); !errors.Is(err, oauth.InvalidGrant) {
			t.Errorf("Refresh() after 30 days = %v, want invalid_grant", err)
		}
	})
}

func TestNewServer_SeveralProviders(t *testing.T) {
	byID := func(_ context.Context, id string) (*passport.User, error) {
		return &passport.User{ID: id, Data: &customer{"Clerk " + id}}, nil
	}
	current := func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }
	auth := passporttest.NewServer(t, passport.Config{
		Scopes:    scopes,
		Providers: map[string]passport.UserProvider{"staff": passport.UserFuncs{Current: current, ByID: byID, SignInPage: "/staff"}},
	})
	clerks := auth.Guard(guard.Provider("staff"))(whoami)
	backOffice := auth.NewClient(passport.Registration{Name: "Back office", Provider: "staff"})
	r := backOffice.Token(auth.UserOf("staff", "42"), "orders").SetAuthHeader(get())
	want(t, "a clerk's token", clerks, r, http.StatusOK, "Clerk 42 by Back office as staff:42")
	want(t, "a customer's token", clerks, auth.Token(auth.User("42")).SetAuthHeader(get()), http.StatusForbidden, "")
}

// passwords is a UserProvider with both optional powers.
type passwords struct{ passport.UserFuncs }

func (passwords) UserByPassword(context.Context, string, string) (*passport.User, error) {
	return nil, oauth.ErrNotFound
}
func (passwords) SignOut(http.ResponseWriter, *http.Request) error { return nil }

// The wrapper around Users has the same optional interfaces as Users.
func TestNewServer_UsersKeepTheirPowers(t *testing.T) {
	current := func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }
	plain := passport.UserFuncs{Current: current, ByID: noUser, SignInPage: "/login"}
	onlyPassword := struct {
		passport.UserFuncs
		oauth.PasswordAuthenticator
	}{plain, passwords{plain}}
	onlySignOut := struct {
		passport.UserFuncs
		oauth.SignOuter
	}{plain, passwords{plain}}
	for _, users := range []passport.UserProvider{plain, onlyPassword, onlySignOut, passwords{plain}} {
		wrapped := passporttest.WithSignIn(passport.DefaultProvider, users)
		_, had := users.(oauth.PasswordAuthenticator)
		if _, has := wrapped.(oauth.PasswordAuthenticator); has != had {
			t.Errorf("%T: has UserByPassword: %t, want %t", users, has, had)
		}
		_, had = users.(oauth.SignOuter)
		if _, has := wrapped.(oauth.SignOuter); has != had {
			t.Errorf("%T: has SignOut: %t, want %t", users, has, had)
		}
		if v, ok := wrapped.(interface{ Validate() error }); !ok || v.Validate() != nil {
			t.Errorf("%T: has no Validate", users)
		}
	}
	if err := passporttest.WithSignIn("users", passport.UserFuncs{}).(interface{ Validate() error }).Validate(); err == nil {
		t.Error("Validate() does not return the faults of Users")
	}
}

// The password grant uses UserFuncs.ByPassword or the server's own accounts.
func TestNewServer_PasswordGrant(t *testing.T) {
	funcs := passport.UserFuncs{
		Current: func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }, SignInPage: "/login",
		ByID: func(_ context.Context, id string) (*passport.User, error) { return &passport.User{ID: id}, nil },
		ByPassword: func(_ context.Context, name, password string) (*passport.User, error) {
			if name != "42" || password != passporttest.Password {
				return nil, oauth.ErrNotFound
			}
			return &passport.User{ID: "42"}, nil
		},
	}
	for name, users := range map[string]passport.UserProvider{"functions": funcs, "a pointer to functions": &funcs, "its own accounts": nil} {
		auth := newAPI(t, passport.Config{Users: users, EnablePasswordGrant: true})
		client := auth.NewClient(passport.Registration{GrantTypes: []string{"password"}})
		form := url.Values{
			"grant_type": {"password"}, "username": {auth.User("42").ID}, "password": {passporttest.Password}, "scope": {"orders"},
		}
		token, err := client.Exchange(form)
		if err != nil || token.Record.Family.User.ID != "42" {
			t.Errorf("%s: the right password returns %+v, %v, want a token of the user", name, token, err)
		}
		form.Set("password", "wrong")
		if _, err := client.Exchange(form); !errors.Is(err, oauth.InvalidGrant) {
			t.Errorf("%s: a wrong password returns %v, want invalid_grant", name, err)
		}
	}
}

// A test also works with custom views.
func TestNewServer_ViewsOfTheApplication(t *testing.T) {
	const page = `{{define "main"}}<form method="post" action="{{.Action}}"><input type="hidden" name="ticket" value="{{.Ticket}}">
<button name="decision" value="allow">Yes</button><button name="decision" value="deny">No</button></form>{{end}}`
	auth := newAPI(t, passport.Config{Views: fstest.MapFS{"consent.html": {Data: []byte(page)}}})
	if token := auth.Token(auth.User("42"), "orders"); token.AccessToken == "" {
		t.Error("Token() returned no access token")
	}
}

func TestNewServer_ParallelSubtestsShareIt(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			token := auth.Token(auth.User("42"), "orders")
			wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK, "")
			auth.Expire(token.ID)
			wantGet(t, token.HTTPClient(), "/api/orders", http.StatusUnauthorized, "")
			wantGet(t, auth.ClientToken("stock").HTTPClient(), "/api/stock", http.StatusOK, "")
		})
	}
}
