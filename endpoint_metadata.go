package passport

import (
	"encoding/json"
	"net/http"
	"strings"
)

// metadata serves the description of the server (RFC 8414). It says what exists
// and nothing else.
func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	base := strings.TrimSuffix(s.config.Path, "/")
	methods := []string{"client_secret_basic", "client_secret_post"}
	if s.hasUsers() || len(s.config.Grants) > 0 { // client_credentials is not for public clients
		methods = append(methods, "none")
	}
	m := map[string]any{
		"issuer":                                s.config.Issuer,
		"token_endpoint":                        s.url(base + "/token"),
		"jwks_uri":                              s.url(base + "/jwks"),
		"grant_types_supported":                 s.grantTypes(),
		"token_endpoint_auth_methods_supported": methods,
		"response_types_supported":              []string{},
	}
	if len(s.config.Scopes) > 0 {
		m["scopes_supported"] = s.ScopeIDs()
	}
	if s.hasUsers() {
		m["authorization_endpoint"] = s.url(base + "/authorize")
		m["response_types_supported"] = s.responseTypes() // required, though empty arrays are left out elsewhere
		modes := []string{"query"}
		if len(s.responders) > 0 {
			modes = append(modes, "fragment")
		}
		m["response_modes_supported"] = modes
		m["code_challenge_methods_supported"] = []string{"S256"}
		m["prompt_values_supported"] = []string{"none", "login", "consent"}
		m["authorization_response_iss_parameter_supported"] = true
		m["request_parameter_supported"] = false
		m["request_uri_parameter_supported"] = false
	}
	public(w, "application/json")
	_ = json.NewEncoder(w).Encode(m)
}

// jwks serves the public keys (RFC 7517 §5).
func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	public(w, "application/jwk-set+json")
	_, _ = w.Write(s.keys.JWKS())
}

// public marks an answer that anybody may read and keep for five minutes.
func public(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
}
