package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// CurrentUser implements [oauth.UserProvider]: one SELECT, and none without a
// session cookie. The user's Data is a *[User].
func (a *Accounts) CurrentUser(r *http.Request) (*oauth.User, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	u := asUser(s.user)
	u.AuthenticatedAt, u.SessionID, u.SessionExpiresAt = s.authAt, s.id, s.expiresAt
	return u, nil
}

// UserByID implements [oauth.UserProvider]. A disabled account is not found.
func (a *Accounts) UserByID(ctx context.Context, id string) (*oauth.User, error) {
	if !sqldb.Storable(id) {
		return nil, oauth.ErrNotFound
	}
	u, err := a.user(ctx, selectUser, id)
	if err != nil {
		return nil, err
	}
	if !u.DisabledAt.IsZero() {
		return nil, fmt.Errorf("the account is disabled: %w", oauth.ErrNotFound)
	}
	return asUser(u), nil
}

// SignInURL implements [oauth.UserProvider]. Its page offers a signed-in user to
// continue, unless the [oauth.SignInRequest] in the request's context asks for a new
// sign-in.
func (a *Accounts) SignInURL(r *http.Request, returnTo string) string {
	q := url.Values{"return_to": {returnTo}}
	if r != nil && oauth.SignInRequestFrom(r.Context()).Again {
		q.Set("prompt", promptLogin)
	}
	return a.issuer.String() + signInPath + "?" + q.Encode()
}

// UserByPassword implements [oauth.PasswordAuthenticator]. It is
// [oauth.ErrNotFound] also for a right password after too many wrong ones;
// tries here and on the sign-in page count together. The address is that of the
// request in ctx.
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

// SignOut implements [oauth.SignOuter]: it ends the browser's sessions, if there
// are any, and takes back their cookies. A browser has two after an upgrade, when a
// cookie with the name of before is still there. On an error the session may live on; the
// cookie stays, so that it can be tried again.
func (a *Accounts) SignOut(w http.ResponseWriter, r *http.Request) error {
	var ended []oauth.Digest // another server may have set the cookie of before: we don't know its session
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

func asUser(u *User) *oauth.User { return &oauth.User{ID: u.ID, Name: u.DisplayName(), Data: u} }
