package endpoint

import (
	"net/http"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

// revokeEndpoint is /oauth/revoke (RFC 7009).
type revokeEndpoint struct {
	Callers
	tokens *tokens.Service
}

// Revoke returns the endpoint at which a client revokes its own tokens.
func Revoke(c Callers, t *tokens.Service) http.Handler {
	e := revokeEndpoint{c, t}
	return endpoint{name: "revocation", scripts: true, origins: c.Origins, log: c.Log, serve: e.serve}
}

// serve responds in the same way whether or not there is a token to revoke, so that
// a client learns nothing about other clients' tokens (RFC 7009 §2.2). While another server
// issues the client's tokens, only a token of this server is revoked: a 200 for another one
// would say that it has ended, also at that server (RFC 7009 §2.2.1).
func (e revokeEndpoint) serve(r *http.Request) (any, *oauth.Client, error) {
	call, err := e.read(r, nil)
	if err != nil {
		return nil, nil, err
	}
	found, err := e.find(r, call, e.tokens)
	if err != nil {
		return nil, call.client, err
	}
	if found.ClientID() == "" || found.Foreign {
		if err := e.tokens.MayDecide(r.Context(), call.client); err != nil {
			return nil, call.client, clients.Named(call.client.ID, err)
		}
	}
	switch {
	case found.ClientID() == "":
		return nil, call.client, nil
	case found.ClientID() != call.client.ID:
		e.Log.InfoContext(r.Context(), "token not revoked: it was issued to another client",
			"request_id", reqinfo.From(r.Context()).ID, "client_id", call.client.ID, "issued_to", found.ClientID())
		return nil, call.client, nil
	case found.Family() != nil && found.Family().ClientID != call.client.ID:
		e.Log.InfoContext(r.Context(), "token not revoked: it belongs to another client's family, and ends with it",
			"request_id", reqinfo.From(r.Context()).ID, "client_id", call.client.ID, "authorized", found.Family().ClientID)
		return nil, call.client, nil
	}
	return nil, call.client, clients.Named(call.client.ID, e.tokens.RevokeFound(r.Context(), found, call.time))
}

// find returns the token that a form names. token_type_hint does not narrow the
// search: a wrong hint must not hide a token (RFC 7009 §2.1).
func (c Callers) find(r *http.Request, call *call, t *tokens.Service) (*tokens.Found, error) {
	token := call.form.Get("token")
	if token == "" {
		return nil, clients.Named(call.client.ID, oauth.InvalidRequest.Errorf("token is missing"))
	}
	found, err := t.Find(r.Context(), token, call.client, call.time)
	return found, clients.Named(call.client.ID, err)
}
