package dashboard_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"html/template"
	pixels "image"
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// site is an application with a server, an API and the pages.
type site struct {
	*testkit.Server
	mux *http.ServeMux
}

func newSite(t *testing.T, c dashboard.Config, change ...func(*passport.Config)) *site {
	t.Helper()
	return siteOf(t, testkit.NewServer(t, change...), c)
}

func siteOf(t *testing.T, server *testkit.Server, c dashboard.Config) *site {
	t.Helper()
	s := &site{server, http.NewServeMux()}
	c.Logger = s.Config.Logger
	pages, err := dashboard.New(s.Server.Server, c)
	if err != nil {
		t.Fatal(err)
	}
	s.Mount(s.mux)
	pages.Mount(s.mux)
	s.mux.Handle("GET /api/orders", s.Guard(guard.Scopes("read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	return s
}

// visitor is a browser at the site.
type visitor struct {
	*testkit.Browser
	site *site
}

func (s *site) visitor(id string) *visitor {
	v := &visitor{s.Browser(), s}
	if id != "" {
		v.SignIn(id)
	}
	return v
}

// get opens a page.
func (v *visitor) get(path string) *testkit.Response {
	v.T.Helper()
	return v.send(v.NewRequest("GET", path, "", http.Header{"Sec-Fetch-Site": {"none"}}))
}

// post sends a form of one of our pages.
func (v *visitor) post(path string, pairs ...string) *testkit.Response {
	v.T.Helper()
	return v.send(v.NewRequest("POST", path, testkit.Set(url.Values{}, pairs...).Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}))
}

func (v *visitor) send(r *http.Request) *testkit.Response {
	v.T.Helper()
	a := v.Serve(v.site.mux, r)
	a.CheckHeaders()
	return a
}

// api returns the status of the API.
func (s *site) api(token string) int {
	s.T.Helper()
	r := testkit.NewGet(testkit.Issuer + "/api/orders")
	r.Header.Set("Authorization", "Bearer "+token)
	return s.Browser().Serve(s.mux, r).Status
}

func named(name string) passport.Registration { return passport.Registration{Name: name} }

// connect lets a user allow an app, and returns its tokens.
func (v *visitor) connect(c *testkit.Client, scope string) *testkit.Tokens {
	v.T.Helper()
	return v.site.Redeem(c, v.Authorize(c, "scope", scope, "prompt", "consent").Allow().Code())
}

func shows(t *testing.T, a *testkit.Response, status int, texts ...string) {
	t.Helper()
	if a.Status != status {
		t.Errorf("the page has the status %d, want %d: %.2000s", a.Status, status, words(a.Body))
	}
	for _, text := range texts {
		if !strings.Contains(words(a.Body), text) {
			t.Errorf("the page lacks %q: %.3000s", text, words(a.Body))
		}
	}
}

func hides(t *testing.T, a *testkit.Response, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(words(a.Body), text) {
			t.Errorf("the page has %q: %.3000s", text, words(a.Body))
		}
	}
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

// words returns the text of a page.
func words(body string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(body, " "))), " ")
}

// A user removes an app. The next API call and the next refresh fail, and the app needs
// a new consent. Other apps and other users keep their access.
func TestDashboard_PA_2_PG_02_RemoveOne(t *testing.T) {
	s := newSite(t, dashboard.Config{PasswordPage: "/password"})
	alice, bob := s.visitor("alice"), s.visitor("bob")
	tracker, other := s.Register(named("Order Tracker")), s.Register(named("Another App"))
	removed, kept, bobs := alice.connect(tracker, "read write"), alice.connect(other, "read"), bob.connect(tracker, "read")
	again := alice.connect(tracker, "read") // a second device
	alice.SetCookie("x", "y")

	list := alice.get("/account")
	shows(t, list, 200, "Connected apps", "Name of alice", "Order Tracker", "Another App", "Read your orders", "Place orders for you",
		"Allowed on", "Access ends by", "Remove Order Tracker", "Remove all 2 apps", "change your password")
	hides(t, list, "Name of bob", "Administer", "Last used")
	if n := strings.Count(list.Body, "<h2>"); n != 2 {
		t.Errorf("the list has %d apps, want one for each client", n)
	}
	asked := alice.get("/account/remove?client=" + tracker.Client.ID)
	shows(t, asked, 200, "Remove Order Tracker ?", "loses access to your account at once")
	if got := s.api(removed.Access); got != 200 {
		t.Errorf("the API responds with %d after the question, want 200", got)
	}
	done := alice.post("/account/remove", "client", tracker.Client.ID)
	shows(t, done, 200, "Order Tracker was removed. It can no longer use your account.", "Another App")
	hides(t, done, "Remove Order Tracker")
	for what, tt := range map[string]struct {
		token string
		want  int
	}{"a token of the removed app": {removed.Access, 401}, "its second token": {again.Access, 401}, "another app": {kept.Access, 200}, "another user": {bobs.Access, 200}} {
		if got := s.api(tt.token); got != tt.want {
			t.Errorf("%s: the API responds with %d, want %d", what, got, tt.want)
		}
	}
	s.Refresh(tracker, removed.Refresh).WantJSONError(400, "invalid_grant")
	if a := alice.Authorize(tracker, "scope", "read"); !a.IsConsent() || !strings.Contains(a.Body, `until you <a href="/account">remove it</a>`) {
		t.Errorf("the removed app gets a code without a new consent, or the consent page has no link to the list: %s", a)
	}
	shows(t, alice.post("/account/remove", "client", tracker.Client.ID), 200, "That app is not connected to your account.", "Another App")
	shows(t, alice.get("/account/remove?client="+tracker.Client.ID), 404, "That app is not connected to your account.")
	s.WantLog("connected app removed", tracker.Client.ID)
	s.WantNoSecrets(removed.Access, removed.Refresh)
}

// An app without a live token that needs no new consent is in the list.
func TestDashboard_PA_2_ConsentWithoutToken(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	c := s.Register(named("Order Tracker"))
	alice.connect(c, "read")
	s.Works(s.RevokeUser(t.Context(), testkit.Ref("alice")))
	shows(t, alice.get("/account"), 200, "Order Tracker", "Read your orders", "Has no access now, and may get it again without asking you.")
	shows(t, alice.post("/account/remove", "client", c.Client.ID), 200, "Order Tracker was removed", "No app can use your account.")
	if !alice.Authorize(c, "scope", "read").IsConsent() {
		t.Error("the removed app gets a code without a new consent")
	}
}

func TestDashboard_PA_2_RemoveAll(t *testing.T) {
	s := newSite(t, dashboard.Config{}, testkit.WithAudit)
	alice, bob := s.visitor("alice"), s.visitor("bob")
	one, two := s.Register(named("One")), s.Register(named("Two"))
	first, second, bobs := alice.connect(one, "read"), alice.connect(two, "read"), bob.connect(one, "read")
	own, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "script", "read")
	s.Works(err)
	shows(t, alice.get("/account/remove-all"), 200, "Remove all apps?", "All 2 apps lose access", "Type remove to confirm")
	for _, typed := range []string{"", "yes", "remove all"} {
		shows(t, alice.post("/account/remove-all", "confirm", typed), 422, "Type the word remove to confirm.")
	}
	if s.api(first.Access) != 200 {
		t.Error("an app was removed without the word")
	}
	shows(t, alice.post("/account/remove-all", "confirm", " Remove "), 200, "All 2 apps were removed.", "No app can use your account.", "start in the app")
	for what, tt := range map[string]struct {
		token string
		want  int
	}{"the first": {first.Access, 401}, "the second": {second.Access, 401}, "another user's": {bobs.Access, 200}, "a personal access token": {own.AccessToken, 200}} {
		if got := s.api(tt.token); got != tt.want {
			t.Errorf("%s: the API responds with %d, want %d", what, got, tt.want)
		}
	}
	shows(t, alice.post("/account/remove-all", "confirm", "remove"), 200, "No app can use your account.")
	shows(t, alice.get("/account/remove-all"), 200, "No app can use your account.")
	s.WantAudit("consent.withdrawn", 2)
}

// A browser without a signed-in user goes to the sign-in page, and comes back to the
// same page. A form leads back to its question, so that nothing is removed unasked.
func TestDashboard_PA_2_SignIn(t *testing.T) {
	s := newSite(t, dashboard.Config{Path: "/settings/apps"})
	c := s.Register(named("Order Tracker"))
	v := s.visitor("")
	for path, want := range map[string]string{
		"/settings/apps": "/settings/apps", "/settings/apps?page=3&x=y": "/settings/apps?page=3",
		"/settings/apps/remove?client=a%26b": "/settings/apps/remove?client=a%26b", "/settings/apps/remove-all": "/settings/apps/remove-all",
	} {
		wantSignIn(t, v.get(path), want)
	}
	wantSignIn(t, v.post("/settings/apps/remove", "client", c.Client.ID), "/settings/apps/remove?client="+c.Client.ID)
	wantSignIn(t, v.post("/settings/apps/remove-all", "confirm", "remove"), "/settings/apps/remove-all")
}

func wantSignIn(t *testing.T, a *testkit.Response, returnTo string) {
	t.Helper()
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.Status != http.StatusSeeOther || u.Path != "/login" || u.Query().Get("return_to") != returnTo {
		t.Errorf("the page leads with %d to %q, want 303 to /login with return_to %q", a.Status, a.Header.Get("Location"), returnTo)
	}
}

// User 1 of one provider is never user 1 of another.
func TestDashboard_PA_2_Providers(t *testing.T) {
	clerks := testkit.NewClerks("alice")
	s := testkit.NewServer(t, testkit.WithClerks(clerks))
	all, staff := siteOf(t, s, dashboard.Config{}), siteOf(t, s, dashboard.Config{Provider: "staff", Path: "/staff/apps"})
	reg := named("Staff App")
	reg.Provider = "staff"
	customers, clerksApp := s.Register(named("Customer App")), s.Register(reg)
	alice := all.visitor("alice")
	alice.connect(customers, "read")
	clerk := all.visitor("")
	clerk.SetCookie("staff_session", "alice")
	held := clerk.connect(clerksApp, "read")

	shows(t, alice.get("/account"), 200, "Customer App")
	hides(t, alice.get("/account"), "Staff App")
	shows(t, clerk.get("/account"), 200, "Staff App")
	hides(t, clerk.get("/account"), "Customer App")
	clerk.site, alice.site = staff, staff
	shows(t, clerk.get("/staff/apps"), 200, "Staff App")
	if a := alice.get("/staff/apps"); a.Status != http.StatusSeeOther {
		t.Errorf("a customer gets %d on the pages of the staff, want the sign-in page", a.Status)
	}
	alice.site = all
	shows(t, alice.post("/account/remove", "client", clerksApp.Client.ID), 200, "That app is not connected")
	if !s.Row(held.Access).Live(s.Row(held.Access).IssuedAt) {
		t.Error("a user of another provider removed the app")
	}
}

// A form of another site removes nothing.
func TestDashboard_PA_2_ForeignForms(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	c := s.Register(named("Order Tracker"))
	held := alice.connect(c, "read")
	form := "client=" + url.QueryEscape(c.Client.ID)
	for what, header := range map[string]http.Header{
		"another site":                     {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		"another site of the same domain":  {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://shop.example.com"}},
		"another origin in an old browser": {"Origin": {"https://evil.example"}},
		"a null origin without a token":    {"Origin": {"null"}},
		"no header at all":                 {},
	} {
		for path, body := range map[string]string{"/account/remove": form, "/account/remove-all": "confirm=remove"} {
			shows(t, alice.send(alice.NewRequest("POST", path, body, header)), 403, "This form came from another site", "Nothing was changed.")
			if s.api(held.Access) != 200 {
				t.Fatalf("%s removed an app at %s", what, path)
			}
		}
	}
	for what, r := range map[string]*http.Request{
		"another type": alice.NewRequest("POST", "/account/remove", form, http.Header{"Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"text/plain"}}),
		"two apps":     alice.NewRequest("POST", "/account/remove", form+"&"+form, http.Header{"Sec-Fetch-Site": {"same-origin"}}),
		"malformed":    alice.NewRequest("POST", "/account/remove", "client=%zz", http.Header{"Sec-Fetch-Site": {"same-origin"}}),
		"too long":     alice.NewRequest("POST", "/account/remove", form+"&x="+strings.Repeat("x", 20_000), http.Header{"Sec-Fetch-Site": {"same-origin"}}),
	} {
		if a := alice.send(r); a.Status != 400 {
			t.Errorf("%s: the form gets %d, want 400", what, a.Status)
		}
	}
	for _, path := range []string{"/account", "/account/remove", "/account/remove-all"} {
		if a := alice.send(alice.NewRequest("DELETE", path, "", nil)); a.Status != 405 || a.Header.Get("Allow") == "" {
			t.Errorf("DELETE %s = %d, Allow %q, want 405", path, a.Status, a.Header.Get("Allow"))
		}
	}
	if s.api(held.Access) != 200 {
		t.Error("a refused form removed an app")
	}
}

var token = regexp.MustCompile(`name="form_token" value="([A-Z2-7]+)"`)

// A browser that does not say where a form comes from sends the token of the page.
func TestDashboard_PA_2_OldBrowser(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice, mallory := s.visitor("alice"), s.visitor("bob")
	c := s.Register(named("Order Tracker"))
	held := alice.connect(c, "read")
	read := func(v *visitor) string {
		return testkit.First(token, v.send(v.NewRequest("GET", "/account/remove?client="+c.Client.ID, "", nil)).Body)
	}
	mallory.connect(c, "read")
	send := func(token string) *testkit.Response {
		body := url.Values{"client": {c.Client.ID}, "form_token": {token}}.Encode()
		return alice.send(alice.NewRequest("POST", "/account/remove", body, http.Header{"Origin": {"null"}}))
	}
	own := read(alice)
	shows(t, send(read(mallory)), 403)
	if own == "" || read(alice) != own {
		t.Errorf("the form has the token %q, want one that all tabs share", own)
	}
	shows(t, send(own), 200, "Order Tracker was removed")
	if s.api(held.Access) != 401 {
		t.Error("the app still has access")
	}
}

// Another middleware against cross-site requests adds its own field.
func TestDashboard_PA_2_FormField(t *testing.T) {
	s := newSite(t, dashboard.Config{FormField: func(r *http.Request) template.HTML {
		return template.HTML(`<input type="hidden" name="csrf" value="of ` + r.URL.Path + `">`)
	}})
	alice := s.visitor("alice")
	c := s.Register(named("Order Tracker"))
	alice.connect(c, "read")
	for _, path := range []string{"/account/remove", "/account/remove-all"} {
		a := alice.send(alice.NewRequest("GET", path+"?client="+c.Client.ID, "", nil))
		if !strings.Contains(a.Body, `<input type="hidden" name="csrf" value="of `+path+`">`) || strings.Contains(a.Body, "form_token") {
			t.Errorf("%s lacks the field of the application, or has ours: %s", path, a.Body)
		}
	}
	body := url.Values{"client": {c.Client.ID}, "csrf": {"checked"}}.Encode()
	shows(t, alice.send(alice.NewRequest("POST", "/account/remove", body, http.Header{"Origin": {"https://evil.example"}})), 403)
	r := alice.NewRequest("POST", "/account/remove", body, nil)
	if err := r.ParseForm(); err != nil { // as the middleware does
		t.Fatal(err)
	}
	shows(t, alice.send(r), 200, "Order Tracker was removed")
}

// Names of clients and users are inert.
func TestDashboard_PA_2_HostileNames(t *testing.T) {
	for _, name := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "a\u202eb\u200bc", strings.Repeat("W", 255), "\u200b", "x{{.}}",
	} {
		s := newSite(t, dashboard.Config{})
		s.Users.ByID["alice"].Name = name
		alice := s.visitor("alice")
		c := s.Register(named("App"))
		alice.connect(c, "read")
		s.Change(c, func(c *oauth.Client) { c.Name, c.Owner = name, testkit.Ref("bob") })
		for _, a := range []*testkit.Response{alice.get("/account"), alice.get("/account/remove?client=" + c.Client.ID), alice.post("/account/remove", "client", c.Client.ID)} {
			body := testkit.StyleText.ReplaceAllString(a.Body, "")
			if a.Status != 200 || strings.Contains(body, "<script") || strings.Contains(body, "<img") || strings.ContainsAny(body, "\u202e\u200b") || strings.Contains(body, strings.Repeat("W", 100)) {
				t.Errorf("the page with the name %.40q has %d and %.2000s", name, a.Status, body)
			}
		}
	}
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	c := s.Register(named("App"))
	alice.connect(c, "read")
	s.Change(c, func(c *oauth.Client) { c.Name, c.Owner = "", testkit.Ref("bob") })
	shows(t, alice.get("/account"), 200, "An app without a name", "Registered by another user. auth.example.com has not checked it.")
	for _, id := range []string{"", "\x00", `"><script>`, strings.Repeat("x", 5000)} {
		shows(t, alice.get("/account/remove?"+url.Values{"client": {id}}.Encode()), 404, "That app is not connected")
	}
}

// The list is in pages.
func TestDashboard_PA_2_Pages(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	for i := range 45 {
		alice.connect(s.Register(named(fmt.Sprint("App number ", i))), "read")
	}
	for page, want := range map[string]struct {
		apps  int
		texts []string
	}{
		"": {20, []string{"Page 1 of 3", "Next page", "Remove all 45 apps"}}, "?page=2": {20, []string{"Page 2 of 3", "Next page", "Previous page"}},
		"?page=3": {5, []string{"Page 3 of 3", "Previous page"}}, "?page=99": {5, nil}, "?page=-1": {20, nil}, "?page=x": {20, nil},
		"?page=99999999999999999999": {20, nil},
	} {
		a := alice.get("/account" + page)
		shows(t, a, 200, want.texts...)
		if n := strings.Count(a.Body, "<h2>"); n != want.apps || len(a.Body) > 60_000 {
			t.Errorf("/account%s shows %d apps in %d bytes, want %d apps in at most 60,000 bytes", page, n, len(a.Body), want.apps)
		}
	}
}

// A store that fails shows an error page, and the log has the reason.
func TestDashboard_PA_2_Failures(t *testing.T) {
	store := new(testkit.WatchedStore)
	s := newSite(t, dashboard.Config{}, func(c *passport.Config) { store.Store, c.Store = c.Store, store })
	alice := s.visitor("alice")
	c := s.Register(named("Order Tracker"))
	alice.connect(c, "read")
	store.Failing("Connections", fmt.Errorf("away: %w", oauth.ErrUnavailable))
	shows(t, alice.get("/account"), 503, "Please try again in a moment", "If you ask for help, quote this ID")
	store.Failing("Withdraw", errors.New("a secret of the database"))
	for _, a := range []*testkit.Response{alice.post("/account/remove", "client", c.Client.ID), alice.post("/account/remove-all", "confirm", "remove")} {
		shows(t, a, 500, "Something went wrong")
		hides(t, a, "secret")
	}
	store.Failing("", nil)
	s.WantLog("error page shown", "a secret of the database")
	s.Users.Failure = errors.New("no session store")
	shows(t, alice.get("/account"), 500)
	s.Users.Failure, s.Users.NoSignIn = nil, true
	shows(t, s.visitor("").get("/account"), 500)
	s.WantLog("SignInURL")
}

// A row shows the app as the consent page does: publisher, verification, and the same
// logo or initials.
func TestDashboard_PA_2_PA_0_PublisherAndLogo(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	c := s.Register(passport.Registration{Name: "Order Tracker", Owner: testkit.Ref("bob")})
	alice.connect(c, "read")
	describe := func(change func(*oauth.ClientMetadata), logo []byte) {
		t.Helper()
		m, err := s.ClientMetadata(t.Context(), c.Client.ID)
		s.Works(err)
		change(m)
		stored, err := s.Config.Store.Client(t.Context(), c.Client.ID)
		s.Works(err)
		s.Works(s.UpdateClientMetadata(t.Context(), stored, m, logo))
	}
	const warning = "Registered by another user. auth.example.com has not checked it."
	tile := regexp.MustCompile(`<(?:span|img) class="tile"[^>]*>(?:[^<]*</span>)?`)
	same := func(texts ...string) {
		t.Helper()
		consent := alice.Authorize(c, "scope", "read", "prompt", "consent")
		want := tile.FindString(consent.Body)
		for _, path := range []string{"/account", "/account/remove?client=" + c.Client.ID} {
			a := alice.get(path)
			shows(t, a, 200, texts...)
			if got := tile.FindString(a.Body); got != want || want == "" {
				t.Errorf("%s has the tile %q, want that of the consent page, %q", path, got, want)
			}
			if len(texts) > 0 && texts[0] != warning {
				hides(t, a, warning)
			}
		}
		for _, text := range texts {
			if text != warning && !strings.Contains(words(consent.Body), text) {
				t.Errorf("the consent page lacks %q: %s", text, words(consent.Body))
			}
		}
	}
	same(warning)
	describe(func(m *oauth.ClientMetadata) { m.ClientURI = "https://tracker.example/app" }, nil)
	same(warning)
	alice.connect(c, "read")
	shows(t, alice.get("/account"), 200, "says it is from tracker.example · not verified", warning)
	describe(func(m *oauth.ClientMetadata) { m.Verified = true }, image(t))
	same("tracker.example · verified by auth.example.com")
	if got := alice.get("/account").Body; !strings.Contains(got, `<img class="tile" src="/oauth/client-logo?client_id=`) {
		t.Errorf("the row has no logo: %s", got)
	}
	bob := s.visitor("bob")
	describe(func(m *oauth.ClientMetadata) { *m = oauth.ClientMetadata{} }, nil)
	bob.connect(c, "read")
	hides(t, bob.get("/account"), warning) // bob owns the app
}

// image returns a small PNG file.
func image(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, pixels.NewGray(pixels.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A row has everything that the app can do now: the scopes of each live family, also if its
// newest token has fewer, and of the consents.
func TestDashboard_PA_2_ScopesOfAllTokens(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	c := s.Register(named("Order Tracker"))
	both := alice.connect(c, "read write")
	alice.connect(c, "read")
	s.Change(c, func(c *oauth.Client) { c.Name = "Renamed" }) // so that its consents don't count
	s.Refresh(c, both.Refresh, "scope", "read").WantStatus(200)
	shows(t, alice.get("/account"), 200, "Read your orders", "Place orders for you")
	apps, err := s.ConnectedApps(t.Context(), testkit.Ref("alice"))
	s.Works(err)
	if len(apps) != 1 || len(apps[0].Scopes) != 2 || apps[0].Metadata == nil {
		t.Errorf("ConnectedApps() = %+v, want one app with the scopes read and write, and metadata", apps)
	}
	s.Works(s.RevokeUser(t.Context(), testkit.Ref("alice")))
	shows(t, alice.get("/account"), 200, "No app can use your account.")
}
