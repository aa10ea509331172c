package oidc

import (
	"fmt"
	"net/http"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// logoutPath is the path of the endpoint, below the common path of the endpoints.
const logoutPath = "/logout"

// logout is /oauth/logout: a client sends the browser there to sign the user out (OpenID
// Connect RP-Initiated Logout §2). The session of the browser decides who is signed out.
// The ID token hint only names the client, and saves the user a question if it is of that
// session.
type logout struct {
	path       string
	site, home string
	users      *users.Directory
	clients    *clients.Registry
	policy     *policy.Policy
	tokens     *tokens.Service
	idTokens   *idtoken.Service
	forms      *sameorigin.Guard
	pages      *page.Set
	log        wire.Log
	seals      logoutSeals
}

// logoutRoutes returns the endpoint. There is none if no user provider can end a session.
func logoutRoutes(r *rooms.Rooms) []wire.Endpoint {
	if len(r.Users.WithoutSignOut()) == len(r.Users.Names()) {
		return nil
	}
	l := newLogout(r)
	return []wire.Endpoint{wire.Single("passport.logout", l.path, l, http.MethodGet, http.MethodPost)}
}

// logoutWarnings names the providers whose users can't be signed out.
func logoutWarnings(server feature.Server) (all []string) {
	for _, name := range server.WithoutSignOut {
		all = append(all, fmt.Sprintf("OpenID: clients can't sign out the users of the provider %q: set UserFuncs.SignOut, or implement oauth.SignOuter", name))
	}
	return all
}

func newLogout(r *rooms.Rooms) *logout {
	return &logout{
		path: r.Base + logoutPath, site: r.Authorize.Site, home: r.Authorize.Home,
		users: r.Users, clients: r.Clients, policy: r.Policy, tokens: r.Tokens, idTokens: r.IDTokens,
		forms: r.Forms, pages: r.Pages, log: r.Log, seals: logoutSeals{r.Keys},
	}
}

// logoutKnown are the parameters that the endpoint reads. It ignores all others, also
// ui_locales, because the pages have one language, and logout_hint: the session decides.
func logoutKnown(name string) bool {
	switch name {
	case "id_token_hint", "client_id", "post_logout_redirect_uri", "state", againParam, ticketParam:
		return true
	}
	return false
}

const (
	againParam  = "passport_logout" // a sealed request that is repeated as a GET
	ticketParam = "ticket"          // of the confirmation page
)

// ServeHTTP implements [http.Handler].
func (l *logout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := l.outcome(r)
	if len(o.ends) > 0 {
		o = l.end(w, r, o)
	}
	l.write(w, r, o)
}

// outcome returns how a request ends. It changes nothing.
func (l *logout) outcome(r *http.Request) logoutOutcome {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return logoutRefused(http.StatusMethodNotAllowed, oauth.InvalidRequest.Errorf("the logout endpoint accepts only GET and POST"))
	}
	if err := formdata.ParseForm(r, logoutKnown); err != nil {
		return logoutFailed(wire.Unreadable(err))
	}
	at, err := wire.Received(r)
	if err != nil {
		return logoutFailed(wire.Unreadable(err))
	}
	if r.Method == http.MethodPost && r.PostForm.Has(ticketParam) {
		return l.confirmed(r, at)
	}
	asked := l.seals.resumed(r.URL.Query(), at)
	if asked == nil {
		asked = l.read(r.Form)
	}
	q, err := l.request(r, asked)
	switch {
	case err != nil:
		return logoutFailed(err)
	case len(q.sessions) == 0 && l.foreignForm(r):
		return l.repeat(q, at)
	case len(q.sessions) == 0:
		return l.done(q, false)
	case !q.endable:
		return l.stays(q)
	}
	ours, err := l.ofSession(r.Context(), q)
	switch {
	case err != nil:
		return logoutFailed(err)
	case !ours:
		return l.ask(q, at, "")
	}
	o := l.done(q, true)
	o.ends = q.sessions
	return o
}

// foreignForm reports whether the request is the form of another site. Browsers send it
// without SameSite=Lax cookies, so its user is unknown.
func (l *logout) foreignForm(r *http.Request) bool {
	return r.Method == http.MethodPost && l.forms.CheckAnyMethod(r) != nil
}
