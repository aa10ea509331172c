package oidc

import (
	"slices"

	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/oauth"
)

// standardScopes are the scopes of OpenID Connect (Core §5.4 and §11), in the order of
// the consent page.
var standardScopes = []oauth.Scope{
	{ID: idtoken.Scope, Description: "Sign you in with your account"},
	{ID: "profile", Description: "See your profile, such as your name and picture"},
	{ID: "email", Description: "See your email address"},
	{ID: "phone", Description: "See your phone number"},
	{ID: "address", Description: "See your postal address"},
	{ID: "offline_access", Description: "Keep this access, also while you are away"},
}

// scopes returns the scopes of the feature: those of OpenID Connect, then those of
// ExtraClaims. A scope of Config.Scopes among these needs no description.
func (s Settings) scopes() []oauth.Scope {
	all := slices.Clone(standardScopes)
	for _, claim := range s.ExtraClaims {
		i := slices.IndexFunc(all, func(scope oauth.Scope) bool { return scope.ID == claim.Scope })
		switch {
		case i < 0:
			all = append(all, oauth.Scope{ID: claim.Scope, Description: claim.Description})
		case all[i].Description == "":
			all[i].Description = claim.Description
		}
	}
	return all
}
