package endpoint_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// Everything that the metadata advertises works.
func TestToken_MD_01_MD_02_MD_03_MD_04_MD_07_PK_10_MetadataIsTrue(t *testing.T) {
	s := testkit.NewServer(t)
	m := s.Metadata()
	if m["issuer"] != testkit.Issuer || m["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("metadata = %v, want the unchanged issuer, and iss in responses", m)
	}
	if got := testkit.Listed(m, "scopes_supported"); !slices.Equal(got, []string{"read", "write", "admin"}) {
		t.Errorf("scopes_supported = %v, want the scopes of Config in their order", got)
	}
	if got := testkit.Listed(m, "code_challenge_methods_supported"); !slices.Equal(got, []string{"S256"}) {
		t.Errorf("code_challenge_methods_supported = %v, want only S256", got)
	}
	if got := testkit.Listed(m, "response_types_supported"); !slices.Equal(got, []string{"code"}) {
		t.Errorf("response_types_supported = %v, want only code", got)
	}
	for name, value := range m {
		endpoint, isURL := value.(string)
		if isURL && name != "issuer" {
			s.WantEndpoint(name, endpoint)
		}
		if list, isList := value.([]any); isList && len(list) == 0 {
			t.Errorf("%s is an empty list (RFC 8414 §3.2)", name)
		}
	}
	for _, g := range testkit.Listed(m, "grant_types_supported") {
		s.WantGrant(g)
	}
	for _, method := range testkit.Listed(m, "token_endpoint_auth_methods_supported") {
		s.WantAuthMethod(method)
	}
	web := s.Web()
	for _, prompt := range testkit.Listed(m, "prompt_values_supported") {
		a := s.Browser().SignIn("alice").Authorize(web, "prompt", prompt)
		if prompt == "none" {
			a.WantRedirectError("consent_required")
		} else if !a.IsConsent() && !strings.Contains(a.Target(), "/login") {
			t.Errorf("prompt=%s is advertised, but the response is %s", prompt, a)
		}
	}
	s.WantBlameless()
}

// A disabled feature is neither advertised nor available.
func TestToken_MD_08_DisabledFeatures(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Users, c.Scopes = nil, nil })
	m := s.Metadata()
	if got := testkit.Listed(m, "grant_types_supported"); !slices.Equal(got, []string{"client_credentials"}) {
		t.Errorf("grant_types_supported without users = %v, want only client_credentials", got)
	}
	if got := testkit.Listed(m, "token_endpoint_auth_methods_supported"); slices.Contains(got, "none") {
		t.Errorf("token_endpoint_auth_methods_supported = %v, want no none, because no grant is for public clients", got)
	}
	for _, name := range []string{"authorization_endpoint", "scopes_supported", "code_challenge_methods_supported", "response_modes_supported", "registration_endpoint", "device_authorization_endpoint"} {
		if _, there := m[name]; there {
			t.Errorf("%s is advertised", name)
		}
	}
	for _, path := range []string{"/oauth/authorize", "/oauth/device"} {
		if a := s.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, a.Status)
		}
	}
	s.MachineToken(s.Machine())

	custom := testkit.NewServer(t, testkit.WithGrants(testkit.Voucher{}))
	for _, g := range testkit.Listed(custom.Metadata(), "grant_types_supported") {
		custom.WantGrant(g)
	}
	if !slices.Contains(testkit.Listed(custom.Metadata(), "grant_types_supported"), testkit.VoucherType) {
		t.Error("the application's grant is not advertised")
	}
}

// AZ-32: the path of the issuer is a prefix of every route. The well-known path is at the
// root (RFC 8414 §3.1).
func TestToken_AZ_32_IssuerWithAPath(t *testing.T) {
	for _, tt := range []struct{ issuer, path, token string }{
		{"https://example.com/tenants/acme", "", "/tenants/acme/oauth/token"},
		{"https://example.com/auth", "/o", "/auth/o/token"},
		{"https://example.com", "/connect/v2", "/connect/v2/token"},
		{"https://example.com/auth", "/", "/auth/token"},
		{"http://127.0.0.1:8000", "", "/oauth/token"},
	} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer, c.Path = tt.issuer, tt.path })
		m := s.Metadata()
		u, err := url.Parse(fmt.Sprint(m["token_endpoint"]))
		if err != nil || u.Path != tt.token || m["issuer"] != tt.issuer {
			t.Errorf("issuer %s, Path %q: metadata = %v, want the token endpoint at %s", tt.issuer, tt.path, m, tt.token)
			continue
		}
		for name, value := range m {
			if endpoint, ok := value.(string); ok && name != "issuer" {
				s.WantEndpoint(name, endpoint)
			}
		}
		c := s.Machine()
		r := httptest.NewRequest("POST", u.String(), strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", testkit.Basic(c.ID, c.Secret))
		token := s.Do(r).Tokens().Access
		if claims := testkit.ClaimsOf(t, token); claims["iss"] != tt.issuer || claims["aud"] != tt.issuer {
			t.Errorf("claims = %v, want the issuer %s", claims, tt.issuer)
		}
		s.WantAdmits(token, true, tt.issuer)
		for _, path := range []string{"/oauth/token", "/token", tt.token + "/"} {
			if elsewhere := u.Scheme + "://" + u.Host + path; path != tt.token && s.Do(testkit.NewGet(elsewhere)).Status != http.StatusNotFound {
				t.Errorf("issuer %s, Path %q: GET %s is not 404", tt.issuer, tt.path, elsewhere)
			}
		}
	}
}

// The Host header and the headers of proxies are ignored.
func TestNeverRepeat_E16_MD_02_HostileHost(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	hostile := func(r *http.Request) *testkit.Response {
		r.Host = "evil.example"
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "X-Host"} {
			r.Header.Set(name, "evil.example")
		}
		r.Header.Set("Forwarded", `host="evil.example";proto=http`)
		r.Header.Set("X-Forwarded-Proto", "http")
		return s.Do(r)
	}
	r := httptest.NewRequest("POST", s.TokenURL(), strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", testkit.Basic(c.ID, c.Secret))
	token := hostile(r)
	if iss := testkit.ClaimsOf(t, token.Tokens().Access)["iss"]; iss != testkit.Issuer {
		t.Errorf("iss = %v, want the configured issuer", iss)
	}
	for _, a := range []*testkit.Response{token, hostile(testkit.NewGet(testkit.Issuer + "/.well-known/oauth-authorization-server")), hostile(testkit.NewGet(testkit.Issuer + "/.well-known/oauth-protected-resource")), hostile(testkit.NewGet(testkit.Issuer + "/oauth/authorize?client_id=x")), hostile(testkit.NewGet(testkit.Issuer + "/oauth/jwks"))} {
		if text := a.Body + fmt.Sprint(a.Header); strings.Contains(text, "evil.example") {
			t.Errorf("the response contains the Host header: %s", text)
		}
	}
}

// Each route of Routes works when an application mounts it.
func TestToken_Routes(t *testing.T) {
	s := testkit.NewServer(t)
	mux := http.NewServeMux()
	names := map[string]bool{}
	for r := range s.Routes() {
		mux.Handle(r.Method+" "+r.Path, r.Handler)
		names[r.Name] = true
	}
	for _, name := range []string{"passport.token", "passport.jwks", "passport.metadata", "passport.authorizations.authorize"} {
		if !names[name] {
			t.Errorf("there is no route %s", name)
		}
	}
	c := s.Machine()
	r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", testkit.Basic(c.ID, c.Secret))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("a mounted route = %d %s", w.Code, w.Body)
	}
	for r := range s.Routes() { // a caller may stop early
		_ = r
		break
	}
}

// The metadata advertises PKCE and the iss parameter (RFC 8414 §2, RFC 9207 §3).
func TestMetadata_PK_10_AZ_14_AZ_16_AZ_31_AuthorizationEndpoint(t *testing.T) {
	s := testkit.NewServer(t)
	meta := s.Do(httptest.NewRequest("GET", testkit.Issuer+"/.well-known/oauth-authorization-server", nil)).JSON()
	for name, want := range map[string]string{
		"code_challenge_methods_supported":               "[S256]",
		"response_types_supported":                       "[code]",
		"response_modes_supported":                       "[query]",
		"authorization_response_iss_parameter_supported": "true",
		"request_parameter_supported":                    "false",
		"request_uri_parameter_supported":                "false",
		"authorization_endpoint":                         testkit.Issuer + "/oauth/authorize",
		"issuer":                                         testkit.Issuer,
	} {
		if got := testkit.AsText(meta[name]); got != want {
			t.Errorf("metadata %s = %s, want %s", name, got, want)
		}
	}
}
