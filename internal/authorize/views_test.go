package authorize_test

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// shopForm is the required part of a consent page.
const shopForm = `<form action={{.Action}} METHOD="POST"><input name=ticket value='{{.Ticket}}' type="hidden">
<button name="decision" value="deny">No</button><button value="allow" name="decision">Yes</button></form>`

// shopConsent is the consent page of a shop.
const shopConsent = `{{define "title"}}{{.Client.Name}}{{end}}{{define "main"}}
<p>{{.Client.ID}} {{.Client.Name}} {{.Client.Attributes.logo}} {{.User.ID}} {{.User.Name}}{{with .User.Data}} {{.ID}}{{end}}</p>
<a title="{{.Client.Name}}" href="{{.Client.Attributes.home}}">home</a>
{{range .Scopes}}<i>{{.ID}} {{.Description}} {{.Granted}}</i>{{end}}{{len .New}}{{len .Old}}
{{.Resources}} {{.Host}} {{.Device}} {{.Days}} {{.Site}} {{.RequestID}}
` + shopForm + `{{end}}`

func withViews(files map[string]string) func(*passport.Config) {
	return func(c *passport.Config) { c.Views = viewsOf(files) }
}

func viewsOf(files map[string]string) fs.FS {
	views := fstest.MapFS{}
	for name, text := range files {
		views[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return views
}

var formFields = regexp.MustCompile(`name=ticket value='([^']*)'`)

// The application's views replace the built-in ones. A missing view is built in.
func TestViews_ReplaceTheBuiltIn(t *testing.T) {
	s := testkit.NewServer(t, withViews(map[string]string{
		"consent.html": shopConsent,
		"style.css":    "body { color: teal }\r\nb > i { color: red }\n",
	}), func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
	c := s.Register(passport.Registration{
		Name: "Tracker", RedirectURIs: []string{"https://tracker.example:8443/cb"}, Attributes: map[string]string{"logo": "/logo.svg", "home": "https://tracker.example/"},
	})
	b := s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "write read", "resource", "https://api.example.com")
	for _, want := range []string{
		"<title>Tracker</title>", "<p>" + c.ID + " Tracker /logo.svg alice Name of alice alice</p>", `href="https://tracker.example/"`,
		"<i>read Read your orders false</i><i>write Place orders for you false</i>20", "[https://api.example.com] tracker.example:8443 false 365 auth.example.com ",
		"<style>body { color: teal }\nb > i { color: red }\n</style>",
	} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page of the application lacks %q:\n%s", want, page.Body)
		}
	}
	page.CheckHeaders()
	ticket := testkit.First(formFields, page.Body)
	done := b.Post("/oauth/authorize", testkit.Set(url.Values{}, "ticket", ticket, "decision", "allow"))
	s.Redeem(c, done.Code())
	if !strings.Contains(done.Body, "One moment") || !strings.Contains(done.Body, "body { color: teal }") {
		t.Errorf("after the decision the page is not the built-in one in the application's style: %s", done)
	}
	again := b.Authorize(c, "scope", "write read admin", "resource", "https://api.example.com")
	if !strings.Contains(again.Body, "<i>read Read your orders true</i><i>write Place orders for you true</i><i>admin Administer the shop false</i>12") {
		t.Errorf("the page does not separate allowed scopes:\n%s", again.Body)
	}
	b.Authorize(c, "client_id", "unknown").WantPage(400, "Unknown app")
}

// Every view gets the server's headers: no scripts, no frames, no caching (OAuth 2.1
// §7.10). A view may use images and fonts of the same origin.
func TestViews_AZ_25_AZ_26_UI_03_Headers(t *testing.T) {
	layout := `<!doctype html><html><head>{{style}}{{block "head" .}}{{end}}</head><body><img src="/logo.png" alt="{{.Site}}">{{template "main" .}}</body></html>`
	s := testkit.NewServer(t, withViews(map[string]string{"layout.html": layout, "style.css": "p { color: teal }"}))
	b := s.Browser().SignIn("alice")
	page := b.Authorize(s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}}))
	want := "default-src 'none'; style-src 'sha256-8fPwlIw/PLRUIsg7vYlNotoeuR0WiP8RAqPPGm2Lo4U='; img-src 'self' data:; font-src 'self'; " +
		"form-action 'self' com.example.app:; frame-ancestors 'none'; base-uri 'none'"
	if got := page.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("the policy of an application's page is\n%s, want\n%s", got, want)
	}
	page.CheckHeaders() // the harness also checks every page below
	page.Deny()
	b.Authorize(s.Web(), "client_id", "unknown").WantPage(400)
	ours := testkit.NewServer(t).Browser().SignIn("alice").Authorize(s.Web(), "client_id", "unknown")
	if got := ours.Header.Get("Content-Security-Policy"); !strings.Contains(got, "img-src 'self' data:;") || strings.Contains(got, "font-src") {
		t.Errorf("the built-in pages have the policy of an application's pages: %s", got)
	}
}

// Names of clients, accounts and scopes are text in every view, also in a URL (RFC 9700
// §4.1).
func TestViews_UI_04_NeverRepeat_B8_HostileNames(t *testing.T) {
	for _, name := range hostile {
		s := testkit.NewServer(t, withViews(map[string]string{"consent.html": shopConsent}), func(c *passport.Config) {
			c.Scopes = []passport.Scope{{ID: "read", Description: name}}
		})
		s.Users.ByID["alice"].Name = name
		c := s.Web()
		attack := *c.Client
		attack.ID, attack.Name, attack.Attributes = "hostile", name, map[string]string{"logo": "x", "home": name}
		if err := s.Store.CreateClient(t.Context(), &attack, nil); err != nil { // bypasses the checks of CreateClient
			t.Fatal(err)
		}
		page := s.Browser().SignIn("alice").Authorize(c, "client_id", "hostile")
		for _, bad := range []string{"<script", "<img", "onerror=\"", "onmouseover='", "href=\"javascript", "</title></head><body>", "<style>*", "<b>"} {
			if body := testkit.StyleText.ReplaceAllString(page.Body, ""); strings.Contains(body, bad) {
				t.Errorf("the view for the name %q contains %s:\n%s", name, bad, body)
			}
		}
		if n := strings.Count(page.Body, "name=ticket"); n != 1 {
			t.Errorf("the view for the name %q has %d ticket fields, want 1", name, n)
		}
	}
}

// An invalid view stops the server at start-up, before a user sees the page. The error
// says where the fault is and what to do.
func TestViews_FaultsAreFoundAtStartUp(t *testing.T) {
	main := func(text string) string { return `{{define "main"}}` + "\n" + text + `{{end}}` }
	for name, tt := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"no such template function": {map[string]string{"error.html": main("{{shout .Title}}")}, []string{`Config.Views: error.html:2: function "shout" not defined`}},
		"not closed":                {map[string]string{"error.html": main("{{if .Title}}")}, []string{"Config.Views: error.html:2: unexpected EOF"}},
		"an unknown field": {map[string]string{"consent.html": main(shopForm + "{{.Clent}}")},
			[]string{"Config.Views: consent.html:3:", "can't evaluate field Clent in type views.ConsentPage; the documentation of that type lists its fields"}},
		"an unknown field in a branch": {map[string]string{"consent.html": main(shopForm + "{{if not .Scopes}}{{.Nothing}}{{end}}")}, []string{"consent.html:3:", "can't evaluate field Nothing"}},
		"an unknown field of a scope":  {map[string]string{"consent.html": main(shopForm + "{{range .Old}}{{.Name}}{{end}}")}, []string{"can't evaluate field Name in type views.ConsentScope"}},
		"an unknown field of the layout": {map[string]string{"layout.html": "<p>\n{{.Client}}{{template `main` .}}"},
			[]string{"Config.Views: layout.html:2:", "can't evaluate field Client in type views.DecidedPage", "can't evaluate field Client in type views.ErrorPage", "can't evaluate field Client in type views.DevicePage",
				"can't evaluate field Client in type views.LogoutPage", "can't evaluate field Client in type views.LoggedOutPage"}},
		"no field for a code":       {map[string]string{"device.html": main(`<form method="post" action="{{.Action}}"></form>`)}, []string{`device.html: the page lacks <input name="user_code" value="{{.UserCode}}">`}},
		"a layout without the page": {map[string]string{"layout.html": "<p>{{.Site}}"}, []string{"Config.Views: layout.html does not show the page: add {{template \"main\" .}}"}},
		"a page without main":       {map[string]string{"decided.html": "<p>{{.What}}"}, []string{`Config.Views: page decided.html does not define "main": put its content between {{define "main"}} and {{end}}`}},
		"a broken context":          {map[string]string{"error.html": main(`<a href="{{if .Title}}x" {{else}}y{{end}}>`)}, []string{"Config.Views: error.html:2"}},
		"no form at all": {map[string]string{"consent.html": main("Hello")}, []string{
			"Config.Views: consent.html: the page lacks <form method=\"post\" action=\"{{.Action}}\"> and <input type=\"hidden\" name=\"ticket\" value=\"{{.Ticket}}\"> and " +
				"<button name=\"decision\" value=\"allow\"> and <button name=\"decision\" value=\"deny\">",
		}},
		"a form by GET":              {map[string]string{"consent.html": main(strings.Replace(shopForm, "POST", "get", 1))}, []string{"the page lacks <form method=\"post\" action=\"{{.Action}}\">"}},
		"no ticket":                  {map[string]string{"consent.html": main(strings.Replace(shopForm, "{{.Ticket}}", "x", 1))}, []string{`the page lacks <input type="hidden" name="ticket" value="{{.Ticket}}">`}},
		"no way to cancel":           {map[string]string{"consent.html": main(strings.Replace(shopForm, `"deny"`, `"no"`, 1))}, []string{`the page lacks <button name="decision" value="deny">`}},
		"a form in a branch":         {map[string]string{"consent.html": main("{{if .Scopes}}" + shopForm + "{{end}}")}, []string{"the page lacks <form"}},
		"no link":                    {map[string]string{"redirect.html": main("Bye")}, []string{"Config.Views: redirect.html: the page lacks <a {{.Href}}>"}},
		"a link that loses app URLs": {map[string]string{"redirect.html": main(`<a href="{{.Target}}">on</a>`)}, []string{"redirect.html: the page lacks <a {{.Href}}>"}},
		"a style sheet that ends":    {map[string]string{"style.css": "p{}\n</Style><p>"}, []string{"Config.Views: style.css:2: </style ends the style element: remove it"}},
		"another folder":             {map[string]string{"index.html": "x"}, []string{"Config.Views: no view found: is it the right folder? The names are consent.html, redirect.html, decided.html, error.html, device.html, logout.html, logged_out.html, layout.html, style.css"}},
		"all at once": {map[string]string{"error.html": main("{{.A}}"), "decided.html": main("{{"), "consent.html": main("")},
			[]string{"error.html:2:", "decided.html:2:", "consent.html: the page lacks"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := testkit.NewServer(t).Config
			config.Views = viewsOf(tt.files)
			_, err := passport.New(config)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("New() = %v\nwant an error that contains %s", err, want)
				}
			}
			if err != nil && strings.Count(err.Error(), "\n")+1 > len(tt.want) {
				t.Errorf("New() returned more errors than expected:\n%v", err)
			}
		})
	}
	config := testkit.NewServer(t).Config
	config.Views = os.DirFS(filepath.Join(t.TempDir(), "none"))
	if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), "is it the right folder?") {
		t.Errorf("New() with a missing folder = %v, want an error that asks for the folder", err)
	}
}

// Parts that browsers ignore don't stop the server. `passport views --check` reports
// them.
func TestViews_IgnoredPartsDoNotStopTheStart(t *testing.T) {
	for name, text := range map[string]string{
		"a script":          `<script src="/x.js"></script>`,
		"a handler":         `<p onclick="x()">`,
		"a link to script":  `<a href="javascript:x()">x</a>`,
		"a style element":   `<style>p {}</style>`,
		"a style attribute": `<p style="color: red">`,
		"a style sheet":     `<link rel="stylesheet" href="/x.css">`,
		"a frame":           `<iframe src="/x"></iframe>`,
		"a base":            `<base href="/x/">`,
	} {
		for _, file := range []string{"consent.html", "redirect.html", "decided.html", "error.html"} {
			config := testkit.NewServer(t).Config
			config.Views = viewsOf(map[string]string{file: `{{define "main"}}` + text + shopFormIn(file) + `{{end}}`})
			if _, err := passport.New(config); err != nil {
				t.Errorf("New() with %s in %s = %v, want no error", name, file, err)
			}
		}
	}
}

// shopFormIn returns the required part of a page.
func shopFormIn(file string) string {
	switch file {
	case "consent.html":
		return shopForm
	case "redirect.html":
		return "<a {{.Href}}>on</a>"
	}
	return ""
}

// A file with a name of an earlier version stops the server. Otherwise it would be
// ignored, and users would see the built-in page.
func TestViews_RenamedFiles(t *testing.T) {
	for old, renamed := range map[string]string{"leaving.html": "redirect.html", "answered.html": "decided.html"} {
		for what, files := range map[string]map[string]string{
			"alone":                  {old: "x"},
			"beside other views":     {old: "x", "style.css": "p {}"},
			"beside the new file":    {old: "x", renamed: `{{define "main"}}<a {{.Href}}>on</a>{{.Site}}{{end}}`},
			"beside a valid view":    {old: "x", "consent.html": shopConsent},
			"beside a broken layout": {old: "x", "layout.html": "{{"},
		} {
			config := testkit.NewServer(t).Config
			config.Views = viewsOf(files)
			_, err := passport.New(config)
			want := "Config.Views: " + old + " is now called " + renamed + ": rename the file, or delete it"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("New() with %s %s = %v, want an error that contains %s", old, what, err, want)
			}
		}
	}
}

// If a view fails at run time, on data that only the application knows, the user still
// gets the built-in page.
func TestViews_FailedViewIsReplaced(t *testing.T) {
	s := testkit.NewServer(t, withViews(map[string]string{"consent.html": `{{define "main"}}{{with .User.Data}}{{.Avatar}}{{end}}` + shopForm + `{{end}}`}))
	c := s.Web()
	s.Redeem(c, s.Browser().SignIn("alice").Authorize(c).Allow().Code())
	if !strings.Contains(s.Log.String(), "can't evaluate field Avatar") {
		t.Errorf("the log does not say why the built-in page was shown: %s", s.Log)
	}
}

// The files of `passport views` are valid and give the same pages as the built-in views.
func TestWriteViews_AreTheBuiltInViews(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "resources", "views")
	if err := passport.WriteViews(dir, false); err != nil {
		t.Fatalf("WriteViews() = %v", err)
	}
	ours := testkit.NewServer(t)
	c := ours.Web()
	own := ours.Restart(func(c *passport.Config) { c.Views = os.DirFS(dir) })
	pages := func(s *testkit.Server) (bodies []string) {
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c, "prompt", "consent")
		bodies = append(bodies, switchLink.ReplaceAllString(strings.Replace(page.Body, page.Ticket(), "", 1), ""))
		return append(bodies, varying.ReplaceAllString(page.Deny().Body, ""), varying.ReplaceAllString(b.Authorize(c, "client_id", "x").Body, ""))
	}
	want := pages(ours)
	for i, got := range pages(own) {
		if got != want[i] || len(got) < 1000 {
			t.Errorf("page %d of the written views is\n%s\nwant\n%s", i, got, want[i])
		}
	}
	last := filepath.Join(dir, "style.css")
	if err := os.WriteFile(last, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"consent.html", "redirect.html"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := passport.WriteViews(dir, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("WriteViews() over an existing file = %v, want fs.ErrExist", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "consent.html")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused WriteViews() wrote a file: %v", err)
	}
	if text, _ := os.ReadFile(last); string(text) != "mine" {
		t.Errorf("WriteViews() without force replaced a file: %s", text)
	}
	if err := passport.WriteViews(dir, true); err != nil {
		t.Errorf("WriteViews() with force = %v", err)
	}
	if text, _ := os.ReadFile(last); !strings.Contains(string(text), ".card") {
		t.Errorf("WriteViews() with force did not replace a file: %s", text)
	}
}

// varying matches the request ID, which differs between responses.
var varying = regexp.MustCompile(`<span class="mono whole">[A-Z0-9]{26}</span>`)

// The complete page in the documentation works.
func TestViews_PageOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/custom-pages.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```html\n")
	block, _, _ := strings.Cut(after, "```")
	s := testkit.NewServer(t, withViews(map[string]string{"consent.html": block}))
	c := s.Web()
	page := s.Browser().SignIn("alice").Authorize(c)
	if !strings.Contains(page.Body, "<h1>Example App asks for access, Name of alice</h1>") {
		t.Errorf("the page is not the page of the documentation: %s", page)
	}
	s.Redeem(c, page.Allow().Code())
}
