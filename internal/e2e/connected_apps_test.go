package e2e_test

import (
	"context"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// withoutScripts turns JavaScript off in the tab.
func (b *tab) withoutScripts() {
	b.t.Helper()
	b.do("turn JavaScript off", command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// The tour ends like this: the user removes Order Tracker, and the next call of the API
// gets 401.
func TestE2E_PA_2_PG_02_RemoveConnectedApp(t *testing.T) {
	removeOrderTracker(t, func(*tab) {}, func(b *tab, name string) {
		if name == "the list of apps" {
			b.seeLastUsed()
		}
		b.wellMade(name)
	})
}

// seeLastUsed reloads the page until the server has written the last use of an app: it
// does so every ten seconds.
func (b *tab) seeLastUsed() {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(b.text(), "Last used"); time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			b.t.Fatalf("after 20 seconds the page shows no last use of an app:\n%s", b.text())
		}
		b.open(b.url())
	}
	b.see("Last used just now from 127.0.0.1 by Go-http-client/1.1.", "an API that checks tokens by itself doesn’t report them")
}

// The same without JavaScript.
func TestE2E_PA_2_RemoveConnectedAppWithoutScripts(t *testing.T) {
	removeOrderTracker(t, (*tab).withoutScripts, func(*tab, string) {})
}

func removeOrderTracker(t *testing.T, prepare func(*tab), wellMade func(b *tab, name string)) {
	t.Helper()
	s := startDemo(t)
	b := newPerson(t, s).tab()
	prepare(b)
	b.open(s.URL + "/account")
	b.signIn(demoEmail, demoPassword)
	b.see("Connected apps", "Demo User", demoEmail, "No app can use your account.", "To connect one, start in the app.")
	wellMade(b, "the empty list of apps")
	b.open(s.URL + "/demo/connect")
	b.see("Allow Order Tracker to use your account?")
	b.press("remove it")
	b.see("Connected apps", "No app can use your account.")
	b.open(s.URL + "/demo/connect")
	b.press("Allow")
	b.see("Order Tracker is connected")
	s.seeTokens(b)
	b.press("Call /api/orders")
	b.see("Your orders")

	b.press("Remove Order Tracker")
	b.see("Connected apps", "Check order status", "Place orders", "Allowed on", "Access ends by")
	wellMade(b, "the list of apps")
	if os.Getenv("PASSPORT_SCREENSHOTS") != "" {
		b.seeLastUsed() // also in the walk without scripts, which takes the picture last
	}
	b.screenshot("connected-apps")
	b.press("Remove Order Tracker")
	b.see("Remove Order Tracker?", "It loses access to your account at once.")
	wellMade(b, "the question about an app")
	b.press("Cancel")
	b.see("Connected apps", "Allowed on")
	b.press("Remove Order Tracker")
	b.see("Remove Order Tracker?")
	b.press("Remove")
	b.see("Order Tracker was removed. It can no longer use your account.", "No app can use your account.")
	wellMade(b, "the list after a removal")

	b.open(s.URL + "/demo/connected")
	b.press("Call /api/orders")
	b.see("The access token is refused", "The API responds with 401")
	b.clean()
}

// A user removes all apps, and goes from page to page of a signed-in user.
func TestE2E_PA_2_RemoveAllApps(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/demo/connect")
	b.signIn(demoEmail, demoPassword)
	b.press("Allow")
	b.see("Order Tracker is connected")
	s.seeTokens(b)
	b.open(s.URL + "/account/remove-all")
	b.see("Remove all apps?", "One app loses access to your account at once.")
	b.wellMade("the question about all apps")
	b.clean() // the browser reports the 422 of the next form
	b.fill("confirm", "yes")
	b.press("Remove all")
	b.see("Type the word remove to confirm.")
	b.wellMade("the question about all apps, with a fault")
	b.fill("confirm", "remove")
	b.press("Remove all")
	b.see("1 app was removed. It can no longer use your account.")
	b.press("Sessions")
	b.see("Where you’re signed in")
	b.press("Apps")
	b.see("Connected apps")
	b.press("Security")
	b.see("Change your password")
	b.wellMade("the password page with the navigation")
	b.press("Sign out")
	b.see("Sign out?")
}

// startLayout starts an application with its own layout: that of the example.
func startLayout(t *testing.T) (*server, *passport.Server) {
	t.Helper()
	layout, err := os.ReadFile(filepath.Join("..", "..", "examples", "dashboard", "layout.html"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{URL: "http://" + l.Addr().String(), log: &output{}, canaries: &canaries{}}
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	ada := &passport.User{ID: "1", Name: "Ada", Email: "ada@example.com"}
	auth, err := passport.New(passport.Config{
		Issuer: s.URL, Store: new(memstore.Store), Keys: keys,
		Users: passport.UserFuncs{
			Current:    func(*http.Request) (*passport.User, error) { return ada, nil },
			ByID:       func(context.Context, string) (*passport.User, error) { return ada, nil },
			SignInPage: "/login",
		},
		Scopes: []passport.Scope{{ID: "read", Description: "Read your orders"}}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := dashboard.New(auth, dashboard.Config{
		Path: "/account/apps", Links: []dashboard.Link{{Text: "Account", URL: "/account"}}, PasswordPage: "/password",
		Layout: template.Must(template.New("layout").Parse(string(layout))),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	auth.Mount(mux)
	pages.Mount(mux)
	mux.HandleFunc("GET /shop.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = io.WriteString(w, ":root { --accent: #8a2b57 } body { margin: 0; color: #222; background: #fffdf8 } main { padding: 1rem }")
	})
	mux.HandleFunc("GET /cb", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "The app is connected.") })
	mux.HandleFunc("GET /favicon.ico", func(http.ResponseWriter, *http.Request) {})
	serveOn(t, l, mux)
	return s, auth
}

// The pages are also well made in the layout of an application.
func TestE2E_PA_2_OwnLayout(t *testing.T) {
	s, auth := startLayout(t)
	created, err := auth.CreateClient(t.Context(), passport.Registration{
		Name: "Order Tracker " + strings.Repeat("W", 100), AuthMethod: oauth.AuthNone, RedirectURIs: []string{s.URL + "/cb"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := newPerson(t, s).tab()
	b.open(s.URL + "/account/apps")
	b.see("Connected apps", "Ada", "No app can use your account.")
	b.wellMade("the empty list in an own layout")
	b.open(authorize(s, created.Client.ID, s.URL+"/cb", "scope", "read"))
	b.press("Allow")
	b.see("The app is connected.")
	b.open(s.URL + "/account/apps")
	b.see("Order Tracker WWW", "Read your orders", "Has no access now")
	if got := b.style("body", "backgroundColor"); got != "rgb(255, 253, 248)" {
		t.Errorf("the page has the background %s, want that of the application", got)
	}
	b.wellMade("the list in an own layout")
	b.press("Tokens")
	b.see("You have no tokens.")
	b.wellMade("the empty list of tokens in an own layout")
	if got := b.style(".button.primary", "backgroundColor"); got != "rgb(138, 43, 87)" {
		t.Errorf("the button has the color %s, want --accent", got)
	}
	b.press("Apps")
	b.press("Remove Order Tracker")
	b.see("It loses access to your account at once.")
	if got := b.style(".button.danger", "backgroundColor"); got != "rgb(171, 31, 43)" {
		t.Errorf("the button that removes has the color %s, want red", got)
	}
	b.wellMade("the question in an own layout")
	b.press("Remove")
	b.see("was removed. It can no longer use your account.")
	b.wellMade("the result in an own layout")
}
