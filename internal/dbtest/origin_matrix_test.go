package dbtest_test

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/memstore"
)

// unsafeRoute is a browser request that changes something.
type unsafeRoute struct {
	method, path, media string
	body                func(b *formBrowser) string
	token               bool // true for a form with a token; scripts send the others
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// formBrowser is a signed-in browser at a server with accounts, a consent page and
// an API behind a guard.
type formBrowser struct {
	*visitor
	auth      *passport.Server
	clientID  string
	formToken string // of the sign-in page
	ticket    string // of a consent page
}

var ticketElement = regexp.MustCompile(`name="ticket" value="([^"]+)"`)

func newFormBrowser(t *testing.T, issuer string) *formBrowser {
	t.Helper()
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, issuer)
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	auth, err := passport.New(passport.Config{
		Issuer: issuer, InsecureAllowHTTP: true, Store: new(memstore.Store), Keys: keys, Users: s.Accounts, Logger: slog.New(slog.DiscardHandler),
		Scopes: []passport.Scope{{ID: "read", Description: "Read"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	auth.Mount(s.mux)
	s.mux.Handle("POST /api/", auth.Guard(guard.Scopes("read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	s.mux.Handle("GET /", auth.FreshToken(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	c, err := auth.CreateClient(t.Context(), passport.Registration{Name: "App", RedirectURIs: []string{"https://client.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	s.ada()
	b := &formBrowser{visitor: s.visitor("192.0.2.1"), auth: auth, clientID: c.Client.ID}
	b.signIn("ada@example.com", adasPassword)
	b.get("/") // sets the first-party cookie
	b.formToken = b.find(hiddenToken, "/sign-in")
	b.ticket = b.find(ticketElement, "/oauth/authorize?"+url.Values{"client_id": {b.clientID}, "response_type": {"code"}, "scope": {"read"}}.Encode())
	return b
}

// find returns the value of an element on a page, for a browser that sends no
// Sec-Fetch-Site.
func (b *formBrowser) find(element *regexp.Regexp, path string) string {
	b.t.Helper()
	found := element.FindStringSubmatch(b.get(path).Body.String())
	if found == nil {
		b.t.Fatalf("the page %s without Sec-Fetch-Site has no %s", path, element)
	}
	return found[1]
}

// unsafeRoutes are all routes that change something. If one is missing here,
// TestForms_FR_22_EveryUnsafeRoute fails if the route accepts a request from another
// site.
var unsafeRoutes = map[string]unsafeRoute{
	"sign-in":              {"POST", "/sign-in", formType, func(b *formBrowser) string { return "form_token=" + b.formToken }, true},
	"sign-out":             {"POST", "/sign-out", formType, func(b *formBrowser) string { return "form_token=" + b.formToken }, true},
	"consent":              {"POST", "/oauth/authorize", formType, func(b *formBrowser) string { return "decision=deny&ticket=" + b.ticket }, true},
	"decision as JSON":     {"POST", "/oauth/authorize", jsonType, func(b *formBrowser) string { return `{"decision":"deny","ticket":"` + b.ticket + `"}` }, false},
	"declining as JSON":    {"DELETE", "/oauth/authorize", jsonType, func(b *formBrowser) string { return `{"ticket":"` + b.ticket + `"}` }, false},
	"new client":           {"POST", "/oauth/clients", jsonType, func(*formBrowser) string { return "{}" }, false},
	"new client by a form": {"POST", "/oauth/clients", formType, func(*formBrowser) string { return "name=x" }, false},
	"change client":        {"PUT", "/oauth/clients/7", jsonType, func(*formBrowser) string { return "{}" }, false},
	"delete client":        {"DELETE", "/oauth/clients/7", "", func(*formBrowser) string { return "" }, false},
	"delete token":         {"DELETE", "/oauth/tokens/7", "", func(*formBrowser) string { return "" }, false},
	"personal token":       {"POST", "/oauth/personal-access-tokens", jsonType, func(*formBrowser) string { return "{}" }, false},
	"delete personal":      {"DELETE", "/oauth/personal-access-tokens/7", "", func(*formBrowser) string { return "" }, false},
	"token refresh":        {"POST", "/oauth/token/refresh", "", func(*formBrowser) string { return "" }, false},
	"guarded API":          {"POST", "/api/orders", jsonType, func(*formBrowser) string { return "{}" }, false},
}

// refused reports whether the server refused the request as one from another site.
func (b *formBrowser) refused(u unsafeRoute, body string, header http.Header) bool {
	r := httptest.NewRequest(u.method, u.path, strings.NewReader(body))
	r.Header = header.Clone()
	r.Header.Set("X-XSRF-TOKEN", b.cookies["XSRF-TOKEN"])
	if u.media != "" {
		r.Header.Set("Content-Type", u.media)
	}
	kept := maps.Clone(b.cookies)
	if u.path == "/sign-out" { // without the session, because later requests need it
		maps.DeleteFunc(b.cookies, func(name, _ string) bool { return strings.Contains(name, "session") })
	}
	w := b.send(r)
	b.cookies = kept // the next request starts from the same state
	return w.Code == http.StatusForbidden || u.path == "/api/orders" && w.Code == http.StatusUnauthorized
}

// wantRefused is the whole policy: first the headers about the sender, then, if the
// browser sends none, the token.
func wantRefused(site, origin, issuer string, isForm, hasToken bool) bool {
	switch {
	case site == "same-origin" || site == "none" || origin == issuer:
		return false
	case site != "" || origin != "" && origin != "null":
		return true
	case isForm:
		return !hasToken
	}
	return origin == "null"
}

// FR-22: each form and each unsafe route, with every combination of headers about the
// sender. Our pages forbid the Referer, so their forms have "Origin: null". Older
// browsers send no Sec-Fetch-Site, even over https.
func TestForms_FR_22_OriginMatrix(t *testing.T) {
	for _, issuer := range []string{"https://app.example.com", "http://127.0.0.1:8000", "http://intranet.example"} {
		t.Run(issuer, func(t *testing.T) {
			t.Parallel()
			b := newFormBrowser(t, issuer)
			host := issuer[strings.Index(issuer, "://")+3:]
			origins := []string{"", issuer, "null", "https://evil.example", "https://" + host + ":8443", "http://" + host + ":81", issuer + ".evil.example"}
			if strings.HasPrefix(issuer, "https:") {
				origins = append(origins, "http://"+host)
			} else {
				origins = append(origins, "https://"+host)
			}
			for _, site := range []string{"", "same-origin", "same-site", "cross-site", "none"} {
				for _, origin := range origins {
					b.checkMatrixCell(issuer, site, origin)
				}
			}
		})
	}
}

func (b *formBrowser) checkMatrixCell(issuer, site, origin string) {
	b.t.Helper()
	header := http.Header{"Accept": {"text/html"}}
	if site != "" {
		header.Set("Sec-Fetch-Site", site)
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	for name, u := range unsafeRoutes {
		header.Set("Accept", "text/html")
		if u.media == jsonType || !u.token {
			header.Set("Accept", "application/json")
		}
		want := wantRefused(site, origin, issuer, u.token, true)
		if got := b.refused(u, u.body(b), header); got != want {
			b.t.Errorf("%s (%s %s) at %s with Sec-Fetch-Site %q and Origin %q: refused = %v, want %v", name, u.method, u.path, issuer, site, origin, got, want)
		}
		if !u.token || name == "consent" { // a decision needs a ticket
			continue
		}
		for _, body := range []string{"", "form_token=" + strings.Repeat("A", 52)} {
			want := wantRefused(site, origin, issuer, true, false)
			if got := b.refused(u, body, header); got != want {
				b.t.Errorf("%s with the form %q at %s with Sec-Fetch-Site %q and Origin %q: refused = %v, want %v", name, body, issuer, site, origin, got, want)
			}
		}
	}
}

// protocolRoutes authenticate a client, or accept requests from any site by design.
// None of them changes something because of the session.
var protocolRoutes = map[string]bool{"passport.token": true, "passport.revoke": true, "passport.introspect": true}

// FR-22: no other route accepts an unsafe request from another site.
func TestForms_FR_22_EveryUnsafeRoute(t *testing.T) {
	b := newFormBrowser(t, "https://app.example.com")
	foreign := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}
	paths := map[string]string{"POST /sign-in": "", "POST /sign-out": ""}
	for route := range b.auth.Routes() {
		if route.Method != "GET" && route.Method != "HEAD" && route.Method != "OPTIONS" && !protocolRoutes[route.Name] {
			paths[route.Method+" "+strings.ReplaceAll(route.Path, "{id}", "7")] = route.Name
		}
	}
	for path, name := range paths {
		method, path, _ := strings.Cut(path, " ")
		r := httptest.NewRequest(method, path, strings.NewReader("decision=allow&ticket="+b.ticket))
		r.Header = foreign.Clone()
		r.Header.Set("Content-Type", formType)
		if w := b.send(r); w.Code != http.StatusForbidden && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s (%s) from another site: status %d, want 403 or 405", method, path, name, w.Code)
		}
	}
}
