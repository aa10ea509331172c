package account

import (
	"fmt"
	"net/http"

	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/reqinfo"
)

const (
	signInPath  = "/sign-in"
	signOutPath = "/sign-out"
)

// maxBody is as large as a form may be: a return address, encoded.
const maxBody = 3*maxReturnTo + 8<<10

// methods are those that a page is registered for. What it does not take is
// refused by itself: neither is a page without a method more specific than an
// application's "GET /", which would make ServeMux panic, nor does the
// application's "/" answer for one of ours.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Mount registers the pages on a mux: an [http.ServeMux], or another that has its
// Handle method and its patterns, such as "GET /sign-in". They are /sign-in and
// /sign-out, below the issuer's path.
func (a *Accounts) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	for _, method := range methods {
		mux.Handle(method+" "+a.prefix+signInPath, a.entry(a.form(a.showSignIn, a.signIn)))
		mux.Handle(method+" "+a.prefix+signOutPath, a.entry(a.form(a.showSignOut, a.signOut)))
	}
}

// form serves a page with a form that is sent to its own address.
func (a *Accounts) form(show, answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			show(w, r)
		case http.MethodPost:
			answer(w, r)
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			a.fail(w, r, errMethod)
		}
	})
}

// entry is what every request for a page passes first.
func (a *Accounts) entry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = a.proxies.Attach(w, r)
		a.bodies.Apply(w, r)
		if err := loopback.Check(a.issuer, r.Host); err != nil {
			a.misdirect(w, r, fmt.Errorf("%w: if the host %.100q is right, name it in Config.Issuer, or in the setting issuer", err, r.Host))
			return
		}
		a.renameCookie(w, r)
		next.ServeHTTP(w, r)
	})
}

// misdirect answers a request by a foreign host. The page sets no cookie there.
func (a *Accounts) misdirect(w http.ResponseWriter, r *http.Request, err error) {
	a.render(w, r, a.failed(w, r, err), "message", view{
		Site: a.site, SignIn: a.issuer.String() + signInPath, Title: "This is not the address of this page",
		Text: "For your protection, the page is shown only at " + a.issuer.String() + ".", RequestID: reqinfo.From(r.Context()).ID,
	})
}
