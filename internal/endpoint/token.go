package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/internal/nearest"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// TokenConfig holds the dependencies of the token endpoint.
type TokenConfig struct {
	Callers
	Parts  *feature.Joined
	Policy *policy.Policy
	Tokens *tokens.Service
	Users  *users.Directory
	Reader *tokens.Reader // for grants
	Uses   *lastused.Uses // notes refreshes; nil: not noted
}

// tokenEndpoint is /oauth/token (RFC 6749 §3.2).
type tokenEndpoint struct {
	TokenConfig
	grants map[string]oauth.Grant
}

// Token returns the token endpoint.
func Token(c TokenConfig) http.Handler {
	e := &tokenEndpoint{c, throttleGuesses(c.Parts)}
	return endpoint{name: "token", scripts: true, origins: c.Origins, log: c.Log, serve: e.serve}
}

// serve handles a token request, from the form to the response.
func (e *tokenEndpoint) serve(r *http.Request) (any, *oauth.Client, error) {
	call, err := e.read(r, e.present) // 1 read the form and record the time; 2 authenticate the client
	if err != nil {
		return nil, nil, err
	}
	res, err := e.exchange(r.Context(), call)
	if err != nil {
		return nil, call.client, clients.Named(call.client.ID, err)
	}
	e.Uses.Note(res.Refreshed, r)
	return res, call.client, nil
}

// present reads the client together with the code or refresh token of the form.
func (e *tokenEndpoint) present(ctx context.Context, clientID string, form url.Values) (*oauth.Client, oauth.TokenReader, error) {
	var value oauth.Spend
	if g, ok := e.grants[form.Get("grant_type")].(oauth.PresentingGrant); ok {
		value = g.Presents(form)
	}
	return e.Reader.Present(ctx, clientID, value)
}

func (e *tokenEndpoint) exchange(ctx context.Context, c *call) (*tokens.Response, error) {
	permit, err := e.Tokens.Permit(ctx, c.client)
	if err != nil {
		return nil, err
	}
	g, err := e.grant(c) // 3 find the grant
	if err != nil {
		return nil, err
	}
	scopes, err := e.Policy.RequestedScopes(c.client, c.form.Get("scope"), g.GrantType()) // 4 check the scopes
	if err != nil {
		return nil, err
	}
	resources, err := e.Policy.RequestedResources(c.form["resource"]) // 5 check the resources
	if err != nil {
		return nil, err
	}
	request := &oauth.TokenRequest{
		Client: c.client, Scopes: scopes, Resources: resources, Audience: e.Policy.Audience, InheritScopes: e.Policy.InheritScopes,
		Form: c.form, Time: c.time, Store: c.reader, Users: e.Users.Provider,
	}
	if err := e.openForeign(ctx, g, request); err != nil {
		return nil, err
	}
	return e.issue(ctx, g, request, permit)
}

func (e *tokenEndpoint) grant(c *call) (oauth.Grant, error) {
	grantType := c.form.Get("grant_type")
	if grantType == "" {
		return nil, oauth.InvalidRequest.Errorf("grant_type is missing")
	}
	g, ok := e.grants[grantType]
	if !ok {
		return nil, fmt.Errorf("grant_type %q is not enabled here: %s: %w", nearest.Shown(grantType), e.Parts.Remedy(grantType),
			oauth.UnsupportedGrantType.Errorf("this grant_type is not supported"))
	}
	if !c.client.Allows(g.GrantType()) {
		return nil, oauth.UnauthorizedClient.Errorf("the client may not use the grant %s", g.GrantType())
	}
	return g, nil
}

// issue gets an authorization from the grant (6), and issues its tokens (7). If a
// concurrent request used up the same value, issue calls the grant once more. The grant
// then names the issued tokens, or reports a replay. The grant may change r, so issue
// reads the time before, and the permit has the client.
func (e *tokenEndpoint) issue(ctx context.Context, g oauth.Grant, r *oauth.TokenRequest, permit tokens.Permit) (*tokens.Response, error) {
	at := r.Time
	for last := false; ; last = true {
		a, err := g.Authorize(ctx, r)
		if replay, ok := errors.AsType[*oauth.ReplayError](err); ok && replay != nil {
			return nil, e.Tokens.EndFamily(ctx, replay, at)
		}
		if pending, ok := errors.AsType[*oauth.PendingDeviceError](err); ok && pending != nil {
			return nil, e.Tokens.Poll(ctx, pending, at)
		}
		if err != nil {
			return nil, err
		}
		res, _, err := e.Tokens.Issue(ctx, &tokens.Request{Authorization: a, Permit: permit, GrantType: g.GrantType(), Time: at})
		if !errors.Is(err, oauth.ErrSpent) {
			return res, users.GoneAs(oauth.InvalidGrant, err)
		}
		if last {
			return nil, oauth.InvalidGrant.Errorf("the %s was used before", a.Spends.Purpose)
		}
	}
}
