package passport

import (
	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/oauth"
)

// parts returns what each endpoint and feature adds to the server. This is the one
// place that looks at which of them are on.
func (c Config) parts() []feature.Part {
	parts := []feature.Part{c.tokenPart()}
	if c.Users == nil && len(c.Providers) == 0 {
		parts = append(parts, withoutUsers)
	} else {
		parts = append(parts, c.authorizePart(), personalPart, c.passwordPart(), c.implicitPart())
		for i, r := range c.Responders {
			parts = append(parts, responderPart(i, r))
		}
	}
	for i, g := range c.Grants {
		parts = append(parts, grantPart(i, g))
	}
	return parts
}

func (c Config) server() feature.Server { return feature.Server{Issuer: c.Issuer, Path: c.Path} }

func (c Config) tokenPart() feature.Part {
	url := c.server().URL
	m := feature.Metadata{
		"issuer": c.Issuer, "token_endpoint": url("/token"), "jwks_uri": url("/jwks"),
		"token_endpoint_auth_methods_supported": []string{string(oauth.AuthBasic), string(oauth.AuthPost)},
		"response_types_supported":              []string{}, // required (RFC 8414 §2), also when it is empty
	}
	if len(c.Scopes) > 0 {
		m["scopes_supported"] = scopeIDs(c.Scopes)
	}
	return feature.Part{Name: "the token endpoint", Grants: []oauth.Grant{grant.ClientCredentials{}}, Metadata: m}
}

// withoutUsers names the grants that involve a user, where there are no users.
var withoutUsers = feature.Part{Name: "Users", Off: map[string]string{
	"authorization_code": needsUsers, "refresh_token": needsUsers, "password": needsUsers, "implicit": needsUsers, personalAccess: needsUsers,
}}

const needsUsers = "it involves a user: set Users"

func (c Config) authorizePart() feature.Part {
	return feature.Part{
		Name:   "the authorization endpoint",
		Grants: []oauth.Grant{grant.AuthorizationCode{}, grant.RefreshToken{Grace: max(0, c.RefreshTokenGrace)}},

		ResponseTypes: []string{"code"},
		Metadata: feature.Metadata{
			"authorization_endpoint":                         c.server().URL("/authorize"),
			"token_endpoint_auth_methods_supported":          []string{string(oauth.AuthNone)}, // client_credentials alone is not for public clients
			"response_types_supported":                       []string{"code"},
			"response_modes_supported":                       []string{"query"},
			"code_challenge_methods_supported":               []string{"S256"},
			"prompt_values_supported":                        []string{"none", "login", "consent"},
			"authorization_response_iss_parameter_supported": true,
			"request_parameter_supported":                    false,
			"request_uri_parameter_supported":                false,
		},
	}
}

var personalPart = feature.Part{
	Name: "personal access tokens", Registrable: map[string]oauth.GrantTraits{personalAccess: {FirstParty: true}},
}

func (c Config) passwordPart() feature.Part {
	g := grant.Password{DefaultProvider: DefaultProvider}
	if !c.EnablePasswordGrant {
		return feature.Part{Name: "EnablePasswordGrant", Off: map[string]string{g.GrantType(): "set EnablePasswordGrant to let clients use it"}}
	}
	return feature.Part{Name: "EnablePasswordGrant", Grants: []oauth.Grant{g}, Warnings: []string{
		"the password grant is enabled: clients see the passwords of users, and RFC 9700 forbids it; move them to authorization_code and turn EnablePasswordGrant off",
	}}
}

func (c Config) implicitPart() feature.Part {
	r := grant.Implicit{}
	if !c.EnableImplicitGrant {
		return feature.Part{Name: "EnableImplicitGrant", Off: map[string]string{r.GrantType(): "set EnableImplicitGrant to let clients use it"}}
	}
	return feature.Part{Name: "EnableImplicitGrant", Responders: []oauth.Responder{r}, Metadata: responderMetadata(r), Warnings: []string{
		"the implicit grant is enabled: access tokens in URLs leak (RFC 9700 §2.1.2); have clients use authorization codes with PKCE, then unset EnableImplicitGrant",
	}}
}

// responderPart is one of Config.Responders.
func responderPart(i int, r oauth.Responder) feature.Part {
	p := feature.Part{Name: "Config.Responders"}
	switch {
	case r == nil || isNilPointer(r):
		p.Faults = faultOf("Responders[%d] is nil: leave it out", i)
	case r.ResponseType() == "":
		p.Faults = faultOf("Responders: %T has no ResponseType", r)
	case r.GrantType() == "":
		p.Faults = faultOf("Responders: %T has no GrantType, by which clients are allowed it", r)
	default:
		p.Responders, p.Metadata = []oauth.Responder{r}, responderMetadata(r)
	}
	return p
}

func responderMetadata(r oauth.Responder) feature.Metadata {
	return feature.Metadata{"response_types_supported": []string{r.ResponseType()}, "response_modes_supported": []string{"fragment"}}
}

// grantPart is one of Config.Grants. Public clients may use it.
func grantPart(i int, g oauth.Grant) feature.Part {
	p := feature.Part{Name: "Config.Grants"}
	switch {
	case g == nil || isNilPointer(g):
		p.Faults = faultOf("Grants[%d] is nil: leave it out", i)
	case g.GrantType() == "":
		p.Faults = faultOf("Grants: %T has no GrantType", g)
	default:
		p.Grants = []oauth.Grant{g}
		p.Metadata = feature.Metadata{"token_endpoint_auth_methods_supported": []string{string(oauth.AuthNone)}}
	}
	return p
}

func scopeIDs(scopes []Scope) []string {
	ids := make([]string, len(scopes))
	for i, scope := range scopes {
		ids[i] = scope.ID
	}
	return ids
}
