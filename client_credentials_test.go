package passport_test

import (
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
)

// As the documentation has it: a client made with --client gets a token for itself,
// which opens what stands behind GuardClient: with no scope, one, or several.
func TestClientCredentialsGrant(t *testing.T) {
	s := newServer(t, withPasswords)
	c := s.machine()
	tokens := map[string]string{}
	for _, scope := range []string{"", "read", "read write", "*"} {
		tok := s.exchange(c, "grant_type", "client_credentials", "scope", scope).tokens()
		if tok.Refresh != "" || tok.Scope != scope || claimsOf(t, tok.Access)["sub"] != "client:"+c.ID {
			t.Errorf("scope %q gave %+v, want it, for the client itself, without a refresh token", scope, tok)
		}
		tokens[scope] = tok.Access
	}
	user := s.signIn(s.legacy(), "alice", passwordOf("alice"), "scope", "*").tokens().Access
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
			if got := s.call(protect, "Authorization", "Bearer "+tokens[scope]).told(); got.Client != c.ID || got.User != "" {
				t.Errorf("%s: the API was told %+v, want the client and nobody else", name, got)
			}
		}
		for scope, token := range tokens {
			if !admitted[scope] {
				s.call(protect, "Authorization", "Bearer "+token).wantJSONError(403, "insufficient_scope")
			}
		}
		// F11: a user's token never passes, whatever it may do; nor does none.
		s.call(protect, "Authorization", "Bearer "+user).wantJSONError(403, "insufficient_scope")
		if a := s.call(protect); a.status != 401 {
			t.Errorf("%s: without a token %s, want 401", name, a)
		}
	}
}

func TestClientCredentialsGrant_NeverRepeat_F11_MachinesAreNoUsers(t *testing.T) {
	s := newServer(t)
	token := s.machineToken(s.machine(), "scope", "*")
	s.call(s.Guard(), "Authorization", "Bearer "+token).wantJSONError(403, "insufficient_scope")
	s.call(s.Guard(guard.Provider("client")), "Authorization", "Bearer "+token).wantJSONError(403, "insufficient_scope")
	s.call(s.GuardAny(), "Authorization", "Bearer "+token).told()
	// Only who can prove itself acts for itself.
	if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", AuthMethod: "none", GrantTypes: []string{"client_credentials"}}); err == nil {
		t.Error("CreateClient() makes a public client for client_credentials")
	}
	s.exchange(s.web(), "grant_type", "client_credentials").wantJSONError(400, "unauthorized_client")
}
