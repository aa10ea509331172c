package oidc

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// logoutOutcome is how a request ends: with a redirect to the target, or with a page.
type logoutOutcome struct {
	ends    []browserSession // to end first
	request *logoutRequest   // nil for a refusal before it is known
	err     error            // logged
	status  int
	page    page.View
	target  string // of a redirect; empty for the page
}

// Maximum lengths, in characters, of texts about a user.
const (
	maxUserName  = 80
	maxUserEmail = 254
)

// ask returns the confirmation page. fault says why the page is shown again.
func (l *logout) ask(q *logoutRequest, at time.Time, fault string) logoutOutcome {
	ticket := l.seals.seal(confirmPurpose, logoutTicket{Asked: q.askedLogout, Sessions: q.sessions}, at)
	return l.asking(q, views.LogoutPage{Ticket: ticket, Fault: fault, Other: q.otherUser()})
}

func (l *logout) asking(q *logoutRequest, p views.LogoutPage) logoutOutcome {
	p.Action, p.Problem, p.Host = l.path, q.Problem, redirect.Host(q.target)
	if q.client != nil {
		p.App = page.ClientName(q.client)
	}
	for _, s := range q.sessions {
		p.Users = append(p.Users, views.ConsentUser{
			ID: page.Text(s.User, maxUserName), Name: page.Text(s.shown.Name, maxUserName), Email: page.Text(s.shown.Email, maxUserEmail),
		})
	}
	return logoutOutcome{request: q, err: q.problem, status: http.StatusOK, page: page.View{Name: "logout", Data: p}}
}

// done returns the outcome once no user is signed in. proven means that the user pressed
// the button, or that the hint was of the session.
//
// Without that, only a client of the operator with a valid hint gets a redirect. Any user
// can register a client and get a hint: a redirect would be an open redirect, so the page
// shows a link.
func (l *logout) done(q *logoutRequest, proven bool) logoutOutcome {
	o := logoutOutcome{request: q, err: q.problem, status: http.StatusOK}
	hinted := q.target != "" && q.Hint != nil
	switch {
	case q.target != "" && proven, hinted && q.client.Owner == oauth.UserRef{}:
		o.target = q.target
		return o
	}
	p := views.LoggedOutPage{Problem: q.Problem}
	if hinted {
		p.App, p.Href, p.Host = page.ClientName(q.client), page.Href(q.target), redirect.Host(q.target)
	}
	o.page = page.View{Name: "logged_out", Data: p}
	return o
}

// stays returns the page for users whose provider can't end their session.
func (l *logout) stays(q *logoutRequest) logoutOutcome {
	err := fmt.Errorf("the user provider %q is not an oauth.SignOuter, so it can't end sessions: implement SignOut, or set UserFuncs.SignOut: %w",
		q.sessions[0].Provider, oauth.InvalidRequest.Errorf("this account can't be signed out here"))
	return logoutRefused(http.StatusNotImplemented, err)
}

// repeat sends the browser here again with a GET from a page of this site, with which it
// sends its cookies. A GET is never repeated.
func (l *logout) repeat(q *logoutRequest, at time.Time) logoutOutcome {
	again := l.seals.seal(repeatPurpose, logoutTicket{Asked: q.askedLogout}, at)
	if len(again) > maxInURL {
		q.askedLogout = void(oauth.InvalidRequest.Errorf("post_logout_redirect_uri and state are too long for a POST"))
		again = l.seals.seal(repeatPurpose, logoutTicket{Asked: q.askedLogout}, at)
	}
	return logoutOutcome{request: q, status: http.StatusOK, target: l.path + "?" + againParam + "=" + again}
}

// maxInURL is the maximum length of a request that is repeated. nginx accepts a request
// line of 8 KiB.
const maxInURL = 7 << 10

// logoutFailed returns the page for an error of the server, or for a request that can't
// be read.
func logoutFailed(err error) logoutOutcome {
	status := wire.UnreadableStatus(err)
	if status == 0 {
		status = oauth.AsError(err).Code.Status()
	}
	return logoutRefused(status, err)
}

func logoutRefused(status int, err error) logoutOutcome {
	public := oauth.AsError(err)
	p := views.ErrorPage{Title: "Something is wrong with this request", Advice: "You are still signed in. Go back to the app and try again.", Code: string(public.Code), Description: public.Description}
	switch {
	case status == http.StatusNotImplemented:
		p.Title, p.Advice = "You are still signed in", "You can’t sign out here. Sign out on the page where you signed in."
	case public.Code == oauth.AccessDenied:
		p.Title, p.Advice = "We weren’t expecting this response", "It did not come from our own page. You are still signed in."
	case public.Code == oauth.TemporarilyUnavailable:
		p.Title, p.Advice = "Please try again in a moment", "The service is busy or being restarted. You may still be signed in."
	case public.Code == oauth.ServerError:
		p.Title, p.Advice = "Something went wrong on our side", "You may still be signed in. Try again later. If you report this, quote the request ID."
	}
	return logoutOutcome{err: err, status: status, page: page.View{Name: "error", Data: p}}
}

// end ends the sessions of an outcome. It returns the outcome, or the page that lets the
// user try again.
func (l *logout) end(w http.ResponseWriter, r *http.Request, o logoutOutcome) logoutOutcome {
	r = r.WithContext(tokens.EndingOnce(r.Context()))
	for _, s := range o.ends {
		if err := l.endOne(w, r, s); err != nil {
			return l.unfinished(o, err)
		}
		client := ""
		if o.request.client != nil {
			client = o.request.client.ID
		}
		l.log.InfoContext(r.Context(), "signed out", "request_id", reqinfo.From(r.Context()).ID, "client_id", client, "user", s.ref())
	}
	return o
}

// endOne ends the session of the application first, and then what the clients have of
// it. In this order, EndSession also ends a code that is issued at the same time.
// EndSession stores the notices to the clients, too.
func (l *logout) endOne(w http.ResponseWriter, r *http.Request, s browserSession) error {
	out, ok := l.users.SignOuter(s.Provider)
	if !ok {
		return fmt.Errorf("the user provider %q can no longer end sessions", s.Provider)
	}
	headers := cookiesOnly{http.Header{}}
	err := out.SignOut(headers, r)
	for _, name := range []string{"Set-Cookie", "Clear-Site-Data"} {
		for _, value := range headers.header.Values(name) {
			w.Header().Add(name, value)
		}
	}
	if err != nil {
		return fmt.Errorf("SignOut of the provider %q: %w", s.Provider, err)
	}
	if s.ID == "" {
		return nil
	}
	return l.tokens.EndSession(context.WithoutCancel(r.Context()), s.ref(), s.ID) // also if the browser disconnects now
}

// cookiesOnly is what SignOut of a provider gets: a page that it writes would be in the
// way of ours.
type cookiesOnly struct{ header http.Header }

func (c cookiesOnly) Header() http.Header         { return c.header }
func (c cookiesOnly) Write(b []byte) (int, error) { return len(b), nil }
func (c cookiesOnly) WriteHeader(int)             {}

// unfinished returns the page after a sign-out that failed. Its ticket ends the same
// sessions, also if the browser has lost them.
func (l *logout) unfinished(o logoutOutcome, err error) logoutOutcome {
	public := oauth.AsError(err)
	status := http.StatusInternalServerError
	if public.Code == oauth.TemporarilyUnavailable {
		status = http.StatusServiceUnavailable
	}
	q := *o.request
	q.sessions = nil
	again := l.asking(&q, views.LogoutPage{
		Ticket: l.seals.seal(confirmPurpose, logoutTicket{Asked: q.askedLogout, Sessions: o.ends, Unfinished: true}, time.Now()),
		Fault:  "The sign-out is not complete: you may still be signed in, also in other apps. Please try again.",
	})
	again.status, again.err = status, err
	return again
}

// write writes the response.
func (l *logout) write(w http.ResponseWriter, r *http.Request, o logoutOutcome) {
	if o.err != nil {
		public := oauth.AsError(o.err)
		l.log.Refusal(r, public, o.err)
		wire.SetRetryAfter(w, public)
	}
	if o.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, POST")
	}
	if o.target != "" && r.Method == http.MethodGet && len(o.target) <= maxLocation {
		page.Private(w)
		w.Header().Set("Location", o.target)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	if o.target != "" { // after a form; Chromium applies the form-action of its page to redirects
		o.page = page.View{Name: "redirect", Data: views.RedirectPage{
			Target: o.target, Href: page.Href(o.target), Host: targetHost(o.target, l.path), App: redirect.PrivateUse(o.target),
		}}
	}
	o.page.Data = withPage(o.page.Data, views.Page{Site: l.site, Home: l.home, RequestID: reqinfo.From(r.Context()).ID})
	l.pages.Show(w, r, l.log.Logger, o.status, o.page)
}

// maxLocation is the maximum length of a Location header: see authorize.maxLocation.
const maxLocation = 3 << 10

// targetHost returns the host that the browser is redirected to; empty for this server.
func targetHost(target, path string) string {
	if len(target) > 0 && target[0] == '/' && len(path) > 0 {
		return ""
	}
	return redirect.Host(target)
}

// withPage fills in what every page has.
func withPage(data any, p views.Page) any {
	switch d := data.(type) {
	case views.LogoutPage:
		d.Page = p
		return d
	case views.LoggedOutPage:
		d.Page = p
		return d
	case views.RedirectPage:
		d.Page = p
		return d
	case views.ErrorPage:
		d.Page = p
		return d
	}
	return data
}
