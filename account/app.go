package account

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// app is an app as the pages name it.
type app struct {
	Name      string
	Unchecked bool // a user registered it
}

// asker is a server that knows which app sent the browser to sign in.
type asker interface {
	SignInRequest(ctx context.Context, returnTo string) (*oauth.SignInRequest, error)
}

var _ asker = (*passport.Server)(nil)

// reason returns why the browser was sent to sign in, from its return address; the zero
// value if it is unknown. A user who signs in without the name of the app is better off
// than one who can't, so an error is only logged.
func (a *Accounts) reason(r *http.Request, returnTo string) oauth.SignInRequest {
	s := a.server.Load()
	if s == nil || returnTo == "" {
		return oauth.SignInRequest{}
	}
	connected, ok := (*s).(asker)
	if !ok {
		return oauth.SignInRequest{}
	}
	why, err := connected.SignInRequest(r.Context(), returnTo)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return oauth.SignInRequest{}
	case err != nil:
		a.log.ErrorContext(r.Context(), "the sign-in page does not name the app", "request_id", reqinfo.From(r.Context()).ID, "err", err)
		return oauth.SignInRequest{}
	}
	return *why
}

// appOf returns the app whose request needs a user; nil if none does.
func appOf(why oauth.SignInRequest) *app {
	if why.Client == nil {
		return nil
	}
	return &app{
		Name:      cmp.Or(page.Text(why.Client.Name, maxAppName), "An app without a name"),
		Unchecked: why.Client.Owner != oauth.UserRef{},
	}
}

// maxAppName is the maximum length of an app's name, in characters, as on the consent
// page.
const maxAppName = 80
