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

// appOf returns the app whose request is at a return address. A user who signs in
// without its name is better off than one who can't, so an error is only logged.
func (a *Accounts) appOf(r *http.Request, returnTo string) *app {
	s := a.server.Load()
	if s == nil || returnTo == "" {
		return nil
	}
	connected, ok := (*s).(asker)
	if !ok {
		return nil
	}
	why, err := connected.SignInRequest(r.Context(), returnTo)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil
	case err != nil:
		a.log.ErrorContext(r.Context(), "the sign-in page does not name the app", "request_id", reqinfo.From(r.Context()).ID, "err", err)
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
