package passporttest_test

import (
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/passporttest"
)

// A test of an OpenID provider needs no keys: the server has both.
func TestNewServer_OpenIDHasItsKeys(t *testing.T) {
	s := passporttest.NewServer(t, passport.Config{Features: []passport.Feature{passport.OpenID{}}})
	if !slices.Contains(s.ScopeIDs(), "openid") {
		t.Errorf("the server has the scopes %q, want openid among them", s.ScopeIDs())
	}
}
