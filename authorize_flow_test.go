package passport_test

import "testing"

// The whole way, for each kind of client: a request, the page, the code, tokens.
func TestAuthorize_EachKindOfClientGetsTokens(t *testing.T) {
	s := newServer(t)
	for name, c := range map[string]*client{"web": s.web(), "spa": s.spa(), "native": s.native()} {
		t.Run(name, func(t *testing.T) {
			got := s.in(t).grantTokens(c)
			claims := claimsOf(t, got.Access)
			if claims["sub"] != "users:alice" || claims["client_id"] != c.ID || got.Scope != "read" || got.Refresh == "" {
				t.Errorf("tokens of %v = %+v with claims %v", name, got, claims)
			}
		})
	}
}
