package passport

import (
	"slices"

	"github.com/go-passport/passport/internal/scope"
	"github.com/go-passport/passport/oauth"
)

// Scopes returns the registered scopes in the order in which they are shown.
func (s *Server) Scopes() []Scope { return slices.Clone(s.config.Scopes) }

// ScopeIDs returns the IDs of the registered scopes in the order in which they are
// shown.
func (s *Server) ScopeIDs() []string { return scopeIDs(s.config.Scopes) }

// HasScope reports whether a client can have a scope: one that is registered, or
// [oauth.AllScopes], which need not be.
func (s *Server) HasScope(id string) bool { return id == oauth.AllScopes || s.registered(id) }

func (s *Server) registered(id string) bool {
	_, ok := s.scopeID[id]
	return ok
}

// ScopesFor returns the registered scopes among ids, each once and in the order in
// which they are shown, whatever the order of ids.
func (s *Server) ScopesFor(ids ...string) []Scope {
	return slices.DeleteFunc(s.Scopes(), func(scope Scope) bool { return !slices.Contains(ids, scope.ID) })
}

// requestedScopes resolves the scope parameter of a request to scopes that the
// client may ask for: an error names what is wrong, nothing is dropped in silence.
// Without a scope it is the defaults that the client may have.
func (s *Server) requestedScopes(c *oauth.Client, param string) ([]string, error) {
	return s.resolve(c, param, "")
}

// resolve is requestedScopes for a grant_type of the token endpoint.
func (s *Server) resolve(c *oauth.Client, param, grantType string) ([]string, error) {
	asked, err := scope.Parse(param)
	if err != nil {
		return nil, err
	}
	if asked == nil {
		return s.permitted(s.config.DefaultScopes, c), nil
	}
	for _, id := range asked {
		switch {
		case !s.HasScope(id):
			return nil, oauth.InvalidScope.Errorf("the scope %s does not exist", id)
		case id == oauth.AllScopes && !s.parts.Traits(grantType).AllScopes:
			return nil, oauth.InvalidScope.Errorf("the scope * is not for this grant: name the scopes")
		case !s.mayAsk(c, id):
			return nil, oauth.InvalidScope.Errorf("the scope %s is not for this client", id)
		}
	}
	return asked, nil
}

// mayAsk reports whether the client may ask for a scope: by its name, by one above
// it where they are inherited, or because it may ask for all.
func (s *Server) mayAsk(c *oauth.Client, id string) bool {
	return c.MayAsk(id) || c.MayAsk(oauth.AllScopes) || oauth.Covers(c.Scopes, id, s.config.InheritScopes)
}

// permitted drops the scopes that the client may not ask for or that are not
// registered, as they were taken away since they were granted, and
// [oauth.AllScopes]. It is applied to whatever any grant allows.
func (s *Server) permitted(scopes []string, c *oauth.Client) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(id string) bool { return !s.registered(id) || !s.mayAsk(c, id) })
}

// permittedTo is permitted for a grant_type of the token endpoint.
func (s *Server) permittedTo(grantType string, scopes []string, c *oauth.Client) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(id string) bool {
		return !s.HasScope(id) || !s.mayAsk(c, id) || id == oauth.AllScopes && !s.parts.Traits(grantType).AllScopes
	})
}

// requestedResources resolves the resource parameters (RFC 8707 §2).
func (s *Server) requestedResources(uris []string) ([]string, error) {
	var out []string
	for _, uri := range uris {
		if uri == "" {
			continue
		}
		if uri != s.config.Audience && !slices.Contains(s.config.Resources, uri) {
			return nil, oauth.InvalidTarget.Errorf("a resource is not known here")
		}
		if !slices.Contains(out, uri) {
			out = append(out, uri)
		}
	}
	return out, nil
}
