package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// A row is a page in the table of all pages: everyPage. A new page joins with a row in
// the function of its group.
type row struct {
	name  string
	paths []string   // the routes that show it, without the issuer
	open  func(*tab) // brings a tab of the group's browser to the page
	see   string     // on the page
}

// A group is a set of pages that share a server and a browser. The rows are opened in
// order, so that a row can continue at the page of the row before it.
type group struct {
	name  string
	start func(*testing.T) (*tab, []row)
}

// everyPage is the table of all pages.
var everyPage = []group{
	{"visitor", visitorPages},
	{"consent", consentPages},
	{"device", devicePages},
	{"openid", openIDPages},
	{"logout", logoutPages},
	{"account", accountPages},
	{"tour", tourPages},
	{"library", libraryPages},
	{"faults", faultPages},
}

// Every page is well made: at the widths of a phone and of a desktop, in both color
// schemes. Every page that a route shows, and every page that a page leads to, is in the
// table.
func TestE2E_EveryPage(t *testing.T) {
	seen := &routes{linked: map[string]string{}}
	t.Run("group", func(t *testing.T) {
		for _, g := range everyPage {
			t.Run(g.name, func(t *testing.T) {
				t.Parallel()
				b, rows := g.start(t)
				for _, r := range rows {
					name := g.name + ": " + r.name
					r.open(b)
					b.see(r.see)
					b.wellMade(name)
					b.noPolicyViolated(name)
					seen.add(b, r.paths, name)
				}
				seen.end()
			})
		}
	})
	if seen.groups == len(everyPage) {
		seen.check(t)
	}
}

// routes collects the routes in the table, and those that its pages lead to.
type routes struct {
	mu      sync.Mutex
	groups  int // that ended
	inTable []string
	linked  map[string]string // path to the name of a page
}

func (r *routes) add(b *tab, paths []string, name string) {
	linked := ask(b, chromedp.Evaluate[[]string](`[
		...[...document.links].map(a => a.href),
		...[...document.forms].map(f => f.action),
	].filter(to => new URL(to).origin === location.origin).map(to => new URL(to).pathname)`))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inTable = append(r.inTable, paths...)
	for _, path := range linked {
		r.linked[path] = name
	}
}

func (r *routes) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups++
}

// noPages are paths that pages lead to and that show no page.
var noPages = []string{
	"/.well-known/oauth-authorization-server", "/oauth/jwks", // JSON
	"/demo/orders", "/demo/service", "/demo/refresh", "/demo/steal", "/demo/forget", // lead to /demo/connected
	"/callback", // of an app, which the test serves itself
}

func (r *routes) check(t *testing.T) {
	t.Helper()
	for path, from := range r.linked {
		if !slices.Contains(r.inTable, path) && !slices.Contains(noPages, path) {
			t.Errorf("the page %q leads to %s, which isn't in the table of all pages: add a row to its group", from, path)
		}
	}
	e := startEmbedding(t)
	if len(e.paths) < 20 {
		t.Errorf("the library has the routes %v, want all", e.paths)
	}
	for _, pattern := range e.paths {
		method, path, _ := strings.Cut(pattern, " ")
		if method != http.MethodGet && method != http.MethodPost || slices.Contains(r.inTable, path) {
			continue
		}
		request, err := http.NewRequestWithContext(t.Context(), method, e.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/html")
		res, err := noRedirect.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s shows a page that isn't in the table of all pages: add a row to a group", pattern)
		}
	}
}

// noPolicyViolated checks that the page needed nothing that its policy blocks. It
// forgets what the browser reported.
func (b *tab) noPolicyViolated(name string) {
	b.t.Helper()
	b.mu.Lock()
	problems := b.problems
	b.problems = nil
	b.mu.Unlock()
	for _, problem := range problems {
		if !strings.Contains(problem, "the server responded with a status of") { // as a page about an error should
			b.t.Errorf("%s: the browser reports: %s", name, problem)
		}
	}
}

// at returns an open that opens an address.
func at(address string) func(*tab) { return func(b *tab) { b.t.Helper(); b.open(address) } }

// pressing returns an open that presses a button on the page before.
func pressing(text string) func(*tab) { return func(b *tab) { b.t.Helper(); b.press(text) } }

// post sends a form of the server's own pages, with fields in pairs.
func (b *tab) post(address string, fields ...string) {
	b.t.Helper()
	b.do("post a form", chromedp.Evaluate[chromedp.Void](`void (() => {
		const form = document.createElement("form"), fields = `+jsonOf(append([]string{}, fields...))+`
		form.method = "post"
		form.action = `+jsonOf(address)+`
		for (let i = 0; i < fields.length; i += 2) {
			const input = form.appendChild(document.createElement("input"))
			input.name = fields[i]
			input.value = fields[i + 1]
		}
		document.body.append(form)
		setTimeout(() => form.submit(), 50) // an evaluation has no result if the page is being left
	})()`))
}

// posting returns an open that posts a form from the page before.
func posting(address string, fields ...string) func(*tab) {
	return func(b *tab) { b.t.Helper(); b.post(address, fields...) }
}
