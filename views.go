package passport

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

//go:embed views
var viewFiles embed.FS

// pages are the parsed templates by name.
type pages map[string]*template.Template

func newPages() (pages, error) {
	files, err := fs.Sub(viewFiles, "views")
	if err != nil {
		return nil, fmt.Errorf("passport: open views: %w", err)
	}
	p := pages{}
	for _, name := range []string{"consent", "leaving", "answered", "error"} {
		if p[name], err = page.Parse(files, name+".html"); err != nil {
			return nil, fmt.Errorf("passport: %w", err)
		}
	}
	return p, nil
}

// view is a page: the name of its template, what that shows, and where else than
// to us its form may lead.
type view struct {
	name       string
	data       map[string]any
	formAction []string
}

// show answers with a page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	name, data := v.name, v.data
	data["Site"] = s.issuer.Host
	data["RequestID"] = reqinfo.From(r.Context()).ID
	if err := page.Render(w, status, s.pages[name], data, v.formAction...); err != nil {
		s.config.Logger.ErrorContext(r.Context(), "page not shown", "page", name, "request_id", data["RequestID"], "err", err)
	}
}

// maxName is how much of a name a page shows.
const maxName = 80

// showConsent asks the user, with a fresh ticket.
func (s *Server) showConsent(w http.ResponseWriter, r *http.Request, q *authorization, who *account, granted []string) error {
	sealed, err := s.newTicket(w, r, q, who.ref)
	if err != nil {
		return err
	}
	asked := s.ScopesFor(q.scopes...)
	isNew := func(scope Scope) bool { return len(s.unconsented(q, granted, scope.ID)) > 0 }
	host := redirect.Host(q.redirectURI)
	data := map[string]any{
		"Client":    cmp.Or(page.Text(q.client.Name, maxName), "An app without a name"),
		"User":      page.Text(who.user.Name, maxName),
		"New":       slices.DeleteFunc(slices.Clone(asked), func(scope Scope) bool { return !isNew(scope) }),
		"Old":       slices.DeleteFunc(slices.Clone(asked), isNew),
		"Resources": q.resources,
		"Host":      host,
		"Device":    redirect.Loopback(q.redirectURI) || redirect.PrivateUse(q.redirectURI),
		"Untrusted": !q.trusted(),
		"Days":      int(s.familyTTL(q.client, q.browserApp()) / day),
		"Ticket":    sealed,
		"Action":    strings.TrimSuffix(s.issuer.Path, "/") + strings.TrimSuffix(s.config.Path, "/") + "/authorize",
	}
	var formAction []string
	if redirect.PrivateUse(q.redirectURI) {
		formAction = []string{host + ":"}
	}
	s.show(w, r, http.StatusOK, view{"consent", data, formAction})
	return nil
}

// errorText is what a person reads of an error. The wire's words stand below it,
// for whoever builds the app.
func errorText(e *oauth.Error) map[string]any {
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
	return map[string]any{"Title": title, "Advice": advice, "Code": string(e.Code), "Description": e.Description}
}

// wantsJSON reports whether the request asks for JSON before HTML.
func wantsJSON(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch media, _, _ := mime.ParseMediaType(part); media {
		case "application/json":
			return true
		case "text/html":
			return false
		}
	}
	return false
}
