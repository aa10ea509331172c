package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/oauth"
)

// CurrentUser implements [oauth.UserProvider]. It runs one SELECT, or none if the
// request has no session cookie. The user's Data is a *[User].
func (a *Accounts) CurrentUser(r *http.Request) (*oauth.User, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	u := asUser(s.user)
	u.AuthenticatedAt, u.SessionID, u.SessionExpiresAt = s.authAt, s.id, s.expiresAt
	u.AMR = []string{"pwd"} // every session begins with the password
	return u, nil
}

// UserByID implements [oauth.UserProvider]. For a disabled account it returns
// [oauth.ErrNotFound].
func (a *Accounts) UserByID(ctx context.Context, id string) (*oauth.User, error) {
	u, err := a.User(ctx, id)
	if err != nil {
		return nil, err
	}
	if !u.DisabledAt.IsZero() {
		return nil, fmt.Errorf("the account is disabled: %w", oauth.ErrNotFound)
	}
	return asUser(u), nil
}

// SignInURL implements [oauth.UserProvider]. The page lets a signed-in user continue,
// unless the [oauth.SignInRequest] in the request's context asks for a new sign-in, or
// for another user.
func (a *Accounts) SignInURL(r *http.Request, returnTo string) string {
	q := url.Values{"return_to": {returnTo}}
	if r != nil {
		switch why := oauth.SignInRequestFrom(r.Context()); {
		case why.OtherUser:
			q.Set("prompt", promptOther)
		case why.Again:
			q.Set("prompt", promptLogin)
		}
	}
	return a.issuer.String() + signInPath + "?" + q.Encode()
}

// UserByPassword implements [oauth.PasswordAuthenticator]. After too many failed
// attempts it returns [oauth.ErrNotFound] even for the right password. It shares the
// counters with the sign-in page. The client's address comes from the request in ctx.
func (a *Accounts) UserByPassword(ctx context.Context, username, password string) (*oauth.User, error) {
	var found *oauth.User
	err := a.authenticate(ctx, username, password, func(p *proof) error {
		found = asUser(p.user)
		return a.db.Tx(ctx, p.settle)
	})
	if _, throttled := errors.AsType[*throttledError](err); throttled || errors.Is(err, errRefused) {
		return nil, fmt.Errorf("%w: %w", oauth.ErrNotFound, err)
	}
	if err != nil {
		return nil, fmt.Errorf("check password: %w", err)
	}
	return found, nil
}

// SignOut implements [oauth.SignOuter]: it ends the browser's sessions and deletes
// their cookies. After an upgrade a browser may have two, because the cookie with the
// old name still exists. On an error the session may still be alive. The cookie then
// stays, so that the user can try again.
func (a *Accounts) SignOut(w http.ResponseWriter, r *http.Request) error {
	var ended []oauth.Digest // another server may have set the cookie with the old name; we don't know its session
	for _, digest := range a.cookies.digests(r) {
		known, err := a.end(r.Context(), digest)
		if err != nil {
			return err
		}
		if known {
			ended = append(ended, digest)
		}
	}
	a.cookies.clearSession(w, r, ended)
	if server := a.server.Load(); server != nil {
		(*server).ForgetToken(w, r)
	}
	return nil
}

func asUser(u *User) *oauth.User {
	return &oauth.User{ID: u.ID, Name: u.DisplayName(), Email: u.Email, Data: u}
}
