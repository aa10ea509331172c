package passport_test

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
	"github.com/go-passport/passport/oauth"
)

// RFC 6750 §3.1: "If the request lacks any authentication information … the
// resource server SHOULD NOT include an error code".
func TestGuard_BR_01_NoToken(t *testing.T) {
	s := newServer(t)
	for _, header := range [][]string{nil, {"Authorization", "Basic YTpi"}, {"Authorization", "Digest x"}, {"X-Access-Token", "x"}, {"Authorization", ""}} {
		a := s.call(s.Guard(), header...)
		if got := a.header.Get("WWW-Authenticate"); a.status != 401 || got != `Bearer realm="api"` {
			t.Errorf("%q: %d with challenge %q, want 401 and a challenge without error", header, a.status, got)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: a cache may keep the refusal", header)
		}
	}
	s.wantBlameless()
}

func TestGuard_BR_02_BadToken(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c)
	revoked := s.machineToken(s.machine())
	if err := s.RevokeToken(t.Context(), claimsOf(t, revoked)["jti"].(string)); err != nil {
		t.Fatal(err)
	}
	foreign := newServer(t)
	for name, bearer := range map[string]string{
		"nonsense": "x", "three parts": "a.b.c", "a refresh token": tok.Refresh, "a code": s.code(c, "prompt", "consent"), "a client secret": c.secret,
		"another server's": foreign.machineToken(foreign.machine()), "revoked": revoked, "dots": "...", "padding": "x====",
	} {
		a := s.call(s.GuardAny(), "Authorization", "Bearer "+bearer)
		if got := a.header.Get("WWW-Authenticate"); a.status != 401 || !strings.Contains(got, `error="invalid_token"`) {
			t.Errorf("%s: %d with challenge %q, want 401 invalid_token", name, a.status, got)
		}
	}
	s.wantBlameless()
}

// RFC 6750 §3.1: insufficient_scope is 403 and names what would do.
func TestGuard_BR_03_Scopes(t *testing.T) {
	s := newServer(t)
	token := s.grantTokens(s.web(), "scope", "read write").Access
	none := s.machineToken(s.machine())
	for name, tt := range map[string]struct {
		rules []guard.Rule
		scope string // of the refusal; empty when it is admitted
	}{
		"no rule":              {nil, ""},
		"the one":              {[]guard.Rule{guard.Scopes("read")}, ""},
		"both":                 {[]guard.Rule{guard.Scopes("read", "write")}, ""},
		"one of":               {[]guard.Rule{guard.AnyScope("admin", "write")}, ""},
		"none of none":         {[]guard.Rule{guard.Scopes()}, ""},
		"another":              {[]guard.Rule{guard.Scopes("admin")}, "admin"},
		"one and another":      {[]guard.Rule{guard.Scopes("read", "admin")}, "read admin"},
		"one of others":        {[]guard.Rule{guard.AnyScope("admin", "sync")}, "admin sync"},
		"the second rule":      {[]guard.Rule{guard.Scopes("read"), guard.AnyScope("admin")}, "admin"},
		"a prefix":             {[]guard.Rule{guard.Scopes("rea")}, "rea"},
		"another case":         {[]guard.Rule{guard.Scopes("Read")}, "Read"},
		"any of nothing":       {[]guard.Rule{guard.AnyScope()}, "-"},
		"a star is no scope":   {[]guard.Rule{guard.Scopes("*")}, "*"},
		"an empty name":        {[]guard.Rule{guard.Scopes("")}, "-"},
		"two in one, by error": {[]guard.Rule{guard.Scopes("read write")}, "read write"},
	} {
		a := s.call(s.Guard(tt.rules...), "Authorization", "Bearer "+token)
		if tt.scope == "" {
			if a.status != 200 {
				t.Errorf("%s: %s, want it admitted", name, a)
			}
			continue
		}
		challenge := a.header.Get("WWW-Authenticate")
		if a.status != 403 || !strings.Contains(challenge, `error="insufficient_scope"`) || tt.scope != "-" && !strings.Contains(challenge, `scope="`+tt.scope+`"`) {
			t.Errorf("%s: %d with challenge %q, want 403 with scope %q", name, a.status, challenge, tt.scope)
		}
	}
	s.call(s.GuardClient(guard.Scopes("read")), "Authorization", "Bearer "+none).wantJSONError(403, "insufficient_scope")
	s.wantBlameless()
}

func TestGuard_BR_04_Malformed(t *testing.T) {
	s := newServer(t)
	token := s.grantTokens(s.web()).Access
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
		a := s.call(s.Guard(), header...)
		if got := a.header.Get("WWW-Authenticate"); a.status != 400 || !strings.Contains(got, `error="invalid_request"`) {
			t.Errorf("%s: %d with challenge %q, want 400 invalid_request", name, a.status, got)
		}
	}
	s.call(s.Guard(), "Authorization", "Bearer   "+token+"  ").told() // spaces around it do no harm
	s.wantBlameless()
}

// OAuth 2.1 §5.1: a token in the query is not read, for it stands in logs. Nor
// is one in the body or in a cookie.
func TestGuard_BR_05_BR_06_UI_02_TheHeaderAlone(t *testing.T) {
	s := newServer(t)
	token := s.grantTokens(s.web()).Access
	requests := map[string]*http.Request{
		"query":            newGet("https://api.example.com/orders?access_token=" + token),
		"query and bearer": newGet("https://api.example.com/orders?bearer=" + token + "&token=" + token),
		"body":             httptest.NewRequest("POST", "https://api.example.com/orders", strings.NewReader("access_token="+token)),
	}
	requests["body"].Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, name := range []string{"laravel_token", "access_token", "token", "passport", "passport_token", "__Host-passport_token", "Authorization"} {
		r := newGet("https://api.example.com/orders")
		r.AddCookie(&http.Cookie{Name: name, Value: token})
		r.Header.Set("X-CSRF-TOKEN", "x")
		r.Header.Set("X-Requested-With", "XMLHttpRequest")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		requests["cookie "+name] = r
	}
	for name, r := range requests {
		a := s.callWith(s.GuardAny(), r)
		if a.status != 401 || a.header.Get("WWW-Authenticate") != `Bearer realm="api"` {
			t.Errorf("a token in the %s is answered %d %q, want 401 as without a token", name, a.status, a.header.Get("WWW-Authenticate"))
		}
	}
	r := newGet("https://api.example.com/orders?access_token=another")
	r.Header.Set("Authorization", "Bearer "+token)
	s.callWith(s.Guard(), r).told() // and does not disturb the one in the header
}

// The audience is checked on each request, in the token and in its row.
func TestNeverRepeat_E8_BR_07_Audience(t *testing.T) {
	const api = "https://api.example.com"
	s := newServer(t, func(c *passport.Config) { c.Resources = []string{api} })
	c := s.machine()
	s.wantAdmits(s.machineToken(c), true, "without a resource")
	s.wantAdmits(s.machineToken(c, "resource", issuer), true, "for the server's own audience")
	s.wantAdmits(s.machineToken(c, "resource", api), false, "for another API")
	both := s.send("grant_type=client_credentials&resource="+url.QueryEscape(issuer)+"&resource="+url.QueryEscape(api), "Authorization", basic(c.ID, c.secret)).tokens()
	s.wantAdmits(both.Access, true, "for both")
	other := s.restart(func(c *passport.Config) { c.Audience = api })
	other.wantAdmits(s.machineToken(c), false, "for the issuer, at a server that is another API")
	other.wantAdmits(s.machineToken(c, "resource", api), true, "for that API")
	other.wantAdmits(other.machineToken(c), true, "for its own audience")
	moved := s.restart(func(c *passport.Config) { c.Issuer, c.Audience = "https://else.example", issuer })
	moved.wantAdmits(s.machineToken(c), false, "of another issuer with the same key and audience")
}

// A token means the scheme's name before it.
func TestGuard_BR_08_Scheme(t *testing.T) {
	s := newServer(t)
	token := s.grantTokens(s.web()).Access
	for _, header := range []string{token, "Token " + token, "Bearer:" + token, "Bearer\t" + token, "BearerX " + token, "DPoP " + token, " Bearer"} {
		if a := s.call(s.Guard(), "Authorization", header); a.status == 200 {
			t.Errorf("Authorization %.20q… is admitted", header)
		}
	}
}

// A token means the same whichever guard reads it, and the API is told whose it
// is.
func TestNeverRepeat_C11_TheSameToEveryGuard(t *testing.T) {
	s := newServer(t)
	web, machine := s.web(), s.machine()
	user, own := s.grantTokens(web, "scope", "read").Access, s.machineToken(machine, "scope", "write")
	for name, g := range map[string]func(http.Handler) http.Handler{"Guard": s.Guard(), "GuardAny": s.GuardAny(), "Provider": s.Guard(guard.Provider("users")), "Scopes": s.GuardAny(guard.Scopes("read"))} {
		for _, scheme := range []string{"Bearer ", "bearer ", "BEARER   "} {
			got := s.call(g, "Authorization", scheme+user).told()
			if got.User != "alice" || got.Client != web.ID || strings.Join(got.Scopes, " ") != "read" || got.Provider != "users" {
				t.Errorf("%s, %s: the API was told %+v", name, scheme, got)
			}
		}
		s.call(g, "Authorization", "Basic "+user).header.Get("WWW-Authenticate")
	}
	for name, g := range map[string]func(http.Handler) http.Handler{"GuardClient": s.GuardClient(), "GuardAny": s.GuardAny(guard.Scopes("write"))} {
		if got := s.call(g, "Authorization", "Bearer "+own).told(); got.User != "" || got.Client != machine.ID || got.Provider != "" {
			t.Errorf("%s: the API was told %+v of a client's own token", name, got)
		}
	}
	if guard.TokenFrom(context.Background()) != nil {
		t.Error("TokenFrom without a guard is not nil")
	}
	if _, ok := passport.UserFromContext[*record](context.Background()); ok {
		t.Error("UserFromContext without a guard finds somebody")
	}
}

// The wrong kind is 403: the token is good, but not for this.
func TestNeverRepeat_F11_EachKindOfGuard(t *testing.T) {
	staff := newAccounts("alice", "dora")
	s := newServer(t, func(c *passport.Config) {
		c.Providers = map[string]passport.UserProvider{"staff": staff, "customers": newAccounts("eve")}
	})
	staff.sessions["staff-session"] = staff.byID["alice"]
	b := s.browser()
	b.setCookie(sessionCookie, "staff-session")
	c := s.register(passport.Registration{Provider: "staff"})
	tokens := map[string]string{
		"user":   s.grantTokens(s.web()).Access,
		"staff":  s.redeem(c, b.authorize(c).allow().code()).Access,
		"client": s.machineToken(s.machine()),
	}
	for name, tt := range map[string]struct {
		guard  func(http.Handler) http.Handler
		admits string
	}{
		"Guard":                          {s.Guard(), "user"},
		"GuardClient":                    {s.GuardClient(), "client"},
		"GuardAny":                       {s.GuardAny(), "user client"},
		"Provider staff":                 {s.Guard(guard.Provider("staff")), "staff"},
		"Provider users":                 {s.Guard(guard.Provider("users")), "user"},
		"Provider of both":               {s.Guard(guard.Provider("users", "staff")), "user staff"},
		"Provider of another":            {s.Guard(guard.Provider("customers")), ""},
		"GuardAny with Provider staff":   {s.GuardAny(guard.Provider("staff")), "staff client"},
		"GuardAny with both":             {s.GuardAny(guard.Provider("staff", "users")), "staff user client"},
		"GuardClient with a Provider":    {s.GuardClient(guard.Provider("staff")), ""},
		"Provider after another rule":    {s.Guard(guard.RuleFunc(func(*oauth.AccessToken) error { return nil }), guard.Provider("staff")), "staff"},
		"Provider twice is both at once": {s.Guard(guard.Provider("staff"), guard.Provider("users")), ""},
	} {
		for kind, token := range tokens {
			a := s.call(tt.guard, "Authorization", "Bearer "+token)
			want := 403
			if strings.Contains(" "+tt.admits+" ", " "+kind+" ") {
				want = 200
			}
			if a.status != want {
				t.Errorf("%s: a %s token is answered %d, want %d", name, kind, a.status, want)
			}
			if want == 403 && !strings.Contains(a.header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
				t.Errorf("%s: a %s token gets the challenge %q", name, kind, a.header.Get("WWW-Authenticate"))
			}
		}
	}
}

// User 1 of one provider is never user 1 of another.
func TestNeverRepeat_E11_SameIDOfTwoProviders(t *testing.T) {
	staff := newAccounts("alice")
	s := newServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} })
	staff.sessions["staff-session"] = staff.byID["alice"]
	b := s.browser()
	b.setCookie(sessionCookie, "staff-session")
	c := s.register(passport.Registration{Provider: "staff"})
	tok := s.redeem(c, b.authorize(c).allow().code())
	if sub := claimsOf(t, tok.Access)["sub"]; sub != "staff:alice" {
		t.Errorf("sub = %v, want staff:alice", sub)
	}
	if a := s.call(s.Guard(), "Authorization", "Bearer "+tok.Access); a.status != 403 {
		t.Errorf("alice of staff passes for alice of the users: %s", a)
	}
	if err := s.RevokeUser(t.Context(), ref("alice")); err != nil {
		t.Fatal(err)
	}
	if got := s.call(s.Guard(guard.Provider("staff")), "Authorization", "Bearer "+tok.Access).told(); got.User != "alice" || got.Provider != "staff" {
		t.Errorf("after alice of the users was revoked, the API was told %+v of alice of staff", got)
	}
}

// CVE-2026-39976: a client whose ID is a user's ID is never that user.
func TestNeverRepeat_E10_CVE_2026_39976(t *testing.T) {
	s := newServer(t)
	for _, id := range []string{"alice", "users:alice", "bob"} {
		c := s.machineNamed(id, "secret of "+id)
		token := s.machineToken(c)
		if sub := claimsOf(t, token)["sub"]; sub != "client:"+id {
			t.Errorf("sub = %v, want client:%s", sub, id)
		}
		for name, g := range map[string]func(http.Handler) http.Handler{"Guard": s.Guard(), "Guard with Provider": s.Guard(guard.Provider("users"))} {
			if a := s.call(g, "Authorization", "Bearer "+token); a.status != 403 {
				t.Errorf("%s answers %s to the client %s, want 403", name, a, id)
			}
		}
		if got := s.call(s.GuardAny(), "Authorization", "Bearer "+token).told(); got.User != "" {
			t.Errorf("GuardAny took the client %s for the user %s", id, got.User)
		}
		if err := s.RevokeUser(t.Context(), ref(id)); err != nil {
			t.Fatal(err)
		}
		s.wantAdmits(token, true, "of the client "+id+", after the user of that name was revoked")
		for range s.Tokens(t.Context(), ref(id)) {
			t.Errorf("the client's token is listed among those of the user %s", id)
		}
	}
	own := s.exchange(s.machine(), "grant_type", "client_credentials").json()
	if _, there := own["refresh_token"]; there {
		t.Error("client_credentials gives a refresh token (RFC 6749 §4.4.3)")
	}
}

// RFC 6749 §4.4: for confidential clients alone, without a refresh token, the
// client being the subject.
func TestToken_TK_16_ClientCredentials(t *testing.T) {
	s := newServer(t)
	c := s.register(passport.Registration{GrantTypes: []string{"client_credentials", "refresh_token", "authorization_code"}})
	m := s.exchange(c, "grant_type", "client_credentials", "scope", "read").json()
	if _, there := m["refresh_token"]; there || m["scope"] != "read" {
		t.Errorf("client_credentials = %v, want scope read and no refresh token", m)
	}
	if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", AuthMethod: oauth.AuthNone, GrantTypes: []string{"client_credentials"}}); err == nil {
		t.Error("a public client was made that may use client_credentials")
	}
	public := s.spa()
	s.change(public, func(stored *oauth.Client) { stored.GrantTypes = []string{"client_credentials"} })
	s.exchange(public, "grant_type", "client_credentials").wantJSONError(400, "unauthorized_client")
}

// A client's own token ends by itself, with its row or with its client.
func TestGuard_BR_10_ClientsOwnToken(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	first, second := s.machineToken(c), s.machineToken(c)
	if err := s.RevokeToken(t.Context(), claimsOf(t, first)["jti"].(string)); err != nil {
		t.Fatal(err)
	}
	s.wantAdmits(first, false, "revoked")
	s.wantAdmits(second, true, "of the same client")
	s.suspend(c)
	s.wantAdmits(second, false, "of a suspended client")
	s.change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Time{} })
	s.wantAdmits(second, true, "of a client that is back")
	if err := s.RevokeClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	s.wantAdmits(second, false, "of a revoked client")
}

// The application writes the body of a refusal, not the challenge.
func TestGuard_OnRefusal(t *testing.T) {
	s := newServer(t, func(c *passport.Config) {
		c.OnRefusal = func(w http.ResponseWriter, _ *http.Request, err *oauth.Error) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(err.Code.Status())
			_, _ = w.Write([]byte(`{"title":"` + string(err.Code) + ` ` + err.Scope + `"}`))
		}
	})
	token := s.grantTokens(s.web()).Access
	for _, tt := range []struct {
		status          int
		body, challenge string
		a               *answer
	}{
		{401, `{"title":"invalid_token "}`, `Bearer realm="api"`, s.call(s.Guard())},
		{403, `{"title":"insufficient_scope admin"}`, `error="insufficient_scope"`, s.call(s.Guard(guard.Scopes("admin")), "Authorization", "Bearer "+token)},
		{400, `{"title":"invalid_request "}`, `error="invalid_request"`, s.call(s.Guard(), "Authorization", "Bearer")},
	} {
		if tt.a.status != tt.status || tt.a.body != tt.body || !strings.Contains(tt.a.header.Get("WWW-Authenticate"), tt.challenge) || tt.a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("refusal = %d %q with challenge %q, want %d %q with %q", tt.a.status, tt.a.body, tt.a.header.Get("WWW-Authenticate"), tt.status, tt.body, tt.challenge)
		}
	}
}
