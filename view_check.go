package passport

import (
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
)

// views reports what makes a view of the application unusable, before a user sees
// it: each is parsed, and shown once with all that it may be given and once with as
// little as possible. What browsers only ignore is for `passport views --check`.
func (f *faults) views(c Config) {
	if c.Views == nil {
		return
	}
	exists := func(name string) bool {
		_, err := fs.Stat(c.Views, name)
		return err == nil
	}
	renamed := slices.Sorted(maps.Keys(page.Renamed))
	for _, old := range renamed {
		f.add(exists(old), "Views: %s has a new name, %s: rename the file, or delete it", old, page.Renamed[old])
	}
	if !slices.ContainsFunc(page.Files(), exists) {
		f.add(!slices.ContainsFunc(renamed, exists), "Views: there is none of %s in it: is it the right folder? `passport views FOLDER` writes ours, to start from",
			strings.Join(page.Files(), ", "))
		return
	}
	own, _, err := newViews(c.Views)
	if err != nil {
		f.viewFaults(err)
	}
	if own == nil || own.pages["consent"] != nil && !own.showsMain() {
		f.add(own != nil, `Views: %s does not show the page: write {{template "main" .}} where that belongs`, page.LayoutFile)
		return
	}
	css, _ := withOurs{c.Views}.ReadFile(page.StyleFile)
	if before, _, ends := strings.Cut(strings.ToLower(string(css)), "</style"); ends {
		f.add(true, "Views: %s:%d: </style ends the style element: take it out", page.StyleFile, 1+strings.Count(before, "\n"))
		return
	}
	for _, name := range page.Names {
		if t := own.pages[name]; t != nil {
			f.view(name, t)
		}
	}
}

// view tries one view with each of its samples.
func (f *faults) view(name string, t *template.Template) {
	for _, sample := range samples[name] {
		body, err := page.Body(t, sample)
		if err != nil {
			f.viewFaults(err)
			return
		}
		if missing := missingOf(sample, page.Elements(string(body))); len(missing) > 0 {
			f.viewFaults(fmt.Errorf("%s.html: the page lacks %s", name, strings.Join(missing, " and ")))
		}
	}
}

// missingOf returns what a page that shows a sample lacks to be of use.
func missingOf(sample any, elements []page.Element) []string {
	switch p := sample.(type) {
	case ConsentPage:
		return missingOfConsent(elements, p)
	case RedirectPage:
		return missingOfRedirect(elements, p)
	}
	return nil
}

// showsMain reports whether the layout has a place for the page.
func (v *views) showsMain() bool {
	return strings.Contains(v.pages["consent"].Lookup(page.LayoutFile).Tree.Root.String(), `{{template "main"`)
}

// viewFaults adds what is wrong with a view, in the words of the template package,
// which name file and line. What is wrong with the layout is so on each page.
func (f *faults) viewFaults(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			f.viewFaults(e)
		}
		return
	}
	text := err.Error()
	if _, after, ok := strings.Cut(text, "template:"); ok {
		text = strings.TrimSpace(after)
		if strings.Contains(text, "evaluate field") {
			text += "; the documentation of that type lists the fields there are"
		}
	}
	fault := fmt.Errorf("passport: Config.Views: %s", text)
	if !slices.ContainsFunc(*f, func(other error) bool { return other.Error() == fault.Error() }) {
		*f = append(*f, fault)
	}
}

// samples are what the views are tried with.
var samples = map[string][]any{
	"consent": {
		ConsentPage{
			Page:   samplePage,
			Client: ConsentClient{ID: "client", Name: "An app", Untrusted: true, Attributes: map[string]string{"name": "value"}},
			User:   ConsentUser{ID: "user", Name: "Somebody"},
			Scopes: []ConsentScope{{"new", "What is new", false}, {"old", "What is old", true}}, Resources: []string{"https://api.example.com"},
			Host: "app.example.com", Device: true, Days: 365, Action: "/oauth/authorize", Ticket: "ticket",
		},
		ConsentPage{
			Page: samplePage, Client: ConsentClient{ID: "client", Name: "An app"}, User: ConsentUser{ID: "user"},
			Host: "app.example.com", Action: "/oauth/authorize", Ticket: "ticket",
		},
	},
	"redirect": {
		redirectTo("https://app.example.com/cb?code=code&state=state"), redirectTo("com.example.app:/cb?code=code"), redirectTo("/login?return_to=%2Foauth"),
	},
	"decided": {DecidedPage{samplePage, "You have allowed this request already."}},
	"error": {
		ErrorPage{samplePage, "A title", "What to do.", "invalid_request", "client_id is missing"},
		ErrorPage{samplePage, "A title", "What to do.", "server_error", ""},
	},
}

var samplePage = Page{Site: "auth.example.com", RequestID: "request"}

func redirectTo(target string) RedirectPage {
	return RedirectPage{
		Page: samplePage, Target: target, Href: href(target), Host: redirect.Host(target), App: redirect.PrivateUse(target),
	}
}

// missingOfConsent returns what a consent page lacks for a decision.
func missingOfConsent(elements []page.Element, p ConsentPage) (missing []string) {
	lacks := func(write string, is func(page.Element) bool) {
		if !slices.ContainsFunc(elements, is) {
			missing = append(missing, write)
		}
	}
	decides := func(how string) func(page.Element) bool {
		return func(e page.Element) bool { return e.Attributes["name"] == "decision" && e.Attributes["value"] == how }
	}
	lacks(`<form method="post" action="{{.Action}}">`, func(e page.Element) bool {
		return e.Name == "form" && strings.EqualFold(e.Attributes["method"], "post") && e.Attributes["action"] == p.Action
	})
	lacks(`<input type="hidden" name="ticket" value="{{.Ticket}}">`, func(e page.Element) bool {
		return e.Attributes["name"] == "ticket" && e.Attributes["value"] == p.Ticket
	})
	lacks(`<button name="decision" value="allow">`, decides("allow"))
	lacks(`<button name="decision" value="deny">`, decides("deny"))
	return missing
}

// missingOfRedirect returns what a page lacks that redirects the browser.
func missingOfRedirect(elements []page.Element, p RedirectPage) []string {
	if slices.ContainsFunc(elements, func(e page.Element) bool { return e.Name == "a" && e.Attributes["href"] == p.Target }) {
		return nil
	}
	return []string{`<a {{.Href}}>`}
}
