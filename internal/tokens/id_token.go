package tokens

import (
	"context"
	"slices"

	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/oauth"
)

// idToken returns the ID token beside an access token; empty if there is none. A retry
// gets an ID token with the time of the first response.
//
// An ID token says that a user signed in, so only the token endpoint issues one: after a
// sign-in on our pages, or after a grant that checked the user itself and set the
// family's AuthTime (OpenID Connect Core §1). The client is the family's: a client that
// got a token of another client's family did not sign the user in.
func (s *Service) idToken(ctx context.Context, t *oauth.AccessToken, access string, i *Request) (string, error) {
	if !s.idTokens.Issues(t.Scopes) || !i.signedIn() {
		return "", nil
	}
	return s.idTokens.Sign(ctx, idtoken.Request{
		Client: i.client(), User: i.user, Family: i.Family, Scopes: t.Scopes, Nonce: i.Nonce, AccessToken: access, Time: t.IssuedAt,
	})
}

// signedIn reports whether the user signed in for the tokens of the request.
func (i *Request) signedIn() bool {
	if i.user == nil || i.ByUser || i.Family.Personal || i.Family.ClientID != i.client().ID {
		return false
	}
	switch i.Spends.Purpose {
	case oauth.SpendCode, oauth.SpendDeviceCode, oauth.SpendRefreshToken:
		return true
	}
	return i.NewFamily
}

// withoutSignIn removes the scope openid from a new family of a grant for which no user
// signed in. So the family has no ID token later either, for example after a refresh. The
// scope of the response says so (RFC 6749 §5.1).
func (s *Service) withoutSignIn(a *oauth.Authorization, i *Request) {
	if s.idTokens == nil || i.ByUser || !a.Family.AuthTime.IsZero() {
		return
	}
	isOpenID := func(scope string) bool { return scope == idtoken.Scope }
	a.Scopes = slices.DeleteFunc(slices.Clone(a.Scopes), isOpenID)
	a.RefreshScopes = slices.DeleteFunc(slices.Clone(a.RefreshScopes), isOpenID)
}
