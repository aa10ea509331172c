package endpoint

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// introspectEndpoint is /oauth/introspect (RFC 7662).
type introspectEndpoint struct {
	Callers
	tokens *tokens.Service
	issuer string
	uses   *lastused.Uses
}

// Introspect returns the endpoint that tells an API about the tokens that it
// receives. uses notes their use; nil: it is not noted.
func Introspect(c Callers, t *tokens.Service, issuer string, uses *lastused.Uses) http.Handler {
	e := introspectEndpoint{c, t, issuer, uses}
	return endpoint{name: "introspection", log: c.Log, serve: e.serve}
}

// inactive is the response for a token that cannot be used, or that the caller may
// not know about (RFC 7662 §2.2).
type inactive struct {
	Active bool `json:"active"` // false
}

// active is the response for a usable token (RFC 7662 §2.2).
type active struct {
	Active    bool   `json:"active"` // true
	Scope     string `json:"scope"`
	ClientID  string `json:"client_id"`
	Subject   string `json:"sub"`
	Audience  any    `json:"aud,omitempty"` // a string or a list
	Issuer    string `json:"iss"`
	ID        string `json:"jti,omitempty"`
	TokenType string `json:"token_type,omitempty"` // of an access token
	IssuedAt  int64  `json:"iat,omitempty"`
	Expires   int64  `json:"exp"`
	AuthTime  int64  `json:"auth_time,omitempty"` // RFC 9470 §6.2
}

func (e introspectEndpoint) serve(r *http.Request) (any, *oauth.Client, error) {
	call, err := e.read(r, nil)
	if err != nil {
		return nil, nil, err
	}
	if call.client.Public() { // otherwise any caller could scan for tokens (RFC 7662 §2.1)
		return nil, call.client, clients.Named(call.client.ID, oauth.InvalidClient.Errorf("only clients with a secret may use introspection"))
	}
	found, err := e.find(r, call, e.tokens)
	if err != nil {
		return nil, call.client, err
	}
	if !found.ReadableBy(call.client) {
		e.logHidden(r, found, call.client)
		return inactive{}, call.client, nil
	}
	usable, err := e.tokens.Usable(r.Context(), found, call.client, call.time)
	switch {
	case errors.Is(err, users.ErrGone):
		e.Log.InfoContext(r.Context(), "token shown as inactive: its user may not act",
			"request_id", reqinfo.From(r.Context()).ID, "client_id", call.client.ID, "issued_to", found.ClientID(), "err", err.Error())
		return inactive{}, call.client, nil
	case err != nil:
		return nil, call.client, clients.Named(call.client.ID, err)
	case !usable:
		return inactive{}, call.client, nil
	}
	e.note(found, call.client)
	return e.describe(found), call.client, nil
}

// note notes the use of an access token at an API. Only the API knows where the token
// came from. A client that introspects its own tokens does not use them.
func (e introspectEndpoint) note(f *tokens.Found, caller *oauth.Client) {
	if f.Access != nil && f.ClientID() != caller.ID {
		e.uses.Note(f.Access.Family, nil)
	}
}

// logHidden logs that a caller may not see a token of this server. An API with the
// wrong audience gets inactive for every token, and the response has no reason.
func (e introspectEndpoint) logHidden(r *http.Request, f *tokens.Found, caller *oauth.Client) {
	attrs := []any{"request_id", reqinfo.From(r.Context()).ID, "client_id", caller.ID, "issued_to", f.ClientID()}
	switch {
	case f.ClientID() == "": // not a token of this server
	case caller.Audience == "":
		e.Log.InfoContext(r.Context(), "token shown as inactive: it was issued to another client, and the caller is not registered as an API", attrs...)
	case f.Refresh != nil:
		e.Log.InfoContext(r.Context(), "token shown as inactive: it is a refresh token, and only its client may introspect it", attrs...)
	default:
		e.Log.InfoContext(r.Context(), "token shown as inactive: its audience is not the API's",
			append(attrs, "audience", f.Access.Audience, "api_audience", caller.Audience)...)
	}
}

func (e introspectEndpoint) describe(f *tokens.Found) active {
	res := active{Active: true, ClientID: f.ClientID(), Issuer: e.issuer, Subject: oauth.ForClient().Claim(f.ClientID())}
	if family := f.Family(); family != nil {
		res.Subject = oauth.ForUser(family.User).Claim("")
		if !family.AuthTime.IsZero() {
			res.AuthTime = family.AuthTime.Unix()
		}
	}
	if f.Refresh != nil {
		res.Scope, res.Expires = strings.Join(f.Refresh.Scopes, " "), f.Refresh.ExpiresAt.Unix()
		return res
	}
	t := f.Access
	res.Scope, res.ID, res.TokenType = strings.Join(t.Scopes, " "), t.ID, "Bearer"
	res.IssuedAt, res.Expires, res.Audience = t.IssuedAt.Unix(), t.ExpiresAt.Unix(), t.Audience
	if len(t.Audience) == 1 {
		res.Audience = t.Audience[0]
	}
	return res
}
