// Package jsonapi is the JSON API for the clients and tokens of the signed-in user.
// An application's page calls it. Paths, fields, dates, status codes and texts are
// those of Laravel Passport, so that front ends written for it work. Additional
// fields come last.
package jsonapi

import (
	"net/http"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/firstparty"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
)

// API is the JSON API. All fields but the last three are required.
type API struct {
	Parts    *feature.Joined
	Policy   *policy.Policy
	Clients  *clients.Registry
	Tokens   *tokens.Service
	Personal *tokens.Personal
	Users    *users.Directory
	Cookies  *firstparty.Cookies
	Forms    *sameorigin.Guard
	Log      wire.Log

	NumericClientIDs, NumericUserIDs bool

	RecentAuthentication bool // required before a personal access token is created
}

// Endpoints returns the API's endpoints below base.
func (a *API) Endpoints(base string) (all []wire.Endpoint) {
	for _, at := range resources {
		all = append(all, wire.Endpoint{Path: base + at.path, Routes: at.resource.routes(), Handler: a.handler(at.resource), Refusal: a.refusal(at.resource)})
	}
	return all
}

// resources are the paths of the API.
var resources = []struct {
	path string
	resource
}{
	{"/clients", resource{
		http.MethodGet: {"passport.clients.index", listClients}, http.MethodPost: {"passport.clients.store", createClient},
	}},
	{"/clients/{id}", resource{
		http.MethodPut: {"passport.clients.update", updateClient}, http.MethodDelete: {"passport.clients.destroy", deleteClient},
	}},
	{"/tokens", resource{http.MethodGet: {"passport.tokens.index", listTokens}}},
	{"/tokens/{id}", resource{http.MethodDelete: {"passport.tokens.destroy", deleteToken}}},
	{"/scopes", resource{http.MethodGet: {"passport.scopes.index", listScopes}}},
	{"/personal-access-tokens", resource{
		http.MethodGet: {"passport.personal.tokens.index", listPersonalTokens}, http.MethodPost: {"passport.personal.tokens.store", createPersonalToken},
	}},
	{"/personal-access-tokens/{id}", resource{http.MethodDelete: {"passport.personal.tokens.destroy", deleteToken}}},
}
