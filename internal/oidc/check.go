package oidc

import (
	"strings"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/fetch"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/safeurl"
)

// maxClaimName is the maximum length of the name of a claim.
const maxClaimName = 255

// faults returns the faults of the settings.
func (s Settings) faults(server feature.Server) (all []error) {
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			all = append(all, feature.Fault(format, args...)...)
		}
	}
	add(!server.HasUsers, "Features: OpenID needs users, whom ID tokens are about: set Users")
	add(s.IDTokenTTL != 0 && s.IDTokenTTL < time.Second, "Features: OpenID.IDTokenTTL is %v: want at least a second, or 0 for the default", s.IDTokenTTL)
	for i, name := range s.StandardClaims {
		add(idtoken.FieldOf(name) == "", "Features: OpenID.StandardClaims[%d] is %q, which is not a standard claim: correct it, or declare it in OpenID.ExtraClaims", i, safeurl.Name(name))
	}
	for _, host := range s.BackchannelAllowedHosts {
		_, err := fetch.ParseHosts([]string{host})
		add(err != nil, "Features: OpenID.BackchannelAllowedHosts: %v", err)
	}
	seen := map[string]bool{}
	for i, claim := range s.ExtraClaims {
		name := safeurl.Name(claim.Name)
		field := idtoken.FieldOf(claim.Name)
		switch {
		case !validName(claim.Name):
			add(true, "Features: OpenID.ExtraClaims[%d].Name is %q: want 1 to %d characters without spaces and control characters", i, name, maxClaimName)
		case idtoken.Reserved(claim.Name):
			add(true, "Features: OpenID.ExtraClaims[%d].Name is %q: the server sets that claim; choose another name", i, name)
		case field != "":
			add(true, "Features: OpenID.ExtraClaims[%d].Name is %q, which is a standard claim: remove it, and set Claims.%s in OpenID.UserClaims", i, name, field)
		case seen[strings.ToLower(claim.Name)]:
			add(true, "Features: OpenID.ExtraClaims has %q twice: remove one", name)
		}
		add(!policy.ValidScope(claim.Scope), "Features: OpenID.ExtraClaims[%d].Scope is %q: name the scope that asks for the claim %q, such as profile or a new one", i, safeurl.Name(claim.Scope), name)
		add(claim.Scope == "*", "Features: OpenID.ExtraClaims[%d].Scope is *: name the scope that asks for the claim %q", i, name)
		seen[strings.ToLower(claim.Name)] = true
	}
	return all
}

// validName reports whether a claim can have a name.
func validName(name string) bool {
	return name != "" && len(name) <= maxClaimName && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\uFFFD' })
}
