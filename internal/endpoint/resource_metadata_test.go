package endpoint_test

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
)

// RFC 9728 §3.3: the resource in the document must be equal to the URL that a client
// derived the document's address from. Only the configuration decides the URL.
func TestResourceMetadata_PR_01_PR_02_PR_04(t *testing.T) {
	const site = "https://example.com"
	for _, tt := range []struct{ issuer, audience, at string }{
		{site, "", "/.well-known/oauth-protected-resource"},
		{site, site + "/", "/.well-known/oauth-protected-resource"},
		{site, site + "/api/v1", "/.well-known/oauth-protected-resource/api/v1"},
		{site + "/tenant", "", "/.well-known/oauth-protected-resource/tenant"},
		{site + "/tenant", site + "/api", "/.well-known/oauth-protected-resource/api"},
		{site, "https://api.example.com", ""},
		{site, "https://example.com:8443", ""},
		{site, "urn:example:api", ""},
		{site, site + "/api?version=1", ""},
		{site, site + "/api/", ""},
	} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer, c.Audience, c.Brand.Name = tt.issuer, tt.audience, "Shop" })
		challenge := s.Call(s.Guard()).Header.Get("WWW-Authenticate")
		token := s.Do(s.FormRequest(s.Machine(), "/oauth/token", "grant_type", "client_credentials", "scope", "read")).Tokens().Access
		refusal := s.Call(s.GuardClient(guard.Scopes("admin")), "Authorization", "Bearer "+token)
		if got := refusal.Header.Get("WWW-Authenticate"); refusal.Status != 403 || strings.Contains(got, "resource_metadata=") != (tt.at != "") {
			t.Errorf("issuer %s, audience %q: refusal = %d with the challenge %s, want 403 that names the metadata: %t", tt.issuer, tt.audience, refusal.Status, got, tt.at != "")
		}
		if tt.at == "" {
			if strings.Contains(challenge, "resource_metadata") || s.URL("passport.resource") != "" {
				t.Errorf("issuer %s, audience %q: challenge %s and route %q, want no metadata", tt.issuer, tt.audience, challenge, s.URL("passport.resource"))
			}
			continue
		}
		if want := `resource_metadata="` + site + tt.at + `"`; !strings.Contains(challenge, want) {
			t.Errorf("issuer %s, audience %q: challenge = %s, want %s", tt.issuer, tt.audience, challenge, want)
		}
		got := s.Do(testkit.NewGet(site + tt.at)).JSON()
		want := map[string]any{
			"resource": s.Audience(), "resource_name": "Shop", "authorization_servers": []any{tt.issuer},
			"scopes_supported": []any{"read", "write", "admin"}, "bearer_methods_supported": []any{"header"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("issuer %s, audience %q: metadata = %v, want %v", tt.issuer, tt.audience, got, want)
		}
	}
}

func TestResourceMetadata_PR_03_PreflightAndMethods(t *testing.T) {
	s := testkit.NewServer(t)
	url := s.URL("passport.resource")
	r := httptest.NewRequest("OPTIONS", url, nil)
	r.Header.Set("Origin", "https://any.example")
	if a := s.Do(r); a.Status != 204 || a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight of %s = %d %v, want 204 for every origin", url, a.Status, a.Header)
	}
	if a := s.Do(httptest.NewRequest("POST", url, nil)); a.Status != 405 || a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST %s = %d, Allow %q, want 405 and GET, HEAD", url, a.Status, a.Header.Get("Allow"))
	}
}
