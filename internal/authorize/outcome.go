package authorize

import (
	"net/http"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// outcome is the result of a request to the authorization endpoint. It is one of
// consentOutcome, signInOutcome, redirectOutcome, doneOutcome, errorOutcome and
// decidedOutcome; on the page for devices also codeOutcome and deviceOutcome.
// Every step below the handler returns one; only write sends it.
type outcome interface {
	html(views.Page) htmlReply    // for a browser
	json() (status int, body any) // for a script of the server's own origin
	rest() common
}

// common holds the fields that every kind of outcome has.
type common struct {
	cookies []*http.Cookie
	err     error // logged; also determines Retry-After
}

func (c common) rest() common { return c }

// htmlReply is a page, or a redirect to location.
type htmlReply struct {
	status   int
	view     page.View
	location string
}

// consentOutcome shows the consent page.
type consentOutcome struct {
	common
	page        views.ConsentPage
	redirectURI string
	clientID    any  // as JSON: a string or a number
	userID      any  // as JSON
	again       bool // replaces a decision that no longer matches the page
}

func (o consentOutcome) html(p views.Page) htmlReply {
	v := page.View{Name: "consent"}
	if redirect.PrivateUse(o.redirectURI) {
		v.FormAction = []string{redirect.Host(o.redirectURI) + ":"}
	}
	o.page.Page = p
	v.Data = o.page
	return htmlReply{status: http.StatusOK, view: v}
}

func (o consentOutcome) json() (int, any) {
	shown := newConsentJSON(o)
	if !o.again {
		return http.StatusOK, shown
	}
	shown.Message = "The decision was for another account, browser or request, or the page has changed since. Ask the user again."
	return http.StatusConflict, shown
}

// signInOutcome sends the user to sign in. The sign-in page returns to returnTo.
type signInOutcome struct {
	redirectOutcome
	returnTo string
	again    bool // the browser has just returned from there; logged, because it is often a loop
}

func (o signInOutcome) json() (int, any) {
	return http.StatusUnauthorized, struct {
		Message  string `json:"message"`
		SignIn   string `json:"sign_in_url"`
		ReturnTo string `json:"return_to"`
	}{"Unauthenticated.", o.target, o.returnTo}
}

// origin says whether the browser comes from a form. Chromium checks every redirect
// after a form submission, including the client's own further redirects, against
// the form-action policy of the form's page.
type origin int

const (
	fromLink origin = iota
	fromOtherForm
	fromOurForm // its form-action allows a private-use scheme
)

// maxLocation is the maximum length of a Location header. Proxies limit the whole
// header of a response, nginx to 4 KiB by default. A page redirects to a longer URL:
// to a client with a long state, for example.
const maxLocation = 3 << 10

// redirectOutcome sends the browser to target, with a code, a token or an error.
// After a form submission, a page redirects instead of the response. A private-use
// scheme needs a click of the user. After the server's own form it is a redirect;
// otherwise the page has only a button.
type redirectOutcome struct {
	common
	target string
	from   origin
	form   *form // posted to target; nil for a redirect
}

func (o redirectOutcome) html(p views.Page) htmlReply {
	if o.form != nil {
		return o.form.html(p, o.target)
	}
	app := redirect.PrivateUse(o.target)
	if len(o.target) <= maxLocation && (o.from == fromLink || o.from == fromOurForm && app) {
		return htmlReply{location: o.target}
	}
	return htmlReply{status: http.StatusOK, view: page.View{Name: "redirect", Data: views.RedirectPage{
		Page: p, Target: o.target, Href: page.Href(o.target), Host: redirect.Host(o.target), App: app,
	}}}
}

func (o redirectOutcome) json() (int, any) {
	status, body := http.StatusOK, redirectJSON{RedirectTo: o.target}
	if e := oauth.AsError(o.err); o.err != nil && e != errDeclined { // the user chose to decline
		status, body.Error = e.Code.Status(), e
	}
	if o.form != nil {
		body.RedirectTo, body.PostTo, body.Fields = "", o.target, o.form.byName()
	}
	return status, body
}

// errorOutcome shows an error page. The client gets no response.
type errorOutcome struct {
	common
	status int
	again  string        // the URL that starts the request again; see startAgain
	client *oauth.Client // whose request it is; nil if unknown
	appURL string        // the client's home page; see homePage
}

func (o errorOutcome) html(p views.Page) htmlReply {
	shown := errorPage(oauth.AsError(o.err), o.again)
	if o.appURL != "" {
		shown.App, shown.AppURL = page.ClientName(o.client), o.appURL
	}
	shown.Page = p
	return htmlReply{status: o.status, view: page.View{Name: "error", Data: shown}}
}

func (o errorOutcome) json() (int, any) { return o.status, oauth.AsError(o.err) }

// decidedOutcome tells a user who decides twice about the first decision.
type decidedOutcome struct {
	common
	what string
	done bool   // the response went to an app of the device
	apps string // the page where the user removes the app; empty if it was not allowed
}

func (o decidedOutcome) html(p views.Page) htmlReply {
	return htmlReply{status: http.StatusConflict, view: page.View{Name: "decided", Data: views.DecidedPage{Page: p, What: o.what, Done: o.done, AppsPage: o.apps}}}
}

func (o decidedOutcome) json() (int, any) {
	return http.StatusConflict, struct {
		Message string `json:"message"`
	}{o.what}
}

// write sends an outcome. No other function of the authorization endpoint takes the
// ResponseWriter.
func (e *Endpoint) write(w http.ResponseWriter, r *http.Request, o outcome) {
	rest := o.rest()
	for _, c := range rest.cookies {
		http.SetCookie(w, c)
	}
	if rest.err != nil {
		public := oauth.AsError(rest.err)
		e.Log.Refusal(r, public, rest.err)
		wire.SetRetryAfter(w, public)
		wire.SetThrottled(w, rest.err)
	}
	if away, ok := o.(signInOutcome); ok && away.again {
		e.Log.InfoContext(r.Context(), "the browser returned from the sign-in page, but no user is signed in: "+
			"check that the page sets the session cookie, and that CurrentUser reads it",
			"request_id", reqinfo.From(r.Context()).ID, "method", r.Method, "path", reqinfo.Path(r))
	}
	if shown, ok := o.(errorOutcome); ok && shown.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, POST")
	}
	if scripted(r) {
		status, body := o.json()
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		page.Private(w)
		wire.WriteJSON(w, status, body)
		return
	}
	switch reply := o.html(e.site(r)); {
	case reply.location != "":
		page.Private(w)
		w.Header().Set("Location", reply.location)
		w.WriteHeader(http.StatusSeeOther)
	default:
		e.Pages.Show(w, r, e.Log.Logger, reply.status, reply.view)
	}
}
