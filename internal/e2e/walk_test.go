package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/oauth2"
)

// A user performs every action of the pages, in a browser that runs no scripts. No page
// of the server has one.
func TestE2E_WalkWithoutScripts(t *testing.T) {
	t.Parallel()
	walk(t, startServer(t), (*tab).withoutScripts)
}

// The same in a browser as it is.
func TestE2E_Walk(t *testing.T) {
	t.Parallel()
	walk(t, startServer(t), func(*tab) {}).goBack()
}

// The same on PostgreSQL.
func TestE2E_WalkOnPostgreSQL(t *testing.T) {
	t.Parallel()
	walk(t, startServer(t, "PASSPORT_DATABASE_URL="+freshDatabase(t, "postgres")), func(*tab) {})
}

// A walker is a user who performs every action of the pages.
type walker struct {
	t      *testing.T
	s      *server
	party  *thirdParty
	b      *tab
	others func() *tab // opens another browser
}

const (
	firstPassword  = "the first password"
	secondPassword = "the second password"
	thirdPassword  = "the third password"
)

func walk(t *testing.T, s *server, prepare func(*tab)) *walker {
	t.Helper()
	for _, password := range []string{firstPassword, secondPassword, thirdPassword} {
		s.canaries.add("password", password)
	}
	open := func() *tab {
		b := newPerson(t, s).tab()
		prepare(b)
		return b
	}
	w := &walker{t, s, newThirdParty(t, "tcp4", "127.0.0.1:0"), open(), open}
	w.links()
	w.consent()
	w.apps()
	w.sessions()
	w.password()
	w.signOut()
	w.b.noPolicyViolated("the walk")
	return w
}

// app registers an app whose callback is the third party's.
func (w *walker) app(name string) *oauth2.Config {
	w.t.Helper()
	callback := "http://" + clientHost + ":" + w.party.port + "/callback"
	c := w.s.client(w.t, "--name", name, "--redirect-uri", callback)
	return &oauth2.Config{ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: callback, Endpoint: endpoint(w.s, oauth2.AuthStyleInHeader)}
}

// request opens the consent page of an app. What it returns redeems the code.
func (w *walker) request(app *oauth2.Config) (redeem func() *oauth2.Token) {
	w.t.Helper()
	verifier := oauth2.GenerateVerifier()
	w.s.canaries.add("code_verifier", verifier)
	w.b.open(app.AuthCodeURL("a-state-that-comes-back", oauth2.S256ChallengeOption(verifier)))
	return func() *oauth2.Token {
		w.t.Helper()
		token, err := app.Exchange(w.s.context(w.t), w.last().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			w.t.Fatalf("redeem the code of the last response: %v", err)
		}
		return token
	}
}

// last returns the last authorization response.
func (w *walker) last() url.Values {
	w.t.Helper()
	all := w.party.received()
	if len(all) == 0 {
		w.t.Fatal("the app got no response")
	}
	return all[len(all)-1]
}

// connect allows an app.
func (w *walker) connect(app *oauth2.Config) *oauth2.Token {
	w.t.Helper()
	redeem := w.request(app)
	w.b.press("Allow")
	w.b.see("You are in.")
	return redeem()
}

// ended checks that an app can't refresh its tokens any more.
func (w *walker) ended(app *oauth2.Config, token *oauth2.Token, why string) {
	w.t.Helper()
	_, err := app.TokenSource(w.s.context(w.t), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		w.t.Errorf("%s: a refresh of the app has the error %v, want invalid_grant", why, err)
	}
}

// choose fills in the fields for a new password.
func (w *walker) choose(password string) {
	w.t.Helper()
	w.b.fill("new_password", password)
	w.b.fill("confirm_password", password)
}

// links follows an invitation, a link to confirm the address, and a reset.
func (w *walker) links() {
	w.t.Helper()
	w.b.open(w.s.link(w.t, "invite", userEmail, "--name", userName))
	w.choose(firstPassword)
	w.b.press("Set password")
	w.b.see("Your password is set")
	w.b.press("Go to the sign-in page")
	w.b.signIn(userEmail, firstPassword)
	w.b.see("Connected apps", userName, "No app can use your account.")
	w.b.open(w.s.link(w.t, "verify", userEmail))
	w.b.press("Confirm")
	w.b.see("Email confirmed")
	w.b.open(w.s.link(w.t, "reset", userEmail))
	w.choose(secondPassword)
	w.b.press("Set password")
	w.b.see("Your password is changed")
	w.b.open(w.s.URL + "/")
	w.b.press("Sign in") // the reset ended the session
	w.b.signIn(userEmail, secondPassword)
	w.b.see("Connected apps")
}

// consent declines an app, switches the account, and allows the app.
func (w *walker) consent() {
	w.t.Helper()
	app := w.app("Order Tracker")
	w.request(app)
	w.b.see("Allow Order Tracker to use your account?", userEmail)
	w.b.press("Cancel")
	w.b.see("You are in.")
	if got := w.last(); got.Get("error") != "access_denied" || got.Get("code") != "" {
		w.t.Errorf("after Cancel the app got %v, want access_denied", got)
	}
	w.s.user(w.t, "bob@example.com", "Bob")
	redeem := w.request(app)
	w.b.press("Switch account")
	w.b.press("Use another account")
	w.b.signIn("bob@example.com", userPassword)
	w.b.see("Allow Order Tracker to use your account?", "bob@example.com")
	w.b.press("Allow")
	w.b.see("You are in.")
	token := redeem()
	w.b.open(w.s.URL + "/account")
	w.b.see("bob@example.com", "Order Tracker", "Access ends by")
	w.b.press("Remove Order Tracker")
	w.b.see("Remove Order Tracker?")
	w.b.press("Remove")
	w.b.see("Order Tracker was removed.")
	w.ended(app, token, "after the app was removed")
	w.b.press("Sign out")
	w.b.see("Sign out?", "Bob")
	w.b.press("Sign out")
	w.b.see("You are signed out")
	w.b.press("Go to the sign-in page")
	w.b.signIn(userEmail, secondPassword)
	w.b.see("Connected apps", userName)
}

// apps connects three apps, removes one, and then all.
func (w *walker) apps() {
	w.t.Helper()
	var apps []*oauth2.Config
	var tokens []*oauth2.Token
	for i := range 3 {
		apps = append(apps, w.app(fmt.Sprintf("App %d", i)))
		tokens = append(tokens, w.connect(apps[i]))
	}
	w.b.open(w.s.URL + "/account")
	w.b.see("App 0", "App 1", "App 2", "Remove all 3 apps")
	w.b.press("Remove App 1")
	w.b.see("Remove App 1?")
	w.b.press("Cancel")
	w.b.press("Remove App 1")
	w.b.see("Remove App 1?")
	w.b.press("Remove")
	w.b.see("App 1 was removed.")
	w.ended(apps[1], tokens[1], "after the app was removed")
	tokens[0] = w.s.refresh(w.t, apps[0], tokens[0]) // another app still has access
	w.b.press("Remove all")
	w.b.see("Remove all apps?")
	w.b.fill("confirm", "remove")
	w.b.press("Remove all")
	w.b.see("2 apps were removed.", "No app can use your account.")
	for i := range apps {
		w.ended(apps[i], tokens[i], "after all apps were removed")
	}
}

// sessions signs out another browser, and then all others.
func (w *walker) sessions() {
	w.t.Helper()
	one, two := w.others(), w.others()
	for _, other := range []*tab{one, two} {
		other.open(w.s.URL + "/account/sessions")
		other.signIn(userEmail, secondPassword)
		other.see("Where you’re signed in")
	}
	w.b.open(w.s.URL + "/account/sessions")
	w.b.press("Sign out of Chrome on Linux")
	w.b.see("That browser is signed out.")
	w.b.press("Sign out everywhere else")
	w.b.see("You are signed out everywhere else.")
	for _, other := range []*tab{one, two} {
		other.open(w.s.URL + "/account/sessions")
		other.see("Sign in to")
		other.noPolicyViolated("another browser")
	}
}

// password changes the password: the app of another browser loses access.
func (w *walker) password() {
	w.t.Helper()
	app := w.app("Order Tracker")
	token := w.connect(app)
	here := w.b
	w.b = w.others()
	w.b.open(w.s.URL + "/.well-known/change-password")
	w.b.signIn(userEmail, secondPassword)
	w.b.see("Change your password")
	w.b.fill("current_password", secondPassword)
	w.choose(thirdPassword)
	w.b.press("Change password")
	w.b.see("Your password is changed.")
	w.ended(app, token, "after the password was changed in another browser")
	w.b = here
	w.b.open(w.s.URL + "/account")
	w.b.signIn(userEmail, thirdPassword)
	w.b.see("Connected apps", "Order Tracker")
}

// signOut signs out.
func (w *walker) signOut() {
	w.t.Helper()
	w.b.open(w.s.URL + "/sign-out")
	w.b.press("Stay signed in")
	w.b.see("Connected apps")
	w.b.press("Sign out")
	w.b.see("Sign out?")
	w.b.press("Sign out")
	w.b.see("You are signed out")
}

// goBack goes back after the sign-out: the browser has no copy of a page of the account.
func (w *walker) goBack() {
	w.t.Helper()
	for range 5 {
		before := w.b.url()
		// Delayed, because an evaluation has no result if the page is being left.
		w.b.do("go back", chromedp.Evaluate[chromedp.Void](`void setTimeout(() => history.back(), 50)`))
		for range 100 {
			if w.b.url() != before {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		w.b.see(strings.TrimPrefix(w.s.URL, "http://"))
		if strings.Contains(w.b.text(), "Connected apps") {
			w.t.Fatalf("after the sign-out the back button leads to a copy of a page of the account:\n%s", w.b.text())
		}
		if strings.Contains(w.b.url(), "/sign-in?") {
			return
		}
	}
	w.t.Errorf("after the sign-out the back button does not lead to the sign-in page, only to %s", w.b.url())
}
