package oidc

import (
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/oauth"
)

// userInfoPath is the path of UserInfo, below the common path of the endpoints.
const userInfoPath = "/userinfo"

// metadata returns the members that the feature adds to the metadata documents (OpenID
// Connect Discovery §3). The endpoint of the documents adds the members that depend on the
// keys and claims.
func (s Settings) metadata(server feature.Server, scopes []oauth.Scope) feature.Metadata {
	m := feature.Metadata{
		"scopes_supported":           policy.IDs(scopes),
		"userinfo_endpoint":          server.URL(userInfoPath),
		"subject_types_supported":    []string{"public"},
		"claims_parameter_supported": false,
		"response_modes_supported":   []string{"form_post"}, // query is that of every server

		// A client gets a sid in every token of a session with an ID.
		"backchannel_logout_supported":         true,
		"backchannel_logout_session_supported": true,
	}
	if server.SignsOut {
		m["end_session_endpoint"] = server.URL(logoutPath)
	}
	return m
}
