package passport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
)

func (s *server) metadata() map[string]any {
	s.t.Helper()
	u, err := url.Parse(s.config.Issuer)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do(newGet(u.Scheme + "://" + u.Host + "/.well-known/oauth-authorization-server" + u.Path)).json()
}

func listed(m map[string]any, name string) (list []string) {
	values, _ := m[name].([]any)
	for _, v := range values {
		list = append(list, fmt.Sprint(v))
	}
	return list
}

// Everything that the metadata advertises is tried, and works.
func TestToken_MD_01_MD_02_MD_03_MD_04_MD_07_PK_10_MetadataIsTrue(t *testing.T) {
	s := newServer(t)
	m := s.metadata()
	if m["issuer"] != issuer || m["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("metadata = %v, want the issuer byte by byte, and iss in answers", m)
	}
	if got := listed(m, "scopes_supported"); !slices.Equal(got, []string{"read", "write", "admin"}) {
		t.Errorf("scopes_supported = %v, want those of Config in their order", got)
	}
	if got := listed(m, "code_challenge_methods_supported"); !slices.Equal(got, []string{"S256"}) {
		t.Errorf("code_challenge_methods_supported = %v, want S256 alone", got)
	}
	if got := listed(m, "response_types_supported"); !slices.Equal(got, []string{"code"}) {
		t.Errorf("response_types_supported = %v, want code alone", got)
	}
	for name, value := range m {
		endpoint, isURL := value.(string)
		if isURL && name != "issuer" {
			s.wantEndpoint(name, endpoint)
		}
		if list, isList := value.([]any); isList && len(list) == 0 {
			t.Errorf("%s is an empty list (RFC 8414 §3.2)", name)
		}
	}
	for _, g := range listed(m, "grant_types_supported") {
		s.wantGrant(g)
	}
	for _, method := range listed(m, "token_endpoint_auth_methods_supported") {
		s.wantAuthMethod(method)
	}
	web := s.web()
	for _, prompt := range listed(m, "prompt_values_supported") {
		a := s.browser().signIn("alice").authorize(web, "prompt", prompt)
		if prompt == "none" {
			a.wantRedirectError("consent_required")
		} else if !a.isConsent() && !strings.Contains(a.target(), "/login") {
			t.Errorf("prompt %s is answered %s", prompt, a)
		}
	}
	s.wantBlameless()
}

// wantEndpoint fails unless something answers at the URL, though not what was
// asked for.
func (s *server) wantEndpoint(name, endpoint string) {
	s.t.Helper()
	if !strings.HasPrefix(endpoint, s.config.Issuer+"/") || strings.ContainsAny(endpoint, "#?") {
		s.t.Errorf("%s is %q, want a URL below the issuer without query and fragment (AZ-32)", name, endpoint)
	}
	if a := s.do(newGet(endpoint)); a.status == http.StatusNotFound {
		s.t.Errorf("%s is %q, where nothing is", name, endpoint)
	}
	if name == "jwks_uri" && len(jwksOf(s.t, s.do(newGet(endpoint)).body).Keys) == 0 {
		s.t.Errorf("%s has no keys", endpoint)
	}
}

// wantGrant fails unless a client gets tokens by the grant.
func (s *server) wantGrant(grantType string) {
	s.t.Helper()
	web := s.web()
	switch grantType {
	case "authorization_code":
		s.grantTokens(web)
	case "refresh_token":
		s.refresh(web, s.grantTokens(web).Refresh).tokens()
	case "client_credentials":
		s.machineToken(s.machine())
	case voucherType:
		s.exchange(s.kiosk(), "grant_type", voucherType, "voucher", "alice-"+web.ID).tokens()
	default:
		s.t.Errorf("the grant %s is advertised, and nobody tries it", grantType)
	}
}

func (s *server) wantAuthMethod(method string) {
	s.t.Helper()
	machine := s.machine()
	switch method {
	case "client_secret_basic":
		s.send("grant_type=client_credentials", "Authorization", basic(machine.ID, machine.secret)).tokens()
	case "client_secret_post":
		s.send("grant_type=client_credentials&client_id=" + machine.ID + "&client_secret=" + machine.secret).tokens()
	case "none":
		s.grantTokens(s.spa())
	default:
		s.t.Errorf("the authentication method %s is advertised, and nobody tries it", method)
	}
}

// What is off is neither advertised nor there.
func TestToken_MD_08_WhatIsOffIsNotThere(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.Users, c.Scopes = nil, nil })
	m := s.metadata()
	if got := listed(m, "grant_types_supported"); !slices.Equal(got, []string{"client_credentials"}) {
		t.Errorf("grant_types_supported without users = %v, want client_credentials alone", got)
	}
	if got := listed(m, "token_endpoint_auth_methods_supported"); slices.Contains(got, "none") {
		t.Errorf("token_endpoint_auth_methods_supported = %v, though no grant here is for public clients", got)
	}
	for _, name := range []string{"authorization_endpoint", "scopes_supported", "code_challenge_methods_supported", "response_modes_supported", "revocation_endpoint", "introspection_endpoint", "registration_endpoint", "device_authorization_endpoint"} {
		if _, there := m[name]; there {
			t.Errorf("%s is advertised", name)
		}
	}
	for _, path := range []string{"/oauth/authorize", "/oauth/revoke", "/oauth/introspect", "/oauth/device"} {
		if a := s.get(path); a.status != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, a.status)
		}
	}
	s.machineToken(s.machine())

	custom := newServer(t, withGrants(voucher{}))
	for _, g := range listed(custom.metadata(), "grant_types_supported") {
		custom.wantGrant(g)
	}
	if !slices.Contains(listed(custom.metadata(), "grant_types_supported"), voucherType) {
		t.Error("a grant of the application's own is not advertised")
	}
}

// AZ-32: an issuer with a path prefixes every route; the well-known path stands
// at the root (RFC 8414 §3.1).
func TestToken_AZ_32_IssuerWithAPath(t *testing.T) {
	for _, tt := range []struct{ issuer, path, token string }{
		{"https://example.com/tenants/acme", "", "/tenants/acme/oauth/token"},
		{"https://example.com/auth", "/o", "/auth/o/token"},
		{"https://example.com", "/connect/v2", "/connect/v2/token"},
		{"https://example.com/auth", "/", "/auth/token"},
		{"http://127.0.0.1:8000", "", "/oauth/token"},
	} {
		s := newServer(t, func(c *passport.Config) { c.Issuer, c.Path = tt.issuer, tt.path })
		m := s.metadata()
		u, err := url.Parse(fmt.Sprint(m["token_endpoint"]))
		if err != nil || u.Path != tt.token || m["issuer"] != tt.issuer {
			t.Errorf("issuer %s, Path %q: metadata = %v, want the token endpoint at %s", tt.issuer, tt.path, m, tt.token)
			continue
		}
		for name, value := range m {
			if endpoint, ok := value.(string); ok && name != "issuer" {
				s.wantEndpoint(name, endpoint)
			}
		}
		c := s.machine()
		r := httptest.NewRequest("POST", u.String(), strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", basic(c.ID, c.secret))
		token := s.do(r).tokens().Access
		if claims := claimsOf(t, token); claims["iss"] != tt.issuer || claims["aud"] != tt.issuer {
			t.Errorf("claims = %v, want the issuer %s", claims, tt.issuer)
		}
		s.wantAdmits(token, true, tt.issuer)
		for _, path := range []string{"/oauth/token", "/token", tt.token + "/"} {
			if elsewhere := u.Scheme + "://" + u.Host + path; path != tt.token && s.do(newGet(elsewhere)).status != http.StatusNotFound {
				t.Errorf("issuer %s, Path %q: something answers at %s", tt.issuer, tt.path, elsewhere)
			}
		}
	}
}

// The Host header and what proxies say of it count for nothing.
func TestNeverRepeat_E16_MD_02_HostileHost(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	hostile := func(r *http.Request) *answer {
		r.Host = "evil.example"
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "X-Host"} {
			r.Header.Set(name, "evil.example")
		}
		r.Header.Set("Forwarded", `host="evil.example";proto=http`)
		r.Header.Set("X-Forwarded-Proto", "http")
		return s.do(r)
	}
	r := httptest.NewRequest("POST", s.tokenURL(), strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", basic(c.ID, c.secret))
	token := hostile(r)
	if iss := claimsOf(t, token.tokens().Access)["iss"]; iss != issuer {
		t.Errorf("iss = %v, want the configured issuer", iss)
	}
	for _, a := range []*answer{token, hostile(newGet(issuer + "/.well-known/oauth-authorization-server")), hostile(newGet(issuer + "/oauth/authorize?client_id=x")), hostile(newGet(issuer + "/oauth/jwks"))} {
		if text := a.body + fmt.Sprint(a.header); strings.Contains(text, "evil.example") {
			t.Errorf("the Host header is in the answer: %s", text)
		}
	}
}

// Every route, mounted by hand, is the server's own.
func TestToken_Routes(t *testing.T) {
	s := newServer(t)
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
	c := s.machine()
	r := httptest.NewRequest("POST", issuer+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", basic(c.ID, c.secret))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("a route that was mounted by hand answers %d %s", w.Code, w.Body)
	}
	for r := range s.Routes() { // a caller may stop
		_ = r
		break
	}
}
