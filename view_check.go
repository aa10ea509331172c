package passport

import (
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
)

// views reports what is wrong with the views of an application before anybody
// sees them: each is parsed, and shown once with everything that it may be given
// and once with as little as there can be.
func (f *faults) views(c Config) {
	if c.Views == nil {
		return
	}
	exists := func(name string) bool {
		_, err := fs.Stat(c.Views, name)
		return err == nil
	}
	renamed := slices.Sorted(maps.Keys(renamedViews))
	for _, old := range renamed {
		f.add(exists(old), "Views: %s has a new name, %s: rename the file, or delete it", old, renamedViews[old])
	}
	if !slices.ContainsFunc(viewFileNames(), exists) {
		f.add(!slices.ContainsFunc(renamed, exists), "Views: there is none of %s in it: is it the right folder? `passport views FOLDER` writes ours, to start from",
			strings.Join(viewFileNames(), ", "))
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
	for _, name := range viewNames {
		if t := own.pages[name]; t != nil {
			f.view(viewCheck{files: withOurs{c.Views}, page: name + ".html"}, t)
		}
	}
}

// view tries one view with each of its samples.
func (f *faults) view(check viewCheck, t *template.Template) {
	for _, sample := range samples[strings.TrimSuffix(check.page, ".html")] {
		body, err := page.Body(t, sample)
		if err != nil {
			f.viewFaults(err)
			return
		}
		check.add(elementsOf(string(body)), sample)
	}
	for _, fault := range check.faults {
		f.viewFaults(fault)
	}
}

// showsMain reports whether the layout has a place for the page.
func (v *views) showsMain() bool {
	return strings.Contains(v.pages["consent"].Lookup(page.LayoutFile).Tree.Root.String(), `{{template "main"`)
}

// viewFileNames are the files that a set of views may have.
func viewFileNames() (names []string) {
	for _, name := range viewNames {
		names = append(names, name+".html")
	}
	return append(names, page.LayoutFile, page.StyleFile)
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

// element is one tag of a page.
type element struct {
	name       string
	attributes map[string]string
	text       string // up to the next tag, for a style element
}

var (
	tag       = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>([^<]*)`)
	attribute = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// elementsOf returns the tags of a page that the template package wrote, which
// escapes what is data and leaves out comments.
func elementsOf(body string) (found []element) {
	for _, m := range tag.FindAllStringSubmatch(body, -1) {
		e := element{name: strings.ToLower(m[1]), attributes: map[string]string{}, text: m[3]}
		for _, a := range attribute.FindAllStringSubmatch(m[2], -1) {
			e.attributes[strings.ToLower(a[1])] = html.UnescapeString(a[2] + a[3] + a[4])
		}
		found = append(found, e)
	}
	return found
}

// viewCheck looks at what one view makes of the samples.
type viewCheck struct {
	files  withOurs
	page   string
	faults []error
}

func (c *viewCheck) add(elements []element, sample any) {
	css, _ := c.files.ReadFile(page.StyleFile)
	for _, e := range elements {
		if what, remedy := blocked(e, page.Lines(string(css))); what != "" {
			c.fault("%s: %s has no effect: %s", c.where(what), what, remedy)
		}
	}
	var missing []string
	switch p := sample.(type) {
	case ConsentPage:
		missing = missingOfConsent(elements, p)
	case RedirectPage:
		missing = missingOfRedirect(elements, p)
	}
	if len(missing) > 0 {
		c.fault("%s: the page lacks %s", c.page, strings.Join(missing, " and "))
	}
}

// fault adds a fault, once for all samples.
func (c *viewCheck) fault(format string, args ...any) {
	fault := fmt.Errorf(format, args...)
	if !slices.ContainsFunc(c.faults, func(other error) bool { return other.Error() == fault.Error() }) {
		c.faults = append(c.faults, fault)
	}
}

// where returns the file and the line in which something begins, as far as it can
// be found there.
func (c *viewCheck) where(what string) string {
	for _, name := range []string{c.page, page.LayoutFile} {
		source, err := c.files.ReadFile(name)
		if err != nil {
			continue
		}
		before, _, found := strings.Cut(strings.ToLower(string(source)), what)
		if found {
			return fmt.Sprintf("%s:%d", name, 1+strings.Count(before, "\n"))
		}
	}
	return c.page
}

// blocked returns how an element begins, or an attribute of it, that the policy of
// the pages keeps a browser from heeding, and what to do.
func blocked(e element, css string) (what, remedy string) {
	const style = "browsers apply no style here but " + page.StyleFile + ", which {{style}} puts into the layout"
	switch {
	case e.name == "script":
		return "<script", "no script runs on these pages"
	case e.name == "style" && !strings.HasPrefix(css, e.text):
		return "<style", style
	case e.name == "link" && strings.Contains(strings.ToLower(e.attributes["rel"]), "stylesheet"):
		return "<link", style
	case slices.Contains([]string{"base", "iframe", "frame", "object", "embed"}, e.name):
		return "<" + e.name, "these pages hold no other documents, and no base for their links"
	}
	for name := range e.attributes {
		switch {
		case name == "style":
			return "style=", style
		case strings.HasPrefix(name, "on"):
			return name + "=", "no script runs on these pages"
		}
	}
	return "", ""
}

// missingOfConsent returns what a consent page lacks for a decision.
func missingOfConsent(elements []element, p ConsentPage) (missing []string) {
	lacks := func(write string, is func(element) bool) {
		if !slices.ContainsFunc(elements, is) {
			missing = append(missing, write)
		}
	}
	decides := func(how string) func(element) bool {
		return func(e element) bool { return e.attributes["name"] == "decision" && e.attributes["value"] == how }
	}
	lacks(`<form method="post" action="{{.Action}}">`, func(e element) bool {
		return e.name == "form" && strings.EqualFold(e.attributes["method"], "post") && e.attributes["action"] == p.Action
	})
	lacks(`<input type="hidden" name="ticket" value="{{.Ticket}}">`, func(e element) bool {
		return e.attributes["name"] == "ticket" && e.attributes["value"] == p.Ticket
	})
	lacks(`<button name="decision" value="allow">`, decides("allow"))
	lacks(`<button name="decision" value="deny">`, decides("deny"))
	return missing
}

// missingOfRedirect returns what a page lacks that redirects the browser.
func missingOfRedirect(elements []element, p RedirectPage) []string {
	if slices.ContainsFunc(elements, func(e element) bool { return e.name == "a" && e.attributes["href"] == p.Target }) {
		return nil
	}
	return []string{`<a {{.Href}}>`}
}
