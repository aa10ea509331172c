package passport_test

import (
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
)

// A client that acts for itself may have everything, if it may ask for it; the
// password grant has the same test under its own name.
func TestAllScopes_ClientCredentials(t *testing.T) {
	s := newServer(t)
	for name, tt := range map[string]struct {
		limit []string
		asked string
		want  string // empty: invalid_scope
	}{
		"no limit":                     {nil, "*", "*"},
		"listed":                       {[]string{"*"}, "*", "*"},
		"listed, and asks for less":    {[]string{"*"}, "read write", "read write"},
		"together with another":        {nil, "* read", "* read"},
		"all by name is not all":       {[]string{"read", "write", "admin"}, "*", ""},
		"not listed":                   {[]string{"read"}, "*", ""},
		"none":                         {[]string{}, "*", ""},
		"listed, but never registered": {[]string{"*"}, "unheard-of", ""},
	} {
		c := s.register(passport.Registration{GrantTypes: []string{"client_credentials"}, Scopes: tt.limit})
		a := s.exchange(c, "grant_type", "client_credentials", "scope", tt.asked)
		if tt.want == "" {
			a.wantJSONError(400, "invalid_scope")
			continue
		}
		tok := a.tokens()
		if tok.Scope != tt.want || claimsOf(t, tok.Access)["scope"] != tt.want {
			t.Errorf("%s: scope %q, want %q", name, tok.Scope, tt.want)
		}
		admits := s.call(s.GuardClient(guard.Scopes("read", "write", "admin", "unheard-of")), "Authorization", "Bearer "+tok.Access).status == 200
		if admits != slices.Contains([]string{"*", "* read"}, tt.want) {
			t.Errorf("%s: a guard for everything admits the token = %v", name, admits)
		}
	}
}

// Users agree to scopes by name: wherever one is asked, and for the tokens that
// they make for themselves, there is no *.
func TestAllScopes_NotWhereUsersAgree(t *testing.T) {
	s := newServer(t, withPasswords, withImplicit, withGrants(voucher{}, greedy{}))
	c := s.register(passport.Registration{GrantTypes: []string{"authorization_code", "refresh_token", "implicit", voucherType, greedyType}, Scopes: []string{"*"}})
	b := s.browser().signIn("alice")
	b.authorize(c, "scope", "*").wantRedirectError("invalid_scope")
	b.authorize(c, "scope", "read *").wantRedirectError("invalid_scope")
	if got := fromBrowser(b.authorize(c, "response_type", "token", "scope", "*", "code_challenge", "", "code_challenge_method", "")); got.code != "invalid_scope" {
		t.Errorf("the implicit grant answers %+v, want invalid_scope", got)
	}
	if made, err := s.CreateToken(t.Context(), ref("alice"), "my script", "*"); err == nil {
		t.Errorf("CreateToken() with * = %+v, want a refusal", made.Token)
	}
	s.exchange(c, "grant_type", voucherType, "voucher", "alice-1", "scope", "*").wantJSONError(400, "invalid_scope")
	s.refresh(c, s.grantTokens(c).Refresh, "scope", "*").wantJSONError(400, "invalid_scope")
	// A grant of the application's own that returns it all the same gives what it
	// names beside it, now and when it is refreshed.
	tok := s.exchange(c, "grant_type", greedyType).tokens()
	next := s.refresh(c, tok.Refresh).tokens()
	if tok.Scope != "read write admin" || next.Scope != "read write admin" {
		t.Errorf("a grant that returns * gave %q, then %q, want what is registered", tok.Scope, next.Scope)
	}
	s.refresh(c, next.Refresh, "scope", "*").wantJSONError(400, "invalid_scope")
	for _, bad := range [][]passport.Scope{{{ID: "*"}}} {
		config := plainConfig(t)
		config.Scopes = bad
		if _, err := passport.New(config); err == nil {
			t.Error("New() takes * for a scope that can be registered")
		}
	}
}

// A request for no scope gets the defaults that the client may have, whichever way
// it says so. Tokens that users make for themselves get none.
func TestDefaultScopes(t *testing.T) {
	s := newServer(t, withPasswords, withImplicit, withGrants(voucher{}), func(c *passport.Config) { c.DefaultScopes = []string{"write", "read"} })
	c := s.register(passport.Registration{GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials", "password", "implicit", voucherType}})
	b := s.browser().signIn("alice")
	for _, body := range []string{"", "&scope=", "&scope=%20", "&scope=+++"} {
		for name, grant := range map[string]string{
			"client_credentials": "grant_type=client_credentials", "password": "grant_type=password&username=alice&password=" + passwordOf("alice"),
		} {
			if tok := s.send(grant+body, "Authorization", basic(c.ID, c.secret)).tokens(); tok.Scope != "write read" {
				t.Errorf("%s with %q: scope %q, want the defaults", name, body, tok.Scope)
			}
		}
		a := b.get(s.authorizePath() + "?" + c.request("scope", "").Encode() + body)
		if a.isConsent() {
			a = a.allow()
		}
		tok := s.redeem(c, a.code())
		if tok.Scope != "write read" {
			t.Errorf("authorization_code with %q: scope %q, want the defaults", body, tok.Scope)
		}
		// At a refresh it means what was granted, not the defaults.
		first := s.grantTokens(c, "scope", "read admin", "prompt", "consent")
		if next := s.send("grant_type=refresh_token&refresh_token="+first.Refresh+body, "Authorization", basic(c.ID, c.secret)).tokens(); next.Scope != "read admin" {
			t.Errorf("a refresh with %q: scope %q, want what was granted", body, next.Scope)
		}
	}
	if got := fromBrowser(b.authorize(c, "response_type", "token", "scope", "", "code_challenge", "", "code_challenge_method", "")); got.scope != "write read" {
		t.Errorf("implicit: %+v, want the defaults", got)
	}
	s.narrowClient(c, "read")
	if tok := s.exchange(c, "grant_type", "client_credentials").tokens(); tok.Scope != "read" {
		t.Errorf("a client that may have read alone gets %q", tok.Scope)
	}
	made, err := s.CreateToken(t.Context(), ref("alice"), "my script")
	if err != nil || len(made.Token.Scopes) != 0 {
		t.Errorf("CreateToken() = %+v, %v, want a token without scopes", made, err)
	}
	if !s.HasScope(oauth.AllScopes) {
		t.Error("HasScope(*) = false, want true, as a client can have it")
	}
}
