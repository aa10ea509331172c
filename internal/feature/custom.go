package feature

import (
	"fmt"

	"github.com/go-passport/passport/internal/nilpointer"
	"github.com/go-passport/passport/oauth"
)

// PublicClients is the authentication method of public clients, for metadata.
var PublicClients = []string{string(oauth.AuthNone)}

// OfGrant returns the part for one of Config.Grants, which has the index i. Public
// clients may use it.
func OfGrant(i int, g oauth.Grant) Part {
	p := Part{Name: "Config.Grants"}
	switch {
	case g == nil || nilpointer.Is(g):
		p.Faults = Fault("Grants[%d] is nil: remove it", i)
	case g.GrantType() == "":
		p.Faults = Fault("Grants: %T has no GrantType", g)
	default:
		p.Grants = []oauth.Grant{g}
		p.Metadata = Metadata{"token_endpoint_auth_methods_supported": PublicClients, "revocation_endpoint_auth_methods_supported": PublicClients}
	}
	return p
}

// OfResponder returns the part for one of Config.Responders, which has the index i.
func OfResponder(i int, r oauth.Responder) Part {
	p := Part{Name: "Config.Responders"}
	switch {
	case r == nil || nilpointer.Is(r):
		p.Faults = Fault("Responders[%d] is nil: remove it", i)
	case r.ResponseType() == "":
		p.Faults = Fault("Responders: %T has no ResponseType", r)
	case r.GrantType() == "":
		p.Faults = Fault("Responders: %T has no GrantType, which clients are registered for", r)
	default:
		p.Responders, p.Metadata = []oauth.Responder{r}, MetadataOf(r)
	}
	return p
}

// MetadataOf returns a responder's members of the metadata document.
func MetadataOf(r oauth.Responder) Metadata {
	return Metadata{"response_types_supported": []string{r.ResponseType()}, "response_modes_supported": []string{"fragment"}}
}

// Fault returns a fault of a setting, for Part.Faults. The format begins with the
// name of the field of passport.Config.
func Fault(format string, args ...any) []error {
	return []error{fmt.Errorf("Config."+format, args...)}
}
