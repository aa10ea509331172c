package oidc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/openid"
)

func TestOpenID_OI_106_Faults(t *testing.T) {
	extra := func(claims ...openid.ExtraClaim) passport.OpenID { return passport.OpenID{ExtraClaims: claims} }
	for _, tt := range []struct {
		settings passport.OpenID
		want     string
	}{
		{passport.OpenID{IDTokenTTL: time.Millisecond}, "OpenID.IDTokenTTL is 1ms: want at least a second"},
		{passport.OpenID{IDTokenTTL: -time.Hour}, "OpenID.IDTokenTTL is -1h0m0s: want at least a second"},
		{passport.OpenID{BackchannelAllowedHosts: []string{"app.internal", "https://wiki.internal"}}, "OpenID.BackchannelAllowedHosts: \"https://wiki.internal\" is not an allowed host: want an exact host or host:port"},
		{passport.OpenID{BackchannelAllowedHosts: []string{"*.internal"}}, "OpenID.BackchannelAllowedHosts: \"*.internal\" is not an allowed host"},
		{passport.OpenID{StandardClaims: []string{"name", "groups"}}, "OpenID.StandardClaims[1] is \"groups\", which is not a standard claim"},
		{extra(openid.ExtraClaim{Scope: "profile"}), "OpenID.ExtraClaims[0].Name is \"\": want 1 to 255 characters"},
		{extra(openid.ExtraClaim{Name: "my groups", Scope: "profile"}), "OpenID.ExtraClaims[0].Name is \"my groups\": want 1 to 255 characters without spaces"},
		{extra(openid.ExtraClaim{Name: "sub", Scope: "profile"}), "OpenID.ExtraClaims[0].Name is \"sub\": the server sets that claim"},
		{extra(openid.ExtraClaim{Name: "SID", Scope: "profile"}), "the server sets that claim"},
		{extra(openid.ExtraClaim{Name: "email", Scope: "profile"}), "which is a standard claim: remove it, and set Claims.Email"},
		{extra(openid.ExtraClaim{Name: "groups", Scope: "profile"}, openid.ExtraClaim{Name: "Groups", Scope: "email"}), "OpenID.ExtraClaims has \"Groups\" twice"},
		{extra(openid.ExtraClaim{Name: "groups"}), "OpenID.ExtraClaims[0].Scope is \"\": name the scope that asks for the claim \"groups\""},
		{extra(openid.ExtraClaim{Name: "groups", Scope: "a b", Description: "your groups"}), "OpenID.ExtraClaims[0].Scope is \"a b\""},
		{extra(openid.ExtraClaim{Name: "groups", Scope: "*", Description: "your groups"}), "OpenID.ExtraClaims[0].Scope is *"},
	} {
		c := testkit.PlainConfig(t)
		c.Features = []passport.Feature{tt.settings}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Validate() with %+v = %v, want a fault with %q", tt.settings, err, tt.want)
		}
	}
	c := testkit.PlainConfig(t)
	c.Features = []passport.Feature{extra(openid.ExtraClaim{Name: "https://example.com/roles", Scope: "roles", Description: "your roles"}, openid.ExtraClaim{Name: "name#fr", Scope: "profile"})}
	if err := c.Validate(); err != nil {
		t.Errorf("Validate() with extra claims = %v", err)
	}
	c.Users, c.Features = nil, []passport.Feature{passport.OpenID{}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "OpenID needs users") {
		t.Errorf("Validate() without users = %v, want a fault", err)
	}
}

// Every client can verify RS256, so an OpenID provider needs an RS256 key. New names the
// command. Validate is for settings alone.
func TestOpenID_OI_150_NeedsAnRS256Key(t *testing.T) {
	every := testkit.EveryKey(t)
	for alg, keys := range every {
		c := testkit.PlainConfig(t)
		c.Features = []passport.Feature{passport.OpenID{}}
		keys(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("Validate() with an %s key = %v", alg, err)
		}
		_, err := passport.New(c)
		if alg == "RS256" {
			if err != nil {
				t.Errorf("New() with an RS256 key for access tokens and ID tokens = %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "Keys has no RS256 key") || !strings.Contains(err.Error(), "`passport keys add --alg RS256`") {
			t.Errorf("New() with an %s key = %v, want a fault that names the command", alg, err)
		}
	}
}
