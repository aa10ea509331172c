package passport

import (
	"slices"

	"github.com/go-passport/passport/internal/policy"
)

// Scopes returns the registered scopes in the order of the consent page.
func (s *Server) Scopes() []Scope { return slices.Clone(s.policy.Scopes) }

// ScopeIDs returns the IDs of the registered scopes in the order of the consent
// page.
func (s *Server) ScopeIDs() []string { return policy.IDs(s.policy.Scopes) }

// HasScope reports whether a client can have a scope: a registered scope, or
// [oauth.AllScopes], which is never registered.
func (s *Server) HasScope(id string) bool { return s.policy.HasScope(id) }

// ScopesFor returns the registered scopes among ids, without duplicates, in the
// order of the consent page.
func (s *Server) ScopesFor(ids ...string) []Scope { return s.policy.ScopesFor(ids...) }
