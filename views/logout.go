package views

import (
	"fmt"
	"html/template"
	"log/slog"
)

// LogoutPage is the data of logout.html, which asks whether the user wants to sign out: an
// app or a link sent the browser here. It needs the form:
//
//	<form method="post" action="{{.Action}}">
//	  <input type="hidden" name="ticket" value="{{.Ticket}}">
//	  <button>Sign out</button>
//	</form>
type LogoutPage struct {
	Page

	Users   []ConsentUser // the signed-in accounts, which the form signs out; empty after a sign-out that failed halfway
	App     string        // the name of the app that asks; empty if it is not known
	Other   bool          // the app asks to sign out another account than the one that is signed in
	Host    string        // where the browser goes afterwards, as in ConsentPage; empty for the page of LoggedOutPage
	Fault   string        // a sentence about why the page is shown again; may be empty
	Problem string        // what is wrong with the app's request, for developers; may be empty

	Action string // the form's action
	Ticket string // the value of the form's field ticket
}

// Format implements [fmt.Formatter]. It prints no secret: only the name of the app.
func (p LogoutPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.LogoutPage(%s)", p.App)
}

// LogValue implements [slog.LogValuer]: only the name of the app.
func (p LogoutPage) LogValue() slog.Value { return slog.StringValue(p.App) }

// LoggedOutPage is the data of logged_out.html: no user is signed in, and the browser
// stays.
type LoggedOutPage struct {
	Page

	App     string            // the name of the app that the link leads to; empty without a link
	Href    template.HTMLAttr // the attribute href="…" of a link back to the app; may be empty
	Host    string            // where the link leads
	Problem string            // as in LogoutPage
}

// Format implements [fmt.Formatter]. It prints no secret: only the host.
func (p LoggedOutPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.LoggedOutPage(%s)", p.Host)
}

// LogValue implements [slog.LogValuer]: only the host.
func (p LoggedOutPage) LogValue() slog.Value { return slog.StringValue(p.Host) }
