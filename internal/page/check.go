package page

import (
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/views"
)

// Check returns the faults that make an application's views unusable, before a
// user sees them. It parses each view and renders it twice: with all possible
// data and with as little as possible. [Lint] reports the parts that browsers
// ignore. optional says whether the server has optional scopes, for which the consent
// page needs checkboxes.
func Check(files fs.FS, optional bool) []error {
	var f faults
	exists := func(name string) bool {
		_, err := fs.Stat(files, name)
		return err == nil
	}
	renamed := slices.Sorted(maps.Keys(Renamed))
	for _, old := range renamed {
		if exists(old) {
			f.add("%s is now called %s: rename the file, or delete it", old, Renamed[old])
		}
	}
	if !slices.ContainsFunc(slices.Concat(FileNames(), Folders), exists) {
		if len(f) == 0 {
			f.add("no view found: is it the right folder? The names are %s; `passport views FOLDER` writes the built-in files", strings.Join(FileNames(), ", "))
		}
		return f
	}
	own, err := parseOwn(files, brand.Brand{}, "")
	if err != nil {
		f.template(err)
	}
	if own != nil {
		f.pages(own, optional)
	}
	return f
}

// faults are the faults of a set of views.
type faults []error

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

// pages checks each page of a set.
func (f *faults) pages(own *parsed, optional bool) {
	if own.pages["consent"] != nil && !own.showsMain() {
		f.add(`%s does not show the page: add {{template "main" .}}`, LayoutFile)
		return
	}
	if before, _, ends := strings.Cut(strings.ToLower(own.look.css), "</style"); ends {
		f.add("%s:%d: </style ends the style element: remove it", StyleFile, 1+strings.Count(before, "\n"))
		return
	}
	for _, name := range Names {
		if t := own.pages[name]; t != nil {
			f.page(name, t, optional)
		}
	}
}

// page checks a page with each of its samples.
func (f *faults) page(name string, t *template.Template, optional bool) {
	for _, sample := range samples[name] {
		if p, ok := sample.(views.ConsentPage); ok && optional && len(p.Scopes) > 0 {
			p.Scopes = slices.Concat(p.Scopes, sampleOptional)
			sample = p
		}
		body, err := Body(t, sample)
		if err != nil {
			f.template(err)
			return
		}
		elements := Elements(string(body))
		if missing := missingOf(sample, elements); len(missing) > 0 {
			f.template(fmt.Errorf("%s.html: the page lacks %s", name, strings.Join(missing, " and ")))
		}
		if p, ok := sample.(views.ConsentPage); ok && offersRequired(elements, p) {
			f.template(fmt.Errorf("%s.html: scope_granted is for optional scopes, because Allow grants the required ones: put it into {{range .Optional}}", name))
		}
	}
}

// missingOf returns the required elements that a rendered page lacks.
func missingOf(sample any, elements []Element) []string {
	switch p := sample.(type) {
	case views.ConsentPage:
		return missingOfConsent(elements, p)
	case views.RedirectPage:
		return missingOfRedirect(elements, p)
	case views.DevicePage:
		return missingOfDevice(elements, p)
	case views.LogoutPage:
		return missingOfLogout(elements, p)
	}
	return nil
}

// showsMain reports whether the layout has a place for the page.
func (p *parsed) showsMain() bool {
	return strings.Contains(p.pages["consent"].Lookup(LayoutFile).Tree.Root.String(), `{{template "main"`)
}

// template adds the error of a view as the template package words it, with file
// and line. An error in the layout occurs in every page, and is added once.
func (f *faults) template(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			f.template(e)
		}
		return
	}
	text := err.Error()
	if _, after, ok := strings.Cut(text, "template:"); ok {
		text = strings.TrimSpace(after)
		if strings.Contains(text, "evaluate field") {
			text += "; the documentation of that type lists its fields"
		}
	}
	if !slices.ContainsFunc(*f, func(other error) bool { return other.Error() == text }) {
		f.add("%s", text)
	}
}

// samples is the data with which Check renders the views.
var samples = map[string][]any{
	"consent": {
		views.ConsentPage{
			Page:   samplePage,
			Client: views.ConsentClient{ID: "client", Name: "An app", Untrusted: true, Attributes: map[string]string{"name": "value"}, ClientURI: "https://app.example.com", PolicyURI: "https://app.example.com/privacy", TOSURI: "https://app.example.com/terms", LogoURL: "/oauth/client-logo?client_id=client", Verified: true},
			User:   views.ConsentUser{ID: "user", Name: "A user", Email: "user@example.com"},
			Scopes: []views.ConsentScope{{ID: "new", Description: "Something new", Granted: false}, {ID: "old", Description: "Something old", Granted: true, Group: "Orders", CanChange: true, Sensitive: true}}, Resources: []string{"https://api.example.com"},
			Host: "app.example.com", Device: true, Unencrypted: true, Days: 365, AppsPage: "/account", Switch: "/oauth/authorize?passport_sign_in=x", Action: "/oauth/authorize", Ticket: "ticket",
		},
		views.ConsentPage{
			Page: samplePage, Client: views.ConsentClient{ID: "client", Name: "An app"}, User: views.ConsentUser{ID: "user"},
			Host: "app.example.com", Action: "/oauth/authorize", Ticket: "ticket",
		},
		views.ConsentPage{
			Page: samplePage, Client: views.ConsentClient{ID: "client", Name: "An app"}, User: views.ConsentUser{ID: "user"},
			Scopes: []views.ConsentScope{{ID: "openid", Description: "Sign you in"}, {ID: "email", Description: "See your email address"}},
			Host:   "app.example.com", Action: "/oauth/authorize", Ticket: "ticket",
		},
		sampleDevice,
	},
	"device": {
		views.DevicePage{Page: samplePage, UserCode: "WDJB-MJHT", Fault: "This code is not valid.", Action: "/oauth/device"},
		views.DevicePage{Page: samplePage, Action: "/oauth/device"},
	},
	"logout": {
		views.LogoutPage{
			Page: samplePage, Users: []views.ConsentUser{{ID: "user", Name: "A user", Email: "user@example.com"}, {ID: "user"}}, App: "An app", Other: true, Host: "app.example.com",
			Fault: "This page has expired.", Problem: "there is no app with this client_id", Action: "/oauth/logout", Ticket: "ticket",
		},
		views.LogoutPage{Page: samplePage, Action: "/oauth/logout", Ticket: "ticket"},
	},
	"logged_out": {
		views.LoggedOutPage{Page: samplePage, App: "An app", Href: Href("https://app.example.com/"), Host: "app.example.com", Problem: "there is no app with this client_id"},
		views.LoggedOutPage{Page: samplePage},
	},
	"redirect": {
		redirectTo("https://app.example.com/cb?code=code&state=state"), redirectTo("com.example.app:/cb?code=code"), redirectTo("/login?return_to=%2Foauth"),
	},
	"decided": {views.DecidedPage{Page: samplePage, What: "You already allowed this request."}, views.DecidedPage{
		Page: samplePage, What: "The app has your response.", Done: true, Href: Href("com.example.app:/cb?code=code"), Host: "com.example.app",
	}, views.DecidedPage{Page: samplePage, What: "Go back to your device.", Done: true, Device: true}},
	"error": {
		views.ErrorPage{Page: samplePage, Title: "A title", Advice: "What to do.", Code: "invalid_request", Description: "client_id is missing", App: "An app", AppURL: "https://app.example.com/"},
		views.ErrorPage{Page: samplePage, Title: "A title", Advice: "What to do.", Code: "server_error", Description: "", Again: "/oauth/authorize?client_id=client"},
		views.ErrorPage{Page: samplePage, Title: "A title", Advice: "What to do.", Code: "invalid_request", Description: "this page has expired", Expired: true},
	},
}

// sampleOptional are the optional scopes of a sample.
var sampleOptional = []views.ConsentScope{
	{ID: "optional", Description: "Something more", Optional: true, Group: "Orders", Includes: []string{"Something else"}},
	{ID: "ticked", Description: "Something else", Optional: true, Granted: true, CanChange: true},
}

var samplePage = views.Page{Site: "auth.example.com", Home: "https://auth.example.com/", RequestID: "request"}

// sampleDevice is the consent page for a device.
var sampleDevice = views.ConsentPage{
	Page: samplePage, Client: views.ConsentClient{ID: "client", Name: "An app"}, User: views.ConsentUser{ID: "user"}, Days: 90,
	Requester: &views.ConsentDevice{UserCode: "WDJB-MJHT", Label: "A device", Agent: "A program", Address: "192.0.2.1", At: time.Now()}, Action: "/oauth/device", Ticket: "ticket",
}

func redirectTo(target string) views.RedirectPage {
	return views.RedirectPage{
		Page: samplePage, Target: target, Href: Href(target), Host: redirect.Host(target), App: redirect.PrivateUse(target),
	}
}

// missingOfConsent returns the elements for a decision that a consent page
// lacks.
func missingOfConsent(elements []Element, p views.ConsentPage) (missing []string) {
	lacks := func(write string, is func(Element) bool) {
		if !slices.ContainsFunc(elements, is) {
			missing = append(missing, write)
		}
	}
	decides := func(how string) func(Element) bool {
		return func(e Element) bool { return e.Attributes["name"] == "decision" && e.Attributes["value"] == how }
	}
	lacks(`<form method="post" action="{{.Action}}">`, func(e Element) bool {
		return e.Name == "form" && strings.EqualFold(e.Attributes["method"], "post") && e.Attributes["action"] == p.Action
	})
	lacks(`<input type="hidden" name="ticket" value="{{.Ticket}}">`, func(e Element) bool {
		return e.Attributes["name"] == "ticket" && e.Attributes["value"] == p.Ticket
	})
	lacks(`<button name="decision" value="allow">`, decides("allow"))
	lacks(`<button name="decision" value="deny">`, decides("deny"))
	if slices.ContainsFunc(p.Optional(), func(s views.ConsentScope) bool { return !slices.ContainsFunc(elements, offers(s.ID)) }) {
		missing = append(missing, `{{range .Optional}}<input type="checkbox" name="scope_granted" value="{{.ID}}"{{if .Granted}} checked{{end}}>`)
	}
	return missing
}

// missingOfDevice returns the elements for a code that the page for a device lacks.
func missingOfDevice(elements []Element, p views.DevicePage) (missing []string) {
	if !slices.ContainsFunc(elements, func(e Element) bool {
		return e.Name == "form" && strings.EqualFold(e.Attributes["method"], "post") && e.Attributes["action"] == p.Action
	}) {
		missing = append(missing, `<form method="post" action="{{.Action}}">`)
	}
	if !slices.ContainsFunc(elements, func(e Element) bool { return e.Name == "input" && e.Attributes["name"] == "user_code" }) {
		missing = append(missing, `<input name="user_code" value="{{.UserCode}}">`)
	}
	return missing
}

// missingOfLogout returns the elements for a confirmation that the page for a sign-out
// lacks.
func missingOfLogout(elements []Element, p views.LogoutPage) (missing []string) {
	if !slices.ContainsFunc(elements, func(e Element) bool {
		return e.Name == "form" && strings.EqualFold(e.Attributes["method"], "post") && e.Attributes["action"] == p.Action
	}) {
		missing = append(missing, `<form method="post" action="{{.Action}}">`)
	}
	if !slices.ContainsFunc(elements, func(e Element) bool { return e.Attributes["name"] == "ticket" && e.Attributes["value"] == p.Ticket }) {
		missing = append(missing, `<input type="hidden" name="ticket" value="{{.Ticket}}">`)
	}
	return missing
}

// offers returns whether an element lets the user choose an optional scope.
func offers(id string) func(Element) bool {
	return func(e Element) bool {
		return e.Name == "input" && strings.EqualFold(e.Attributes["type"], "checkbox") && e.Attributes["name"] == "scope_granted" && e.Attributes["value"] == id
	}
}

// offersRequired reports whether a page lets the user choose a required scope.
func offersRequired(elements []Element, p views.ConsentPage) bool {
	required := slices.Concat(p.New(), p.Old())
	return slices.ContainsFunc(required, func(s views.ConsentScope) bool {
		return slices.ContainsFunc(elements, func(e Element) bool { return e.Attributes["name"] == "scope_granted" && e.Attributes["value"] == s.ID })
	})
}

// missingOfRedirect returns the link that a redirect page lacks.
func missingOfRedirect(elements []Element, p views.RedirectPage) []string {
	if slices.ContainsFunc(elements, func(e Element) bool { return e.Name == "a" && e.Attributes["href"] == p.Target }) {
		return nil
	}
	return []string{`<a {{.Href}}>`}
}
