package authorize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// responseTypes are those that the authorization endpoint knows.
func (e *Endpoint) responseTypes() []string {
	return append([]string{"code"}, slices.Sorted(maps.Keys(e.Responders))...)
}

// issueToken issues the access token that a request asks for in place of a code, and
// returns what the client is told (RFC 6749 §4.2.2). t is nil when there was no
// page. The token, its family, the consents and the used ticket are one write.
func (e *Endpoint) issueToken(ctx context.Context, q *request, who *users.Account, t *ticket, consents []string) ([]redirect.Param, error) {
	family := e.newFamily(q, who)
	shown := *family // theirs to read, not to change
	a, err := q.responder.Respond(ctx, &oauth.AuthorizationRequest{
		Client: q.client, Family: &shown, Scopes: slices.Clone(q.scopes), Resources: slices.Clone(q.resources), Params: maps.Clone(q.params), Time: q.time,
	})
	if err != nil {
		return nil, fmt.Errorf("response type %s: %w", q.responder.ResponseType(), err)
	}
	if err := e.wellAnswered(q, family, a); err != nil {
		return nil, fmt.Errorf("response type %s: %w", q.responder.ResponseType(), err)
	}
	i := &tokens.Request{
		Authorization: e.tokenOnly(q, family, a), Client: q.client, GrantType: q.responder.GrantType(), Time: q.time, Consents: consents, ByUser: true, Ticket: t.used(),
		Events: e.consentGiven(ctx, q, who, consents),
	}
	res, _, err := e.Tokens.Issue(ctx, i)
	if err != nil { // invalid_grant is not an error of this endpoint (RFC 6749 §4.2.2.1)
		return nil, users.GoneAs(oauth.AccessDenied, err)
	}
	return []redirect.Param{
		{Name: "access_token", Value: res.AccessToken}, {Name: "token_type", Value: res.TokenType},
		{Name: "expires_in", Value: strconv.FormatInt(res.ExpiresIn, 10)},
		{Name: "state", Value: q.state}, {Name: "scope", Value: res.Scope, Always: true},
	}, nil
}

// tokenOnly returns what a responder allowed, as what is issued to a browser: one
// token, whose family begins and ends with it.
func (e *Endpoint) tokenOnly(q *request, family *oauth.Family, a *oauth.Authorization) *oauth.Authorization {
	only := *a
	only.Family, only.NewFamily = family, true
	if expires := q.time.Add(e.Policy.AccessTokenLife(q.client, q.responder.GrantType(), a)); expires.Before(family.ExpiresAt) {
		family.ExpiresAt = expires
	}
	return &only
}

// wellAnswered refuses what no responder may ask for: more than the user agreed
// to, or what a browser cannot keep.
func (e *Endpoint) wellAnswered(q *request, family *oauth.Family, a *oauth.Authorization) error {
	if a == nil {
		return errors.New("it returned neither an authorization nor an error")
	}
	switch {
	case a.Subject != oauth.ForUser(family.User):
		return errors.New("it authorizes somebody else than the user who agreed: use ForUser(r.Family.User)")
	case a.Family != nil && a.Family.ID != family.ID:
		return errors.New("its family is not that of the request")
	case a.Refresh || a.RefreshScopes != nil || a.Retried != nil:
		return errors.New("it wants a refresh token, which nobody in a browser can keep (RFC 6749 §4.2.2)")
	case a.Spends != oauth.Spend{}:
		return errors.New("it uses up a one-time value: what is used up here is the answer of the user")
	case !within(a.Scopes, q.scopes) || !within(e.Policy.Audiences(a.Resources), e.Policy.Audiences(q.resources)):
		return errors.New("it allows scopes or resources that the user has not agreed to")
	}
	return nil
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// familyLife is how long at most what a request asks for lives.
func (e *Endpoint) familyLife(q *request) time.Duration {
	ttl := e.Policy.FamilyLife(q.client, q.browserApp())
	if q.responder != nil { // a token alone
		ttl = min(ttl, e.Policy.AccessTokenLife(q.client, q.responder.GrantType(), &oauth.Authorization{}))
	}
	return ttl
}
