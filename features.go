package passport

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/internal/authorize"
	"github.com/go-passport/passport/internal/endpoint"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/jsonapi"
	"github.com/go-passport/passport/internal/nilpointer"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Feature is an optional part of the server, for Config.Features. Its settings are
// its fields. Only packages of this module can implement it.
type Feature interface {
	// Part returns the feature's additions to grants and metadata, and the faults
	// of its settings. It must not build anything.
	Part(feature.Server) feature.Part

	// Routes returns the endpoints of the feature.
	Routes(*rooms.Rooms) []wire.Endpoint
}

// part is a feature, or an endpoint that every server has.
type part struct {
	feature.Part
	routes func(*rooms.Rooms) []wire.Endpoint // nil for none
}

// parts returns the additions of each endpoint and feature to the server. No other
// function checks which of them are enabled.
func (c Config) parts() []part {
	parts := []part{c.tokenPart()}
	if c.Users == nil && len(c.Providers) == 0 {
		parts = append(parts, withoutUsers)
	} else {
		parts = append(parts, c.authorizePart(), c.brandPart(), c.scriptsPart(), c.passwordPart(), c.implicitPart())
		for i, r := range c.Responders {
			parts = append(parts, part{Part: feature.OfResponder(i, r)})
		}
	}
	for i, g := range c.Grants {
		parts = append(parts, part{Part: feature.OfGrant(i, g)})
	}
	for i, f := range c.Features {
		parts = append(parts, c.featurePart(i, f))
	}
	return parts
}

// joined returns the parts as one, and all faults of them.
func joined(parts []part) (*feature.Joined, []error) {
	all := make([]feature.Part, len(parts))
	for i, p := range parts {
		all[i] = p.Part
	}
	return feature.Join(all...)
}

// featurePart returns the part of one of Config.Features. It refuses a foreign
// struct that embeds a nil Feature, because its methods panic.
func (c Config) featurePart(i int, f Feature) part {
	p := part{Part: feature.Part{Name: fmt.Sprintf("%T", f)}}
	if !isFeature(f) {
		p.Faults = feature.Fault("Features[%d] is %T, which is not a feature of this module: remove it", i, f)
		return p
	}
	p.Part, p.routes = f.Part(c.server()), f.Routes
	return p
}

// isFeature reports whether f is a feature of this module.
func isFeature(f Feature) bool {
	if f == nil || nilpointer.Is(f) {
		return false
	}
	t := reflect.TypeOf(f)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	module := reflect.TypeFor[Server]().PkgPath()
	return t.PkgPath() == module || strings.HasPrefix(t.PkgPath(), module+"/")
}

func (c Config) server() feature.Server { return feature.Server{Issuer: c.Issuer, Path: c.Path} }

func (c Config) tokenPart() part {
	url := c.server().URL
	withSecret := []string{string(oauth.AuthBasic), string(oauth.AuthPost)}
	m := feature.Metadata{
		"issuer": c.Issuer, "token_endpoint": url("/token"), "jwks_uri": url("/jwks"),
		"revocation_endpoint": url("/revoke"), "introspection_endpoint": url("/introspect"),
		"token_endpoint_auth_methods_supported":         withSecret,
		"revocation_endpoint_auth_methods_supported":    withSecret,
		"introspection_endpoint_auth_methods_supported": withSecret,
		"response_types_supported":                      []string{}, // required (RFC 8414 §2), even if empty
	}
	if len(c.Scopes) > 0 {
		m["scopes_supported"] = scopeIDs(c.Scopes)
	}
	p := feature.Part{Name: "the token endpoint", Grants: []oauth.Grant{grant.ClientCredentials{}}, Metadata: m}
	return part{p, tokenRoutes}
}

func tokenRoutes(r *rooms.Rooms) []wire.Endpoint {
	callers := endpoint.Callers{Clients: r.Clients, Log: r.Log, Origins: r.Policy.AllowedOrigins}
	return []wire.Endpoint{
		wire.Single("passport.token", r.Base+"/token", endpoint.Token(endpoint.TokenConfig{
			Callers: callers, Parts: r.Parts, Policy: r.Policy, Tokens: r.Tokens, Users: r.Users, Reader: r.Reader,
		}), http.MethodPost, http.MethodOptions),
		wire.Single("passport.revoke", r.Base+"/revoke", endpoint.Revoke(callers, r.Tokens), http.MethodPost, http.MethodOptions),
		wire.Single("passport.introspect", r.Base+"/introspect", endpoint.Introspect(callers, r.Tokens, r.Issuer.String()), http.MethodPost),
		wire.Single("passport.jwks", r.Base+"/jwks", endpoint.JWKS(r.Keys, r.Log), http.MethodGet, http.MethodHead, http.MethodOptions),
		wire.Single("passport.metadata", issuer.WellKnown(r.Issuer, "oauth-authorization-server"), endpoint.Metadata(r.Parts.Metadata, r.Log), http.MethodGet, http.MethodHead, http.MethodOptions),
	}
}

// withoutUsers names the grants that need a user, for a server without users.
var withoutUsers = part{Part: feature.Part{Name: "Users", Off: map[string]string{
	"authorization_code": needsUsers, "refresh_token": needsUsers, "password": needsUsers, "implicit": needsUsers, tokens.PersonalAccess: needsUsers,
}}}

const needsUsers = "it needs users: set Users"

func (c Config) authorizePart() part {
	p := feature.Part{
		Name:   "the authorization endpoint",
		Grants: []oauth.Grant{grant.AuthorizationCode{}, grant.RefreshToken{Grace: max(0, c.RefreshTokenGrace)}},

		ResponseTypes: []string{"code"},
		Metadata: feature.Metadata{
			"authorization_endpoint":                         c.server().URL("/authorize"),
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
	return part{p, c.authorizeRoutes}
}

func (c Config) authorizeRoutes(r *rooms.Rooms) []wire.Endpoint {
	path := r.Base + "/authorize"
	pending, _ := oauth.StoreAs[oauth.PendingRequestStore](c.Store)
	endpoint := authorize.New(authorize.Config{
		Issuer: r.Issuer, Path: path, LogoPath: r.Base + endpoint.ClientLogoPath, Site: c.site(r.Issuer.Host), Home: c.home(r.Issuer), Keys: r.Keys, Policy: r.Policy, Responders: r.Parts.Responders, Clients: r.Clients, Tokens: r.Tokens,
		Users: r.Users, Forms: r.Forms, Pages: r.Pages, Log: r.Log, Pending: pending, AppsPage: r.AppsPage,
		RequirePKCE: c.RequirePKCE, SkipConsent: c.SkipConsent, SkipNativeConsent: c.InsecureSkipNativeConsent,
		NumericClientIDs: c.ClientIDs == Integers, NumericUserIDs: c.NumericUserIDs,
	})
	r.SignInRequest = endpoint.SignInRequest
	return []wire.Endpoint{wire.Single("passport.authorizations.authorize", path, endpoint, http.MethodGet, http.MethodPost, http.MethodDelete)}
}

// scriptsPart returns the part for scripts of the application's own pages: the JSON
// API, the refresh of their cookie, and personal access tokens.
func (c Config) scriptsPart() part {
	p := feature.Part{
		Name: "personal access tokens", Registrable: map[string]oauth.GrantTraits{tokens.PersonalAccess: {FirstParty: true}},
	}
	return part{p, func(r *rooms.Rooms) []wire.Endpoint {
		api := &jsonapi.API{
			Parts: r.Parts, Policy: r.Policy, Clients: r.Clients, Tokens: r.Tokens, Personal: r.Personal, Users: r.Users, Cookies: r.Cookies,
			Forms: r.Forms, Log: r.Log, NumericClientIDs: c.ClientIDs == Integers, NumericUserIDs: c.NumericUserIDs,
		}
		routes := []wire.Endpoint{wire.Single("passport.token.refresh", r.Base+"/token/refresh", api.Refresh(), http.MethodPost)}
		if c.DisableJSONAPI {
			return routes
		}
		return append(routes, api.Endpoints(r.Base)...)
	}}
}

func (c Config) passwordPart() part {
	g := grant.Password{DefaultProvider: DefaultProvider}
	if !c.EnablePasswordGrant {
		return part{Part: feature.Part{Name: "EnablePasswordGrant", Off: map[string]string{g.GrantType(): "set EnablePasswordGrant to let clients use it"}}}
	}
	return part{Part: feature.Part{Name: "EnablePasswordGrant", Grants: []oauth.Grant{g}, Warnings: []string{
		"the password grant is enabled: clients see the passwords of users, and RFC 9700 forbids it; move clients to authorization codes with PKCE, then unset EnablePasswordGrant",
	}}}
}

func (c Config) implicitPart() part {
	r := grant.Implicit{}
	if !c.EnableImplicitGrant {
		return part{Part: feature.Part{Name: "EnableImplicitGrant", Off: map[string]string{r.GrantType(): "set EnableImplicitGrant to let clients use it"}}}
	}
	return part{Part: feature.Part{Name: "EnableImplicitGrant", Responders: []oauth.Responder{r}, Metadata: feature.MetadataOf(r), Warnings: []string{
		"the implicit grant is enabled: access tokens in URLs leak (RFC 9700 §2.1.2); move clients to authorization codes with PKCE, then unset EnableImplicitGrant",
	}}}
}

func scopeIDs(scopes []Scope) []string {
	ids := make([]string, len(scopes))
	for i, scope := range scopes {
		ids[i] = scope.ID
	}
	return ids
}
