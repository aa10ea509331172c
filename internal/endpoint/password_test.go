package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// As the documentation has it: a client of the password grant sends a user's name
// and password and gets an access token and a refresh token.
func TestPasswordGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithAudit)
		c := s.Legacy()
		began := time.Now().Unix()
		a := s.SignIn(c, "alice", testkit.PasswordOf("alice"), "scope", "read")
		tok := a.Tokens()
		if tok.Refresh == "" || tok.Scope != "read" || tok.Type != "Bearer" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the answer is %s with header %v, want both tokens, the scope, and nothing stored", a, a.Header)
		}
		if got := s.Call(s.Guard(guard.Scopes("read")), "Authorization", "Bearer "+tok.Access).Told(); got.User != "alice" || got.Client != c.ID {
			t.Errorf("the API was told %+v, want alice by the client", got)
		}
		claims := testkit.ClaimsOf(t, tok.Access)
		if claims["sub"] != "users:alice" || claims["auth_time"] != float64(began) {
			t.Errorf("claims %v, want sub users:alice and auth_time now", claims)
		}
		time.Sleep(time.Hour)
		next := s.Refresh(c, tok.Refresh).Tokens()
		if claims := testkit.ClaimsOf(t, next.Access); claims["auth_time"] != float64(began) {
			t.Errorf("auth_time moved with a refresh to %v, want %v", claims["auth_time"], began)
		}
		s.Call(s.GuardClient(), "Authorization", "Bearer "+next.Access).WantJSONError(403, "insufficient_scope")
		s.WantAudit("token.issued", 2)
		time.Sleep(364 * 24 * time.Hour) // the family began with the password
		s.Refresh(c, next.Refresh).WantJSONError(400, "invalid_grant")
		s.WantBlameless()
	})
}

// RFC 9700 §2.4 forbids the grant: it is not there unless it was turned on, and then
// for clients that are registered for it.
func TestPasswordGrant_TK_15_OffUnlessEnabled(t *testing.T) {
	s := testkit.NewServer(t)
	s.SignIn(s.Web(), "alice", testkit.PasswordOf("alice")).WantJSONError(400, "unsupported_grant_type")
	_, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", GrantTypes: []string{"password"}})
	if err == nil || !strings.Contains(err.Error(), "EnablePasswordGrant") {
		t.Errorf("CreateClient() = %v, want a fault that names EnablePasswordGrant", err)
	}
	if strings.Contains(s.Log.String(), "password grant") {
		t.Error("a server without the grant warns about it")
	}
	on := s.Restart(testkit.WithPasswords)
	if !strings.Contains(s.Log.String(), `"level":"WARN"`) || !strings.Contains(s.Log.String(), "RFC 9700") {
		t.Error("a server with the grant does not warn about it")
	}
	on.SignIn(on.Web(), "alice", testkit.PasswordOf("alice")).WantJSONError(400, "unauthorized_client")
	c := on.Legacy()
	on.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens()
	for server, want := range map[*testkit.Server]bool{s: false, on: true} {
		listed := slices.Contains(server.Do(testkit.NewGet(testkit.Issuer + "/.well-known/oauth-authorization-server")).JSON()["grant_types_supported"].([]any), any("password"))
		if listed != want {
			t.Errorf("the metadata lists the grant = %v, want %v", listed, want)
		}
	}
	// Turned off again, what it gave can be refreshed and ends in its time.
	tok := on.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens()
	s.SignIn(c, "alice", testkit.PasswordOf("alice")).WantJSONError(400, "unsupported_grant_type")
	s.Refresh(c, tok.Refresh).Tokens()
}

func TestPasswordGrant_WhatIsMissing(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy()
	for name, pairs := range map[string][]string{
		"username": {"password", testkit.PasswordOf("alice")}, "password": {"username", "alice"},
	} {
		a := s.Exchange(c, append(pairs, "grant_type", "password")...)
		a.WantJSONError(400, "invalid_request")
		if a.Description() != name+" is required" {
			t.Errorf("without %s: %q", name, a.Description())
		}
		a = s.Exchange(c, append(pairs, "grant_type", "password", name, " ")...)
		if a.Status == http.StatusOK {
			t.Errorf("a blank %s is taken: %s", name, a)
		}
	}
	if s.Users.Checked > 2 {
		t.Errorf("%d passwords were checked, want none without both", s.Users.Checked)
	}
}

// One answer for whatever is wrong, so that nobody learns which names there are.
func TestPasswordGrant_NeverRepeat_C4_WrongIsWrong(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy()
	want := s.SignIn(c, "nobody", "wrong")
	want.WantJSONError(400, "invalid_grant")
	for name, a := range map[string]*testkit.Response{
		"wrong password":        s.SignIn(c, "alice", "wrong"),
		"another's password":    s.SignIn(c, "alice", testkit.PasswordOf("bob")),
		"a very long one":       s.SignIn(c, "alice", strings.Repeat("x", 8000)),
		"public client":         s.SignIn(s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone }), "alice", "wrong"),
		"the same case matters": s.SignIn(c, "alice", strings.ToUpper(testkit.PasswordOf("alice"))),
	} {
		if a.Status != want.Status || a.Body != want.Body {
			t.Errorf("%s: %s, want the same answer as for an unknown name: %s", name, a, want)
		}
	}
	s.SignIn(s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone }), "alice", testkit.PasswordOf("alice")).Tokens()
	s.WantBlameless()
}

// A password that is right gives nothing once the account is gone or disabled,
// and does not say that it was right.
func TestPasswordGrant_NeverRepeat_F16_D6_TheAccountMayStillAct(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy()
	tok := s.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens()
	wrong := s.SignIn(c, "bob", "wrong")
	s.Users.With(func() { s.Users.During = func() { s.Users.Remove("bob") } }) // the provider forgets to look
	if a := s.SignIn(c, "bob", testkit.PasswordOf("bob")); a.Body != wrong.Body {
		t.Errorf("an account that is gone: %s, want %s", a, wrong)
	}
	s.Users.With(func() { s.Users.During = nil })
	s.Users.Remove("alice")
	s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.WantAdmits(tok.Access, false, "of an account that is gone")
}

// The old password is checked, the password changes, the tokens are issued: they
// are dead from the start.
func TestPasswordGrant_NeverRepeat_D10_PasswordChangedMeanwhile(t *testing.T) {
	for name, ends := range map[string]func(*testkit.Server) error{
		"password changed": func(s *testkit.Server) error { return s.PasswordChanged(t.Context(), testkit.Ref("alice"), "") },
		"user revoked":     func(s *testkit.Server) error { return s.RevokeUser(t.Context(), testkit.Ref("alice")) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := testkit.NewServer(t, testkit.WithPasswords)
			c := s.Legacy()
			s.Users.During = func() {
				time.Sleep(time.Second) // hashing
				if err := ends(s); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
			if a := s.SignIn(c, "alice", testkit.PasswordOf("alice")); a.Status == http.StatusOK {
				tok := a.Tokens()
				s.WantAdmits(tok.Access, false, name+" while the old password was checked")
				s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
			}
			s.Users.During = nil
			s.WantAdmits(s.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens().Access, true, name+", and signed in again")
		})
	}
}

// What a provider gets wrong is a fault of ours and says nothing to the client.
func TestPasswordGrant_ProvidersThatFail(t *testing.T) {
	for name, tt := range map[string]struct {
		user *passport.User
		err  error
		code string
		want int
	}{
		"out of reach":   {nil, fmt.Errorf("dial: %w", oauth.ErrUnavailable), "temporarily_unavailable", 503},
		"fails":          {nil, errors.New("the hash of hunter2 is odd"), "server_error", 500},
		"nil":            {nil, nil, "server_error", 500},
		"without ID":     {&passport.User{Name: "Alice"}, nil, "server_error", 500},
		"not the ByID's": {&passport.User{ID: "alice@example.com"}, nil, "invalid_grant", 400},
	} {
		s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) {
			users := c.Users
			c.Users = passport.UserFuncs{
				Current: users.CurrentUser, ByID: users.UserByID, SignInPage: "/login",
				ByPassword: func(context.Context, string, string) (*passport.User, error) { return tt.user, tt.err },
			}
		})
		c := s.Legacy()
		for range 20 { // a fault is no failure: nothing is held up by it
			a := s.SignIn(c, "alice", testkit.PasswordOf("alice"))
			if a.Status == http.StatusTooManyRequests && tt.want == 400 {
				break
			}
			a.WantJSONError(tt.want, tt.code)
			if strings.Contains(a.Body, "hunter2") {
				t.Errorf("%s: the client was told %s", name, a)
			}
		}
	}
}

// UserFuncs checks passwords when it can, and is not taken for one that can when it
// cannot.
func TestPasswordGrant_UserFuncs(t *testing.T) {
	users := testkit.NewAccounts("alice")
	funcs := passport.UserFuncs{Current: users.CurrentUser, ByID: users.UserByID, SignInPage: "/login"}
	config := testkit.PlainConfig(t)
	config.EnablePasswordGrant = true
	for name, p := range map[string]passport.UserProvider{"a value": funcs, "a pointer": &funcs, "none": nil} {
		config.Users = p
		if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), "set UserFuncs.ByPassword") {
			t.Errorf("New() with %s that checks no passwords = %v, want a fault with its remedy", name, err)
		}
	}
	if err := funcs.Validate(); err != nil {
		t.Errorf("Validate() = %v, want nothing said about a ByPassword that is not set", err)
	}
	funcs.ByPassword = users.UserByPassword
	for _, p := range []passport.UserProvider{funcs, &funcs} {
		config.Users = p
		if _, err := passport.New(config); err != nil {
			t.Errorf("New() with %T that checks passwords = %v", p, err)
		}
	}
}

// `passport client --password --provider staff`: the users are those of the
// client's provider, and no guard takes the one for the other.
func TestPasswordGrant_NeverRepeat_E11_E12_Provider(t *testing.T) {
	staff := testkit.NewAccounts("alice")
	s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) {
		c.Providers = map[string]passport.UserProvider{
			"staff": staff,
			"sso":   passport.UserFuncs{Current: staff.CurrentUser, ByID: staff.UserByID, SignInPage: "/sso"},
		}
	})
	customers, clerks := s.Legacy(), s.Legacy(func(r *passport.Registration) { r.Provider = "staff" })
	customer, clerk := s.SignIn(customers, "alice", testkit.PasswordOf("alice")).Tokens(), s.SignIn(clerks, "alice", testkit.PasswordOf("alice")).Tokens()
	if s.Users.Checked != 1 || staff.Checked != 1 {
		t.Errorf("the providers were asked %d and %d times, want each once", s.Users.Checked, staff.Checked)
	}
	s.Call(s.Guard(), "Authorization", "Bearer "+customer.Access).Told()
	s.Call(s.Guard(), "Authorization", "Bearer "+clerk.Access).WantJSONError(403, "insufficient_scope")
	s.Call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+customer.Access).WantJSONError(403, "insufficient_scope")
	if got := s.Call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+clerk.Access).Told(); got.Provider != "staff" {
		t.Errorf("the API was told %+v, want a clerk", got)
	}
	s.SignIn(clerks, "bob", testkit.PasswordOf("bob")).WantJSONError(400, "invalid_grant") // a customer alone
	_, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", GrantTypes: []string{"password"}, Provider: "sso"})
	if err == nil || !strings.Contains(err.Error(), "checks no passwords") {
		t.Errorf("CreateClient() for a provider without passwords = %v, want a fault", err)
	}
	// A client that is moved to another provider has lost the users that it had.
	s.Change(clerks, func(c *oauth.Client) { c.Provider = "" })
	s.Refresh(clerks, clerk.Refresh).WantJSONError(400, "invalid_grant")
	s.Change(clerks, func(c *oauth.Client) { c.Provider = "sso" })
	s.SignIn(clerks, "alice", testkit.PasswordOf("alice")).WantJSONError(400, "unauthorized_client")
	s.WantBlameless()
}

// Documented under "Requesting all scopes".
func TestPasswordGrant_AllScopes(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy()
	tok := s.SignIn(c, "alice", testkit.PasswordOf("alice"), "scope", "*").Tokens()
	if tok.Scope != "*" {
		t.Fatalf("scope = %q, want * as it is", tok.Scope)
	}
	s.Call(s.Guard(guard.Scopes("read", "write", "admin", "unheard-of")), "Authorization", "Bearer "+tok.Access).Told()
	s.Call(s.Guard(guard.AnyScope("admin")), "Authorization", "Bearer "+tok.Access).Told()
	less := s.Refresh(c, tok.Refresh, "scope", "read").Tokens()
	s.Call(s.Guard(guard.Scopes("write")), "Authorization", "Bearer "+less.Access).WantJSONError(403, "insufficient_scope")
	again := s.Refresh(c, less.Refresh).Tokens()
	if less.Scope != "read" || again.Scope != "*" {
		t.Errorf("refreshed to %q, then to %q, want read, then * again", less.Scope, again.Scope)
	}
	// A scope that is added later is covered: nothing was expanded.
	later := s.Restart(func(c *passport.Config) {
		c.Scopes = append(c.Scopes, passport.Scope{ID: "export", Description: "Export"})
	})
	later.Call(later.Guard(guard.Scopes("export")), "Authorization", "Bearer "+again.Access).Told()
	stored, err := s.Store.AccessToken(t.Context(), testkit.ClaimsOf(t, again.Access)["jti"].(string))
	if err != nil || !slices.Equal(stored.Scopes, []string{"*"}) {
		t.Errorf("stored scopes %q, %v, want * alone", stored.Scopes, err)
	}
	// Taken from the client, it is dropped at the next refresh.
	s.NarrowClient(c, "read")
	if tok := s.Refresh(c, again.Refresh).Tokens(); tok.Scope != "" {
		t.Errorf("after the client was narrowed a refresh has the scope %q, want none", tok.Scope)
	}
	s.SignIn(c, "alice", testkit.PasswordOf("alice"), "scope", "*").WantJSONError(400, "invalid_scope")
}

// A session that is not there ends nothing.
func TestPasswordGrant_OutlivesBrowserSessions(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) { c.FamiliesEndWithSession = true })
	tok := s.SignIn(s.Legacy(), "alice", testkit.PasswordOf("alice")).Tokens()
	b := s.Browser().SignIn("alice")
	if err := s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()); err != nil {
		t.Fatal(err)
	}
	s.WantAdmits(tok.Access, true, "after a sign-out from a browser that it has nothing to do with")
}

// A password is in no log, no answer and no record.
func TestPasswordGrant_NeverRepeat_C7_OP_02_NoPasswordAnywhere(t *testing.T) {
	store := new(memstore.Store)
	s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithAudit, func(c *passport.Config) { c.Store = store })
	c := s.Legacy()
	answers := ""
	for range 12 {
		answers += s.SignIn(c, "alice", "a-wrong-password").Body
	}
	answers += s.SignIn(c, "bob", testkit.PasswordOf("bob")).Body + s.SignIn(c, testkit.PasswordOf("bob"), "bob-typed-it-into-the-wrong-field").Body
	s.Users.With(func() { s.Users.Failure = errors.New("out of order") })
	answers += s.SignIn(c, "bob", testkit.PasswordOf("bob")).Body
	for _, secret := range []string{"a-wrong-password", testkit.PasswordOf("bob"), "bob-typed-it"} {
		for where, text := range map[string]string{"the log": s.Log.String(), "an answer": answers, "the store": testkit.Printed(store)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", where, secret)
			}
		}
	}
}
