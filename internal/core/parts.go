package core

import (
	"cmp"
	"net/http"

	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/internal/authorize"
	"github.com/go-passport/passport/internal/endpoint"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/jsonapi"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/protected"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// token returns the part of the endpoints that every server has.
func (s Settings) token() Part {
	url := s.URL
	withSecret := []string{string(oauth.AuthBasic), string(oauth.AuthPost)}
	m := feature.Metadata{
		"issuer": s.Issuer, "token_endpoint": url("/token"), "jwks_uri": url("/jwks"),
		"revocation_endpoint": url("/revoke"), "introspection_endpoint": url("/introspect"),
		"token_endpoint_auth_methods_supported":         withSecret,
		"revocation_endpoint_auth_methods_supported":    withSecret,
		"introspection_endpoint_auth_methods_supported": withSecret,
		"response_types_supported":                      []string{}, // required (RFC 8414 §2), even if empty
	}
	if len(s.Scopes) > 0 {
		m["scopes_supported"] = policy.IDs(s.Scopes)
	}
	p := feature.Part{Name: "the token endpoint", Grants: []oauth.Grant{grant.ClientCredentials{}}, Metadata: m}
	return Part{p, tokenRoutes}
}

// resource returns the part of the metadata of the API whose tokens this server's guards
// accept (RFC 9728). Another origin serves it itself.
func (s Settings) resource() Part {
	p := Part{Part: feature.Part{Name: "Audience"}}
	if protected.At(s.Issuer, s.Audience) == "" {
		return p
	}
	path, _ := protected.Path(s.Audience)
	text := protected.New(s.Audience, s.Issuer, s.Brand.Name, policy.IDs(s.Scopes)).JSON()
	p.Routes = func(r *rooms.Rooms) []wire.Endpoint {
		document := wire.Document("application/json", func() []byte { return text }, r.Log)
		return []wire.Endpoint{wire.Single("passport.resource", path, document, http.MethodGet, http.MethodHead, http.MethodOptions)}
	}
	return p
}

func tokenRoutes(r *rooms.Rooms) []wire.Endpoint {
	callers := endpoint.Callers{Clients: r.Clients, Log: r.Log, Origins: r.Policy.AllowedOrigins}
	return []wire.Endpoint{
		wire.Single("passport.token", r.Base+"/token", endpoint.Token(endpoint.TokenConfig{
			Callers: callers, Parts: r.Parts, Policy: r.Policy, Tokens: r.Tokens, Users: r.Users, Reader: r.Reader, Uses: r.Uses,
		}), http.MethodPost, http.MethodOptions),
		wire.Single("passport.revoke", r.Base+"/revoke", endpoint.Revoke(callers, r.Tokens), http.MethodPost, http.MethodOptions),
		wire.Single("passport.introspect", r.Base+"/introspect", endpoint.Introspect(callers, r.Tokens, r.Issuer.String(), r.Uses), http.MethodPost),
		wire.Single("passport.jwks", r.Base+"/jwks", endpoint.JWKS(r.Keys, r.Log), http.MethodGet, http.MethodHead, http.MethodOptions),
		wire.Single("passport.metadata", issuer.WellKnown(r.Issuer, "oauth-authorization-server"), endpoint.Metadata(r.Parts.Metadata, r.IDTokens, r.Log), http.MethodGet, http.MethodHead, http.MethodOptions),
	}
}

// withoutUsers names the grants that need a user, for a server without users.
var withoutUsers = Part{Part: feature.Part{Name: "Users", Off: map[string]string{
	"authorization_code": needsUsers, "refresh_token": needsUsers, "password": needsUsers, "implicit": needsUsers, tokens.PersonalAccess: needsUsers,
}}}

const needsUsers = "it needs users: set Users"

// authorize returns the part of the authorization endpoint and its grants.
func (s Settings) authorize() Part {
	p := feature.Part{
		Name:   "the authorization endpoint",
		Grants: []oauth.Grant{grant.AuthorizationCode{}, grant.RefreshToken{Grace: max(0, s.RefreshTokenGrace)}},

		ResponseTypes: []string{"code"},
		Metadata: feature.Metadata{
			"authorization_endpoint":                         s.URL("/authorize"),
			"token_endpoint_auth_methods_supported":          feature.PublicClients, // not for client_credentials alone, which public clients may not use
			"revocation_endpoint_auth_methods_supported":     feature.PublicClients,
			"response_types_supported":                       []string{"code"},
			"response_modes_supported":                       []string{"query"},
			"code_challenge_methods_supported":               []string{"S256"},
			"prompt_values_supported":                        []string{"none", "login", "consent", "select_account"},
			"authorization_response_iss_parameter_supported": true,
			"request_parameter_supported":                    false,
			"request_uri_parameter_supported":                false,
		},
	}
	return Part{p, s.authorizeRoutes}
}

func (s Settings) authorizeRoutes(r *rooms.Rooms) []wire.Endpoint {
	path := r.Base + "/authorize"
	server := authorize.New(authorize.Config{
		Issuer: r.Issuer, Path: path, LogoPath: r.Base + endpoint.ClientLogoPath,
		Site: cmp.Or(s.Brand.Name, r.Issuer.Host), Home: cmp.Or(s.Brand.HomeURL, r.Issuer.String()+"/"),
		Keys: r.Keys, Policy: r.Policy, Responders: r.Parts.Responders, Clients: r.Clients, Tokens: r.Tokens, Users: r.Users,
		Forms: r.Forms, Pages: r.Pages, Log: r.Log, IDTokens: r.IDTokens, Pending: r.Pending, AppsPage: r.AppsPage,
		RequirePKCE: s.RequirePKCE, SkipConsent: s.SkipConsent, SkipNativeConsent: s.SkipNativeConsent,
		NumericClientIDs: s.NumericClientIDs, NumericUserIDs: s.NumericUserIDs,
	})
	r.Authorize, r.SignInRequest = server, server.SignInRequest
	endpoints := []wire.Endpoint{wire.Single("passport.authorizations.authorize", path, server, http.MethodGet, http.MethodPost, http.MethodDelete)}
	if r.IDTokens != nil {
		endpoints = append(endpoints, wire.Single("passport.authorizations.form_post", r.Base+authorize.FormPostScriptPath, authorize.FormPostScript(r.Log), http.MethodGet, http.MethodHead, http.MethodOptions))
	}
	return endpoints
}

// scripts returns the part for scripts of the application's own pages: the JSON
// API, the refresh of their cookie, and personal access tokens.
func (s Settings) scripts() Part {
	p := feature.Part{
		Name: "personal access tokens", Registrable: map[string]oauth.GrantTraits{tokens.PersonalAccess: {FirstParty: true}},
	}
	return Part{p, func(r *rooms.Rooms) []wire.Endpoint {
		api := &jsonapi.API{
			Parts: r.Parts, Policy: r.Policy, Clients: r.Clients, Tokens: r.Tokens, Personal: r.Personal, Users: r.Users, Cookies: r.Cookies,
			Forms: r.Forms, Log: r.Log, NumericClientIDs: s.NumericClientIDs, NumericUserIDs: s.NumericUserIDs, RecentAuthentication: s.RecentAuthentication,
		}
		routes := []wire.Endpoint{wire.Single("passport.token.refresh", r.Base+"/token/refresh", api.Refresh(), http.MethodPost)}
		if s.DisableJSONAPI {
			return routes
		}
		return append(routes, api.Endpoints(r.Base)...)
	}}
}

// password returns the part of the password grant.
func (s Settings) password() Part {
	g := grant.Password{DefaultProvider: oauth.DefaultProvider}
	if !s.PasswordGrant {
		return Part{Part: feature.Part{Name: "EnablePasswordGrant", Off: map[string]string{g.GrantType(): "set EnablePasswordGrant to let clients use it"}}}
	}
	return Part{Part: feature.Part{Name: "EnablePasswordGrant", Grants: []oauth.Grant{g}, Warnings: []string{
		"the password grant is enabled: clients see the passwords of users, and RFC 9700 forbids it; move clients to authorization codes with PKCE, then unset EnablePasswordGrant",
	}}}
}

// implicit returns the part of the implicit grant.
func (s Settings) implicit() Part {
	r := grant.Implicit{}
	if !s.ImplicitGrant {
		return Part{Part: feature.Part{Name: "EnableImplicitGrant", Off: map[string]string{r.GrantType(): "set EnableImplicitGrant to let clients use it"}}}
	}
	return Part{Part: feature.Part{Name: "EnableImplicitGrant", Responders: []oauth.Responder{r}, Metadata: feature.MetadataOf(r), Warnings: []string{
		"the implicit grant is enabled: access tokens in URLs leak (RFC 9700 §2.1.2); move clients to authorization codes with PKCE, then unset EnableImplicitGrant",
	}}}
}

// logos serves the logos, also those of clients.
func (s Settings) logos() Part {
	return Part{feature.Part{Name: "Brand"}, func(r *rooms.Rooms) []wire.Endpoint {
		return endpoint.Logos(endpoint.Callers{Clients: r.Clients, Log: r.Log}, s.Brand, r.Base)
	}}
}
