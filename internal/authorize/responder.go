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

// responseTypes returns the response types that the endpoint supports.
func (e *Endpoint) responseTypes() []string {
	return append([]string{"code"}, slices.Sorted(maps.Keys(e.Responders))...)
}

// issueToken issues the access token that a request asks for instead of a code, and
// returns the response parameters (RFC 6749 §4.2.2). t is nil if there was no page.
// Token, family, consents and used ticket are one atomic write.
func (e *Endpoint) issueToken(ctx context.Context, q *request, account *users.Account, t *ticket, d decision) ([]redirect.Param, error) {
	family := e.newFamily(q, account, d.scopes)
	shown := *family // a copy: a responder must not change ours
	a, err := q.responder.Respond(ctx, &oauth.AuthorizationRequest{
		Client: q.client, Family: &shown, Scopes: slices.Clone(d.scopes), Resources: slices.Clone(q.resources), Params: maps.Clone(q.params), Time: q.time,
	})
	if err != nil {
		return nil, fmt.Errorf("response type %s: %w", q.responder.ResponseType(), err)
	}
	if err := e.checkAuthorization(q, family, d.scopes, a); err != nil {
		return nil, fmt.Errorf("response type %s: %w", q.responder.ResponseType(), err)
	}
	i := &tokens.Request{
		Authorization: e.tokenOnly(q, family, a), Permit: q.permit, GrantType: q.responder.GrantType(), Time: q.time, Consents: d.consents, Declined: d.declined, ByUser: true, Ticket: t.used(),
		Events: e.consentGiven(ctx, q, account, d),
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

// tokenOnly returns a responder's authorization as issued to a browser: one token,
// in a new family that ends with the token.
func (e *Endpoint) tokenOnly(q *request, family *oauth.Family, a *oauth.Authorization) *oauth.Authorization {
	only := *a
	only.Family, only.NewFamily, only.SessionExpiresAt = family, true, time.Time{} // the family has it
	if expires := q.time.Add(e.Policy.AccessTokenLife(q.client, q.responder.GrantType(), a)); expires.Before(family.ExpiresAt) {
		family.ExpiresAt = expires
	}
	return &only
}

// checkAuthorization refuses an authorization that exceeds the user's consent, or
// that a browser cannot keep safe.
func (e *Endpoint) checkAuthorization(q *request, family *oauth.Family, granted []string, a *oauth.Authorization) error {
	if a == nil {
		return errors.New("it returned neither an authorization nor an error")
	}
	switch {
	case a.Subject != oauth.ForUser(family.User):
		return errors.New("it authorizes a subject other than the consenting user: use ForUser(r.Family.User)")
	case a.Family != nil && a.Family.ID != family.ID:
		return errors.New("its family is not the family of the request")
	case a.Refresh || a.RefreshScopes != nil || a.Retried != nil:
		return errors.New("it requests a refresh token, which a browser cannot keep secret (RFC 6749 §4.2.2)")
	case a.Spends != oauth.Spend{}:
		return errors.New("it uses up a one-time value, but at this endpoint only the consent ticket is used up")
	case !within(a.Scopes, granted) || !within(e.Policy.Audiences(a.Resources), e.Policy.Audiences(q.resources)):
		return errors.New("it allows scopes or resources that the user has not agreed to")
	}
	return nil
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// familyLife returns the maximum lifetime of the family that a request starts.
func (e *Endpoint) familyLife(q *request) time.Duration {
	ttl := e.Policy.FamilyLife(q.client, q.browserApp())
	if q.responder != nil { // a token alone
		ttl = min(ttl, e.Policy.AccessTokenLife(q.client, q.responder.GrantType(), &oauth.Authorization{}))
	}
	return ttl
}
