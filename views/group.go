package views

import "slices"

// ConsentGroup are the scopes of one group, in their order.
type ConsentGroup struct {
	Name   string // empty for scopes without a group
	Scopes []ConsentScope
}

// CanChange reports whether a scope of the group lets the client change data.
func (g ConsentGroup) CanChange() bool {
	return slices.ContainsFunc(g.Scopes, func(s ConsentScope) bool { return s.CanChange })
}

// Sensitive reports whether a scope of the group is sensitive.
func (g ConsentGroup) Sensitive() bool {
	return slices.ContainsFunc(g.Scopes, func(s ConsentScope) bool { return s.Sensitive })
}

// Granted reports whether the user has allowed a scope of the group before.
func (g ConsentGroup) Granted() bool {
	return slices.ContainsFunc(g.Scopes, func(s ConsentScope) bool { return s.Granted })
}

// NewGroups returns the required scopes that the user has not allowed before, by group. The
// groups are in the order of their first scopes; scopes without a group come first.
func (p ConsentPage) NewGroups() []ConsentGroup { return groups(p.New()) }

// OldGroups returns the required scopes that the user has allowed before, by group.
func (p ConsentPage) OldGroups() []ConsentGroup { return groups(p.Old()) }

// OptionalGroups returns the optional scopes by group.
func (p ConsentPage) OptionalGroups() []ConsentGroup { return groups(p.Optional()) }

// maxOpenGroups is how many groups a page shows with their scopes.
const maxOpenGroups = 3

// Folded reports whether there are so many new groups that the page shows only their
// names, and the scopes of a group when the user opens it.
func (p ConsentPage) Folded() bool { return len(p.NewGroups()) > maxOpenGroups }

// OptionalFolded is Folded for the optional groups. The page opens a group with a scope
// that is ticked.
func (p ConsentPage) OptionalFolded() bool { return len(p.OptionalGroups()) > maxOpenGroups }

func groups(scopes []ConsentScope) (all []ConsentGroup) {
	for _, scope := range scopes {
		i := slices.IndexFunc(all, func(g ConsentGroup) bool { return g.Name == scope.Group })
		if i < 0 {
			i = len(all)
			if scope.Group == "" {
				i = 0
			}
			all = slices.Insert(all, i, ConsentGroup{Name: scope.Group})
		}
		all[i].Scopes = append(all[i].Scopes, scope)
	}
	return all
}
