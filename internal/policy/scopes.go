package policy

import (
	"fmt"
	"slices"

	"github.com/go-passport/passport/internal/nearest"
	"github.com/go-passport/passport/internal/resource"
	"github.com/go-passport/passport/oauth"
)

// IDs returns the IDs of scopes, in their order.
func IDs(scopes []oauth.Scope) []string {
	ids := make([]string, len(scopes))
	for i, scope := range scopes {
		ids[i] = scope.ID
	}
	return ids
}

// CheckRegistered returns an error for a scope that is not registered. It wraps
// [oauth.InvalidScope], and its text for the log names the nearest registered scope.
func (p *Policy) CheckRegistered(id string) error {
	if p.registered[id] {
		return nil
	}
	return refusedScope(id, p.scopeIDs, "the scope %s does not exist")
}

// CheckPersonal returns an error, like CheckRegistered, for a scope that is not
// registered or that personal access tokens of a client can't have. told is the error
// text for the latter.
func (p *Policy) CheckPersonal(id string, c *oauth.Client, grantType, told string) error {
	may := p.PersonalScopes(c, grantType)
	if err := p.CheckRegistered(id); err != nil || slices.Contains(may, id) {
		return err
	}
	return refusedScope(id, may, told)
}

// PersonalScopes returns the IDs of the scopes that personal access tokens of the client
// may have. A script does not sign a user in, so these are without the scopes of OpenID
// Connect.
func (p *Policy) PersonalScopes(c *oauth.Client, grantType string) []string {
	return slices.DeleteFunc(p.PermittedScopes(p.scopeIDs, c, grantType), func(id string) bool { return p.byName[id] })
}

// NamedByUsers returns the registered scopes that a user may choose for a personal access
// token, in the order of the consent page.
func (p *Policy) NamedByUsers() []oauth.Scope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(scope oauth.Scope) bool { return p.byName[scope.ID] })
}

// ScopeIDs returns the IDs of the registered scopes.
func (p *Policy) ScopeIDs() []string { return p.scopeIDs }

// HasScope reports whether a client can have a scope: a registered scope, or
// [oauth.AllScopes], which is never registered.
func (p *Policy) HasScope(id string) bool { return id == oauth.AllScopes || p.registered[id] }

// ScopesFor returns the registered scopes among ids, without duplicates, in the
// order of the consent page.
func (p *Policy) ScopesFor(ids ...string) []oauth.Scope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(scope oauth.Scope) bool { return !slices.Contains(ids, scope.ID) })
}

// Optional returns the scopes of a request that the user may decline: the optional ones,
// except those that a required scope of the request includes.
func (p *Policy) Optional(requested []string) []string {
	optional := map[string]bool{}
	for _, scope := range p.Scopes {
		optional[scope.ID] = scope.Optional
	}
	required := slices.DeleteFunc(slices.Clone(requested), func(id string) bool { return optional[id] })
	return slices.DeleteFunc(slices.Clone(requested), func(id string) bool {
		return !optional[id] || oauth.Covers(required, id, p.InheritScopes)
	})
}

// RequestedScopes resolves the scope parameter of a request for a grant type. An
// error names the wrong scope. Without a scope parameter the result is the default
// scopes that the client may have. The result lacks the scopes that the policy ignores.
func (p *Policy) RequestedScopes(c *oauth.Client, param, grantType string) ([]string, error) {
	asked, err := ParseScopes(param)
	if err != nil {
		return nil, err
	}
	if asked == nil {
		return p.permittedByName(p.DefaultScopes, c), nil
	}
	asked = slices.DeleteFunc(asked, func(id string) bool { return p.ignores(c, id, grantType) })
	for _, id := range asked {
		switch {
		case !p.HasScope(id):
			return nil, refusedScope(id, p.scopeIDs, "the scope %s does not exist")
		case id == oauth.AllScopes && !p.traits(grantType).AllScopes:
			return nil, oauth.InvalidScope.Errorf("the scope * is not for this grant: name the scopes")
		case !p.mayAsk(c, id) && p.byName[id]:
			return nil, refusedScope(id, c.Scopes, "the scope %s is not for this client: add it with passport client update --scopes")
		case !p.mayAsk(c, id):
			return nil, refusedScope(id, c.Scopes, "the scope %s is not for this client")
		}
	}
	return asked, nil
}

// refusedScope returns the error for a scope. Its text for the log also has the
// nearest known scope, which the client may have meant.
func refusedScope(id string, known []string, told string) error {
	return fmt.Errorf("scope %q; %s: %w", nearest.Shown(id), nearest.Word(id, known), oauth.InvalidScope.Errorf(told, nearest.Shown(id)))
}

// mayAsk reports whether the client may request a scope: by its name, by a scope
// that includes it if scopes are inherited, or because the client may request all
// scopes.
func (p *Policy) mayAsk(c *oauth.Client, id string) bool {
	return c.MayAsk(id) || c.MayAsk(oauth.AllScopes) || oauth.Covers(c.Scopes, id, p.InheritScopes)
}

// PermittedScopes drops the scopes that a token of the client and the grant type
// cannot have: scopes that are no longer registered or that the client may no longer
// request, and [oauth.AllScopes] if the grant cannot have it. The server applies it
// to the result of every grant.
func (p *Policy) PermittedScopes(scopes []string, c *oauth.Client, grantType string) []string {
	all := p.traits(grantType).AllScopes
	return slices.DeleteFunc(slices.Clone(scopes), func(id string) bool {
		return !p.HasScope(id) || !p.mayAsk(c, id) || id == oauth.AllScopes && !all
	})
}

// permittedByName is PermittedScopes without [oauth.AllScopes].
func (p *Policy) permittedByName(scopes []string, c *oauth.Client) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(id string) bool { return !p.registered[id] || !p.mayAsk(c, id) })
}

// RefreshScopes returns the scopes that a refresh token of the grant type may
// request later: the granted scopes, without [oauth.AllScopes] if the grant cannot
// have it. Nil stays nil.
func (p *Policy) RefreshScopes(granted []string, grantType string) []string {
	if granted == nil || p.traits(grantType).AllScopes {
		return granted
	}
	return slices.DeleteFunc(slices.Clone(granted), func(id string) bool { return id == oauth.AllScopes })
}

// ConfiguredAudience returns an audience in the spelling of the settings, if tokens
// can have it. Tokens, rows and consents have only this spelling.
func (p *Policy) ConfiguredAudience(uri string) (string, bool) {
	return resource.Find(uri, p.audiences)
}

// RequestedResources resolves the resource parameters of a request (RFC 8707 §2). The
// result has the spelling of the settings.
func (p *Policy) RequestedResources(uris []string) ([]string, error) {
	var out []string
	for _, uri := range uris {
		if uri == "" {
			continue
		}
		configured, ok := p.ConfiguredAudience(uri)
		if !ok {
			return nil, fmt.Errorf("resource %q; %s: %w", nearest.Shown(uri), nearest.URI(uri, p.audiences), oauth.InvalidTarget.Errorf("a resource is not registered"))
		}
		if !slices.Contains(out, configured) {
			out = append(out, configured)
		}
	}
	return out, nil
}

// Audiences returns the audience of a token for resources: the resources, or the
// server's own audience if there are none. The result has the spelling of the
// settings for every resource that they name.
func (p *Policy) Audiences(resources []string) []string {
	if len(resources) == 0 {
		return []string{p.Audience}
	}
	out := slices.Clone(resources)
	for i, uri := range out {
		if configured, ok := p.ConfiguredAudience(uri); ok {
			out[i] = configured
		}
	}
	return out
}
