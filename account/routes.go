package account

import (
	"fmt"
	"net/http"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/methods"
	"github.com/go-passport/passport/internal/reqinfo"
)

const (
	signInPath  = "/sign-in"
	signOutPath = "/sign-out"

	// The pages of links.
	setPasswordPath = "/set-password"
	verifyEmailPath = "/verify-email"

	// The pages below Config.AccountPath.
	sessionsPath = "/sessions"
	securityPath = "/security"

	// changePasswordPath leads password managers to the page where the password is
	// changed (https://www.w3.org/TR/change-password-url/). It is at the root of the
	// host.
	changePasswordPath = "/.well-known/change-password"
)

// maxBody is the maximum size of a form. It holds an encoded return address.
const maxBody = 3*maxReturnTo + 8<<10

// Mount registers the pages /sign-in, /sign-out, and those of links, /set-password and
// /verify-email, below the issuer's path, and the pages of [Config.AccountPath]. The mux
// is an [http.ServeMux] or a type whose Handle method accepts the same patterns, such as
// "GET /sign-in".
func (a *Accounts) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	for _, method := range methods.All {
		mux.Handle(method+" "+a.prefix+signInPath, a.entry(a.form(a.showSignIn, a.signIn)))
		mux.Handle(method+" "+a.prefix+signOutPath, a.entry(a.form(a.showSignOut, a.signOut)))
		mux.Handle(method+" "+a.prefix+setPasswordPath, a.entry(a.form(a.showSetPassword, a.setPassword)))
		mux.Handle(method+" "+a.prefix+verifyEmailPath, a.entry(a.form(a.showVerifyEmail, a.verifyEmail)))
		for _, logo := range brand.Brand(a.config.Brand).Logos() {
			mux.Handle(method+" "+a.prefix+signInPath+logo.Path, logo) // also at a foreign host, for the page about it
		}
	}
	if a.config.AccountPath != "" {
		a.mountAccount(mux.Handle)
	}
}

// mountAccount registers the pages for signed-in users.
func (a *Accounts) mountAccount(handle func(pattern string, handler http.Handler)) {
	for _, method := range methods.All {
		if a.config.AppsPath != a.config.AccountPath {
			handle(method+" "+a.accountPath(""), a.entry(a.form(a.showAccount, nil)))
		}
		handle(method+" "+a.accountPath(sessionsPath), a.entry(a.form(a.showSessions, a.endSessionsForm)))
		handle(method+" "+a.accountPath(securityPath), a.entry(a.form(a.showSecurity, a.changePassword)))
	}
	if a.prefix == "" { // with a prefix, the root of the host may belong to another application
		handle("GET "+changePasswordPath, a.entry(http.RedirectHandler(a.accountPath(securityPath), http.StatusFound)))
	}
}

// accountPath returns the path of a page for signed-in users.
func (a *Accounts) accountPath(page string) string { return a.prefix + a.config.AccountPath + page }

// form serves a page whose form is posted to the same URL. submit is nil for a page
// without a form.
func (a *Accounts) form(show, submit http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet, r.Method == http.MethodHead:
			show(w, r)
		case submit == nil:
			w.Header().Set("Allow", "GET, HEAD")
			a.fail(w, r, errMethod)
		case r.Method == http.MethodPost:
			submit(w, r)
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			a.fail(w, r, errMethod)
		}
	})
}

// entry wraps the handler of every page.
func (a *Accounts) entry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = a.proxies.Attach(w, r)
		a.bodies.Apply(w, r)
		if err := loopback.Check(a.issuer, r.Host); err != nil {
			a.misdirect(w, r, fmt.Errorf("%w: if the host %.100q is right, set it in Config.Issuer, or in the setting issuer", err, r.Host))
			return
		}
		a.renameCookie(w, r)
		next.ServeHTTP(w, r)
	})
}

// misdirect responds to a request for a foreign host. It sets no cookie there.
func (a *Accounts) misdirect(w http.ResponseWriter, r *http.Request, err error) {
	a.render(w, r, a.failed(w, r, err), "message", view{
		Site: a.site, SignIn: a.issuer.String() + signInPath, Title: "This is not the address of this page",
		Text: "For your protection, the page is shown only at " + a.issuer.String() + ".", RequestID: reqinfo.From(r.Context()).ID,
	})
}
