package policy_test

import (
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// Scopes have the order of the configuration.
func TestScopes(t *testing.T) {
	s := testkit.NewServer(t)
	ids := func(scopes []passport.Scope) (ids []string) {
		for _, scope := range scopes {
			ids = append(ids, scope.ID)
		}
		return ids
	}
	if got := ids(s.Scopes()); !slices.Equal(got, []string{"read", "write", "admin"}) {
		t.Errorf("Scopes() = %q", got)
	}
	if got := s.ScopeIDs(); !slices.Equal(got, []string{"read", "write", "admin"}) {
		t.Errorf("ScopeIDs() = %q", got)
	}
	for _, tt := range []struct{ asked, want []string }{
		{[]string{"admin", "read"}, []string{"read", "admin"}}, {[]string{"read", "read", "nothing"}, []string{"read"}}, {nil, nil}, {[]string{"Read", "*", ""}, nil},
	} {
		if got := ids(s.ScopesFor(tt.asked...)); !slices.Equal(got, tt.want) {
			t.Errorf("ScopesFor(%q) = %q, want %q", tt.asked, got, tt.want)
		}
	}
	for id, want := range map[string]bool{"read": true, "admin": true, "Read": false, "": false, "*": true, "read write": false} {
		if got := s.HasScope(id); got != want {
			t.Errorf("HasScope(%q) = %v, want %v", id, got, want)
		}
	}
	// The caller can change the list without an effect.
	s.Scopes()[0].ID = "changed"
	s.ScopeIDs()[0] = "changed"
	slices.Reverse(s.ScopesFor("read", "write"))
	if got := s.Scopes(); got[0].ID != "read" || got[0].Description != "Read your orders" || s.HasScope("changed") {
		t.Errorf("Scopes() = %v after its result was changed", got)
	}
}
