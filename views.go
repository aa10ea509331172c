package passport

import (
	"cmp"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

//go:embed views
var viewFiles embed.FS

// views are parsed pages by name, and the look that they have in common.
type views struct {
	look  *page.Look
	pages map[string]*template.Template
}

// newViews parses the views of an application, and ours where it has none.
func newViews(files fs.FS) (own, ours *views, err error) {
	if ours, err = parseViews(viewFS{}, page.Ours); err != nil || files == nil {
		return ours, ours, err
	}
	look, err := page.LookOf(files)
	if err != nil {
		return nil, nil, err
	}
	own, err = parseViews(withOurs{files}, look)
	return own, ours, err
}

// parseViews parses each of the views. The error lists all that are broken.
func parseViews(files fs.FS, look *page.Look) (*views, error) {
	v := &views{look, map[string]*template.Template{}}
	var faults []error
	for _, name := range page.Names {
		t, err := look.Parse(files, name+".html")
		if err != nil {
			faults = append(faults, err)
		}
		v.pages[name] = t
	}
	return v, errors.Join(faults...)
}

// viewFS are our own views, under the names that an application's have.
type viewFS struct{}

// Open implements [fs.FS].
func (viewFS) Open(name string) (fs.File, error) { return viewFiles.Open("views/" + name) }

// ReadFile implements [fs.ReadFileFS].
func (viewFS) ReadFile(name string) ([]byte, error) {
	switch name {
	case page.LayoutFile:
		return []byte(page.Layout), nil
	case page.StyleFile:
		return []byte(page.CSS), nil
	}
	return viewFiles.ReadFile("views/" + name)
}

// withOurs are the views of an application, and ours for those that it lacks.
type withOurs struct{ fs.FS }

// ReadFile implements [fs.ReadFileFS].
func (f withOurs) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(f.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		return viewFS{}.ReadFile(name)
	}
	return text, err
}

// view is a page: the name of its template, what that is given, and where else
// than to us its form may lead.
type view struct {
	name       string
	data       any
	formAction []string
}

// site is what every page is given.
func (s *Server) site(r *http.Request) Page {
	return Page{Site: s.issuer.Host, RequestID: reqinfo.From(r.Context()).ID}
}

// show answers with a page. A view of the application's that fails all the same,
// on data that it alone knows, must not keep a user from answering: ours is shown.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	err := s.views.look.Render(w, status, s.views.pages[v.name], v.data, v.formAction...)
	if err == nil {
		return
	}
	s.config.Logger.ErrorContext(r.Context(), "page not shown; the built-in one takes its place",
		"page", v.name, "request_id", reqinfo.From(r.Context()).ID, "err", err)
	if err := s.ours.look.Render(w, status, s.ours.pages[v.name], v.data, v.formAction...); err != nil {
		s.config.Logger.ErrorContext(r.Context(), "page not shown", "page", v.name, "request_id", reqinfo.From(r.Context()).ID, "err", err)
	}
}

// What a page shows of a text that somebody else wrote, in characters.
const (
	maxName = 80
	maxText = 200
)

// showConsent asks the user, with a fresh ticket.
func (s *Server) showConsent(r *http.Request, q *authorization, who *account, granted []string) (consentOutcome, error) {
	p := s.consentPage(q, who, granted)
	sealed, cookies, err := s.newTicket(r, q, who.ref, p)
	if err != nil {
		return consentOutcome{}, err
	}
	p.Ticket = sealed
	return consentOutcome{common: common{cookies: cookies}, page: p, redirectURI: q.redirectURI, asJSON: s.consentJSON(q, who, p)}, nil
}

// consentPage is what the page shows now. The digest in its ticket is made of it, so
// nothing in it may differ from one request to the next: see authorization.shown.
func (s *Server) consentPage(q *authorization, who *account, granted []string) ConsentPage {
	p := ConsentPage{
		Client: ConsentClient{
			ID: page.Text(q.client.ID, maxText), Name: cmp.Or(page.Text(q.client.Name, maxName), "An app without a name"),
			Untrusted: !q.trusted(), Attributes: q.client.Attributes,
		},
		User:   ConsentUser{ID: page.Text(who.user.ID, maxText), Name: page.Text(who.user.Name, maxName), Data: who.user.Data},
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
