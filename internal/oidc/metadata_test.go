package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// configuration returns the document for OpenID Connect.
func configuration(s *testkit.Server) map[string]any {
	s.T.Helper()
	return s.Get("/.well-known/openid-configuration").WantStatus(200).JSON()
}

// registered are the members of the IANA registry "OAuth Authorization Server Metadata"
// and of OpenID Connect that a document of this server may have. The suite warns of others.
var registered = strings.Fields(`
	issuer authorization_endpoint token_endpoint jwks_uri registration_endpoint scopes_supported response_types_supported
	response_modes_supported grant_types_supported token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported
	service_documentation ui_locales_supported op_policy_uri op_tos_uri revocation_endpoint revocation_endpoint_auth_methods_supported
	introspection_endpoint introspection_endpoint_auth_methods_supported code_challenge_methods_supported device_authorization_endpoint
	pushed_authorization_request_endpoint require_pushed_authorization_requests authorization_response_iss_parameter_supported
	userinfo_endpoint acr_values_supported subject_types_supported id_token_signing_alg_values_supported userinfo_signing_alg_values_supported
	display_values_supported claim_types_supported claims_supported claims_locales_supported claims_parameter_supported
	request_parameter_supported request_uri_parameter_supported require_request_uri_registration prompt_values_supported
	end_session_endpoint backchannel_logout_supported backchannel_logout_session_supported dpop_signing_alg_values_supported
	client_id_metadata_document_supported protected_resources`)

func TestDiscovery_OI_130_OI_160_OI_161_OI_162_OI_167_MD_05_XC01_XC02_XC03_XC04_XC05_XC06_XC09_XC14_XC17_XC18_Document(t *testing.T) {
	s := provider(t, func(c *passport.Config) { c.Features = append(c.Features, passport.Device{}) })
	a := s.Get("/.well-known/openid-configuration").WantStatus(200)
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the headers are %v, want JSON for any origin", a.Header)
	}
	m := a.JSON()
	if m["issuer"] != testkit.Issuer {
		t.Errorf("issuer = %v, want %s", m["issuer"], testkit.Issuer)
	}
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint"} {
		if text, _ := m[name].(string); !strings.HasPrefix(text, "https://") {
			t.Errorf("%s = %v, want an https URL", name, m[name])
		}
	}
	if endpoint, _ := m["device_authorization_endpoint"].(string); endpoint == "" {
		t.Error("device_authorization_endpoint is missing, although the feature is on")
	}
	for name, value := range m {
		if !slices.Contains(registered, name) {
			t.Errorf("the document has %s, which no registry knows", name)
		}
		if strings.HasSuffix(name, "_endpoint") {
			s.WantEndpoint(name, value.(string))
		}
		if strings.HasSuffix(name, "_supported") {
			list, isList := value.([]any)
			if _, isBool := value.(bool); !isBool && (!isList || len(list) == 0) {
				t.Errorf("%s = %#v, want a boolean or a list that isn't empty", name, value)
			}
		}
	}
	for name, want := range map[string]string{
		"response_types_supported": "code", "subject_types_supported": "public", "response_modes_supported": "query", "code_challenge_methods_supported": "S256",
		"grant_types_supported": "refresh_token", "token_endpoint_auth_methods_supported": "client_secret_basic", "claims_supported": "sub", "scopes_supported": "openid",
	} {
		if list := testkit.Listed(m, name); !slices.Contains(list, want) {
			t.Errorf("%s = %q, want %s in it", name, list, want)
		}
	}
	if got := testkit.Listed(m, "subject_types_supported"); len(got) != 1 {
		t.Errorf("subject_types_supported = %q, want only public", got)
	}
}

func TestDiscovery_MD_06_OI_110_OI_121_OI_164_BL_13_XC08_XC11_XC12_NotOffered(t *testing.T) {
	m := configuration(provider(t))
	for _, name := range []string{"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"} {
		if m[name] != false {
			t.Errorf("%s = %v, want false", name, m[name])
		}
	}
	for _, name := range []string{
		"request_object_signing_alg_values_supported", "userinfo_signing_alg_values_supported", "id_token_encryption_alg_values_supported", "acr_values_supported",
		"frontchannel_logout_supported", "frontchannel_logout_session_supported", "check_session_iframe", "registration_endpoint",
		"token_endpoint_auth_signing_alg_values_supported", // there is no private_key_jwt
	} {
		if _, there := m[name]; there {
			t.Errorf("the document has %s = %v, which the server doesn't support", name, m[name])
		}
	}
}

// RFC 6749 §3.3 has the syntax of scopes, and BCP 47 that of languages.
func TestDiscovery_OI_162_OI_163_XC13_XC15_XC16_ScopesAndClaims(t *testing.T) {
	s := provider(t)
	m := configuration(s)
	scope := regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)
	scopes := testkit.Listed(m, "scopes_supported")
	for _, id := range scopes {
		if !scope.MatchString(id) {
			t.Errorf("scopes_supported has %q, which is not a scope", id)
		}
	}
	for _, id := range []string{"openid", "profile", "email", "address", "phone", "offline_access", "groups", "read"} {
		if !slices.Contains(scopes, id) {
			t.Errorf("scopes_supported = %q, want %s in it", scopes, id)
		}
	}
	locale := regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`)
	for _, tag := range testkit.Listed(m, "ui_locales_supported") {
		if !locale.MatchString(tag) {
			t.Errorf("ui_locales_supported has %q, want the canonical spelling of BCP 47", tag)
		}
	}
	supported := testkit.Listed(m, "claims_supported")
	all := userInfo(s, s.GrantTokens(s.Web(), "scope", strings.Join([]string{"openid", "profile", "email", "address", "phone", "groups"}, " ")).Access).JSON()
	protocol := []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"}
	for name := range all {
		if !slices.Contains(supported, name) {
			t.Errorf("UserInfo gives %s, which claims_supported lacks", name)
		}
	}
	for _, name := range supported {
		if _, given := all[name]; !given && !slices.Contains(protocol, name) {
			t.Errorf("claims_supported has %s, which nothing gives", name)
		}
	}
	// A function that returns a part of them says which.
	some := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{UserClaims: ada, StandardClaims: []string{"name", "email", "email_verified"}, ExtraClaims: []openid.ExtraClaim{{Name: "groups", Scope: "profile"}}}))
	if got := strings.Join(testkit.Listed(configuration(some), "claims_supported")[len(protocol):], " "); got != "name email email_verified groups" {
		t.Errorf("claims_supported of a server with StandardClaims has %q", got)
	}
	if got := names(userInfo(some, some.GrantTokens(some.Web(), "scope", "openid profile email phone").Access).JSON()); got != "email email_verified groups name sub" {
		t.Errorf("a server with StandardClaims gives %q, want only these", got)
	}
	// Without a function for claims there are none.
	none := testkit.Listed(configuration(testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))), "claims_supported")
	for _, name := range none {
		if !slices.Contains(protocol, name) {
			t.Errorf("claims_supported of a server without UserClaims has %s", name)
		}
	}
}

// RS256 is there whatever signs access tokens.
func TestDiscovery_OI_150_XC07_XC10_Algorithms(t *testing.T) {
	s := provider(t)
	m := configuration(s)
	if got := testkit.Listed(m, "id_token_signing_alg_values_supported"); !slices.Contains(got, "RS256") || !slices.Contains(got, "ES256") || len(got) != 2 {
		t.Errorf("id_token_signing_alg_values_supported = %q, want those of the keys: RS256 and ES256", got)
	}
	seen := map[string]bool{}
	jwks, _ := m["jwks_uri"].(string)
	for _, key := range testkit.JwksOf(t, s.Do(testkit.NewGet(jwks)).Body).Keys {
		if key.KeyID == "" || seen[key.KeyID] || !key.IsPublic() || !key.Valid() {
			t.Errorf("the key %+v: want a public key with its own kid", key)
		}
		seen[key.KeyID] = true
	}
}

func TestDiscovery_OI_165_BothDocumentsAgree(t *testing.T) {
	s := provider(t, func(c *passport.Config) { c.Features = append(c.Features, passport.Device{}) })
	if openID, plain := configuration(s), s.Metadata(); !reflect.DeepEqual(openID, plain) {
		t.Errorf("openid-configuration = %v\noauth-authorization-server = %v\nwant the same", openID, plain)
	}
}

// An issuer with a path has the document below its path, and also at the place of RFC 8414
// §5, behind a router that strips the prefix, too.
func TestDiscovery_OI_160_XC02_IssuerWithAPath(t *testing.T) {
	const issuer = "https://shop.example/tenant"
	s := provider(t, func(c *passport.Config) { c.Issuer = issuer })
	outside := http.NewServeMux()
	outside.Handle("/tenant/", http.StripPrefix("/tenant", s))
	outside.Handle("/.well-known/openid-configuration/tenant", s)
	mounted := http.NewServeMux()
	s.Mount(mounted)
	for name, handler := range map[string]http.Handler{"the server": s, "StripPrefix": outside, "Mount": mounted} {
		for _, path := range []string{"/tenant/.well-known/openid-configuration", "/.well-known/openid-configuration/tenant"} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("GET", "https://shop.example"+path, nil))
			a := &testkit.Response{T: t, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
			if m := a.WantStatus(200).JSON(); m["issuer"] != issuer || m["userinfo_endpoint"] != issuer+"/oauth/userinfo" {
				t.Errorf("%s, %s: issuer %v, userinfo_endpoint %v, want them at %s", name, path, m["issuer"], m["userinfo_endpoint"], issuer)
			}
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/tenant/.well-known/oauth-authorization-server", "/other/.well-known/openid-configuration"} {
		if a := s.Do(testkit.NewGet("https://shop.example" + path)); a.Status != 404 {
			t.Errorf("GET %s = %d, want 404: it is not this issuer's", path, a.Status)
		}
	}
	s.Do(testkit.NewGet(issuer + "/oauth/userinfo")).WantStatus(401)
}

// Every URL is the issuer's, whatever a proxy or an attacker sends.
func TestDiscovery_OI_160_BehindAProxy(t *testing.T) {
	s := provider(t)
	want := s.Get("/.well-known/openid-configuration").Body
	r := httptest.NewRequest("GET", "http://10.0.0.7:8080/.well-known/openid-configuration", nil)
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Forwarded-Proto", "http")
	if got := s.Do(r); got.Body != want {
		t.Errorf("the document for another host is %s", got.Body)
	}
}

// A server without OpenID Connect is plain OAuth.
func TestDiscovery_OI_166_FR_32_Off(t *testing.T) {
	s := testkit.NewServer(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/oauth/userinfo", "/oauth/logout"} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			if a := s.Do(httptest.NewRequest(method, testkit.Issuer+path, nil)); a.Status != 404 {
				t.Errorf("%s %s = %d, want 404", method, path, a.Status)
			}
		}
	}
	for name := range s.Metadata() {
		for _, part := range []string{"id_token", "subject", "userinfo", "claims", "end_session", "backchannel"} {
			if strings.Contains(name, part) {
				t.Errorf("the metadata has %s", name)
			}
		}
	}
	if got := s.GrantTokens(s.Web(), "scope", "openid read"); got.Scope != "read" {
		t.Errorf("openid gives the scope %q, want it ignored", got.Scope)
	}
}

// The certification profile of back-channel logout needs both members (OpenID Connect
// Back-Channel Logout §2.1).
func TestDiscovery_BL_01_XK01_BackchannelLogout(t *testing.T) {
	s := provider(t)
	m := configuration(s)
	if m["backchannel_logout_supported"] != true || m["backchannel_logout_session_supported"] != true {
		t.Errorf("backchannel_logout_supported = %v, backchannel_logout_session_supported = %v, want true", m["backchannel_logout_supported"], m["backchannel_logout_session_supported"])
	}
	endpoint, _ := m["end_session_endpoint"].(string)
	s.WantEndpoint("end_session_endpoint", endpoint)
	staying := provider(t, func(c *passport.Config) { c.Users = struct{ oauth.UserProvider }{c.Users} }) // not a SignOuter
	if _, there := configuration(staying)["end_session_endpoint"]; there {
		t.Error("end_session_endpoint is there, although the users can't sign out here")
	}
}
