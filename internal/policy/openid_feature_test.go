package policy_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/openid"
)

// The scopes of OpenID Connect come with the feature. The text of one in Config.Scopes is
// the application's.
func TestScopes_OpenID_ComeWithTheFeature(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}), func(c *passport.Config) {
		c.Scopes = append(c.Scopes, passport.Scope{ID: "email", Description: "Read the address that you shop with"})
	})
	if got := strings.Join(s.ScopeIDs(), " "); got != "openid profile phone address offline_access read write admin email" {
		t.Errorf("ScopeIDs() = %q, want the scopes of OpenID Connect before the others, and email where the application has it", got)
	}
	page := s.Browser().SignIn("alice").Authorize(s.Web(), "scope", "openid email profile read")
	for _, want := range []string{"Sign you in", "Read the address that you shop with", "See your profile", "Read your orders"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the consent page lacks %q: %s", want, page.Body)
		}
	}
	if strings.Contains(page.Body, "See your email address") {
		t.Error("the consent page shows the built-in text of email, want the application's")
	}
}

// A scope that an extra claim names is registered, too.
func TestScopes_OpenID_ExtraClaims(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{ExtraClaims: []openid.ExtraClaim{
		{Name: "groups", Scope: "groups", Description: "See your groups"}, {Name: "roles", Scope: "groups"}, {Name: "shop", Scope: "read"}, {Name: "plan", Scope: "profile"},
	}}))
	if got := strings.Join(s.ScopeIDs(), " "); got != "openid profile email phone address offline_access groups read write admin" {
		t.Errorf("ScopeIDs() = %q, want groups once, after the scopes of OpenID Connect", got)
	}
	config := testkit.PlainConfig(t)
	config.Features = []passport.Feature{passport.OpenID{ExtraClaims: []openid.ExtraClaim{{Name: "groups", Scope: "groups"}}}}
	if err := config.Validate(); err == nil || !strings.Contains(err.Error(), `names the scope "groups", which has no description`) {
		t.Errorf("Validate() = %v, want a fault for a new scope without a description", err)
	}
}

// Only a request by name can ask for an ID token.
func TestScopes_OpenID_NeverByDefault(t *testing.T) {
	config := testkit.PlainConfig(t)
	config.Features = []passport.Feature{passport.OpenID{}}
	config.DefaultScopes = []string{"read", "openid"}
	if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "DefaultScopes names openid: remove it") {
		t.Errorf("Validate() with openid in DefaultScopes = %v, want a fault that names it", err)
	}
	config.Scopes = append(config.Scopes, passport.Scope{ID: "openid", Description: "Sign in"})
	if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "DefaultScopes names openid: remove it") {
		t.Errorf("Validate() with openid in Scopes and DefaultScopes = %v, want a fault that names it", err)
	}
}

// The scope * doesn't include openid: a refresh can't turn it into openid.
func TestScopes_OpenID_AllScopesDoesNotIncludeIt(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithOpenID(t, passport.OpenID{}))
	c := s.Register(passport.Registration{GrantTypes: []string{"password", "refresh_token"}, Scopes: []string{"*"}})
	all := s.Exchange(c, "grant_type", "password", "username", "alice", "password", testkit.PasswordOf("alice"), "scope", "*").Tokens()
	if all.Scope != "*" {
		t.Errorf("the password grant gives %q, want *", all.Scope)
	}
	s.Refresh(c, all.Refresh, "scope", "openid").WantJSONError(400, "invalid_scope")
	s.Refresh(c, all.Refresh, "scope", "read openid").WantJSONError(400, "invalid_scope")
	if got := s.Refresh(c, all.Refresh, "scope", "read").Tokens(); got.Scope != "read" {
		t.Errorf("a refresh of * for read gives %q", got.Scope)
	}
}

// A client that is limited to other scopes learns how to add openid. It may always send
// offline_access, as to a server without OpenID Connect.
func TestScopes_OpenID_LimitedClients(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	c, b := s.Web(), s.Browser().SignIn("alice")
	s.NarrowClient(c, "read")
	for _, id := range []string{"openid", "email"} {
		refused := b.Authorize(c, "scope", "read "+id).WantRedirectError("invalid_scope")
		if got := refused.Params().Get("error_description"); got != "the scope "+id+" is not for this client: add it with passport client update --scopes" {
			t.Errorf("the refusal of %s is %q, want the command that adds it", id, got)
		}
	}
	if got := s.GrantTokens(c, "scope", "read offline_access"); got.Scope != "read" {
		t.Errorf("a limited client that requests offline_access gets %q, want read", got.Scope)
	}
	s.NarrowClient(c, "read", "openid", "offline_access")
	if got := s.GrantTokens(c, "scope", "openid read offline_access", "prompt", "consent"); got.Scope != "openid read offline_access" {
		t.Errorf("a client that may request all gets %q", got.Scope)
	}
}

// A token of a client is about no user.
func TestScopes_OpenID_NotForClientsThemselves(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	if got := s.Exchange(s.Machine(), "grant_type", "client_credentials", "scope", "openid email read").Tokens(); got.Scope != "read" {
		t.Errorf("client_credentials for openid, email and read gives %q, want read", got.Scope)
	}
	if strings.Contains(s.Log.String(), openIDNotice) {
		t.Error("a server with OpenID Connect logs that it doesn't issue ID tokens")
	}
}

// A script does not sign a user in.
func TestScopes_OpenID_NotForPersonalTokens(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}), func(c *passport.Config) {
		c.Scopes = append(c.Scopes, passport.Scope{ID: "email", Description: "Read the address that you shop with"})
	})
	scopes, err := s.PersonalTokenScopes(t.Context(), passport.DefaultProvider)
	if err != nil || len(scopes) != 4 || scopes[3].ID != "email" {
		t.Errorf("PersonalTokenScopes() = %+v, %v, want the application's own", scopes, err)
	}
	if _, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "My script", "read", "email"); err != nil {
		t.Errorf("a token with scopes of the application: %v", err)
	}
	if _, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "My script", "openid"); err == nil || !strings.Contains(err.Error(), "the scope openid is not for personal access tokens") {
		t.Errorf("a token with openid: %v, want a refusal", err)
	}
}
