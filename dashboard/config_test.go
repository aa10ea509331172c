package dashboard_test

import (
	"html/template"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/testkit"
)

func TestNew_PA_2_Faults(t *testing.T) {
	s := testkit.NewServer(t)
	used := template.Must(template.New("layout").Parse(`{{define "head"}}{{end}}{{define "content"}}{{end}}{{template "head" .}}{{template "content" .}}`))
	if err := used.Execute(new(strings.Builder), nil); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]dashboard.Config{
		`dashboard: Config.Path "account": want a path such as /account/apps`: {Path: "account"},
		`Config.Path "/account/"`:              {Path: "/account/"},
		`Config.Path "/{x}"`:                   {Path: "/{x}"},
		`Config.Provider "staff"`:              {Provider: "staff"},
		`Config.Links[0] is "", "/x"`:          {Links: []dashboard.Link{{URL: "/x"}}},
		`Config.Links[0] is "x", "javascript:`: {Links: []dashboard.Link{{Text: "x", URL: "javascript:alert(1)"}}},
		`Config.PasswordPage "//evil.example"`: {PasswordPage: "//evil.example"},
		`Config.TrustedProxies[0]`:             {TrustedProxies: make([]netip.Prefix, 1)},
		`Brand.Accent`:                         {Brand: passport.Brand{Accent: "#ffff00"}},
		`does not show the page`:               {Layout: template.Must(template.New("l").Parse(`<html>{{template "head" .}}</html>`))},
		`write {{template "head" .}}`:          {Layout: template.Must(template.New("l").Parse(`<html>{{template "content" .}}</html>`))},
		`can't evaluate field Nothing`:         {Layout: template.Must(template.New("l").Parse(`{{template "head" .}}{{.Nothing}}{{template "content" .}}`))},
		`Config.Layout cannot be copied`:       {Layout: used},
		`layout.html`:                          {Views: fstest.MapFS{"layout.html": {Data: []byte("{{")}}},
	} {
		if _, err := dashboard.New(s.Server, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() = %v, want an error with %q", err, want)
		}
	}
	if _, err := dashboard.New(nil, dashboard.Config{}); err == nil {
		t.Error("New(nil) has no error")
	}
}

// The pages can be part of an application's layout, which may have any other templates.
func TestDashboard_PA_2_Layout(t *testing.T) {
	layout := template.Must(template.New("shop").Parse(`<!doctype html><html lang="en"><head><title>{{.Title}}</title>{{template "head" .}}</head>
<body>{{template "main" .}}<p>{{with .User}}{{.Data.ID}}{{end}} at {{.Site}}</p>{{range .Links}}[{{.Text}}]{{end}}{{template "content" .}}</body></html>
{{define "main"}}the shop's main{{end}}`))
	s := newSite(t, dashboard.Config{Layout: layout, Links: []dashboard.Link{{Text: "Account", URL: "/account"}}, Path: "/account/apps"})
	alice := s.visitor("alice")
	c := s.Register(named("Order Tracker"))
	held := alice.connect(c, "read")
	visit := func(method, path, body string) *testkit.Response {
		return alice.Serve(s.mux, alice.NewRequest(method, path, body, http.Header{"Sec-Fetch-Site": {"same-origin"}}))
	}
	list := visit("GET", "/account/apps", "")
	shows(t, list, 200, "Connected apps", "the shop's main", "alice at auth.example.com", "[Apps][Tokens][Account]", "Order Tracker", "loses access at once")
	policy := list.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "'self' 'sha256-") || strings.Contains(policy, "{style}") {
		t.Errorf("the policy is %q, want our style by its digest, and nothing unsafe", policy)
	}
	if list.Header.Get("Referrer-Policy") != "no-referrer" || list.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page has the headers %v", list.Header)
	}
	shows(t, visit("GET", "/account/apps/remove?client="+c.Client.ID, ""), 200, "Remove Order Tracker", "the shop's main")
	shows(t, visit("POST", "/account/apps/remove", "client="+c.Client.ID), 200, "Order Tracker was removed")
	shows(t, visit("PUT", "/account/apps/remove", ""), 405, "This address is for a page", "the shop's main")
	if s.api(held.Access) != 401 {
		t.Error("the app still has access")
	}
	if err := layout.Execute(new(strings.Builder), nil); err == nil {
		t.Error("New() changed the application's own template")
	}

	layout = template.Must(template.New("shop").Parse(`{{template "head" .}}{{template "content" .}}`))
	s = newSite(t, dashboard.Config{Layout: layout, ContentSecurityPolicy: "default-src 'none'; style-src {style}"})
	alice = s.visitor("alice")
	if policy := visit("GET", "/account", "").Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("the policy is %q, want the one in Config", policy)
	}
}

// With an issuer that has a path, the pages are below it, and so are the links.
func TestDashboard_PA_2_Prefix(t *testing.T) {
	s := newSite(t, dashboard.Config{}, func(c *passport.Config) { c.Issuer = testkit.Issuer + "/shop" })
	alice := s.visitor("alice")
	alice.Authorize(s.Register(named("Order Tracker")), "scope", "read").Allow().Code()
	a := alice.get("/shop/account")
	shows(t, a, 200, "Order Tracker")
	if !strings.Contains(a.Body, `href="/shop/account/remove?client=`) {
		t.Errorf("the links leave the issuer's path: %s", a.Body)
	}
	wantSignIn(t, s.visitor("").get("/shop/account"), "/shop/account")
}

// The pages look like the consent page: with its brand, its layout and its styles.
func TestDashboard_PA_2_Look(t *testing.T) {
	s := newSite(t, dashboard.Config{
		Brand: passport.Brand{Name: "The Shop", Accent: "#8a2b57", PrivacyURL: "https://shop.example/privacy"},
		Views: fstest.MapFS{"style.css": {Data: []byte("body { color: red }")}},
		Links: []dashboard.Link{{Text: "Security", URL: "/security"}},
	})
	a := s.visitor("alice").get("/account")
	shows(t, a, 200, "The Shop", "Privacy", "No app can use your account", "To connect one, start in the app")
	for _, want := range []string{"#8a2b57", "body { color: red }", `<a href="/account" aria-current="page">Apps</a>`, `<a href="/security">Security</a>`, "<title>Connected apps · The Shop</title>"} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("the page lacks %q: %s", want, a.Body)
		}
	}
	if strings.Contains(a.Body, "<script") {
		t.Error("the page has a script")
	}
}
