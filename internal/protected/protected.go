// Package protected has the metadata of protected resources (RFC 9728).
package protected

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/origin"
)

// Resource describes an API (RFC 9728 §2).
type Resource struct {
	ID                  string   `json:"resource"` // the audience of its tokens
	Name                string   `json:"resource_name,omitempty"`
	AuthorizationServer []string `json:"authorization_servers"`
	Scopes              []string `json:"scopes_supported,omitempty"`
	Methods             []string `json:"bearer_methods_supported"`
}

// New returns the description of an API that accepts tokens of one issuer in the
// Authorization header. It leaves out the scope offline_access, which is of no use to
// an API. name and scopes may be empty.
func New(id, issuer, name string, scopes []string) Resource {
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return scope == "offline_access" })
	return Resource{ID: id, Name: name, AuthorizationServer: []string{issuer}, Scopes: scopes, Methods: []string{"header"}}
}

// JSON returns the document.
func (r Resource) JSON() []byte {
	text, _ := json.Marshal(r) // strings and lists of strings
	return append(text, '\n')
}

const wellKnown = "/.well-known/oauth-protected-resource"

// Path returns the path of the document about a resource: the well-known path, then
// the path of the resource (RFC 9728 §3.1). ok is false if the resource is not an http
// or https URL, or has a query or a path that routers and clients read in different
// ways.
func Path(resource string) (path string, ok bool) {
	u, err := url.Parse(resource)
	if err != nil || origin.Of(resource) == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", false
	}
	if u.Path == "" || u.Path == "/" {
		return wellKnown, true
	}
	return wellKnown + u.Path, issuer.PlainPath(u.EscapedPath())
}

// URL returns the URL of the document about a resource, or "" if [Path] returns none.
func URL(resource string) string {
	path, ok := Path(resource)
	if !ok {
		return ""
	}
	return origin.Of(resource) + path
}

// At is like [URL], but returns "" for a resource at another origin than site, which is
// an http or https URL.
func At(site, resource string) string {
	if o := origin.Of(resource); o == "" || o != origin.Of(site) {
		return ""
	}
	return URL(resource)
}
