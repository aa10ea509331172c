package dbtest_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/memstore"
)

// sessionCookie is the name of the session cookie at http://127.0.0.1:8000.
var sessionCookie = cookie.Of("http://127.0.0.1:8000").Host("session")

// neighbour is a server with accounts that shares its host with another server.
type neighbour struct {
	*site
	t       *testing.T
	issuer  string
	request string // an authorization request
	browser *http.Client
	names   map[string]bool // the names of the cookies that it set
}

// newNeighbour mounts a server with this issuer on a mux.
func newNeighbour(t *testing.T, issuer string, mux *http.ServeMux, browser *http.Client) *neighbour {
	t.Helper()
	n := &neighbour{site: newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, issuer), t: t, issuer: issuer, browser: browser, names: map[string]bool{}}
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	auth, err := passport.New(passport.Config{
		Issuer: issuer, Store: new(memstore.Store), Keys: keys, Users: n.Accounts, Logger: slog.New(slog.DiscardHandler),
		Scopes: []passport.Scope{{ID: "read", Description: "Read"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	auth.Mount(mux)
	n.Accounts.Mount(mux)
	mux.Handle("GET "+u.Path+"/page", auth.FreshToken(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "no user"
		if user, err := n.CurrentUser(r); err == nil {
			who = user.Name
		}
		_, _ = io.WriteString(w, who+" "+passport.CSRFToken(r.Context()))
	})))
	mux.Handle("POST "+u.Path+"/api", auth.Guard(guard.Scopes("read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	c, err := auth.CreateClient(t.Context(), passport.Registration{Name: "App", RedirectURIs: []string{"https://client.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	n.request = "/oauth/authorize?" + url.Values{"client_id": {c.Client.ID}, "response_type": {"code"}, "scope": {"read"}}.Encode()
	n.ada()
	return n
}

// do sends a request from a page of the server and returns status and body.
func (n *neighbour) do(method, path string, form url.Values, header ...string) (int, string) {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), method, n.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := n.browser.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	for _, c := range response.Cookies() {
		n.names[c.Name] = true
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (n *neighbour) signIn() {
	n.t.Helper()
	if status, body := n.do("POST", "/sign-in", url.Values{"email": {"ada@example.com"}, "password": {adasPassword}}); status != http.StatusSeeOther {
		n.t.Fatalf("sign-in at %s: status %d, want 303\n%s", n.issuer, status, body)
	}
}

// page returns the name of the signed-in user and the CSRF token of a page.
func (n *neighbour) page() (who, csrf string) {
	_, body := n.do("GET", "/page", nil)
	who, csrf, _ = strings.Cut(body, " ")
	return who, csrf
}

func (n *neighbour) ticket() string {
	n.t.Helper()
	_, body := n.do("GET", n.request, nil)
	found := ticketElement.FindStringSubmatch(body)
	if found == nil {
		n.t.Fatalf("no consent page at %s:\n%s", n.issuer, body)
	}
	return found[1]
}

// FR-21: two servers on one host, with different paths or ports, share a browser. They
// do not affect each other.
func TestCookies_FR_21_TwoIssuersOneBrowser(t *testing.T) {
	for name, paths := range map[string][2]string{"by path": {"/a", "/b"}, "by port": {"", ""}, "nested": {"", "/b"}} {
		for scheme, serve := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
			t.Run(name+", "+scheme, func(t *testing.T) {
				t.Parallel()
				jar, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				mux, other := http.NewServeMux(), http.NewServeMux()
				site := serve(mux)
				t.Cleanup(site.Close)
				browser := site.Client()
				browser.Jar, browser.CheckRedirect = jar, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				a := newNeighbour(t, site.URL+paths[0], mux, browser)
				if name == "by port" {
					site, mux = serve(other), other
					t.Cleanup(site.Close)
				}
				checkNeighbours(t, a, newNeighbour(t, site.URL+paths[1], mux, browser))
			})
		}
	}
}

func checkNeighbours(t *testing.T, a, b *neighbour) {
	t.Helper()
	a.do("GET", "/sign-in", nil, "Sec-Fetch-Site", "") // sets the cookie of the form
	b.do("GET", "/sign-in", nil, "Sec-Fetch-Site", "")
	a.signIn()
	b.signIn()
	if who, _ := a.page(); who != "Ada" {
		t.Errorf("after a sign-in at %s, %s is signed in at %s, want Ada", b.issuer, who, a.issuer)
	}
	_, csrf := a.page()
	b.page()
	if status, _ := a.do("POST", "/api", nil, "X-CSRF-TOKEN", csrf); status != http.StatusOK {
		t.Errorf("after a page of %s, a script of %s gets %d, want 200", b.issuer, a.issuer, status)
	}
	ticket := a.ticket()
	for range 20 {
		b.ticket()
	}
	if status, body := a.do("POST", "/oauth/authorize", url.Values{"ticket": {ticket}, "decision": {"deny"}}); status != http.StatusOK || ticketElement.MatchString(body) {
		t.Errorf("after 20 consent pages of %s, the decision at %s = %d with the page again, want 200 without it", b.issuer, a.issuer, status)
	}
	b.do("POST", "/sign-out", nil)
	if who, _ := b.page(); who != "no" {
		t.Errorf("after a sign-out at %s, %s is signed in there, want no user", b.issuer, who)
	}
	if who, _ := a.page(); who != "Ada" {
		t.Errorf("after a sign-out at %s, %s is signed in at %s, want Ada", b.issuer, who, a.issuer)
	}
	for name := range a.names {
		if b.names[name] && name != cookie.XSRF {
			t.Errorf("%s and %s both set the cookie %s", a.issuer, b.issuer, name)
		}
		if strings.HasPrefix(a.issuer, "https:") != strings.HasPrefix(name, "__Host-") && name != cookie.XSRF && !strings.HasPrefix(name, "passport_token_") {
			t.Errorf("%s sets the cookie %s; want the prefix __Host- over https only", a.issuer, name)
		}
	}
	if len(a.names) < 5 {
		t.Errorf("%s set only the cookies %v, want at least 5", a.issuer, a.names)
	}
}

// FR-21: an upgrade signs no user out. The cookie with the old name is read, replaced
// on the first page, and kept if another server set it.
func TestCookies_FR_21_OldSessionName(t *testing.T) {
	for issuer, before := range map[string]string{"http://127.0.0.1:8000": "passport-session", "https://app.example.com": "__Host-passport-session"} {
		s := sqliteSite(t, issuer)
		ada, v := s.ada(), s.visitor("192.0.2.1")
		v.signIn("ada@example.com", adasPassword)
		name, secret := "", ""
		for name, secret = range v.cookies {
			break
		}
		v.cookies = map[string]string{before: secret}
		v.mustBe(ada)
		v.get("/sign-out")
		v.mustBe(ada)
		if v.cookies[name] != secret || v.cookies[before] != secret {
			t.Errorf("%s: cookies after a page = %v, want the session under both names, for nodes of the older version", issuer, v.cookies)
		}
		stranger := s.visitor("192.0.2.2")
		stranger.cookies[before] = strings.Repeat("A", 52) // from another server
		stranger.get("/sign-in")
		stranger.signIn("ada@example.com", adasPassword)
		stranger.mustBe(ada)
		if stranger.cookies[name] == "" || stranger.cookies[before] == "" {
			t.Errorf("%s: cookies after a sign-in next to the session of another server = %v, want both sessions", issuer, stranger.cookies)
		}
		v.post("/sign-out", nil)
		v.mustBeSignedOut("after signing out")
		if v.cookies[name] != "" || v.cookies[before] != "" {
			t.Errorf("%s: cookies after the sign-out = %v, want none", issuer, v.cookies)
		}
	}
}

// FR-21: a browser may have a session under the old name next to the current one. After
// a sign-out neither may be valid.
func TestSignOut_FR_21_EndsTheSessionOfTheOldNameToo(t *testing.T) {
	const foreign = "ANOTHERSERVERANOTHERSERVERANOTHERSERVERANOTHERSERVER"
	for issuer, before := range map[string]string{"http://127.0.0.1:8000": "passport-session", "https://app.example.com": "__Host-passport-session"} {
		present := cookie.Of(issuer).Host("session")
		for name, tt := range map[string]struct {
			cookies func(s1, s2 string) map[string]string
			s1Lives bool // true if the browser does not send it
		}{
			"both":                   {cookies: func(s1, s2 string) map[string]string { return map[string]string{present: s1, before: s2} }},
			"the same":               {cookies: func(_, s2 string) map[string]string { return map[string]string{present: s2, before: s2} }, s1Lives: true},
			"only the old name":      {cookies: func(_, s2 string) map[string]string { return map[string]string{before: s2} }, s1Lives: true},
			"an invalid current one": {cookies: func(_, s2 string) map[string]string { return map[string]string{present: "x", before: s2} }, s1Lives: true},
			"an ended current one":   {cookies: func(_, s2 string) map[string]string { return map[string]string{present: foreign, before: s2} }, s1Lives: true},
		} {
			s := sqliteSite(t, issuer)
			s.ada()
			first, second, v := s.visitor("192.0.2.1"), s.visitor("192.0.2.2"), s.visitor("192.0.2.3")
			first.signIn("ada@example.com", adasPassword)
			second.signIn("ada@example.com", adasPassword)
			v.cookies = tt.cookies(first.cookies[present], second.cookies[present])
			v.post("/sign-out", nil)
			v.mustBeSignedOut(issuer + ", " + name + ": after signing out")
			second.mustBeSignedOut(issuer + ", " + name + ": the session of the old name after signing out")
			if _, err := first.currentUser(); (err == nil) != tt.s1Lives {
				t.Errorf("%s, %s: CurrentUser() of the other session after the sign-out = %v, want it live: %t", issuer, name, err, tt.s1Lives)
			}
			if len(v.cookies) > 0 {
				t.Errorf("%s, %s: cookies after the sign-out = %v, want none", issuer, name, v.cookies)
			}
		}
		for _, value := range []string{foreign, "not one of ours"} {
			s := sqliteSite(t, issuer)
			s.ada()
			v := s.visitor("192.0.2.1")
			v.signIn("ada@example.com", adasPassword)
			v.cookies[before] = value
			v.post("/sign-out", nil)
			v.mustBeSignedOut("after signing out")
			if v.cookies[before] != value {
				t.Errorf("%s: the sign-out deleted the cookie %q of another server", issuer, value)
			}
		}
	}
}

// FR-21: a sign-in ends the browser's previous sessions, including one under the old
// name.
func TestSignIn_FR_21_EndsTheSessionOfTheOldNameToo(t *testing.T) {
	s := sqliteSite(t, "http://127.0.0.1:8000")
	ada, present := s.ada(), cookie.Of("http://127.0.0.1:8000").Host("session")
	planted, v := s.visitor("192.0.2.1"), s.visitor("192.0.2.2")
	planted.signIn("ada@example.com", adasPassword)
	v.signIn("ada@example.com", adasPassword)
	v.cookies["passport-session"] = planted.cookies[present]
	v.signIn("ada@example.com", adasPassword)
	v.mustBe(ada)
	planted.mustBeSignedOut("after another sign-in in a browser that has its cookie under the old name")
}
