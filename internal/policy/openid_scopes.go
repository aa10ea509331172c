package policy

import (
	"slices"

	"github.com/go-passport/passport/oauth"
)

// The scopes of OpenID Connect that OAuth clients also request. Without a feature that
// gives them a meaning, an operator can register them like any other scope. Unregistered,
// they have no meaning here: a request for one succeeds without it, and the response's
// scope lacks it. A granted offline_access also lets a client act without a session
// (OpenID Connect Core §11).
const (
	openID        = "openid"
	offlineAccess = "offline_access"
)

// withFeatures returns the scopes of the features and of the application, and the IDs of
// the scopes that * doesn't include. If a feature has openid, * never includes it, also with
// the application's text.
func (s Settings) withFeatures() (all []oauth.Scope, byName map[string]bool) {
	byName = map[string]bool{}
	own := IDs(s.Scopes)
	for _, scope := range s.FeatureScopes {
		isOwn := slices.Contains(own, scope.ID)
		if !isOwn && !byName[scope.ID] {
			all = append(all, scope)
		}
		if !isOwn || scope.ID == openID || scope.ID == offlineAccess {
			byName[scope.ID] = true
		}
	}
	return append(all, s.Scopes...), byName
}

// ignores reports whether to drop a scope from a request. It logs one line for each
// client that requests openid in vain, because such a client waits for an ID token.
func (p *Policy) ignores(c *oauth.Client, id, grantType string) bool {
	switch {
	case p.byName[id] && p.traits(grantType).ClientOnly:
		return true // there is no user
	case p.byName[id]:
		return id == offlineAccess && !p.mayAsk(c, id) // clients send it to every server
	case id != openID && id != offlineAccess || p.registered[id]:
		return false
	}
	if id == openID && p.ignored.First(c.ID) {
		p.Log.Info("the scope openid is ignored: this server does not issue ID tokens", "client_id", c.ID)
	}
	return true
}
