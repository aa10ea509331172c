package passport_test

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
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// As the documentation has it: a client of the password grant sends a user's name
// and password and gets an access token and a refresh token.
func TestPasswordGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, withPasswords, withAudit)
		c := s.legacy()
		began := time.Now().Unix()
		a := s.signIn(c, "alice", passwordOf("alice"), "scope", "read")
		tok := a.tokens()
		if tok.Refresh == "" || tok.Scope != "read" || tok.Type != "Bearer" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the answer is %s with header %v, want both tokens, the scope, and nothing stored", a, a.header)
		}
		if got := s.call(s.Guard(guard.Scopes("read")), "Authorization", "Bearer "+tok.Access).told(); got.User != "alice" || got.Client != c.ID {
			t.Errorf("the API was told %+v, want alice by the client", got)
		}
		claims := claimsOf(t, tok.Access)
		if claims["sub"] != "users:alice" || claims["auth_time"] != float64(began) {
			t.Errorf("claims %v, want sub users:alice and auth_time now", claims)
		}
		time.Sleep(time.Hour)
		next := s.refresh(c, tok.Refresh).tokens()
		if claims := claimsOf(t, next.Access); claims["auth_time"] != float64(began) {
			t.Errorf("auth_time moved with a refresh to %v, want %v", claims["auth_time"], began)
		}
		s.call(s.GuardClient(), "Authorization", "Bearer "+next.Access).wantJSONError(403, "insufficient_scope")
		s.wantAudit("token.issued", 2)
		time.Sleep(364 * 24 * time.Hour) // the family began with the password
		s.refresh(c, next.Refresh).wantJSONError(400, "invalid_grant")
		s.wantBlameless()
	})
}

// RFC 9700 §2.4 forbids the grant: it is not there unless it was turned on, and then
// for clients that are registered for it.
func TestPasswordGrant_TK_15_OffUnlessEnabled(t *testing.T) {
	s := newServer(t)
	s.signIn(s.web(), "alice", passwordOf("alice")).wantJSONError(400, "unsupported_grant_type")
	_, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", GrantTypes: []string{"password"}})
	if err == nil || !strings.Contains(err.Error(), "EnablePasswordGrant") {
		t.Errorf("CreateClient() = %v, want a fault that names EnablePasswordGrant", err)
	}
	if strings.Contains(s.log.String(), "password grant") {
		t.Error("a server without the grant warns about it")
	}
	on := s.restart(withPasswords)
	if !strings.Contains(s.log.String(), `"level":"WARN"`) || !strings.Contains(s.log.String(), "RFC 9700") {
		t.Error("a server with the grant does not warn about it")
	}
	on.signIn(on.web(), "alice", passwordOf("alice")).wantJSONError(400, "unauthorized_client")
	c := on.legacy()
	on.signIn(c, "alice", passwordOf("alice")).tokens()
	for server, want := range map[*server]bool{s: false, on: true} {
		listed := slices.Contains(server.do(newGet(issuer + "/.well-known/oauth-authorization-server")).json()["grant_types_supported"].([]any), any("password"))
		if listed != want {
			t.Errorf("the metadata lists the grant = %v, want %v", listed, want)
		}
	}
	// Turned off again, what it gave can be refreshed and ends in its time.
	tok := on.signIn(c, "alice", passwordOf("alice")).tokens()
	s.signIn(c, "alice", passwordOf("alice")).wantJSONError(400, "unsupported_grant_type")
	s.refresh(c, tok.Refresh).tokens()
}

func TestPasswordGrant_WhatIsMissing(t *testing.T) {
	s := newServer(t, withPasswords)
	c := s.legacy()
	for name, pairs := range map[string][]string{
		"username": {"password", passwordOf("alice")}, "password": {"username", "alice"},
	} {
		a := s.exchange(c, append(pairs, "grant_type", "password")...)
		a.wantJSONError(400, "invalid_request")
		if a.description() != name+" is required" {
			t.Errorf("without %s: %q", name, a.description())
		}
		a = s.exchange(c, append(pairs, "grant_type", "password", name, " ")...)
		if a.status == http.StatusOK {
			t.Errorf("a blank %s is taken: %s", name, a)
		}
	}
	if s.users.checked > 2 {
		t.Errorf("%d passwords were checked, want none without both", s.users.checked)
	}
}

// One answer for whatever is wrong, so that nobody learns which names there are.
func TestPasswordGrant_NeverRepeat_C4_WrongIsWrong(t *testing.T) {
	s := newServer(t, withPasswords)
	c := s.legacy()
	want := s.signIn(c, "nobody", "wrong")
	want.wantJSONError(400, "invalid_grant")
	for name, a := range map[string]*answer{
		"wrong password":        s.signIn(c, "alice", "wrong"),
		"another's password":    s.signIn(c, "alice", passwordOf("bob")),
		"a very long one":       s.signIn(c, "alice", strings.Repeat("x", 8000)),
		"public client":         s.signIn(s.legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone }), "alice", "wrong"),
		"the same case matters": s.signIn(c, "alice", strings.ToUpper(passwordOf("alice"))),
	} {
		if a.status != want.status || a.body != want.body {
			t.Errorf("%s: %s, want the same answer as for an unknown name: %s", name, a, want)
		}
	}
	s.signIn(s.legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone }), "alice", passwordOf("alice")).tokens()
	s.wantBlameless()
}

// A password that is right gives nothing once the account is gone or disabled,
// and does not say that it was right.
func TestPasswordGrant_NeverRepeat_F16_D6_TheAccountMayStillAct(t *testing.T) {
	s := newServer(t, withPasswords)
	c := s.legacy()
	tok := s.signIn(c, "alice", passwordOf("alice")).tokens()
	wrong := s.signIn(c, "bob", "wrong")
	s.users.with(func() { s.users.during = func() { s.users.remove("bob") } }) // the provider forgets to look
	if a := s.signIn(c, "bob", passwordOf("bob")); a.body != wrong.body {
		t.Errorf("an account that is gone: %s, want %s", a, wrong)
	}
	s.users.with(func() { s.users.during = nil })
	s.users.remove("alice")
	s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
	s.wantAdmits(tok.Access, false, "of an account that is gone")
}

// The old password is checked, the password changes, the tokens are issued: they
// are dead from the start.
func TestPasswordGrant_NeverRepeat_D10_PasswordChangedMeanwhile(t *testing.T) {
	for name, ends := range map[string]func(*server) error{
		"password changed": func(s *server) error { return s.PasswordChanged(t.Context(), ref("alice"), "") },
		"user revoked":     func(s *server) error { return s.RevokeUser(t.Context(), ref("alice")) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, withPasswords)
			c := s.legacy()
			s.users.during = func() {
				time.Sleep(time.Second) // hashing
				if err := ends(s); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
			if a := s.signIn(c, "alice", passwordOf("alice")); a.status == http.StatusOK {
				tok := a.tokens()
				s.wantAdmits(tok.Access, false, name+" while the old password was checked")
				s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
			}
			s.users.during = nil
			s.wantAdmits(s.signIn(c, "alice", passwordOf("alice")).tokens().Access, true, name+", and signed in again")
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
		s := newServer(t, withPasswords, func(c *passport.Config) {
			users := c.Users
			c.Users = passport.UserFuncs{
				Current: users.CurrentUser, ByID: users.UserByID, SignInPage: "/login",
				ByPassword: func(context.Context, string, string) (*passport.User, error) { return tt.user, tt.err },
			}
		})
		c := s.legacy()
		for range 20 { // a fault is no failure: nothing is held up by it
			a := s.signIn(c, "alice", passwordOf("alice"))
			if a.status == http.StatusTooManyRequests && tt.want == 400 {
				break
			}
			a.wantJSONError(tt.want, tt.code)
			if strings.Contains(a.body, "hunter2") {
				t.Errorf("%s: the client was told %s", name, a)
			}
		}
	}
}

// UserFuncs checks passwords when it can, and is not taken for one that can when it
// cannot.
func TestPasswordGrant_UserFuncs(t *testing.T) {
	users := newAccounts("alice")
	funcs := passport.UserFuncs{Current: users.CurrentUser, ByID: users.UserByID, SignInPage: "/login"}
	config := plainConfig(t)
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
	staff := newAccounts("alice")
	s := newServer(t, withPasswords, func(c *passport.Config) {
		c.Providers = map[string]passport.UserProvider{
			"staff": staff,
			"sso":   passport.UserFuncs{Current: staff.CurrentUser, ByID: staff.UserByID, SignInPage: "/sso"},
		}
	})
	customers, clerks := s.legacy(), s.legacy(func(r *passport.Registration) { r.Provider = "staff" })
	customer, clerk := s.signIn(customers, "alice", passwordOf("alice")).tokens(), s.signIn(clerks, "alice", passwordOf("alice")).tokens()
	if s.users.checked != 1 || staff.checked != 1 {
		t.Errorf("the providers were asked %d and %d times, want each once", s.users.checked, staff.checked)
	}
	s.call(s.Guard(), "Authorization", "Bearer "+customer.Access).told()
	s.call(s.Guard(), "Authorization", "Bearer "+clerk.Access).wantJSONError(403, "insufficient_scope")
	s.call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+customer.Access).wantJSONError(403, "insufficient_scope")
	if got := s.call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+clerk.Access).told(); got.Provider != "staff" {
		t.Errorf("the API was told %+v, want a clerk", got)
	}
	s.signIn(clerks, "bob", passwordOf("bob")).wantJSONError(400, "invalid_grant") // a customer alone
	_, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", GrantTypes: []string{"password"}, Provider: "sso"})
	if err == nil || !strings.Contains(err.Error(), "checks no passwords") {
		t.Errorf("CreateClient() for a provider without passwords = %v, want a fault", err)
	}
	// A client that is moved to another provider has lost the users that it had.
	s.change(clerks, func(c *oauth.Client) { c.Provider = "" })
	s.refresh(clerks, clerk.Refresh).wantJSONError(400, "invalid_grant")
	s.change(clerks, func(c *oauth.Client) { c.Provider = "sso" })
	s.signIn(clerks, "alice", passwordOf("alice")).wantJSONError(400, "unauthorized_client")
	s.wantBlameless()
}

// Documented under "Requesting all scopes".
func TestPasswordGrant_AllScopes(t *testing.T) {
	s := newServer(t, withPasswords)
	c := s.legacy()
	tok := s.signIn(c, "alice", passwordOf("alice"), "scope", "*").tokens()
	if tok.Scope != "*" {
		t.Fatalf("scope = %q, want * as it is", tok.Scope)
	}
	s.call(s.Guard(guard.Scopes("read", "write", "admin", "unheard-of")), "Authorization", "Bearer "+tok.Access).told()
	s.call(s.Guard(guard.AnyScope("admin")), "Authorization", "Bearer "+tok.Access).told()
	less := s.refresh(c, tok.Refresh, "scope", "read").tokens()
	s.call(s.Guard(guard.Scopes("write")), "Authorization", "Bearer "+less.Access).wantJSONError(403, "insufficient_scope")
	again := s.refresh(c, less.Refresh).tokens()
	if less.Scope != "read" || again.Scope != "*" {
		t.Errorf("refreshed to %q, then to %q, want read, then * again", less.Scope, again.Scope)
	}
	// A scope that is added later is covered: nothing was expanded.
	later := s.restart(func(c *passport.Config) {
		c.Scopes = append(c.Scopes, passport.Scope{ID: "export", Description: "Export"})
	})
	later.call(later.Guard(guard.Scopes("export")), "Authorization", "Bearer "+again.Access).told()
	stored, err := s.store.AccessToken(t.Context(), claimsOf(t, again.Access)["jti"].(string))
	if err != nil || !slices.Equal(stored.Scopes, []string{"*"}) {
		t.Errorf("stored scopes %q, %v, want * alone", stored.Scopes, err)
	}
	// Taken from the client, it is dropped at the next refresh.
	s.narrowClient(c, "read")
	if tok := s.refresh(c, again.Refresh).tokens(); tok.Scope != "" {
		t.Errorf("after the client was narrowed a refresh has the scope %q, want none", tok.Scope)
	}
	s.signIn(c, "alice", passwordOf("alice"), "scope", "*").wantJSONError(400, "invalid_scope")
}

// A session that is not there ends nothing.
func TestPasswordGrant_OutlivesBrowserSessions(t *testing.T) {
	s := newServer(t, withPasswords, func(c *passport.Config) { c.FamiliesEndWithSession = true })
	tok := s.signIn(s.legacy(), "alice", passwordOf("alice")).tokens()
	b := s.browser().signIn("alice")
	if err := s.EndSession(t.Context(), ref("alice"), b.session()); err != nil {
		t.Fatal(err)
	}
	s.wantAdmits(tok.Access, true, "after a sign-out from a browser that it has nothing to do with")
}

// A password is in no log, no answer and no record.
func TestPasswordGrant_NeverRepeat_C7_OP_02_NoPasswordAnywhere(t *testing.T) {
	store := new(memstore.Store)
	s := newServer(t, withPasswords, withAudit, func(c *passport.Config) { c.Store = store })
	c := s.legacy()
	answers := ""
	for range 12 {
		answers += s.signIn(c, "alice", "a-wrong-password").body
	}
	answers += s.signIn(c, "bob", passwordOf("bob")).body + s.signIn(c, passwordOf("bob"), "bob-typed-it-into-the-wrong-field").body
	s.users.with(func() { s.users.failure = errors.New("out of order") })
	answers += s.signIn(c, "bob", passwordOf("bob")).body
	for _, secret := range []string{"a-wrong-password", passwordOf("bob"), "bob-typed-it"} {
		for where, text := range map[string]string{"the log": s.log.String(), "an answer": answers, "the store": printed(store)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", where, secret)
			}
		}
	}
}
