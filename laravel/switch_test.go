package laravel_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// asImported imports a copy of a client of this server, with another ID.
func (o *old) asImported(own *testkit.Client) *testkit.Client {
	o.T.Helper()
	stored, err := o.Store.Client(o.T.Context(), own.ID)
	o.Works(err)
	c := *stored
	c.ID = "old-" + own.ID
	o.load(&oauth.ImportBatch{Clients: []*oauth.ImportedClient{{Client: &c}}})
	return &testkit.Client{Client: &c, Secret: own.Secret, Verifier: own.Verifier}
}

// apps are clients of each kind.
type apps struct{ web, machine, legacy, board, tv *testkit.Client }

// each returns the clients that f makes of these.
func (a apps) each(f func(*testkit.Client) *testkit.Client) apps {
	return apps{f(a.web), f(a.machine), f(a.legacy), f(a.board), f(a.tv)}
}

const issued = "issued"

// issues returns "issued" for a response with a token or a device code, or else the error.
func issues(a *testkit.Response) string {
	got := a.JSON()
	switch {
	case a.Status == http.StatusOK && (got["access_token"] != nil || got["device_code"] != nil):
		return issued
	case a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") == "":
		return "503 without Retry-After"
	}
	return fmt.Sprintf("%d %v", a.Status, got["error"])
}

// attempts are all ways to get something issued to clients by s. What a flow needs from
// before comes from earlier, a server on the same store that issues to every client.
func attempts(s, earlier *testkit.Server, a apps) map[string]func() string {
	alice := func(at *testkit.Server) *testkit.Browser { return at.Browser().SignIn("alice") }
	page, code, refresh := alice(earlier).Authorize(a.web), earlier.Code(a.web), earlier.GrantTokens(a.web, "prompt", "consent").Refresh
	device := func(at *testkit.Server) *testkit.Response {
		return at.Do(at.FormRequest(a.tv, "/oauth/device/code", "scope", "read"))
	}
	begun, approved := device(earlier).JSON(), device(earlier).JSON()
	enter := func(b *testkit.Browser, begun map[string]any) *testkit.Response {
		return b.Post("/oauth/device", url.Values{"user_code": {testkit.AsText(begun["user_code"])}})
	}
	enter(alice(earlier), approved).Allow()
	toClient := func(r *testkit.Response, name string, params url.Values) string {
		if params.Get(name) != "" {
			return issued
		}
		return fmt.Sprintf("%d %s", r.Status, params.Get("error"))
	}
	return map[string]func() string{
		"client_credentials": func() string { return issues(s.Exchange(a.machine, "grant_type", "client_credentials")) },
		"password":           func() string { return issues(s.SignIn(a.legacy, "alice", testkit.PasswordOf("alice"))) },
		"a code of this server": func() string {
			return issues(s.Exchange(a.web, a.web.CodeForm(code)...))
		},
		"a refresh token of this server": func() string { return issues(s.Refresh(a.web, refresh)) },
		"a device code":                  func() string { return issues(device(s)) },
		"the poll of an approved device": func() string {
			return issues(s.Do(s.FormRequest(a.tv, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", testkit.AsText(approved["device_code"]))))
		},
		"the approval of a device": func() string {
			r := enter(alice(s), begun)
			if !r.IsConsent() {
				return fmt.Sprintf("%d without consent", r.Status)
			}
			if r.Allow().Status == http.StatusOK {
				return issued
			}
			return "refused"
		},
		"GET /oauth/authorize": func() string {
			r := alice(s).Authorize(a.web, "prompt", "consent")
			if r.IsConsent() {
				r = r.Allow()
			}
			return toClient(r, "code", r.Params())
		},
		"POST /oauth/authorize": func() string {
			r := alice(s).Post("/oauth/authorize", a.web.Request("prompt", "consent"))
			if r.IsConsent() {
				r = r.Allow()
			}
			return toClient(r, "code", r.Params())
		},
		"a code without a page": func() string {
			r := alice(s).Authorize(a.web)
			return toClient(r, "code", r.Params())
		},
		"the decision on a page of another server": func() string {
			r := page.As(page.From.At(s)).Allow()
			return toClient(r, "code", r.Params())
		},
		"the implicit grant": func() string {
			r := alice(s).AuthorizeToken(a.board)
			if r.IsConsent() {
				r = r.Allow()
			}
			return toClient(r, "access_token", r.Fragment())
		},
	}
}

// Until the switch, this server issues nothing to an imported client, by any grant, and
// everything to its own clients. Afterwards it issues to both.
func TestSwitch_LP_3_NothingIsIssuedBefore(t *testing.T) {
	o := newBeside(t, testkit.WithDevices, testkit.WithPasswords, testkit.WithImplicit)
	earlier := o.Restart(func(c *passport.Config) { c.Features = []passport.Feature{passport.Device{}} })
	own := apps{o.Web(), o.Machine(), o.Legacy(), o.Board(passport.Registration{}), o.DeviceClient("TV")}
	ours, theirs := attempts(o.Server, earlier, own), attempts(o.Server, earlier, own.each(o.asImported))
	for name, attempt := range ours {
		if got := attempt(); got != issued {
			t.Errorf("%s: a client of this server gets %q before the switch, want it issued: an import must not stop this server's own clients", name, got)
		}
	}
	before := o.Issued()
	for name, attempt := range theirs {
		want := "503 temporarily_unavailable"
		switch name {
		case "the approval of a device":
			want = "503 without consent"
		case "GET /oauth/authorize", "POST /oauth/authorize", "a code without a page", "the implicit grant":
			want = "303 temporarily_unavailable"
		case "the decision on a page of another server": // a page redirects after a form
			want = "200 temporarily_unavailable"
		}
		if got := attempt(); got != want {
			t.Errorf("%s: an imported client gets %q before the switch, want %q: Laravel still issues tokens", name, got, want)
		}
	}
	if after := o.Issued(); after != before {
		t.Errorf("before the switch %d codes and tokens were issued to imported clients, want none", after-before)
	}
	o.WantLog(`"level":"WARN"`, `client \"old-`+own.web.ID+`\": until the switch`, "passport import laravel … --switch")
	o.doSwitch()
	for name, attempt := range theirs {
		if got := attempt(); got != issued {
			t.Errorf("%s: an imported client gets %q after the switch, want it issued", name, got)
		}
	}
}

// withPersonalClient sets an imported client for personal access tokens.
func withPersonalClient(t *testing.T) func(*passport.Config) {
	t.Helper()
	store := new(memstore.Store)
	err := store.Import(t.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{{Client: &oauth.Client{
		ID: "9", Name: "Personal", AuthMethod: oauth.AuthSecret, GrantTypes: []string{"personal_access"}, Secrets: []oauth.Secret{{Digest: oauth.DigestOf("secret-of-9")}},
	}}}})
	testkit.Check(t, err)
	return func(c *passport.Config) {
		c.Store, c.PersonalAccessClientID, c.PersonalAccessClientSecret = store, "9", "secret-of-9"
	}
}

var once = regexp.MustCompile(`name="once" value="([^"]+)"`)

// createOnPage creates a personal access token on the page of package dashboard.
func createOnPage(t *testing.T, o *old, b *testkit.Browser) *testkit.Response {
	t.Helper()
	const path = "/account/tokens/new"
	pages, err := dashboard.New(o.Server.Server, dashboard.Config{Logger: o.Config.Logger})
	o.Works(err)
	mux := http.NewServeMux()
	pages.Mount(mux)
	page := b.Serve(mux, b.NewRequest("GET", path, "", nil))
	form := url.Values{"once": {testkit.First(once, page.Body)}, "name": {"Backup"}, "scope": {"read"}, "expiry": {"30"}}
	return b.Serve(mux, b.NewRequest("POST", path, form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}}))
}

// Personal access tokens belong to a client, too. A refused form can be sent again after
// the switch.
func TestSwitch_LP_3_PersonalTokens(t *testing.T) {
	o := newBeside(t, withPersonalClient(t))
	b := o.Browser().SignIn("alice")
	token := passport.PersonalToken{User: testkit.Ref("alice"), Name: "Script", Scopes: []string{"read"}, Once: "form"}
	if _, err := o.CreatePersonalToken(t.Context(), token); oauth.AsError(err).Code != oauth.TemporarilyUnavailable {
		t.Errorf("before the switch CreatePersonalToken() = %v, want temporarily_unavailable", err)
	}
	body := map[string]any{"name": "Script", "scopes": []string{"read"}}
	if got := b.Ask("POST", "/oauth/personal-access-tokens", body); got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("before the switch the JSON API creates a personal access token with %d, Retry-After %q; want 503 with Retry-After", got.Status, got.Header.Get("Retry-After"))
	}
	if got := createOnPage(t, o, b); got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || !strings.Contains(got.Body, "Please try again later") {
		t.Errorf("before the switch the page creates a personal access token with %d, Retry-After %q; want 503 with Retry-After and a page that says so", got.Status, got.Header.Get("Retry-After"))
	}
	if o.Issued() != 0 {
		t.Error("before the switch a personal access token was issued to an imported client")
	}
	o.WantLog(`"level":"WARN"`, `client \"9\": until the switch`)
	o.doSwitch()
	if _, err := o.CreatePersonalToken(t.Context(), token); err != nil {
		t.Errorf("after the switch CreatePersonalToken() = %v", err)
	}
	if got := b.Ask("POST", "/oauth/personal-access-tokens", body).Status; got != http.StatusOK {
		t.Errorf("after the switch the JSON API creates a personal access token with %d, want 200", got)
	}
	if got := createOnPage(t, o, b); got.Status != http.StatusOK || !strings.Contains(got.Body, "Your new token") {
		t.Errorf("after the switch the page creates a personal access token with %d, want 200 and the token", got.Status)
	}
	other := newBeside(t)
	if _, err := other.CreateToken(t.Context(), testkit.Ref("alice"), "Script", "read"); err != nil {
		t.Errorf("before the switch CreateToken() for the server's own client = %v", err)
	}
}

// Before the switch a 200 of the revocation endpoint would be wrong: Laravel's own token
// would go on. What this server has issued is revoked here.
func TestSwitch_LP_3_Revocation(t *testing.T) {
	o := newBeside(t)
	earlier := o.Restart(func(c *passport.Config) { c.Features = nil })
	own := o.Web()
	client := o.asImported(own)
	p, ours := o.imported("4", "read"), earlier.GrantTokens(client)
	revoke := func(token string) *testkit.Response { return o.post("/oauth/revoke", "4", "token", token) }
	for name, token := range map[string]string{"an access token": p.access, "a refresh token": p.refresh, "a token that is not imported": o.issued("4").access, "another text": "unknown"} {
		got := revoke(token)
		got.WantTryLater()
		if t.Failed() {
			t.Fatalf("before the switch the revocation of %s = %s, want 503: it may live in Laravel", name, got)
		}
	}
	o.WantLog(`"level":"WARN"`, `client \"4\": until the switch, Laravel alone issues and revokes`)
	o.WantAdmits(p.access, true, "after a refused revocation")
	for name, c := range map[string]*testkit.Client{"an imported client": client, "a client of this server": own} {
		token := ours.Access
		if c == own {
			token = "unknown"
		}
		if got := o.Do(o.FormRequest(c, "/oauth/revoke", "token", token)); got.Status != http.StatusOK {
			t.Errorf("before the switch %s revokes a token with %s, want 200", name, got)
		}
	}
	o.WantAdmits(ours.Access, false, "of this server after its revocation")
	o.post("/oauth/introspect", "4", "token", p.refresh).WantTryLater()
	o.doSwitch()
	if got := revoke(p.refresh); got.Status != http.StatusOK {
		t.Errorf("after the switch the revocation of a refresh token = %s, want 200", got)
	}
	o.WantAdmits(p.access, false, "after its revocation")
}

// lookUps counts the look-ups of imports.
type lookUps struct {
	*memstore.Store
	n atomic.Int32
}

func (s *lookUps) ImportedClient(ctx context.Context, id string) (*oauth.ImportedClient, error) {
	s.n.Add(1)
	return s.Store.ImportedClient(ctx, id)
}

func (s *lookUps) ImportNote(ctx context.Context, name string) (string, error) {
	s.n.Add(1)
	return s.Store.ImportNote(ctx, name)
}

// The question costs one look-up for each request of a client of this server, two for one
// of an imported client, and none after the switch. A server that starts asks once more.
func TestSwitch_LP_3_LookUps(t *testing.T) {
	store := &lookUps{Store: new(memstore.Store)}
	o := newBeside(t, func(c *passport.Config) { c.Store = store })
	own := o.Machine()
	imported := o.asImported(own)
	check := func(when string, s *testkit.Server, c *testkit.Client, status int, want int32) {
		t.Helper()
		store.n.Store(0)
		if got := s.Exchange(c, "grant_type", "client_credentials"); got.Status != status {
			t.Fatalf("%s a request = %s, want %d", when, got, status)
		}
		if got := store.n.Load(); got != want {
			t.Errorf("%s a token request makes %d look-ups of imports, want %d", when, got, want)
		}
	}
	check("first, before the switch,", o.Server, own, 200, 2)
	check("before the switch, of a client of this server,", o.Server, own, 200, 1)
	check("before the switch, of an imported client,", o.Server, imported, 503, 2)
	o.doSwitch()
	check("first after the switch, of an imported client,", o.Server, imported, 200, 2)
	check("later, of an imported client,", o.Server, imported, 200, 0)
	check("later, of a client of this server,", o.Server, own, 200, 0)
	started := o.Restart()
	check("first, at a server that started after the switch,", started, own, 200, 1)
	check("later, at a server that started after the switch,", started, own, 200, 0)
	check("without the feature,", o.Restart(func(c *passport.Config) { c.Features = nil }), imported, 200, 0)
}
