package passport

import (
	"cmp"
	"net/http"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// What the pages of [Config.Views] get. Package views documents the types.
type (
	// Page is [views.Page].
	Page = views.Page
	// ConsentPage is [views.ConsentPage].
	ConsentPage = views.ConsentPage
	// ConsentClient is [views.ConsentClient].
	ConsentClient = views.ConsentClient
	// ConsentUser is [views.ConsentUser].
	ConsentUser = views.ConsentUser
	// ConsentScope is [views.ConsentScope].
	ConsentScope = views.ConsentScope
	// RedirectPage is [views.RedirectPage].
	RedirectPage = views.RedirectPage
	// DecidedPage is [views.DecidedPage].
	DecidedPage = views.DecidedPage
	// ErrorPage is [views.ErrorPage].
	ErrorPage = views.ErrorPage
)

// WriteViews writes the server's own views into a folder, which it makes if
// necessary, so that an application can start from them: see [Config.Views].
// `passport views` calls it. If one of the files exists, it writes nothing without
// force, and the error is [fs.ErrExist].
func WriteViews(dir string, force bool) error { return page.Write(dir, force) }

// site is what every page is given.
func (s *Server) site(r *http.Request) Page {
	return Page{Site: s.issuer.Host, RequestID: reqinfo.From(r.Context()).ID}
}

// What a page shows of a text that somebody else wrote, in characters.
const (
	maxName = 80
	maxText = 200
)

// showConsent asks the user, with a fresh ticket.
func (s *Server) showConsent(r *http.Request, q *authorization, who *users.Account, granted []string) (consentOutcome, error) {
	p := s.consentPage(q, who, granted)
	sealed, cookies, err := s.newTicket(r, q, who.Ref, p)
	if err != nil {
		return consentOutcome{}, err
	}
	p.Ticket = sealed
	return consentOutcome{common: common{cookies: cookies}, page: p, redirectURI: q.redirectURI, asJSON: s.consentJSON(q, who, p)}, nil
}

// consentPage is what the page shows now. The digest in its ticket is made of it, so
// nothing in it may differ from one request to the next: see authorization.shown.
func (s *Server) consentPage(q *authorization, who *users.Account, granted []string) ConsentPage {
	p := ConsentPage{
		Client: ConsentClient{
			ID: page.Text(q.client.ID, maxText), Name: cmp.Or(page.Text(q.client.Name, maxName), "An app without a name"),
			Untrusted: !q.trusted(), Attributes: q.client.Attributes,
		},
		User:   ConsentUser{ID: page.Text(who.User.ID, maxText), Name: page.Text(who.User.Name, maxName), Data: who.User.Data},
		Host:   redirect.Host(q.redirectURI),
		Device: redirect.Loopback(q.redirectURI) || redirect.PrivateUse(q.redirectURI),
		Days:   int(s.familyLife(q) / day),
		Action: s.authorizePath(),
	}
	for _, scope := range s.ScopesFor(q.scopes...) {
		p.Scopes = append(p.Scopes, ConsentScope{
			ID: scope.ID, Description: page.Text(scope.Description, maxText), Granted: len(s.unconsented(q, granted, scope.ID)) == 0,
		})
	}
	for _, uri := range q.resources {
		p.Resources = append(p.Resources, page.Text(uri, maxText))
	}
	return p
}

// errorPage is what a person reads of an error. The wire's words stand below it,
// for whoever builds the app.
func errorPage(e *oauth.Error) ErrorPage {
	title, advice := "This request cannot be completed", "Go back to the app and try again. If it happens again, tell the people who make the app."
	switch {
	case e == errStale:
		title, advice = "This page has expired", "Go back to the app and start again. Nothing was allowed."
	case e.Code == oauth.InvalidClient:
		title, advice = "This app is not known here", "The link that brought you here names an app that does not exist, or that was removed. Nothing was allowed."
	case e.Code == oauth.TemporarilyUnavailable:
		title, advice = "Please try again in a moment", "The service is busy or being restarted. Nothing was allowed."
	case e.Code == oauth.ServerError:
		title, advice = "Something went wrong on our side", "Nothing was allowed. Try again later; if you report this, give the number below."
	case e.Code == oauth.AccessDenied:
		title, advice = "This answer was not accepted", "It did not come from our own page. Go back to the app and start again."
	}
	return ErrorPage{Title: title, Advice: advice, Code: string(e.Code), Description: e.Description}
}
