package passport

import (
	"slices"

	"github.com/go-passport/passport/internal/scope"
	"github.com/go-passport/passport/oauth"
)

// Scopes returns the registered scopes in the order in which they are shown.
func (s *Server) Scopes() []Scope { return slices.Clone(s.config.Scopes) }

// HasScope reports whether a scope is registered.
func (s *Server) HasScope(id string) bool {
	_, ok := s.scopeID[id]
	return ok
}

// ScopesFor returns the registered scopes among ids, in the order in which they
// are shown.
func (s *Server) ScopesFor(ids ...string) []Scope {
	return slices.DeleteFunc(s.Scopes(), func(scope Scope) bool { return !slices.Contains(ids, scope.ID) })
}

// requestedScopes resolves a scope parameter to scopes that the client may ask
// for: an error names what is wrong, nothing is dropped in silence. Without a
// parameter it is the defaults that the client may have.
func (s *Server) requestedScopes(c *oauth.Client, param string) ([]string, error) {
	if param == "" {
		return s.permitted(s.config.DefaultScopes, c), nil
	}
	asked, err := scope.Parse(param)
	if err != nil {
		return nil, err
	}
	for _, id := range asked {
		if !s.HasScope(id) {
			return nil, oauth.InvalidScope.Errorf("the scope %s does not exist", id)
		}
		if !c.MayAsk(id) {
			return nil, oauth.InvalidScope.Errorf("the scope %s is not for this client", id)
		}
	}
	return asked, nil
}

// permitted drops the scopes that the client may not ask for or that are not
// registered, as they were taken away since they were granted. It is applied to
// whatever any grant allows.
func (s *Server) permitted(scopes []string, c *oauth.Client) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(id string) bool { return !c.MayAsk(id) || !s.HasScope(id) })
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
