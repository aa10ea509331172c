// Package views has the HTML of the server's pages, and the types of their data.
//
// New versions may add fields to these types, and remove or change none. Names and
// texts from users and clients have no invisible characters, no characters that
// change the direction of text, and a limited length. The template escapes them.
package views

import (
	"cmp"
	"fmt"
	"html/template"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Page is the data of every view, including layout.html.
type Page struct {
	Site      string // Brand.Name of the configuration, or else the host of the issuer
	Home      string // Brand.HomeURL of the configuration, or else the root of the issuer
	RequestID string // finds the log line with the details
}

// ConsentPage is the data of consent.html. The user's decision is valid only while
// the page would show the same. If anything here has changed, except User.Data, the
// server shows the page again. The page needs a form for the decision:
//
//	<form method="post" action="{{.Action}}">
//	  <input type="hidden" name="ticket" value="{{.Ticket}}">
//	  {{range .Optional}}
//	  <label><input type="checkbox" name="scope_granted" value="{{.ID}}"{{if .Granted}} checked{{end}}> {{.Description}}</label>
//	  {{end}}
//	  <button name="decision" value="deny">Cancel</button>
//	  <button name="decision" value="allow">Allow</button>
//	</form>
//
// Allow grants the required scopes, and the optional ones that the form sends. So a page
// without checkboxes grants no optional scope.
type ConsentPage struct {
	Page

	Client    ConsentClient
	User      ConsentUser
	Scopes    []ConsentScope // the requested scopes, in the order of Config.Scopes
	Resources []string       // the requested resources, if any

	// Requester is the device that asks; nil if the browser comes from the app. With it,
	// Host is empty: the browser is not redirected.
	Requester *ConsentDevice

	Host        string // the host that the browser is redirected to, with http:// if it is not encrypted; or the app's own URL scheme
	Device      bool   // the redirect opens an app on this device
	Unencrypted bool   // the redirect goes over plain http to another device
	Days        int    // the app needs a new consent after this many days; 0: in less than a day

	AppsPage string // the path of the page on which users remove apps; empty if there is none

	Switch string // the URL that lets the user choose another account, and comes back; may be empty
	Action string // the form's action
	Ticket string // the value of the form's field ticket
}

// SignIn reports whether the app only signs the user in: it requests openid, and no other
// scopes than those of OpenID Connect.
func (p ConsentPage) SignIn() bool {
	return slices.ContainsFunc(p.Scopes, func(s ConsentScope) bool { return s.ID == identityScopes[0] }) &&
		!slices.ContainsFunc(p.Scopes, func(s ConsentScope) bool { return !slices.Contains(identityScopes, s.ID) })
}

// identityScopes are the scopes of OpenID Connect (OpenID Connect Core §5.4, §11).
var identityScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (p ConsentPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.ConsentPage(%s)", p.Client.ID)
}

// LogValue implements [slog.LogValuer]: only the client ID.
func (p ConsentPage) LogValue() slog.Value { return slog.StringValue(p.Client.ID) }

// ConsentClient is the client that requests access.
type ConsentClient struct {
	ID         string
	Name       string            // never empty
	Untrusted  bool              // a user registered it, and the operator has not checked it
	Attributes map[string]string // as the application stored them, unchanged

	// What the client says about itself: URLs, each of which may be empty.
	ClientURI, PolicyURI, TOSURI string

	LogoURL  string // the path of its logo, which the operator uploaded; empty for none
	Verified bool   // the operator has checked who it belongs to
}

// Initials returns one or two letters for the tile of a client without a logo.
func (c ConsentClient) Initials() string {
	initials := ""
	for word := range strings.FieldsSeq(c.Name) {
		if first := []rune(word)[0]; len([]rune(initials)) < 2 && (unicode.IsLetter(first) || unicode.IsDigit(first)) {
			initials += strings.ToUpper(string(first))
		}
	}
	return cmp.Or(initials, "?")
}

// Website returns the host of ClientURI, or "".
func (c ConsentClient) Website() string {
	u, err := url.Parse(c.ClientURI)
	if err != nil {
		return ""
	}
	return u.Host
}

// ConsentUser is the signed-in user.
type ConsentUser struct {
	ID    string
	Name  string // may be empty
	Email string // may be empty, or the same as Name
	Data  any    // User.Data of the application; nil when the view is checked at start-up, so use it in {{with .User.Data}}
}

// Initial returns the first letter of the name; empty without a name and an email.
func (u ConsentUser) Initial() string {
	first, size := utf8.DecodeRuneInString(cmp.Or(u.Name, u.Email))
	if size == 0 {
		return ""
	}
	return strings.ToUpper(string(first))
}

// ConsentScope is a requested permission.
type ConsentScope struct {
	ID          string
	Description string // never empty
	Granted     bool   // the user has allowed it before; an optional one is ticked at first
	Group       string // Scope.Group, or the start of the ID; empty for none
	CanChange   bool   // lets the client change data
	Sensitive   bool
	Optional    bool // the user may decline it and allow the rest

	// Includes are the descriptions of other optional scopes of the page that an
	// optional scope grants too. It has some only under Config.InheritScopes.
	Includes []string
}

// New returns the required scopes that the user has not allowed before.
func (p ConsentPage) New() []ConsentScope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s ConsentScope) bool { return s.Granted || s.Optional })
}

// Old returns the required scopes that the user has allowed before.
func (p ConsentPage) Old() []ConsentScope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s ConsentScope) bool { return !s.Granted || s.Optional })
}

// Optional returns the optional scopes, allowed before or not.
func (p ConsentPage) Optional() []ConsentScope {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s ConsentScope) bool { return !s.Optional })
}

// RedirectPage is the data of redirect.html, which redirects the browser after a
// form. The page needs the link <a {{.Href}}>. It redirects by itself if it defines
// a head:
//
//	{{define "head"}}{{if not .App}}<meta http-equiv="refresh" content="0;url={{.Target}}">{{end}}{{end}}
type RedirectPage struct {
	Page

	Target string            // the URL of the app or of the sign-in page
	Href   template.HTMLAttr // the attribute href="…" with Target; a template would change the URL of an app on the device
	Host   string            // as in ConsentPage; empty for the sign-in page
	App    bool              // the target is an app's own URL scheme, which opens only if the user clicks
}

// FormPostPage is the data of form_post.html, which posts the response to the client with
// response_mode=form_post. The server shows it in the application's layout; the page itself
// can't be replaced.
type FormPostPage struct {
	Page

	Action template.HTMLAttr // the attribute action="…" with the redirect URI
	Fields []FormField
	Host   string // as in ConsentPage
	Script string // the path of the script that sends the form
}

// FormField is a field of a form that the user does not see.
type FormField struct{ Name, Value string }

// Format implements [fmt.Formatter]. It prints no secret: only the name.
func (f FormField) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "views.FormField(%s)", f.Name) }

// LogValue implements [slog.LogValuer]: only the name.
func (f FormField) LogValue() slog.Value { return slog.StringValue(f.Name) }

// Format implements [fmt.Formatter]. It prints no secret: only the host.
func (p FormPostPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.FormPostPage(%s)", p.Host)
}

// LogValue implements [slog.LogValuer]: only the host.
func (p FormPostPage) LogValue() slog.Value { return slog.StringValue(p.Host) }

// Format implements [fmt.Formatter]. It prints no secret: only the host.
func (p RedirectPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.RedirectPage(%s)", p.Host)
}

// LogValue implements [slog.LogValuer]: only the host.
func (p RedirectPage) LogValue() slog.Value { return slog.StringValue(p.Host) }

// DecidedPage is the data of decided.html, which responds to a second decision, to a
// reload after the response went to an app of the device, and to each decision in a
// device flow.
type DecidedPage struct {
	Page

	What   string            // a sentence about the decision
	Done   bool              // nothing is left to do here: the response went to an app of the device, or the user allowed a device
	Device bool              // the decision was about another device, in a device flow
	Href   template.HTMLAttr // the attribute href="…" of a link that opens the app again; may be empty
	Host   string            // the app's own URL scheme, if there is a link

	AppsPage string // path of the page where users remove an app, if this one was allowed; empty without such a page
}

// Format implements [fmt.Formatter]. It prints no secret: only the host.
func (p DecidedPage) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "views.DecidedPage(%s)", p.Host)
}

// LogValue implements [slog.LogValuer]: only the host.
func (p DecidedPage) LogValue() slog.Value { return slog.StringValue(p.Host) }

// ErrorPage is the data of error.html: the error in words for users, and in the
// standards' words for developers. Show a way out: a link to Again, or else to AppURL, or
// else to Home.
type ErrorPage struct {
	Page

	Title, Advice     string
	Code, Description string // error and error_description (RFC 6749 §4.1.2.1); Description may be empty

	Again   string // the URL that starts the same request again; empty if the server does not know the request for certain
	App     string // the name of the app, if it has an AppURL
	AppURL  string // the home page of the app, if the operator registered or verified it; may be empty
	Expired bool   // the page or the sign-in took too long, so the error tells developers nothing
}
