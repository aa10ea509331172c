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

// As in the documentation: a client of the password grant sends a user's name and
// password, and gets an access token and a refresh token.
func TestPasswordGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithAudit)
		c := s.Legacy()
		began := time.Now().Unix()
		a := s.SignIn(c, "alice", testkit.PasswordOf("alice"), "scope", "read")
		tok := a.Tokens()
		if tok.Refresh == "" || tok.Scope != "read" || tok.Type != "Bearer" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the response is %s with header %v, want both tokens, the scope, and no-store", a, a.Header)
		}
		if got := s.Call(s.Guard(guard.Scopes("read")), "Authorization", "Bearer "+tok.Access).Told(); got.User != "alice" || got.Client != c.ID {
			t.Errorf("the guard returned %+v, want alice and the client", got)
		}
		claims := testkit.ClaimsOf(t, tok.Access)
		if claims["sub"] != "users:alice" || claims["auth_time"] != float64(began) {
			t.Errorf("claims %v, want sub users:alice and auth_time now", claims)
		}
		time.Sleep(time.Hour)
		next := s.Refresh(c, tok.Refresh).Tokens()
		if claims := testkit.ClaimsOf(t, next.Access); claims["auth_time"] != float64(began) {
			t.Errorf("auth_time after a refresh = %v, want %v", claims["auth_time"], began)
		}
		s.Call(s.GuardClient(), "Authorization", "Bearer "+next.Access).WantJSONError(403, "insufficient_scope")
		s.WantAudit("token.issued", 2)
		time.Sleep(364 * 24 * time.Hour) // the family began with the sign-in
		s.Refresh(c, next.Refresh).WantJSONError(400, "invalid_grant")
		s.WantBlameless()
	})
}

// RFC 9700 §2.4 forbids the grant, so it is off unless it is enabled, and then only for
// clients that are registered for it.
func TestPasswordGrant_TK_15_OffUnlessEnabled(t *testing.T) {
	s := testkit.NewServer(t)
	s.SignIn(s.Web(), "alice", testkit.PasswordOf("alice")).WantJSONError(400, "unsupported_grant_type")
	_, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", GrantTypes: []string{"password"}})
	if err == nil || !strings.Contains(err.Error(), "EnablePasswordGrant") {
		t.Errorf("CreateClient() = %v, want an error that names EnablePasswordGrant", err)
	}
	if strings.Contains(s.Log.String(), "password grant") {
		t.Error("a server without the grant logs a warning about it")
	}
	on := s.Restart(testkit.WithPasswords)
	if !strings.Contains(s.Log.String(), `"level":"WARN"`) || !strings.Contains(s.Log.String(), "RFC 9700") {
		t.Error("a server with the grant logs no warning about it")
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
	// After the grant is disabled again, its tokens can still be refreshed.
	tok := on.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens()
	s.SignIn(c, "alice", testkit.PasswordOf("alice")).WantJSONError(400, "unsupported_grant_type")
	s.Refresh(c, tok.Refresh).Tokens()
}

func TestPasswordGrant_MissingParameters(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy()
	for name, pairs := range map[string][]string{
		"username": {"password", testkit.PasswordOf("alice")}, "password": {"username", "alice"},
	} {
		a := s.Exchange(c, append(pairs, "grant_type", "password")...)
		a.WantJSONError(400, "invalid_request")
		if a.Description() != name+" is missing" {
			t.Errorf("without %s: error_description = %q", name, a.Description())
		}
		a = s.Exchange(c, append(pairs, "grant_type", "password", name, " ")...)
		if a.Status == http.StatusOK {
			t.Errorf("a blank %s: %s, want an error", name, a)
		}
	}
	if s.Users.Checked > 2 {
		t.Errorf("%d passwords were checked, want at most 2", s.Users.Checked)
	}
}

// The response to all wrong credentials is the same, so an attacker can't find out which
// accounts exist.
func TestPasswordGrant_NeverRepeat_C4_SameResponse(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy()
	want := s.SignIn(c, "unknown", "wrong")
	want.WantJSONError(400, "invalid_grant")
	for name, a := range map[string]*testkit.Response{
		"wrong password":       s.SignIn(c, "alice", "wrong"),
		"another's password":   s.SignIn(c, "alice", testkit.PasswordOf("bob")),
		"a very long password": s.SignIn(c, "alice", strings.Repeat("x", 8000)),
		"public client":        s.SignIn(s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone }), "alice", "wrong"),
		"another case":         s.SignIn(c, "alice", strings.ToUpper(testkit.PasswordOf("alice"))),
	} {
		if a.Status != want.Status || a.Body != want.Body {
			t.Errorf("%s: %s, want the same response as for an unknown name: %s", name, a, want)
		}
	}
	s.SignIn(s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone }), "alice", testkit.PasswordOf("alice")).Tokens()
	s.WantBlameless()
}

// The right password of a deleted or disabled account gives no token, and the same
// response as a wrong password.
func TestPasswordGrant_NeverRepeat_F16_D6_TheAccountMayStillAct(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy()
	tok := s.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens()
	wrong := s.SignIn(c, "bob", "wrong")
	s.Users.With(func() { s.Users.During = func() { s.Users.Remove("bob") } }) // the provider does not check
	if a := s.SignIn(c, "bob", testkit.PasswordOf("bob")); a.Body != wrong.Body {
		t.Errorf("a deleted account: %s, want %s", a, wrong)
	}
	s.Users.With(func() { s.Users.During = nil })
	s.Users.Remove("alice")
	s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.WantAdmits(tok.Access, false, "of a deleted account")
}

// If the password changes while the old password is checked, the issued tokens are
// invalid.
func TestPasswordGrant_NeverRepeat_D10_PasswordChangedDuringTheCheck(t *testing.T) {
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

// A fault of a provider is a server error, without details for the client.
func TestPasswordGrant_FailingProviders(t *testing.T) {
	for name, tt := range map[string]struct {
		user *passport.User
		err  error
		code string
		want int
	}{
		"unavailable":    {nil, fmt.Errorf("dial: %w", oauth.ErrUnavailable), "temporarily_unavailable", 503},
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
		for range 20 { // a fault does not count as a wrong guess
			a := s.SignIn(c, "alice", testkit.PasswordOf("alice"))
			if a.Status == http.StatusTooManyRequests && tt.want == 400 {
				break
			}
			a.WantJSONError(tt.want, tt.code)
			if strings.Contains(a.Body, "hunter2") {
				t.Errorf("%s: the response is %s, want no details", name, a)
			}
		}
	}
}

// UserFuncs checks passwords only if ByPassword is set.
func TestPasswordGrant_UserFuncs(t *testing.T) {
	users := testkit.NewAccounts("alice")
	funcs := passport.UserFuncs{Current: users.CurrentUser, ByID: users.UserByID, SignInPage: "/login"}
	config := testkit.PlainConfig(t)
	config.EnablePasswordGrant = true
	for name, p := range map[string]passport.UserProvider{"a value": funcs, "a pointer": &funcs, "none": nil} {
		config.Users = p
		if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), "set UserFuncs.ByPassword") {
			t.Errorf("New() with %s that checks no passwords = %v, want an error with a remedy", name, err)
		}
	}
	if err := funcs.Validate(); err != nil {
		t.Errorf("Validate() = %v, want no error about ByPassword", err)
	}
	funcs.ByPassword = users.UserByPassword
	for _, p := range []passport.UserProvider{funcs, &funcs} {
		config.Users = p
		if _, err := passport.New(config); err != nil {
			t.Errorf("New() with %T that checks passwords = %v, want no error", p, err)
		}
	}
}

// `passport client --password --provider staff`: the users belong to the client's
// provider, and no guard confuses them with users of another provider.
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
		t.Errorf("the providers checked %d and %d passwords, want one each", s.Users.Checked, staff.Checked)
	}
	s.Call(s.Guard(), "Authorization", "Bearer "+customer.Access).Told()
	s.Call(s.Guard(), "Authorization", "Bearer "+clerk.Access).WantJSONError(403, "insufficient_scope")
	s.Call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+customer.Access).WantJSONError(403, "insufficient_scope")
	if got := s.Call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+clerk.Access).Told(); got.Provider != "staff" {
		t.Errorf("the guard returned %+v, want a clerk", got)
	}
	s.SignIn(clerks, "bob", testkit.PasswordOf("bob")).WantJSONError(400, "invalid_grant") // only a customer
	_, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", GrantTypes: []string{"password"}, Provider: "sso"})
	if err == nil || !strings.Contains(err.Error(), "checks no passwords") {
		t.Errorf("CreateClient() for a provider without passwords = %v, want an error", err)
	}
	// A client that is moved to another provider loses its users.
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
		t.Fatalf("scope = %q, want *", tok.Scope)
	}
	s.Call(s.Guard(guard.Scopes("read", "write", "admin", "unheard-of")), "Authorization", "Bearer "+tok.Access).Told()
	s.Call(s.Guard(guard.AnyScope("admin")), "Authorization", "Bearer "+tok.Access).Told()
	less := s.Refresh(c, tok.Refresh, "scope", "read").Tokens()
	s.Call(s.Guard(guard.Scopes("write")), "Authorization", "Bearer "+less.Access).WantJSONError(403, "insufficient_scope")
	again := s.Refresh(c, less.Refresh).Tokens()
	if less.Scope != "read" || again.Scope != "*" {
		t.Errorf("scopes after two refreshes = %q and %q, want read and *", less.Scope, again.Scope)
	}
	// The token includes a scope that is added later, because * is stored and not expanded.
	later := s.Restart(func(c *passport.Config) {
		c.Scopes = append(c.Scopes, passport.Scope{ID: "export", Description: "Export"})
	})
	later.Call(later.Guard(guard.Scopes("export")), "Authorization", "Bearer "+again.Access).Told()
	stored, err := s.Store.AccessToken(t.Context(), testkit.ClaimsOf(t, again.Access)["jti"].(string))
	if err != nil || !slices.Equal(stored.Scopes, []string{"*"}) {
		t.Errorf("stored scopes = %q, %v, want only *", stored.Scopes, err)
	}
	// If the client loses *, the next refresh drops it.
	s.NarrowClient(c, "read")
	if tok := s.Refresh(c, again.Refresh).Tokens(); tok.Scope != "" {
		t.Errorf("scope of a refresh after the client lost * = %q, want none", tok.Scope)
	}
	s.SignIn(c, "alice", testkit.PasswordOf("alice"), "scope", "*").WantJSONError(400, "invalid_scope")
}

// Tokens of the password grant have no session, so a sign-out does not end them.
func TestPasswordGrant_OutlivesBrowserSessions(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) { c.FamiliesEndWithSession = true })
	tok := s.SignIn(s.Legacy(), "alice", testkit.PasswordOf("alice")).Tokens()
	b := s.Browser().SignIn("alice")
	if err := s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()); err != nil {
		t.Fatal(err)
	}
	s.WantAdmits(tok.Access, true, "after a sign-out in an unrelated browser")
}

// Logs, responses and stored records contain no password.
func TestPasswordGrant_NeverRepeat_C7_OP_02_NoPasswordAnywhere(t *testing.T) {
	store := new(memstore.Store)
	s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithAudit, func(c *passport.Config) { c.Store = store })
	c := s.Legacy()
	responses := ""
	for range 12 {
		responses += s.SignIn(c, "alice", "a-wrong-password").Body
	}
	responses += s.SignIn(c, "bob", testkit.PasswordOf("bob")).Body + s.SignIn(c, testkit.PasswordOf("bob"), "bob-typed-it-into-the-wrong-field").Body
	s.Users.With(func() { s.Users.Failure = errors.New("unavailable") })
	responses += s.SignIn(c, "bob", testkit.PasswordOf("bob")).Body
	for _, secret := range []string{"a-wrong-password", testkit.PasswordOf("bob"), "bob-typed-it"} {
		for where, text := range map[string]string{"the log": s.Log.String(), "a response": responses, "the store": testkit.Printed(store)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains %q", where, secret)
			}
		}
	}
}
