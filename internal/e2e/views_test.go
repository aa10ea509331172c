package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/go-passport/passport"
)

// A company's consent page, with its changes to the layout and style of `passport
// views`.
const (
	companyConsent = `{{define "title"}}{{.Client.Name}}{{end}}
{{define "main"}}
<h1>Let {{.Client.Name}} in, {{.User.Name}}?</h1>
<ul class="scopes">{{range .Scopes}}<li>{{.Description}}</li>{{else}}<li>It learns who you are</li>{{end}}</ul>
<form method="post" action="{{.Action}}">
  <input type="hidden" name="ticket" value="{{.Ticket}}">
  <button class="button" name="decision" value="deny">No, thanks</button>
  <button class="button primary" name="decision" value="allow">Let it in</button>
</form>
{{end}}`
	companyStyle = "\n:root { --accent: #0b7a4b; --accent-strong: #075c38; --ground: #eef6f1; }\n.card { border-top: 6px solid var(--accent); }\n"
	logo         = `<img alt="Shop" src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='32' height='32'%3E%3Ccircle cx='16' cy='16' r='14' fill='%230b7a4b'/%3E%3C/svg%3E">`
)

// A custom page has its own look and redirects to the client, and the browser
// reports no problem.
func TestE2E_Views_OfACompany(t *testing.T) {
	s := newServer(t)
	s.command(t, "", "views", "pages")
	for name, change := range map[string]func(string) string{
		"consent.html": func(string) string { return companyConsent },
		"style.css":    func(css string) string { return css + companyStyle },
		"layout.html": func(html string) string {
			return strings.Replace(html, `<span class="mark" aria-hidden="true">{{mark}}</span>`, logo, 1)
		},
	} {
		file := filepath.Join(s.dir, "pages", name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(change(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(s.env, "PASSPORT_VIEWS=pages")
	s.start(t, "serve", "--listen", freeAddress(t))
	s.user(t, userEmail, userName)
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://" + clientHost + ":" + party.port + "/callback"
	c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)

	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, callback))
	b.see("Sign in")
	if top := b.style(".card", "borderTopColor"); top != "rgb(11, 122, 75)" {
		t.Errorf("the sign-in page lacks the style: the top border of the card is %s", top)
	}
	b.signIn(userEmail, userPassword)
	b.see("Let Order Tracker in, "+userName+"?", "It learns who you are")
	if top := b.style(".card", "borderTopColor"); top != "rgb(11, 122, 75)" {
		t.Errorf("the consent page lacks the style: the top border of the card is %s", top)
	}
	b.picture("20-own-consent")
	b.press("Let it in")
	b.see("You are in.")
	b.clean()
	b.open(authorize(s, "unknown", callback))
	b.see("Unknown app")
	b.picture("21-own-error")
}

// A front end in JavaScript with the documentation's script: it requests JSON
// from the authorization endpoint and posts the decision.
func TestE2E_AuthorizeJSON_FrontEnd(t *testing.T) {
	a := startApplication(t, withFrontEnd(documentedScript(t)))
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://" + clientHost + ":" + party.port + "/callback"
	created, err := a.auth.CreateClient(t.Context(), passport.Registration{Name: "Order <b>Tracker</b>", RedirectURIs: []string{callback}})
	if err != nil {
		t.Fatal(err)
	}
	b := newPerson(t, &a.server).tab()
	request := authorize(&a.server, created.Client.ID, callback, "scope", "place-orders")
	b.open(request)
	b.see("Sign in here") // the application's page, after the script's redirect
	b.open(a.URL + "/sign-in/1")
	b.open(request)
	b.see("Order <b>Tracker</b>", "Place orders")
	b.press("deny")
	b.see("You are in.")
	b.open(request)
	b.press("allow")
	b.see("You are in.")
	b.open(request) // consent is remembered
	b.see("You are in.")
	b.open(authorize(&a.server, created.Client.ID, callback, "client_id", "unknown"))
	b.see("there is no app with this client_id")

	// The documented function for response_mode=form_post.
	rp := newFormClient(t)
	ask(b, chromedp.Evaluate[any](fmt.Sprintf("post(%q, {code: 'a code', state: '<b>'})", "http://"+clientHost+":"+rp.port+"/callback")))
	b.see("You are in.")
	if form := rp.last(); form.Get("code") != "a code" || form.Get("state") != "<b>" {
		t.Errorf("the client got the form %v, want both fields", form.Values)
	}

	var got []string
	for _, res := range party.received() {
		got = append(got, res.Get("error")+map[bool]string{true: "code"}[res.Get("code") != ""])
	}
	if want := "[access_denied code code]"; fmt.Sprint(got) != want {
		t.Errorf("the client got %v, want %s", got, want)
	}
}

// documentedScript is the script of docs/custom-pages.md.
func documentedScript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "custom-pages.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```js\n")
	script, _, _ := strings.Cut(rest, "```")
	if !ok || !strings.Contains(script, "fetch(") {
		t.Fatal("docs/custom-pages.md has no script")
	}
	return script
}

// frontEnd is a page with the application's part of the documented script.
const frontEnd = `<!doctype html><link rel="icon" href="data:,"><title>Front end</title><main></main><script>
const main = document.querySelector('main');
const show = text => { main.textContent = text; };
const ask = (data, decide) => {
    show(data.client.name + ' asks ' + data.user.name + ': ' + data.scopes.map(s => s.description).join(', '));
    for (const decision of ['deny', 'allow']) {
        const button = main.appendChild(document.createElement('button'));
        button.textContent = decision;
        button.onclick = () => decide(decision);
    }
};
%s</script>`

// withFrontEnd is the documentation's wrapper with the page above.
func withFrontEnd(script string) func(passport.Route) passport.Route {
	return func(route passport.Route) passport.Route {
		if route.Name != "passport.authorizations.authorize" {
			return route
		}
		next := route.Handler
		route.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || strings.HasPrefix(r.Header.Get("Accept"), "application/json") {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
			fmt.Fprintf(w, frontEnd, script)
		})
		return route
	}
}
