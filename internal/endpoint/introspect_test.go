package endpoint_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const introspect = "/oauth/introspect"

// api is the audience of another API.
const api = "https://api.example.com"

func withAPI(c *passport.Config) { c.Resources = []string{api} }

// introspection returns the response about a token.
func introspection(t *testing.T, s *testkit.Server, c *testkit.Client, token string, more ...string) map[string]any {
	t.Helper()
	a := s.Do(s.FormRequest(c, introspect, append([]string{"token", token}, more...)...))
	var res map[string]any
	if a.Status != http.StatusOK || json.Unmarshal([]byte(a.Body), &res) != nil {
		t.Fatalf("introspection = %d %q, want 200 and JSON", a.Status, a.Body)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("IN-06: Cache-Control = %q, want no-store", got)
	}
	return res
}

// wantInactive fails unless the response is exactly that a token is not active.
func wantInactive(t *testing.T, s *testkit.Server, c *testkit.Client, token, what string, more ...string) {
	t.Helper()
	a := s.Do(s.FormRequest(c, introspect, append([]string{"token", token}, more...)...))
	if a.Status != http.StatusOK || strings.TrimSpace(a.Body) != `{"active":false}` {
		t.Errorf("introspection of %s = %d %q, want 200 and exactly {\"active\":false}", what, a.Status, a.Body)
	}
}

func TestIntrospect_IN_01_Callers(t *testing.T) {
	s := testkit.NewServer(t)
	token := s.GrantTokens(s.Web(), "prompt", "consent").Access
	s.Do(s.FormRequest(s.Spa(), introspect, "token", token)).WantJSONError(401, "invalid_client")
	wrong := *s.API(testkit.Issuer)
	wrong.Secret = "wrong"
	s.Do(s.FormRequest(&wrong, introspect, "token", token)).WantJSONError(401, "invalid_client")
	r := s.FormRequest(s.API(testkit.Issuer), introspect, "token", token)
	r.Header.Del("Authorization")
	s.Do(r).WantJSONError(401, "invalid_client")
}

// Guesses of client secrets are limited as at the token endpoint.
func TestIntrospect_IN_06_GuessesAreLimited(t *testing.T) {
	s := testkit.NewServer(t)
	wrong := *s.API(testkit.Issuer)
	wrong.Secret = "wrong"
	for range passport.ClientFailures {
		s.Do(s.FormRequest(&wrong, introspect, "token", "x"))
	}
	if a := s.Do(s.FormRequest(&wrong, introspect, "token", "x")); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("a guess above the limit = %d, want 429 with Retry-After", a.Status)
	}
}

// The response for an unusable token is the same for every reason.
func TestIntrospect_IN_02_Inactive(t *testing.T) {
	s := testkit.NewServer(t)
	resource, web := s.API(testkit.Issuer), s.Web()
	use := func(c *testkit.Client) string { return s.GrantTokens(c, "prompt", "consent").Access }

	revoked := use(web)
	testkit.Check(t, s.RevokeToken(t.Context(), s.IDOf(revoked)))
	suspended := s.Web()
	ofSuspended := use(suspended)
	s.Suspend(suspended)
	forged := use(web)
	for what, token := range map[string]string{
		"a revoked token": revoked, "a token of a suspended client": ofSuspended, "an unknown token": "unknown", "a forged token": forged[:len(forged)-9] + "AAAAAAAAA",
		"an unknown opaque token": "passport_pat_" + strings.Repeat("x", 43), "a long token": strings.Repeat("x", 8000),
	} {
		wantInactive(t, s, resource, token, what)
	}
	gone := use(web)
	s.Users.Remove("alice")
	wantInactive(t, s, resource, gone, "a token of a deleted user")
}

func TestIntrospect_IN_02_Expired(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.AccessTokenTTL = time.Second })
	resource, token := s.API(testkit.Issuer), s.MachineToken(s.Machine())
	if res := introspection(t, s, resource, token); res["active"] != true {
		t.Fatalf("a new token = %v, want active", res)
	}
	time.Sleep(1100 * time.Millisecond)
	wantInactive(t, s, resource, token, "an expired token")
}

func TestIntrospect_IN_03_Active(t *testing.T) {
	s := testkit.NewServer(t)
	resource, web := s.API(testkit.Issuer), s.Web()
	token := s.GrantTokens(web, "scope", "read write", "prompt", "consent").Access
	claims := testkit.ClaimsOf(t, token)
	res := introspection(t, s, resource, token)
	for _, name := range []string{"sub", "client_id", "iss", "aud", "exp", "iat", "jti", "scope"} {
		if res[name] == nil || res[name] != claims[name] {
			t.Errorf("%s = %v, want %v as in the token", name, res[name], claims[name])
		}
	}
	if res["active"] != true || res["token_type"] != "Bearer" || res["username"] != nil {
		t.Errorf("introspection = %v, want active, token_type Bearer and no user name", res)
	}

	personal := s.Personal("read")
	if res := introspection(t, s, resource, personal.AccessToken); res["sub"] != "users:alice" || res["scope"] != "read" {
		t.Errorf("introspection of an opaque personal access token = %v, want alice and the scope read", res)
	}
	machine := s.Machine()
	if res := introspection(t, s, resource, s.MachineToken(machine)); res["sub"] != "client:"+machine.ID {
		t.Errorf("sub of a client's own token = %v, want client:%s", res["sub"], machine.ID)
	}
}

// An API gets information about the tokens for its audience only, and a client without an
// audience about its own tokens only.
func TestIntrospect_IN_04_NeverRepeat_D12_Audience(t *testing.T) {
	s := testkit.NewServer(t, withAPI)
	web := s.Web()
	own, elsewhere := s.GrantTokens(web, "prompt", "consent").Access, s.GrantTokens(web, "resource", api, "prompt", "consent").Access
	both := s.GrantTokens(web, "resource", testkit.Issuer, "prompt", "consent").Access
	for _, c := range []struct {
		what   string
		caller *testkit.Client
		token  string
		want   bool
	}{
		{"the server's API, a token for it", s.API(testkit.Issuer), own, true},
		{"the server's API, a token for another API", s.API(testkit.Issuer), elsewhere, false},
		{"another API, a token for it", s.API(api), elsewhere, true},
		{"another API, a token for the server's", s.API(api), own, false},
		{"the server's API, a token that names it", s.API(testkit.Issuer), both, true},
		{"a client, its own token", web, own, true},
		{"a client, its own token for another API", web, elsewhere, true},
		{"a client, another's token", s.Web(), own, false},
		{"a client without users, another's token", s.Machine(), own, false},
	} {
		if res := introspection(t, s, c.caller, c.token); res["active"] != c.want || !c.want && len(res) != 1 {
			t.Errorf("%s: introspection = %v, want active %v", c.what, res, c.want)
		}
	}
}

// Only its client gets information about a refresh token, with every hint.
func TestIntrospect_IN_05_RefreshTokens(t *testing.T) {
	s := testkit.NewServer(t)
	web := s.Web()
	tok := s.GrantTokens(web, "scope", "read", "prompt", "consent")
	for _, hint := range []string{"refresh_token", "access_token", "nonsense"} {
		res := introspection(t, s, web, tok.Refresh, "token_type_hint", hint)
		if res["active"] != true || res["scope"] != "read" || res["sub"] != "users:alice" || res["token_type"] != nil || res["exp"] == nil {
			t.Errorf("introspection of a client's refresh token with the hint %s = %v, want active, scope, sub and exp, and no token_type", hint, res)
		}
		wantInactive(t, s, s.API(testkit.Issuer), tok.Refresh, "a refresh token by an API", "token_type_hint", hint)
		wantInactive(t, s, s.Web(), tok.Refresh, "a refresh token by another client", "token_type_hint", hint)
	}
	s.Refresh(web, tok.Refresh).Tokens()
	wantInactive(t, s, web, tok.Refresh, "a replaced refresh token")
}

// A refresh token that the token endpoint would refuse is inactive.
func TestIntrospect_IN_05_RefreshTokenThatTheClientCannotRedeem(t *testing.T) {
	for what, change := range map[string]func(*oauth.Client){
		"a client that may no longer refresh":         func(c *oauth.Client) { c.GrantTypes = []string{"authorization_code"} },
		"a client that was moved to another provider": func(c *oauth.Client) { c.Provider = "staff" },
	} {
		s := testkit.NewServer(t, func(c *passport.Config) {
			c.Providers = map[string]passport.UserProvider{"staff": testkit.NewAccounts("alice")}
		})
		web := s.Web()
		token := s.GrantTokens(web, "prompt", "consent").Refresh
		s.Update(web, change)
		wantInactive(t, s, web, token, "a refresh token of "+what)
		if code := s.Refresh(web, token).Status; code != 400 {
			t.Errorf("refresh by %s = %d, want 400 as the premise of this test", what, code)
		}
	}
}

func TestIntrospect_IN_08_Requests(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.API(testkit.Issuer)
	s.Do(s.FormRequest(c, introspect)).WantJSONError(400, "invalid_request")
	for _, repeated := range []string{"token=a&token=b", "token=a&token_type_hint=x&token_type_hint=y"} {
		r := s.FormRequest(c, introspect)
		r.Body, r.ContentLength = testkit.ReadCloser(repeated), int64(len(repeated))
		s.Do(r).WantJSONError(400, "invalid_request")
	}
	if a := s.Get(introspect + "?token=x"); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
		t.Errorf("GET = %d with Allow %q, want 405 and POST", a.Status, a.Header.Get("Allow"))
	}
	r := s.FormRequest(c, introspect, "token", "x")
	r.Header.Set("Origin", "https://app.example.com")
	if got := s.Do(r).Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("Access-Control-Allow-Origin = %q, want none", got)
	}
}

// If the store is unavailable, the response is 503. With "inactive" an API would sign
// users out.
func TestIntrospect_UnavailableStore(t *testing.T) {
	for _, verb := range []string{"AccessToken", "RefreshToken"} {
		var w testkit.WatchedStore
		s := testkit.NewServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
		tok := s.GrantTokens(s.Web(), "prompt", "consent")
		resource := s.API(testkit.Issuer)
		w.Failing(verb, oauth.ErrUnavailable)
		token := map[string]string{"AccessToken": tok.Access, "RefreshToken": tok.Refresh}[verb]
		if a := s.Do(s.FormRequest(resource, introspect, "token", token)); a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("with a failing %s introspection = %d, want 503 with Retry-After", verb, a.Status)
		}
	}
}

// A revoked token is inactive at once.
func TestIntrospect_RV_07_Revocation(t *testing.T) {
	s := testkit.NewServer(t)
	web, resource := s.Web(), s.API(testkit.Issuer)
	tok := s.GrantTokens(web, "prompt", "consent")
	wantRevoked(t, s, web, "a refresh token", "token", tok.Refresh)
	wantInactive(t, s, resource, tok.Access, "an access token of a revoked family")
}

// The rules for a client that is an API.
func TestRegister_API(t *testing.T) {
	s := testkit.NewServer(t, withAPI)
	if c := s.API(api); len(c.GrantTypes) != 0 || c.Audience != api || c.Public() {
		t.Errorf("an API has the grants %v, the audience %q and public %v, want none, %s and false", c.GrantTypes, c.Audience, c.Public(), api)
	}
	for what, reg := range map[string]passport.Registration{
		"is not registered": {Name: "x", Audience: "https://unknown.example"},
		"needs a secret":    {Name: "x", Audience: api, AuthMethod: oauth.AuthNone},

		"gets no tokens, so it cannot have scopes: remove":                      {Name: "x", Audience: api, Scopes: []string{"read"}},
		"so it cannot have redirect URIs, a user provider: remove":              {Name: "x", Audience: api, RedirectURIs: []string{"https://app.example.com"}, Provider: "users"},
		"so it cannot have a lifetime of access tokens: remove":                 {Name: "x", Audience: api, AccessTokenTTL: time.Minute},
		"a lifetime of refresh tokens, a lifetime of families, tokens that end": {Name: "x", Audience: api, RefreshTokenTTL: time.Minute, FamilyTTL: time.Minute, EndsWithSession: true},
	} {
		if _, err := s.CreateClient(t.Context(), reg); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("CreateClient(%+v) = %v, want an error that contains %q", reg, err, what)
		}
	}
	made := s.API(api)
	for what, change := range map[string]func(*oauth.Client){
		"is not registered": func(c *oauth.Client) { c.Audience = "https://unknown.example" },
		"scopes":            func(c *oauth.Client) { c.Scopes = []string{"read"} },
		"access tokens":     func(c *oauth.Client) { c.AccessTokenTTL = time.Minute },
	} {
		c, err := s.Client(t.Context(), made.ID)
		if err != nil {
			t.Fatal(err)
		}
		change(c)
		if err := s.UpdateClient(t.Context(), c); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("UpdateClient() of an API to %+v = %v, want an error that contains %q", c, err, what)
		}
	}
}

// The response can't say why a token is inactive. The log does.
func TestIntrospect_LogsWhyATokenIsInactive(t *testing.T) {
	for what, c := range map[string]struct {
		caller func(*testkit.Server) *testkit.Client
		token  func(*testkit.Tokens) string
		want   []string
	}{
		"an API with another audience": {
			func(s *testkit.Server) *testkit.Client { return s.API(api) },
			func(i *testkit.Tokens) string { return i.Access },
			[]string{"its audience is not the API's", `"api_audience":"` + api, `"audience":["` + testkit.Issuer},
		},
		"an API and a refresh token": {
			func(s *testkit.Server) *testkit.Client { return s.API(testkit.Issuer) },
			func(i *testkit.Tokens) string { return i.Refresh },
			[]string{"it is a refresh token"},
		},
		"a client that is not an API": {
			func(s *testkit.Server) *testkit.Client { return s.Web() },
			func(i *testkit.Tokens) string { return i.Access },
			[]string{"not registered as an API"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := testkit.NewServer(t, withAPI)
			issued := s.GrantTokens(s.Web(), "prompt", "consent")
			caller := c.caller(s)
			wantInactive(t, s, caller, c.token(issued), what)
			s.WantLog(append(c.want, "token shown as inactive", `"client_id":"`+caller.ID)...)
			s.WantNoSecrets(issued.Access, issued.Refresh)
		})
	}
}
