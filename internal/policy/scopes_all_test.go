package policy_test

import (
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A client that acts for itself may have all scopes if it may request them. The
// password grant has the same test under its own name.
func TestAllScopes_ClientCredentials(t *testing.T) {
	s := testkit.NewServer(t)
	for name, tt := range map[string]struct {
		limit []string
		asked string
		want  string // empty: invalid_scope
	}{
		"no limit":                     {nil, "*", "*"},
		"listed":                       {[]string{"*"}, "*", "*"},
		"listed, and requests less":    {[]string{"*"}, "read write", "read write"},
		"together with another":        {nil, "* read", "* read"},
		"every scope by name is not *": {[]string{"read", "write", "admin"}, "*", ""},
		"not listed":                   {[]string{"read"}, "*", ""},
		"none":                         {[]string{}, "*", ""},
		"listed, but never registered": {[]string{"*"}, "unheard-of", ""},
	} {
		c := s.Register(passport.Registration{GrantTypes: []string{"client_credentials"}, Scopes: tt.limit})
		a := s.Exchange(c, "grant_type", "client_credentials", "scope", tt.asked)
		if tt.want == "" {
			a.WantJSONError(400, "invalid_scope")
			continue
		}
		tok := a.Tokens()
		if tok.Scope != tt.want || testkit.ClaimsOf(t, tok.Access)["scope"] != tt.want {
			t.Errorf("%s: scope %q, want %q", name, tok.Scope, tt.want)
		}
		admits := s.Call(s.GuardClient(guard.Scopes("read", "write", "admin", "unheard-of")), "Authorization", "Bearer "+tok.Access).Status == 200
		if admits != slices.Contains([]string{"*", "* read"}, tt.want) {
			t.Errorf("%s: a guard with every scope admits the token = %v", name, admits)
		}
	}
}

// Users consent to scopes by name. So the scope * is refused where a user consents,
// and for personal access tokens.
func TestAllScopes_NotWhereUsersConsent(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithImplicit, testkit.WithGrants(testkit.Voucher{}, testkit.Greedy{}))
	c := s.Register(passport.Registration{GrantTypes: []string{"authorization_code", "refresh_token", "implicit", testkit.VoucherType, testkit.GreedyType}, Scopes: []string{"*"}})
	b := s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "*").WantRedirectError("invalid_scope")
	b.Authorize(c, "scope", "read *").WantRedirectError("invalid_scope")
	if got := testkit.FromBrowser(b.Authorize(c, "response_type", "token", "scope", "*", "code_challenge", "", "code_challenge_method", "")); got.Code != "invalid_scope" {
		t.Errorf("the implicit grant responds with %+v, want invalid_scope", got)
	}
	if made, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "my script", "*"); err == nil {
		t.Errorf("CreateToken() with * = %+v, want an error", made.Token)
	}
	s.Exchange(c, "grant_type", testkit.VoucherType, "voucher", "alice-1", "scope", "*").WantJSONError(400, "invalid_scope")
	s.Refresh(c, s.GrantTokens(c).Refresh, "scope", "*").WantJSONError(400, "invalid_scope")
	// If a custom grant returns it anyway, the token and its refreshes have the other
	// scopes of the grant.
	tok := s.Exchange(c, "grant_type", testkit.GreedyType).Tokens()
	next := s.Refresh(c, tok.Refresh).Tokens()
	if tok.Scope != "read write admin" || next.Scope != "read write admin" {
		t.Errorf("a grant that returns * gave %q, then %q, want the registered scopes", tok.Scope, next.Scope)
	}
	s.Refresh(c, next.Refresh, "scope", "*").WantJSONError(400, "invalid_scope")
	for _, bad := range [][]passport.Scope{{{ID: "*"}}} {
		config := testkit.PlainConfig(t)
		config.Scopes = bad
		if _, err := passport.New(config); err == nil {
			t.Error("New() with the scope * = nil, want an error")
		}
	}
}

// A request without scopes, in any form, gets the default scopes that the client may
// have. Personal access tokens get none.
func TestDefaultScopes(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithImplicit, testkit.WithGrants(testkit.Voucher{}), func(c *passport.Config) { c.DefaultScopes = []string{"write", "read"} })
	c := s.Register(passport.Registration{GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials", "password", "implicit", testkit.VoucherType}})
	b := s.Browser().SignIn("alice")
	for _, body := range []string{"", "&scope=", "&scope=%20", "&scope=+++"} {
		for name, grant := range map[string]string{
			"client_credentials": "grant_type=client_credentials", "password": "grant_type=password&username=alice&password=" + testkit.PasswordOf("alice"),
		} {
			if tok := s.Send(grant+body, "Authorization", testkit.Basic(c.ID, c.Secret)).Tokens(); tok.Scope != "write read" {
				t.Errorf("%s with %q: scope %q, want the defaults", name, body, tok.Scope)
			}
		}
		a := b.Get(s.AuthorizePath() + "?" + c.Request("scope", "").Encode() + body)
		if a.IsConsent() {
			a = a.Allow()
		}
		tok := s.Redeem(c, a.Code())
		if tok.Scope != "write read" {
			t.Errorf("authorization_code with %q: scope %q, want the defaults", body, tok.Scope)
		}
		// A refresh without scopes gets the granted scopes, not the defaults.
		first := s.GrantTokens(c, "scope", "read admin", "prompt", "consent")
		if next := s.Send("grant_type=refresh_token&refresh_token="+first.Refresh+body, "Authorization", testkit.Basic(c.ID, c.Secret)).Tokens(); next.Scope != "read admin" {
			t.Errorf("a refresh with %q: scope %q, want the granted scopes", body, next.Scope)
		}
	}
	if got := testkit.FromBrowser(b.Authorize(c, "response_type", "token", "scope", "", "code_challenge", "", "code_challenge_method", "")); got.Scope != "write read" {
		t.Errorf("implicit: %+v, want the defaults", got)
	}
	s.NarrowClient(c, "read")
	if tok := s.Exchange(c, "grant_type", "client_credentials").Tokens(); tok.Scope != "read" {
		t.Errorf("a client that may have only read gets %q", tok.Scope)
	}
	made, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "my script")
	if err != nil || len(made.Token.Scopes) != 0 {
		t.Errorf("CreateToken() = %+v, %v, want a token without scopes", made, err)
	}
	if !s.HasScope(oauth.AllScopes) {
		t.Error("HasScope(*) = false, want true, as a client can have it")
	}
}
