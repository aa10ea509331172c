package feature_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

type grant string

func (g grant) GrantType() string { return string(g) }

func (grant) Authorize(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) {
	return nil, errors.New("unexpected call")
}

type traited struct {
	grant
	traits oauth.GrantTraits
}

func (g traited) Traits() oauth.GrantTraits { return g.traits }

type responder struct{ response, grant string }

func (r responder) ResponseType() string { return r.response }
func (r responder) GrantType() string    { return r.grant }

func (responder) Respond(context.Context, *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
	return nil, errors.New("unexpected call")
}

type traitedResponder struct {
	responder
	traits oauth.GrantTraits
}

func (r traitedResponder) Traits() oauth.GrantTraits { return r.traits }

// A responder cannot have AllScopes: the consent page lists each scope, and "*"
// would have no line on it.
func TestJoin_RespondersHaveNoAllScopes(t *testing.T) {
	_, faults := feature.Join(feature.Part{Name: "badges", Responders: []oauth.Responder{traitedResponder{responder{"badge", "b"}, oauth.GrantTraits{AllScopes: true}}}})
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "remove AllScopes") {
		t.Errorf("Join() faults = %v, want one: a responder cannot have AllScopes", faults)
	}
}

func TestJoin_PartsBecomeOne(t *testing.T) {
	all, faults := feature.Join(
		feature.Part{Name: "token", Grants: []oauth.Grant{grant("b")}, Metadata: feature.Metadata{"methods": []string{"x"}, "issuer": "i"}, Warnings: []string{"w"}},
		feature.Part{Name: "more", Grants: []oauth.Grant{traited{"a", oauth.GrantTraits{AllScopes: true}}}, Metadata: feature.Metadata{"methods": []string{"y", "x"}}},
		feature.Part{Name: "response", Responders: []oauth.Responder{responder{"t", "c"}, responder{"u", "c"}}},
		feature.Part{Name: "personal", Registrable: map[string]oauth.GrantTraits{"p": {FirstParty: true}}},
	)
	if len(faults) > 0 {
		t.Fatalf("Join() faults = %v, want none", faults)
	}
	if got := all.GrantTypes(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("GrantTypes() = %v, want a, b and c", got)
	}
	if got := all.Metadata["methods"].([]string); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("joined list = %v, want each value once", got)
	}
	if !all.Traits("a").AllScopes || all.Traits("b").AllScopes {
		t.Error("Traits() does not return the traits of the grant")
	}
	if !all.Traits("c").Redirects {
		t.Error("Traits() of a responder's grant type lacks Redirects, want it for every responder")
	}
	if !all.HasGrant("p") || slices.Contains(all.GrantTypes(), "p") {
		t.Error("a registrable grant type must be in HasGrant() and not in GrantTypes()")
	}
	if len(all.Warnings) != 1 {
		t.Errorf("Warnings = %v, want the warning of the first part", all.Warnings)
	}
}

// The fault of a clash names both parts. One fault does not hide another.
func TestJoin_Clashes(t *testing.T) {
	_, faults := feature.Join(
		feature.Part{Name: "first", Grants: []oauth.Grant{grant("g")}, Responders: []oauth.Responder{responder{"token", "r"}}, Metadata: feature.Metadata{"member": true}, Off: map[string]string{"off": "enable it"}},
		feature.Part{Name: "second", Grants: []oauth.Grant{grant("g"), grant("off")}, Metadata: feature.Metadata{"member": true}, Faults: []error{errors.New("its own fault")}},
		feature.Part{Name: "third", Responders: []oauth.Responder{responder{"token", "x"}, responder{"other", "g"}}, Registrable: map[string]oauth.GrantTraits{"g": {}}},
	)
	var text strings.Builder
	for _, f := range faults {
		text.WriteString(f.Error() + "\n")
	}
	for _, want := range []string{
		`second has a second grant for grant_type "g", which first already has`,
		`second has a second grant for grant_type "off", which first already has`,
		`second sets the metadata member member`,
		`its own fault`,
		`third has a second responder for response_type "token", which first already has`,
		`third: the GrantType "g" of feature_test.responder belongs to first`,
		`third has a second grant for grant_type "g"`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the faults lack %q:\n%s", want, &text)
		}
	}
}

// The remedy for a disabled grant type is the setting that enables it. A responder
// may use its name.
func TestJoin_Off(t *testing.T) {
	off := feature.Part{Name: "implicit", Off: map[string]string{"implicit": "set EnableImplicitGrant"}}
	all, _ := feature.Join(off, feature.Part{Name: "token", Grants: []oauth.Grant{grant("a"), grant("b")}})
	if got := all.Remedy("implicit"); got != "set EnableImplicitGrant" || all.HasGrant("implicit") {
		t.Errorf("Remedy() = %q, HasGrant() = %v; want the setting that enables it, and false", got, all.HasGrant("implicit"))
	}
	if got := all.Remedy("nonsense"); got != "choose one of a, b" {
		t.Errorf("Remedy() of an unknown type = %q, want the available types", got)
	}
	all, faults := feature.Join(off, feature.Part{Name: "own", Responders: []oauth.Responder{responder{"x", "implicit"}}})
	if len(faults) > 0 || !all.HasGrant("implicit") {
		t.Errorf("a responder with the name of a disabled grant: faults %v, HasGrant() = %v; want none and true", faults, all.HasGrant("implicit"))
	}
}

func TestJoined_CheckStoreNamesEveryMissingPower(t *testing.T) {
	missing := func(text string) func(oauth.Store) error {
		return func(oauth.Store) error { return errors.New(text) }
	}
	all, _ := feature.Join(feature.Part{Name: "a", Store: missing("no a")}, feature.Part{Name: "b"}, feature.Part{Name: "c", Store: missing("no c")})
	err := all.CheckStore(new(memstore.Store))
	if err == nil || !strings.Contains(err.Error(), "no a") || !strings.Contains(err.Error(), "no c") {
		t.Errorf("CheckStore() = %v, want both missing powers", err)
	}
}

func TestServer_URL(t *testing.T) {
	for _, c := range []struct{ issuer, path, want string }{
		{"https://a.example", "/oauth", "https://a.example/oauth/token"},
		{"https://a.example/t", "/", "https://a.example/t/token"},
	} {
		if got := (feature.Server{Issuer: c.issuer, Path: c.path}).URL("/token"); got != c.want {
			t.Errorf("URL() with issuer %s and path %s = %s, want %s", c.issuer, c.path, got, c.want)
		}
	}
}
