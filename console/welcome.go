package console

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// accountPath is the path of the pages for signed-in users, below the issuer's.
const accountPath = "/account"

// welcome is the page at the root. It leads signed-in users to their account. On a new
// server on loopback it shows what to do first.
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
	SignIn   string // a URL
	Metadata string // RFC 8414 §3.1
	New      bool   // a server on loopback without accounts
}

// ServeHTTP implements http.Handler.
func (p welcome) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, err := p.accounts.CurrentUser(r)
	if err == nil {
		page.Private(w)
		http.Redirect(w, r, p.home()+accountPath, http.StatusSeeOther)
		return
	}
	if !errors.Is(err, oauth.ErrNotFound) { // visitors see the page without the database, too
		p.logger.ErrorContext(r.Context(), "the home page can't tell who is signed in", "request_id", reqinfo.From(r.Context()).ID, "err", err)
	}
	if err := p.pages.look.Render(w, http.StatusOK, p.pages.welcome, p.view(r)); err != nil {
		p.logger.ErrorContext(r.Context(), "page not shown", "page", "welcome", "request_id", reqinfo.From(r.Context()).ID, "err", err)
		p.pages.respond(w, r, http.StatusInternalServerError)
	}
}

func (p welcome) view(r *http.Request) *welcomeView {
	return &welcomeView{
		Site: cmp.Or(p.pages.site, p.issuer.Host), Issuer: p.issuer.String(),
		SignIn:   p.accounts.SignInURL(r, p.home()+accountPath),
		Metadata: "/.well-known/oauth-authorization-server" + p.home(),
		New:      loopback.Name(p.issuer.Hostname()) && p.empty(r.Context()),
	}
}

// home returns the path of the issuer.
func (p welcome) home() string { return strings.TrimSuffix(p.issuer.Path, "/") }

// empty reports whether the server has no accounts.
func (p welcome) empty(ctx context.Context) bool {
	empty := true
	p.accounts.Users(ctx)(func(*account.User, error) bool { // an account, or an error
		empty = false
		return false
	})
	return empty
}
