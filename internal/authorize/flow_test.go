package authorize_test

import (
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

// The complete flow for each kind of client: request, page, code, tokens.
func TestAuthorize_EachKindOfClientGetsTokens(t *testing.T) {
	s := testkit.NewServer(t)
	for name, c := range map[string]*testkit.Client{"web": s.Web(), "spa": s.Spa(), "native": s.Native()} {
		t.Run(name, func(t *testing.T) {
			got := s.In(t).GrantTokens(c)
			claims := testkit.ClaimsOf(t, got.Access)
			if claims["sub"] != "users:alice" || claims["client_id"] != c.ID || got.Scope != "read" || got.Refresh == "" {
				t.Errorf("tokens of %v = %+v with claims %v", name, got, claims)
			}
		})
	}
}
