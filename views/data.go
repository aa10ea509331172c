// Package views holds the HTML of the server's pages, and what the pages get.
//
// Fields may be added to these types; none is removed or changed. Names and texts
// that other people wrote are cleaned and cut: they have no invisible characters and
// none that change the direction of text. The template escapes them.
package views

import (
	"fmt"
	"html/template"
	"log/slog"
	"slices"
)

// Page is what every view is given, layout.html too.
type Page struct {
	Site      string // the host of the issuer
	RequestID string // under which the log says more
}

// ConsentPage is what consent.html is given. An answer to the page counts only while
// the page would show the same: if anything here has changed, User.Data apart, the
// page is shown again. The page has to have a form by which
// it is answered:
//
//	<form method="post" action="{{.Action}}">
//	  <input type="hidden" name="ticket" value="{{.Ticket}}">
//	  <button name="decision" value="deny">Cancel</button>
//	  <button name="decision" value="allow">Allow</button>
//	</form>
type ConsentPage struct {
	Page

	Client    ConsentClient
	User      ConsentUser
	Scopes    []ConsentScope // what is asked for, in the order of Config.Scopes
	Resources []string       // the APIs that it is for, if the request names any

	Host   string // where the browser goes with the answer, or the app's own URL scheme
	Device bool   // that is an app on this device
	Days   int    // after how many days the user is asked again at the latest; 0: before the first is over

	Action string // where the form goes
	Ticket string // what the form has to hold
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (p ConsentPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.ConsentPage(%s)", p.Client.ID)
}

// LogValue implements [slog.LogValuer]: only the client ID.
func (p ConsentPage) LogValue() slog.Value { return slog.StringValue(p.Client.ID) }

// ConsentClient is who asks.
type ConsentClient struct {
	ID         string
	Name       string            // never empty
	Untrusted  bool              // a user registered it, and nobody has checked it
	Attributes map[string]string // as the application stored them: neither cleaned nor cut
}

// ConsentUser is who is asked.
type ConsentUser struct {
	ID   string
	Name string // may be empty
	Data any    // User.Data of the application; nil when the view is checked at start-up, so use it in {{with .User.Data}}
}

// ConsentScope is a permission that is asked for.
type ConsentScope struct {
	ID          string
	Description string
	Granted     bool // the user has allowed it before
}

// New returns the scopes that the user has not allowed before.
func (p ConsentPage) New() []ConsentScope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s ConsentScope) bool { return s.Granted })
}

// Old returns the scopes that the user has allowed before.
func (p ConsentPage) Old() []ConsentScope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s ConsentScope) bool { return !s.Granted })
}

// RedirectPage is what redirect.html is given: the page that redirects the browser
// after a form. It has to have the link <a {{.Href}}>, and redirects by itself if
// it defines a head:
//
//	{{define "head"}}{{if not .App}}<meta http-equiv="refresh" content="0;url={{.Target}}">{{end}}{{end}}
type RedirectPage struct {
	Page

	Target string            // where it leads: to the app, or to the sign-in page
	Href   template.HTMLAttr // the attribute href="…" with it: a template would change a URL of an app on the device
	Host   string            // of the target, or the app's own URL scheme; empty on the way to the sign-in page
	App    bool              // the target is an app's own URL scheme, which opens only if the user clicks
}

// Format implements [fmt.Formatter]. It prints no secret: only the host.
func (p RedirectPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.RedirectPage(%s)", p.Host)
}

// LogValue implements [slog.LogValuer]: only the host.
func (p RedirectPage) LogValue() slog.Value { return slog.StringValue(p.Host) }

// DecidedPage is what decided.html is given: the page for a second decision.
type DecidedPage struct {
	Page

	What string // a sentence that says what the first decision was
}

// ErrorPage is what error.html is given: the error in words for people, and in
// those of the standards for whoever builds the app.
type ErrorPage struct {
	Page

	Title, Advice     string
	Code, Description string // error and error_description (RFC 6749 §4.1.2.1); Description may be empty
}
