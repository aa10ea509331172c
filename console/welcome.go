package console

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// welcome is the page at the root. It shows who is signed in, and on a new server on
// loopback what to do first.
type welcome struct {
	pages    *pages
	issuer   *url.URL
	accounts *account.Accounts
	logger   *slog.Logger
}

// welcomeView is the data of the page.
type welcomeView struct {
	Site     string
	Issuer   string
	SignIn   string // URLs
	SignOut  string
	Metadata string       // RFC 8414 §3.1
	User     *welcomeUser // the signed-in user, if any
	New      bool         // a server on loopback without accounts
}

// welcomeUser is a user as the page shows them.
type welcomeUser struct{ Name, Email, Initial string }

// ServeHTTP implements http.Handler.
func (p welcome) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p.pages.look.Render(w, http.StatusOK, p.pages.welcome, p.view(r)); err != nil {
		p.logger.ErrorContext(r.Context(), "page not shown", "page", "welcome", "request_id", reqinfo.From(r.Context()).ID, "err", err)
		p.pages.respond(w, r, http.StatusInternalServerError)
	}
}

func (p welcome) view(r *http.Request) *welcomeView {
	home := strings.TrimSuffix(p.issuer.Path, "/")
	v := &welcomeView{
		Site: cmp.Or(p.pages.site, p.issuer.Host), Issuer: p.issuer.String(),
		SignIn: p.accounts.SignInURL(r, home+"/"), SignOut: home + "/sign-out",
		Metadata: "/.well-known/oauth-authorization-server" + home,
	}
	u, err := p.accounts.CurrentUser(r)
	switch {
	case err == nil:
		v.User = shownUser(u)
		return v
	case !errors.Is(err, oauth.ErrNotFound):
		p.logger.Error("the home page doesn't show who is signed in", "request_id", reqinfo.From(r.Context()).ID, "err", err)
		return v
	}
	v.New = loopback.Name(p.issuer.Hostname()) && p.empty(r.Context())
	return v
}

// empty reports whether the server has no accounts.
func (p welcome) empty(ctx context.Context) bool {
	empty := true
	p.accounts.Users(ctx)(func(*account.User, error) bool { // an account, or an error
		empty = false
		return false
	})
	return empty
}

func shownUser(u *oauth.User) *welcomeUser {
	const maxName, maxEmail = 100, 254
	shown := &welcomeUser{Name: page.Text(u.Name, maxName)}
	if a, ok := u.Data.(*account.User); ok && a.Email != u.Name {
		shown.Email = page.Text(a.Email, maxEmail)
	}
	first, _ := utf8.DecodeRuneInString(strings.ToUpper(shown.Name))
	shown.Initial = string(first)
	return shown
}
