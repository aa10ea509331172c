package guards_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// noToken is the challenge for a request without a token.
const noToken = `Bearer realm="api", resource_metadata="` + testkit.Issuer + `/.well-known/oauth-protected-resource"`

// RFC 6750 §3.1: "If the request lacks any authentication information … the
// resource server SHOULD NOT include an error code".
func TestGuard_BR_01_NoToken(t *testing.T) {
	s := testkit.NewServer(t)
	for _, header := range [][]string{nil, {"Authorization", "Basic YTpi"}, {"Authorization", "Digest x"}, {"X-Access-Token", "x"}, {"Authorization", ""}} {
		a := s.Call(s.Guard(), header...)
		if got := a.Header.Get("WWW-Authenticate"); a.Status != 401 || got != noToken {
			t.Errorf("%q: %d with challenge %q, want 401 and a challenge without error", header, a.Status, got)
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: a cache may store the refusal", header)
		}
	}
	s.WantBlameless()
}

func TestGuard_BR_02_BadToken(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	revoked := s.MachineToken(s.Machine())
	if err := s.RevokeToken(t.Context(), testkit.ClaimsOf(t, revoked)["jti"].(string)); err != nil {
		t.Fatal(err)
	}
	foreign := testkit.NewServer(t)
	for name, bearer := range map[string]string{
		"nonsense": "x", "three parts": "a.b.c", "a refresh token": tok.Refresh, "a code": s.Code(c, "prompt", "consent"), "a client secret": c.Secret,
		"another server's": foreign.MachineToken(foreign.Machine()), "revoked": revoked, "dots": "...", "padding": "x====",
	} {
		a := s.Call(s.GuardAny(), "Authorization", "Bearer "+bearer)
		if got := a.Header.Get("WWW-Authenticate"); a.Status != 401 || !strings.Contains(got, `error="invalid_token"`) {
			t.Errorf("%s: %d with challenge %q, want 401 invalid_token", name, a.Status, got)
		}
	}
	s.WantBlameless()
}

// RFC 6750 §3.1: insufficient_scope has the status 403 and names the required
// scopes.
func TestGuard_BR_03_Scopes(t *testing.T) {
	s := testkit.NewServer(t)
	token := s.GrantTokens(s.Web(), "scope", "read write").Access
	none := s.MachineToken(s.Machine())
	for name, tt := range map[string]struct {
		rules []guard.Rule
		scope string // of the refusal; empty if admitted
	}{
		"no rule":         {nil, ""},
		"the one":         {[]guard.Rule{guard.Scopes("read")}, ""},
		"both":            {[]guard.Rule{guard.Scopes("read", "write")}, ""},
		"one of":          {[]guard.Rule{guard.AnyScope("admin", "write")}, ""},
		"none of none":    {[]guard.Rule{guard.Scopes()}, ""},
		"another":         {[]guard.Rule{guard.Scopes("admin")}, "admin"},
		"one of two":      {[]guard.Rule{guard.Scopes("read", "admin")}, "read admin"},
		"one of others":   {[]guard.Rule{guard.AnyScope("admin", "sync")}, "admin sync"},
		"the second rule": {[]guard.Rule{guard.Scopes("read"), guard.AnyScope("admin")}, "admin"},
		"a prefix":        {[]guard.Rule{guard.Scopes("rea")}, "rea"},
		"another case":    {[]guard.Rule{guard.Scopes("Read")}, "Read"},
		"any of nothing":  {[]guard.Rule{guard.AnyScope()}, "-"},
		"a star":          {[]guard.Rule{guard.Scopes("*")}, "*"},
		"an empty name":   {[]guard.Rule{guard.Scopes("")}, "-"},
		"two in one name": {[]guard.Rule{guard.Scopes("read write")}, "read write"},
	} {
		a := s.Call(s.Guard(tt.rules...), "Authorization", "Bearer "+token)
		if tt.scope == "" {
			if a.Status != 200 {
				t.Errorf("%s: %s, want it admitted", name, a)
			}
			continue
		}
		challenge := a.Header.Get("WWW-Authenticate")
		if a.Status != 403 || !strings.Contains(challenge, `error="insufficient_scope"`) || tt.scope != "-" && !strings.Contains(challenge, `scope="`+tt.scope+`"`) {
			t.Errorf("%s: %d with challenge %q, want 403 with scope %q", name, a.Status, challenge, tt.scope)
		}
	}
	s.Call(s.GuardClient(guard.Scopes("read")), "Authorization", "Bearer "+none).WantJSONError(403, "insufficient_scope")
	s.WantBlameless()
}

func TestGuard_BR_04_Malformed(t *testing.T) {
	s := testkit.NewServer(t)
	token := s.GrantTokens(s.Web()).Access
	for name, header := range map[string][]string{
		"two headers":      {"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
		"two schemes":      {"Authorization", "Bearer " + token, "Authorization", "Basic YTpi"},
		"no token":         {"Authorization", "Bearer"},
		"an empty token":   {"Authorization", "Bearer "},
		"two tokens":       {"Authorization", "Bearer " + token + " " + token},
		"a list":           {"Authorization", "Bearer " + token + ", Basic YTpi"},
		"a quoted token":   {"Authorization", `Bearer "` + token + `"`},
		"a parameter":      {"Authorization", "Bearer token=" + token + ";x"},
		"a control":        {"Authorization", "Bearer " + token + "\x00"},
		"a tab":            {"Authorization", "Bearer " + token + "\tx"},
		"not ASCII":        {"Authorization", "Bearer é"},
		"nothing but pads": {"Authorization", "Bearer ===="},
	} {
		a := s.Call(s.Guard(), header...)
		if got := a.Header.Get("WWW-Authenticate"); a.Status != 400 || !strings.Contains(got, `error="invalid_request"`) {
			t.Errorf("%s: %d with challenge %q, want 400 invalid_request", name, a.Status, got)
		}
	}
	s.Call(s.Guard(), "Authorization", "Bearer   "+token+"  ").Told() // surrounding spaces are accepted
	s.WantBlameless()
}

// OAuth 2.1 §5.1: a guard ignores a token in the query, because logs contain it. It
// also ignores one in the body or in a cookie.
func TestGuard_BR_05_BR_06_UI_02_OnlyTheHeader(t *testing.T) {
	s := testkit.NewServer(t)
	token := s.GrantTokens(s.Web()).Access
	requests := map[string]*http.Request{
		"query":            testkit.NewGet("https://api.example.com/orders?access_token=" + token),
		"query and bearer": testkit.NewGet("https://api.example.com/orders?bearer=" + token + "&token=" + token),
		"body":             httptest.NewRequest("POST", "https://api.example.com/orders", strings.NewReader("access_token="+token)),
	}
	requests["body"].Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, name := range []string{"laravel_token", "access_token", "token", "passport", "passport_token", "__Host-passport_token", "Authorization"} {
		r := testkit.NewGet("https://api.example.com/orders")
		r.AddCookie(&http.Cookie{Name: name, Value: token})
		r.Header.Set("X-CSRF-TOKEN", "x")
		r.Header.Set("X-Requested-With", "XMLHttpRequest")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		requests["cookie "+name] = r
	}
	for name, r := range requests {
		a := s.CallWith(s.GuardAny(), r)
		if a.Status != 401 || a.Header.Get("WWW-Authenticate") != noToken {
			t.Errorf("response to a token in the %s = %d %q, want 401 as without a token", name, a.Status, a.Header.Get("WWW-Authenticate"))
		}
	}
	r := testkit.NewGet("https://api.example.com/orders?access_token=another")
	r.Header.Set("Authorization", "Bearer "+token)
	s.CallWith(s.Guard(), r).Told() // it does not affect the token in the header
}

// A guard checks the audience on each request, in the token and in its row.
func TestNeverRepeat_E8_BR_07_Audience(t *testing.T) {
	const api = "https://api.example.com"
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{api} })
	c := s.Machine()
	s.WantAdmits(s.MachineToken(c), true, "without a resource")
	s.WantAdmits(s.MachineToken(c, "resource", testkit.Issuer), true, "for the server's own audience")
	s.WantAdmits(s.MachineToken(c, "resource", api), false, "for another API")
	both := s.Send("grant_type=client_credentials&resource="+url.QueryEscape(testkit.Issuer)+"&resource="+url.QueryEscape(api), "Authorization", testkit.Basic(c.ID, c.Secret)).Tokens()
	s.WantAdmits(both.Access, true, "for both")
	other := s.Restart(func(c *passport.Config) { c.Audience = api })
	other.WantAdmits(s.MachineToken(c), false, "for the issuer, at a server that is another API")
	other.WantAdmits(s.MachineToken(c, "resource", api), true, "for that API")
	other.WantAdmits(other.MachineToken(c), true, "for its own audience")
	moved := s.Restart(func(c *passport.Config) { c.Issuer, c.Audience = "https://else.example", testkit.Issuer })
	moved.WantAdmits(s.MachineToken(c), false, "of another issuer with the same key and audience")
}

// A guard requires the scheme's name before the token.
func TestGuard_BR_08_Scheme(t *testing.T) {
	s := testkit.NewServer(t)
	token := s.GrantTokens(s.Web()).Access
	for _, header := range []string{token, "Token " + token, "Bearer:" + token, "Bearer\t" + token, "BearerX " + token, "DPoP " + token, " Bearer"} {
		if a := s.Call(s.Guard(), "Authorization", header); a.Status == 200 {
			t.Errorf("Authorization %.20q… is admitted", header)
		}
	}
}

// Every guard reads a token in the same way, and the API learns its user or client.
func TestNeverRepeat_C11_TheSameToEveryGuard(t *testing.T) {
	s := testkit.NewServer(t)
	web, machine := s.Web(), s.Machine()
	user, own := s.GrantTokens(web, "scope", "read").Access, s.MachineToken(machine, "scope", "write")
	for name, g := range map[string]func(http.Handler) http.Handler{"Guard": s.Guard(), "GuardAny": s.GuardAny(), "Provider": s.Guard(guard.Provider("users")), "Scopes": s.GuardAny(guard.Scopes("read"))} {
		for _, scheme := range []string{"Bearer ", "bearer ", "BEARER   "} {
			got := s.Call(g, "Authorization", scheme+user).Told()
			if got.User != "alice" || got.Client != web.ID || strings.Join(got.Scopes, " ") != "read" || got.Provider != "users" {
				t.Errorf("%s, %s: the API got %+v", name, scheme, got)
			}
		}
		s.Call(g, "Authorization", "Basic "+user).Header.Get("WWW-Authenticate")
	}
	for name, g := range map[string]func(http.Handler) http.Handler{"GuardClient": s.GuardClient(), "GuardAny": s.GuardAny(guard.Scopes("write"))} {
		if got := s.Call(g, "Authorization", "Bearer "+own).Told(); got.User != "" || got.Client != machine.ID || got.Provider != "" {
			t.Errorf("%s: the API got %+v for a client's own token", name, got)
		}
	}
	if guard.TokenFrom(context.Background()) != nil {
		t.Error("TokenFrom without a guard is not nil")
	}
	if _, ok := passport.UserFromContext[*testkit.Record](context.Background()); ok {
		t.Error("UserFromContext without a guard returns a user")
	}
}

// A valid token of the wrong kind gets 403.
func TestNeverRepeat_F11_EachKindOfGuard(t *testing.T) {
	staff := testkit.NewAccounts("alice", "dora")
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.Providers = map[string]passport.UserProvider{"staff": staff, "customers": testkit.NewAccounts("eve")}
	})
	staff.Sessions["staff-session"] = staff.ByID["alice"]
	b := s.Browser()
	b.SetCookie(testkit.SessionCookie, "staff-session")
	c := s.Register(passport.Registration{Provider: "staff"})
	tokens := map[string]string{
		"user":   s.GrantTokens(s.Web()).Access,
		"staff":  s.Redeem(c, b.Authorize(c).Allow().Code()).Access,
		"client": s.MachineToken(s.Machine()),
	}
	for name, tt := range map[string]struct {
		guard  func(http.Handler) http.Handler
		admits string
	}{
		"Guard":                        {s.Guard(), "user"},
		"GuardClient":                  {s.GuardClient(), "client"},
		"GuardAny":                     {s.GuardAny(), "user client"},
		"Provider staff":               {s.Guard(guard.Provider("staff")), "staff"},
		"Provider users":               {s.Guard(guard.Provider("users")), "user"},
		"Provider of both":             {s.Guard(guard.Provider("users", "staff")), "user staff"},
		"Provider of another":          {s.Guard(guard.Provider("customers")), ""},
		"GuardAny with Provider staff": {s.GuardAny(guard.Provider("staff")), "staff client"},
		"GuardAny with both":           {s.GuardAny(guard.Provider("staff", "users")), "staff user client"},
		"GuardClient with a Provider":  {s.GuardClient(guard.Provider("staff")), ""},
		"Provider after another rule":  {s.Guard(guard.RuleFunc(func(*oauth.AccessToken) error { return nil }), guard.Provider("staff")), "staff"},
		"two Provider rules":           {s.Guard(guard.Provider("staff"), guard.Provider("users")), ""},
	} {
		for kind, token := range tokens {
			a := s.Call(tt.guard, "Authorization", "Bearer "+token)
			want := 403
			if strings.Contains(" "+tt.admits+" ", " "+kind+" ") {
				want = 200
			}
			if a.Status != want {
				t.Errorf("%s: response to a %s token = %d, want %d", name, kind, a.Status, want)
			}
			if want == 403 && !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
				t.Errorf("%s: a %s token gets the challenge %q", name, kind, a.Header.Get("WWW-Authenticate"))
			}
		}
	}
}

// User 1 of one provider is never user 1 of another.
func TestNeverRepeat_E11_SameIDOfTwoProviders(t *testing.T) {
	staff := testkit.NewAccounts("alice")
	s := testkit.NewServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} })
	staff.Sessions["staff-session"] = staff.ByID["alice"]
	b := s.Browser()
	b.SetCookie(testkit.SessionCookie, "staff-session")
	c := s.Register(passport.Registration{Provider: "staff"})
	tok := s.Redeem(c, b.Authorize(c).Allow().Code())
	if sub := testkit.ClaimsOf(t, tok.Access)["sub"]; sub != "staff:alice" {
		t.Errorf("sub = %v, want staff:alice", sub)
	}
	if a := s.Call(s.Guard(), "Authorization", "Bearer "+tok.Access); a.Status != 403 {
		t.Errorf("alice of staff is admitted as alice of users: %s", a)
	}
	if err := s.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
		t.Fatal(err)
	}
	if got := s.Call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+tok.Access).Told(); got.User != "alice" || got.Provider != "staff" {
		t.Errorf("after alice of users was revoked, the API got %+v, want alice of staff", got)
	}
}

// CVE-2026-39976: a client whose ID is a user's ID is never that user.
func TestNeverRepeat_E10_CVE_2026_39976(t *testing.T) {
	s := testkit.NewServer(t)
	for _, id := range []string{"alice", "users:alice", "bob"} {
		c := s.MachineNamed(id, "secret of "+id)
		token := s.MachineToken(c)
		if sub := testkit.ClaimsOf(t, token)["sub"]; sub != "client:"+id {
			t.Errorf("sub = %v, want client:%s", sub, id)
		}
		for name, g := range map[string]func(http.Handler) http.Handler{"Guard": s.Guard(), "Guard with Provider": s.Guard(guard.Provider("users"))} {
			if a := s.Call(g, "Authorization", "Bearer "+token); a.Status != 403 {
				t.Errorf("%s responds with %s to the client %s, want 403", name, a, id)
			}
		}
		if got := s.Call(s.GuardAny(), "Authorization", "Bearer "+token).Told(); got.User != "" {
			t.Errorf("GuardAny admitted the client %s as the user %s", id, got.User)
		}
		if err := s.RevokeUser(t.Context(), testkit.Ref(id)); err != nil {
			t.Fatal(err)
		}
		s.WantAdmits(token, true, "of the client "+id+", after the user of that name was revoked")
		for range s.Tokens(t.Context(), testkit.Ref(id)) {
			t.Errorf("the client's token is listed among the tokens of the user %s", id)
		}
	}
	own := s.Exchange(s.Machine(), "grant_type", "client_credentials").JSON()
	if _, there := own["refresh_token"]; there {
		t.Error("client_credentials returned a refresh token, which RFC 6749 §4.4.3 forbids")
	}
}

// RFC 6749 §4.4: client_credentials is only for confidential clients and returns no
// refresh token. The client is the subject.
func TestToken_TK_16_ClientCredentials(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{GrantTypes: []string{"client_credentials", "refresh_token", "authorization_code"}})
	m := s.Exchange(c, "grant_type", "client_credentials", "scope", "read").JSON()
	if _, there := m["refresh_token"]; there || m["scope"] != "read" {
		t.Errorf("client_credentials = %v, want scope read and no refresh token", m)
	}
	if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", AuthMethod: oauth.AuthNone, GrantTypes: []string{"client_credentials"}}); err == nil {
		t.Error("CreateClient() of a public client with client_credentials = nil, want an error")
	}
	public := s.Spa()
	s.Change(public, func(stored *oauth.Client) { stored.GrantTypes = []string{"client_credentials"} })
	s.Exchange(public, "grant_type", "client_credentials").WantJSONError(400, "unauthorized_client")
}

// A client's own token ends when its row or its client is revoked.
func TestGuard_BR_10_ClientsOwnToken(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	first, second := s.MachineToken(c), s.MachineToken(c)
	if err := s.RevokeToken(t.Context(), testkit.ClaimsOf(t, first)["jti"].(string)); err != nil {
		t.Fatal(err)
	}
	s.WantAdmits(first, false, "revoked")
	s.WantAdmits(second, true, "of the same client")
	s.Suspend(c)
	s.WantAdmits(second, false, "of a suspended client")
	s.Change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Time{} })
	s.WantAdmits(second, true, "of a resumed client")
	if err := s.RevokeClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	s.WantAdmits(second, false, "of a revoked client")
}

// The application writes the body of a refusal, but not the challenge.
func TestGuard_OnRefusal(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.OnRefusal = func(w http.ResponseWriter, _ *http.Request, err *oauth.Error) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(err.Code.Status())
			_, _ = w.Write([]byte(`{"title":"` + string(err.Code) + ` ` + err.Scope + `"}`))
		}
	})
	token := s.GrantTokens(s.Web()).Access
	for _, tt := range []struct {
		status          int
		body, challenge string
		a               *testkit.Response
	}{
		{401, `{"title":"invalid_token "}`, `Bearer realm="api"`, s.Call(s.Guard())},
		{403, `{"title":"insufficient_scope admin"}`, `error="insufficient_scope"`, s.Call(s.Guard(guard.Scopes("admin")), "Authorization", "Bearer "+token)},
		{400, `{"title":"invalid_request "}`, `error="invalid_request"`, s.Call(s.Guard(), "Authorization", "Bearer")},
	} {
		if tt.a.Status != tt.status || tt.a.Body != tt.body || !strings.Contains(tt.a.Header.Get("WWW-Authenticate"), tt.challenge) || tt.a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("refusal = %d %q with challenge %q, want %d %q with %q", tt.a.Status, tt.a.Body, tt.a.Header.Get("WWW-Authenticate"), tt.status, tt.body, tt.challenge)
		}
	}
}
