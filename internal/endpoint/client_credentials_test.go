package endpoint_test

import (
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
)

// As in the documentation: a client that was created with --client gets a token for
// itself. GuardClient admits it with no scope, one scope, or several.
func TestClientCredentialsGrant(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Machine()
	tokens := map[string]string{}
	for _, scope := range []string{"", "read", "read write", "*"} {
		tok := s.Exchange(c, "grant_type", "client_credentials", "scope", scope).Tokens()
		if tok.Refresh != "" || tok.Scope != scope || testkit.ClaimsOf(t, tok.Access)["sub"] != "client:"+c.ID {
			t.Errorf("scope %q: tokens = %+v, want this scope, the client as the subject, and no refresh token", scope, tok)
		}
		tokens[scope] = tok.Access
	}
	user := s.SignIn(s.Legacy(), "alice", testkit.PasswordOf("alice"), "scope", "*").Tokens().Access
	for name, tt := range map[string]struct {
		rules []guard.Rule
		admit []string // by scope
	}{
		"no scope":      {nil, []string{"", "read", "read write", "*"}},
		"one":           {[]guard.Rule{guard.Scopes("read")}, []string{"read", "read write", "*"}},
		"all of two":    {[]guard.Rule{guard.Scopes("read", "write")}, []string{"read write", "*"}},
		"any of two":    {[]guard.Rule{guard.AnyScope("admin", "read")}, []string{"read", "read write", "*"}},
		"several rules": {[]guard.Rule{guard.Scopes("write"), guard.AnyScope("read", "admin")}, []string{"read write", "*"}},
	} {
		protect := s.GuardClient(tt.rules...)
		admitted := map[string]bool{}
		for _, scope := range tt.admit {
			admitted[scope] = true
			if got := s.Call(protect, "Authorization", "Bearer "+tokens[scope]).Told(); got.Client != c.ID || got.User != "" {
				t.Errorf("%s: the guard returned %+v, want the client and no user", name, got)
			}
		}
		for scope, token := range tokens {
			if !admitted[scope] {
				s.Call(protect, "Authorization", "Bearer "+token).WantJSONError(403, "insufficient_scope")
			}
		}
		// F11: neither a user's token nor a missing token is admitted, regardless of scopes.
		s.Call(protect, "Authorization", "Bearer "+user).WantJSONError(403, "insufficient_scope")
		if a := s.Call(protect); a.Status != 401 {
			t.Errorf("%s: without a token %s, want 401", name, a)
		}
	}
}

func TestClientCredentialsGrant_NeverRepeat_F11_ClientIsNotAUser(t *testing.T) {
	s := testkit.NewServer(t)
	token := s.MachineToken(s.Machine(), "scope", "*")
	s.Call(s.Guard(), "Authorization", "Bearer "+token).WantJSONError(403, "insufficient_scope")
	s.Call(s.Guard(guard.Provider("client")), "Authorization", "Bearer "+token).WantJSONError(403, "insufficient_scope")
	s.Call(s.GuardAny(), "Authorization", "Bearer "+token).Told()
	// Only a client that authenticates can act for itself.
	if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", AuthMethod: "none", GrantTypes: []string{"client_credentials"}}); err == nil {
		t.Error("CreateClient() of a public client for client_credentials = nil, want an error")
	}
	s.Exchange(s.Web(), "grant_type", "client_credentials").WantJSONError(400, "unauthorized_client")
}
