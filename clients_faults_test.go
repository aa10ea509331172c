package passport_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// CreateClient reports each cause in a registration as one fault.
func TestCreateClient_OneFaultForEachCause(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.EnablePasswordGrant = true })
	web := []string{"https://app.example.com"}
	for _, test := range []struct {
		name string
		reg  passport.Registration
		want []string // a part of each fault
	}{
		{"no name", passport.Registration{RedirectURIs: web}, []string{"a name is missing"}},
		{"a name of spaces", passport.Registration{Name: "  ", RedirectURIs: web}, []string{"a name is missing"}},
		{"a long name", passport.Registration{Name: strings.Repeat("x", 256), RedirectURIs: web}, []string{"the name is not valid"}},
		{"unknown provider", passport.Registration{Name: "x", Provider: "unknown", GrantTypes: []string{"password"}}, []string{"the user provider"}},
		{"duplicate grant", passport.Registration{Name: "x", GrantTypes: []string{"fly", "fly"}}, []string{`the grant "fly"`}},
		{"duplicate scope", passport.Registration{Name: "x", RedirectURIs: web, Scopes: []string{"fly", "fly"}}, []string{`the scope "fly"`}},
		{"duplicate redirect URI", passport.Registration{Name: "x", RedirectURIs: []string{"", ""}}, []string{"is empty"}},
		{"no grant and no audience", passport.Registration{Name: "x", GrantTypes: []string{}}, nil},
		{"unknown audience", passport.Registration{Name: "x", Audience: "fly"}, []string{"the audience"}},
		{"a public API", passport.Registration{Name: "x", Audience: testkit.Issuer, AuthMethod: oauth.AuthNone}, []string{"needs a secret"}},
		{"an API with an unknown provider", passport.Registration{Name: "x", Audience: testkit.Issuer, Provider: "unknown"}, []string{"an API gets no tokens"}},
		{"an API with an unknown scope", passport.Registration{Name: "x", Audience: testkit.Issuer, Scopes: []string{"fly"}}, []string{"an API gets no tokens"}},
		{"two lifetimes", passport.Registration{Name: "x", RedirectURIs: web, AccessTokenTTL: time.Millisecond, FamilyTTL: time.Millisecond},
			[]string{"lifetime of access tokens is 1ms", "lifetime of families is 1ms"}},
		{"an owner without provider", passport.Registration{Name: "x", RedirectURIs: web, Owner: passport.UserRef{ID: "1"}}, []string{"the owner"}},
		{"unknown authentication method", passport.Registration{Name: "x", RedirectURIs: web, AuthMethod: "fly"}, []string{"the authentication method"}},
		{"an ID with a line end", passport.Registration{ID: "a\nb", Name: "x", RedirectURIs: web}, []string{"the ID"}},
	} {
		_, err := s.CreateClient(t.Context(), test.reg)
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		if checked := s.CheckClient(test.reg); fmt.Sprint(checked) != fmt.Sprint(err) {
			t.Errorf("%s: CheckClient() = %v, want the faults of CreateClient(), %v", test.name, checked, err)
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: %d faults, want %d:\n%v", test.name, len(got), len(test.want), err)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: fault %d is %q, want %q in it", test.name, i+1, got[i], want)
			}
		}
	}
}

// CheckClient checks one field alone, and stores nothing.
func TestCheckClient_OneField(t *testing.T) {
	s := testkit.NewServer(t)
	for _, test := range []struct {
		reg  passport.Registration
		want string
	}{
		{passport.Registration{Name: "x"}, ""},
		{passport.Registration{}, "a name is missing"},
		{passport.Registration{Name: "x", RedirectURIs: []string{"https://app.example.com/callback"}}, ""},
		{passport.Registration{Name: "x", RedirectURIs: []string{"app.example.com"}}, "has no scheme"},
	} {
		test.reg.GrantTypes = []string{}
		if err := s.CheckClient(test.reg); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("CheckClient(%+v) = %v, want %q", test.reg, err, test.want)
		}
	}
	for c, err := range s.Clients(t.Context()) {
		t.Errorf("after CheckClient() there is a client %v, %v, want none", c, err)
	}
}
