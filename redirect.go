package passport

import (
	"html/template"
	"net/http"
	"slices"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// answer sends the browser back to the client (RFC 6749 §4.1.2), with the issuer
// in every answer (RFC 9207 §2).
func (s *Server) answer(w http.ResponseWriter, r *http.Request, q *authorization, params ...redirect.Param) {
	s.goTo(w, r, s.answerURI(q, params), q.afterForm)
}

// answerURI is where the browser goes with an answer: in the query, or in the
// fragment where the answer is a token (RFC 6749 §4.2.2).
func (s *Server) answerURI(q *authorization, params []redirect.Param) string {
	if !slices.ContainsFunc(params, func(p redirect.Param) bool { return p.Name == "state" }) {
		params = append(params, redirect.Param{Name: "state", Value: q.state})
	}
	params = append(params, redirect.Param{Name: "iss", Value: s.config.Issuer})
	if q.responder != nil {
		return redirect.AddFragment(q.redirectURI, params...)
	}
	return redirect.AddParams(q.redirectURI, params...)
}

// refuse tells the client what is wrong if it is known where that is, or else
// shows a page.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, q *authorization, err error) {
	e := oauth.AsError(err)
	if q.redirectURI == "" || !q.trusted() && !blameless(e.Code) {
		s.showError(w, r, pageStatus(e, err), err)
		return
	}
	s.logRefusal(r, e, err)
	target := s.answerURI(q, []redirect.Param{{Name: "error", Value: string(e.Code)}, {Name: "error_description", Value: e.Description}})
	if scripted(r) && e != errDeclined { // which is what the user asked for
		setRetryAfter(w, e)
		answerScript(w, e.Code.Status(), onwardJSON{e, target})
		return
	}
	s.goTo(w, r, target, q.afterForm)
}

// blameless reports whether a request may end in this error without anybody
// having made it so: the user declined, or we failed.
func blameless(code oauth.ErrorCode) bool {
	return code == oauth.AccessDenied || code == oauth.ServerError || code == oauth.TemporarilyUnavailable
}

// pageStatus is the status of an error page. A client that is unknown here has
// not failed to authenticate: nobody asked it to.
func pageStatus(e *oauth.Error, err error) int {
	switch {
	case tooLarge(err):
		return http.StatusRequestEntityTooLarge
	case e == errQueryTooLong:
		return http.StatusRequestURITooLong
	case e.Code.Status() >= 500:
		return e.Code.Status()
	}
	return http.StatusBadRequest
}

// goTo sends the browser on. Chromium holds every redirect that follows a form,
// the client's own further ones too, against the form-action of the page that
// the form was on. So what follows a form is a page that moves on by itself.
// A private-use scheme needs the user's gesture: after our own form, which names
// it in its form-action, it is a redirect, else the page has a button alone.
func (s *Server) goTo(w http.ResponseWriter, r *http.Request, target string, afterForm bool) {
	if scripted(r) {
		answerScript(w, http.StatusOK, onwardJSON{RedirectTo: target})
		return
	}
	if afterForm && !(r.Method == http.MethodPost && redirect.PrivateUse(target)) {
		s.show(w, r, http.StatusOK, view{name: "redirect", data: RedirectPage{
			Page: s.site(r), Target: target, Href: href(target), Host: redirect.Host(target), App: redirect.PrivateUse(target),
		}})
		return
	}
	page.Private(w)
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// href is a link to a registered redirect URI or the application's own sign-in
// page, as it is: the template would refuse its scheme or encode it once more.
func href(target string) template.HTMLAttr {
	return template.HTMLAttr(`href="` + template.HTMLEscapeString(target) + `"`) //nolint:gosec // escaped
}

// showError answers with a page, or with JSON where that is asked for: what is
// wrong, what to do, and the ID under which the log says more.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, status int, err error) {
	e := oauth.AsError(err)
	s.logRefusal(r, e, err)
	setRetryAfter(w, e)
	if scripted(r) {
		answerScript(w, status, e)
		return
	}
	p := errorPage(e)
	p.Page = s.site(r)
	s.show(w, r, status, view{name: "error", data: p})
}

// showDecided tells a user who decides twice what the first decision was.
func (s *Server) showDecided(w http.ResponseWriter, r *http.Request, what string) {
	if scripted(r) {
		answerScript(w, http.StatusConflict, struct {
			Message string `json:"message"`
		}{what})
		return
	}
	s.show(w, r, http.StatusConflict, view{name: "decided", data: DecidedPage{s.site(r), what}})
}
