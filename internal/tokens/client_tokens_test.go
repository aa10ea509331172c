package tokens_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// RevokeTokensOfClient ends all tokens of a client, at every node and in introspection. The
// client is kept: it gets new tokens at once, without a new consent.
func TestRevoking_FR_55_ClientIsKept(t *testing.T) {
	s := testkit.NewServer(t, withEveryGrant)
	c := s.Register(passport.Registration{GrantTypes: everyGrant})
	node := s.Restart()
	tok := s.GrantTokens(c)
	before := s.Row(tok.Access)
	testkit.Check(t, s.RevokeTokensOfClient(t.Context(), c.ID))
	for _, server := range []*testkit.Server{s, node} {
		server.WantAdmits(tok.Access, false, "after RevokeTokensOfClient")
		server.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
	}
	if a := s.Do(s.FormRequest(c, "/oauth/introspect", "token", tok.Access)); strings.TrimSpace(a.Body) != `{"active":false}` {
		t.Errorf("introspection after RevokeTokensOfClient = %d %q, want an inactive token", a.Status, a.Body)
	}
	again := s.Redeem(c, s.Browser().SignIn("alice").Authorize(c).Code())
	for _, server := range []*testkit.Server{s, node} {
		server.WantAdmits(again.Access, true, "issued after RevokeTokensOfClient, without a page")
	}

	var listed []string
	for token, err := range s.TokensOfClient(t.Context(), c.ID) {
		testkit.Check(t, err)
		listed = append(listed, token.ID)
		if live := token.Live(before.IssuedAt); live != (token.ID != before.ID) {
			t.Errorf("TokensOfClient() yields %s with Live() = %v", token.ID, live)
		}
		if token.InheritScopes != before.InheritScopes {
			t.Error("TokensOfClient() yields a token without the server's InheritScopes")
		}
	}
	if want := []string{before.ID, s.Row(again.Access).ID}; !slices.Equal(listed, want) {
		t.Errorf("TokensOfClient() yields %q, want %q", listed, want)
	}
}
