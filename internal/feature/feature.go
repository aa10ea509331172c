// Package feature joins the parts of a server: the grants, responders and metadata
// of each endpoint and feature. It has no side effects: all parts are known before
// the server is built.
package feature

import (
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// Server has the facts about the server that a part may use.
type Server struct {
	Issuer string // without a slash at the end
	Path   string // of the endpoints below the issuer, such as "/oauth"

	HasUsers bool // there is a user provider

	HasKey func(crypto.PublicKey) bool // reports whether a key is one of the server's keys

	// SignsOut means that a user provider can end browser sessions. WithoutSignOut has
	// the names of the providers that can't.
	SignsOut       bool
	WithoutSignOut []string
}

// URL returns the absolute URL of an endpoint, such as "/token".
func (s Server) URL(endpoint string) string {
	return strings.TrimSuffix(s.Issuer, "/") + strings.TrimSuffix(s.Path, "/") + endpoint
}

// Part is what one endpoint or feature adds to the server.
type Part struct {
	Name       string            // names the part in errors
	Grants     []oauth.Grant     // at the token endpoint
	Responders []oauth.Responder // at the authorization endpoint
	Metadata   Metadata          // members of the metadata document; lists of one name are joined

	// ResponseTypes are the response types that the part's endpoint handles without
	// a responder.
	ResponseTypes []string

	// Scopes are registered with the part. The text of a scope that Config.Scopes has, too,
	// is that of Config.Scopes.
	Scopes []oauth.Scope

	// OpenID makes the server an OpenID provider; nil for other parts.
	OpenID *OpenID

	// Foreign accepts what another server has issued; nil for other parts.
	Foreign Foreign

	// Registrable are grant types that a client may be registered for, but that a
	// request cannot name.
	Registrable map[string]oauth.GrantTraits

	// Off are grant types that the part could add, each with the setting that
	// enables it.
	Off map[string]string

	Warnings []string                // for New to log
	Faults   []error                 // of its settings, each with its remedy
	Store    func(oauth.Store) error // checks that the store has the power that the part needs; nil: it needs none
}

// Metadata are members of the metadata document (RFC 8414 §2).
type Metadata map[string]any

// Joined is all parts as one.
type Joined struct {
	Grants     map[string]oauth.Grant     // by grant_type
	Responders map[string]oauth.Responder // by response_type
	Metadata   Metadata
	Scopes     []oauth.Scope
	OpenID     *OpenID // nil if the server isn't an OpenID provider
	Foreign    Foreign // nil if only this server's codes, tokens and secrets are accepted
	Warnings   []string

	traits map[string]oauth.GrantTraits // of every registrable grant type
	asked  []string                     // the registrable grant types that requests can name
	off    map[string]string
	stores []func(oauth.Store) error
}

// Join returns all parts as one, and their faults. Two parts that add a grant, a
// response type or a metadata member with the same name are a fault, too.
func Join(parts ...Part) (*Joined, []error) {
	j := joiner{
		Joined: &Joined{
			Grants: map[string]oauth.Grant{}, Responders: map[string]oauth.Responder{}, Metadata: Metadata{},
			traits: map[string]oauth.GrantTraits{}, off: map[string]string{},
		},
		owner: map[string]string{}, shared: map[string]bool{},
	}
	for _, p := range parts {
		j.add(p)
	}
	slices.Sort(j.asked)
	j.asked = slices.Compact(j.asked)
	j.Metadata["grant_types_supported"] = j.GrantTypes()
	return j.Joined, j.faults
}

// The kinds of names that a part claims.
const (
	grantType    = "grant_type"
	responseType = "response_type"
)

// joiner builds a Joined.
type joiner struct {
	*Joined
	owner  map[string]string // the part of each claimed name
	shared map[string]bool   // grant types of responders, which several responders may share
	faults []error
}

func (j *joiner) add(p Part) {
	j.faults = append(j.faults, p.Faults...)
	j.Warnings = append(j.Warnings, p.Warnings...)
	j.Scopes = append(j.Scopes, p.Scopes...)
	j.addOnly(p)
	if p.Store != nil {
		j.stores = append(j.stores, p.Store)
	}
	for _, g := range p.Grants {
		if j.claim(grantType, g.GrantType(), p.Name) {
			j.Grants[g.GrantType()], j.traits[g.GrantType()] = g, oauth.TraitsOf(g)
			j.asked = append(j.asked, g.GrantType())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Registrable)) {
		if j.claim(grantType, name, p.Name) {
			j.traits[name] = p.Registrable[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Off)) {
		if j.claim(grantType, name, p.Name) {
			j.off[name] = p.Off[name]
		}
	}
	for _, name := range p.ResponseTypes {
		j.claim(responseType, name, p.Name)
	}
	for _, r := range p.Responders {
		j.addResponder(p.Name, r)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Metadata)) {
		if err := j.Metadata.join(name, p.Metadata[name]); err != nil {
			j.faults = append(j.faults, fmt.Errorf("%s %w", p.Name, err))
		}
	}
}

// addOnly adds what one part alone can have.
func (j *joiner) addOnly(p Part) {
	if p.OpenID != nil {
		if j.OpenID != nil {
			j.faults = append(j.faults, fmt.Errorf("%s is there twice: remove one", p.Name))
		}
		j.OpenID = p.OpenID
	}
	if p.Foreign != nil {
		if j.Foreign != nil {
			j.faults = append(j.faults, fmt.Errorf("%s is there twice, or another feature accepts tokens of another server: remove one", p.Name))
		}
		j.Foreign = p.Foreign
	}
}

// addResponder adds a responder. Several responders may share a grant type.
func (j *joiner) addResponder(part string, r oauth.Responder) {
	if !j.claim(responseType, r.ResponseType(), part) {
		return
	}
	j.Responders[r.ResponseType()] = r
	name := r.GrantType()
	owner, taken := j.owner[grantType+" "+name]
	if _, isOff := j.off[name]; taken && !isOff && !j.shared[name] {
		j.faults = append(j.faults, fmt.Errorf("%s: the GrantType %q of %T belongs to %s: choose another name", part, name, r, owner))
		return
	}
	delete(j.off, name)
	traits := oauth.TraitsOf(r)
	traits.Redirects = true
	if traits.AllScopes {
		j.faults = append(j.faults, fmt.Errorf("%s: the traits of %T have AllScopes, but users consent to each scope of a response type: remove AllScopes", part, r))
	}
	j.owner[grantType+" "+name], j.traits[name], j.shared[name] = part, traits, true
	j.asked = append(j.asked, name)
}

// claim records the part that a name belongs to. It reports whether the name was
// free.
func (j *joiner) claim(kind, name, part string) bool {
	key := kind + " " + name
	what := map[string]string{grantType: "grant", responseType: "responder"}[kind]
	if owner, taken := j.owner[key]; taken {
		j.faults = append(j.faults, fmt.Errorf("%s has a second %s for %s %q, which %s already has: remove one", part, what, kind, name, owner))
		return false
	}
	j.owner[key] = part
	return true
}

// join adds a member. It merges lists with the same name, without duplicates.
func (m Metadata) join(name string, value any) error {
	old, exists := m[name]
	list, isList := value.([]string)
	oldList, wasList := old.([]string)
	switch {
	case exists && !(isList && wasList):
		return fmt.Errorf("sets the metadata member %s, which another part has set", name)
	case !isList:
		m[name] = value
		return nil
	}
	joined := append([]string{}, oldList...)
	for _, v := range list {
		if !slices.Contains(joined, v) {
			joined = append(joined, v)
		}
	}
	m[name] = joined
	return nil
}

// CheckStore returns an error with the powers that the parts need and the store
// lacks.
func (j *Joined) CheckStore(store oauth.Store) error {
	var faults []error
	for _, check := range j.stores {
		faults = append(faults, check(store))
	}
	return errors.Join(faults...)
}

// GrantTypes returns the types that requests can name, sorted.
func (j *Joined) GrantTypes() []string { return slices.Clone(j.asked) }

// HasGrant reports whether a client may be registered for a grant type.
func (j *Joined) HasGrant(grantType string) bool {
	_, ok := j.traits[grantType]
	return ok
}

// KnowsGrant reports whether a grant type belongs to a part, including disabled
// ones.
func (j *Joined) KnowsGrant(grantType string) bool {
	_, off := j.off[grantType]
	return off || j.HasGrant(grantType)
}

// Traits returns the traits of a grant type; zero traits for an unknown type.
func (j *Joined) Traits(grantType string) oauth.GrantTraits { return j.traits[grantType] }

// Remedy returns the remedy for a grant type that the server does not have.
func (j *Joined) Remedy(grantType string) string {
	if remedy, ok := j.off[grantType]; ok {
		return remedy
	}
	return "choose one of " + strings.Join(j.asked, ", ")
}

// AnyTrait reports whether one of a client's grants has a trait.
func (j *Joined) AnyTrait(c *oauth.Client, has func(oauth.GrantTraits) bool) bool {
	return slices.ContainsFunc(c.GrantTypes, func(grantType string) bool { return has(j.traits[grantType]) })
}
