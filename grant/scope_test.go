package grant_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/oauth"
)

// A refresh cannot request more scopes than were granted (RFC 6749 §6). With
// inherited scopes, it may request a scope under a granted one. With the scope
// *, it may request any.
func TestRefreshToken_RT_06_Scopes(t *testing.T) {
	for name, tt := range map[string]struct {
		granted string
		sent    string // the scope parameter
		asked   string // the endpoint's parsed scopes
		inherit bool
		want    string
		refused bool
	}{
		"no scope":             {"orders invoices", "", "defaults", false, "orders invoices", false},
		"spaces only":          {"orders invoices", "  ", "defaults", false, "orders invoices", false},
		"less":                 {"orders invoices", "orders", "orders", false, "orders", false},
		"more":                 {"orders", "orders invoices", "orders invoices", true, "", true},
		"below":                {"orders", "orders:read", "orders:read", false, "", true},
		"below, inherited":     {"orders", "orders:read", "orders:read", true, "orders:read", false},
		"far below, inherited": {"orders", "orders:read:own", "orders:read:own", true, "orders:read:own", false},
		"above, inherited":     {"orders:read", "orders", "orders", true, "", true},
		"same prefix":          {"orders", "ordersfoo", "ordersfoo", true, "", true},
		"one of all":           {"*", "orders", "orders", false, "orders", false},
		"all of all":           {"*", "*", "*", false, "*", false},
		"all of one":           {"orders", "*", "*", true, "", true},
	} {
		s := begun(t, func(c *oauth.Code) { c.Scopes = strings.Fields(tt.granted) })
		f := &oauth.Family{ID: "f", User: user, ClientID: "web"}
		err := s.Issue(t.Context(), &oauth.Issuance{
			Time: now, Spends: oauth.Spend{Purpose: oauth.SpendCode, ID: string(oauth.DigestOf("code"))},
			AccessToken:  &oauth.AccessToken{ID: "a", Client: &oauth.Client{ID: "web"}, Family: f, ExpiresAt: now.Add(1 << 40)},
			RefreshToken: &oauth.RefreshToken{Digest: oauth.DigestOf("first"), AccessTokenID: "a", Family: f, Scopes: strings.Fields(tt.granted), ExpiresAt: now.Add(1 << 40)},
		})
		if err != nil {
			t.Fatal(err)
		}
		r := request(s, map[string]string{"scope": tt.sent})
		r.Scopes, r.InheritScopes = strings.Fields(tt.asked), tt.inherit
		a, err := grant.RefreshToken{}.Authorize(t.Context(), r)
		switch {
		case tt.refused:
			if !errors.Is(err, oauth.InvalidScope) {
				t.Errorf("%s: Authorize() = %+v, %v, want invalid_scope", name, a, err)
			}
		case err != nil || !slices.Equal(a.Scopes, strings.Fields(tt.want)) || !slices.Equal(a.RefreshScopes, strings.Fields(tt.granted)):
			t.Errorf("%s: Authorize() = %+v, %v, want %q now and %q later", name, a, err, tt.want, tt.granted)
		}
	}
}
