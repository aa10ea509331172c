package e2e_test

import (
	"testing"
	"time"
)

// A user who doesn't want to sign in goes back to the app, which learns that the user
// declined. Chromium blocks no part of the way.
func TestE2E_PG_05_CancelAtTheSignIn(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/demo/connect")
	b.see("to continue to Order Tracker")
	b.signIn(demoEmail, "not the password")
	b.see("The email address and the password do not match.", "to continue to Order Tracker")
	b.wellMade("the sign-in page with a fault")
	b.press("Cancel and go back to Order Tracker")
	b.see("You declined")
}

// The callback of an app at another site is reached, too.
func TestE2E_PG_05_CancelForAnotherSite(t *testing.T) {
	s := startShop(t)
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://" + clientHost + ":" + party.port + "/callback"
	c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, callback))
	b.press("Cancel and go back to Order Tracker")
	b.see("You are in.") // the app's own page
	b.clean()
	responses := party.received()
	if len(responses) != 1 || responses[0].Get("error") != "access_denied" || responses[0].Get("state") != "a-state-that-comes-back" {
		t.Errorf("the client got %v, want access_denied with its state", responses)
	}
}

// A user with two accounts sees which one the consent page is about, and changes it.
func TestE2E_PG_06_SwitchAccount(t *testing.T) {
	s := startShop(t)
	s.user(t, "ada.work@example.com", userName) // the same name
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://" + clientHost + ":" + party.port + "/callback"
	c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, callback))
	b.signIn(userEmail, userPassword)
	b.see("Allow Order Tracker to use your account?", userName, userEmail)
	b.wellMade("the consent page")
	b.press("Switch account")
	b.see("Choose an account", "to continue to Order Tracker", userEmail)
	b.wellMade("the page to choose an account")
	b.press("Use another account")
	b.signIn("ada.work@example.com", userPassword)
	b.see("Allow Order Tracker to use your account?", userName, "ada.work@example.com")
	b.press("Allow")
	b.see("You are in.")
	b.clean()
	checkResponses(t, s, party, 1)

	b.open(authorize(s, c.ID, callback, "prompt", "select_account"))
	b.see("Choose an account", "ada.work@example.com")
	b.press("Continue as")
	b.see("You are in.")
	b.clean()
}

// The page warns of a callback that is not encrypted.
func TestE2E_PG_16_UnencryptedCallback(t *testing.T) {
	s := startShop(t)
	c := s.client(t, "--name", "Order Tracker", "--redirect-uri", "http://"+clientHost+"/callback")
	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, "http://"+clientHost+"/callback"))
	b.signIn(userEmail, userPassword)
	b.see("The address of this app, http://"+clientHost+", is not encrypted", "You’ll return to http://"+clientHost+".")
	b.wellMade("the consent page with a warning")
	b.clean()
}

// No app opens for the scheme, so the browser stays on the page. A reload says that the
// user is done. A second click is tested without a browser: a headless one waits for an
// answer to its own question about the app.
func TestE2E_PG_09_AppThatDoesNotOpen(t *testing.T) {
	s := startShop(t)
	c := s.client(t, "--name", "Order Tracker", "--public", "--redirect-uri", "com.example.app:/callback")
	request := authorize(s, c.ID, "com.example.app:/callback")
	b := newPerson(t, s).tab()
	b.open(request)
	b.signIn(userEmail, userPassword)
	b.press("Allow")
	time.Sleep(time.Second) // the page stays, so there is nothing to wait for
	b.open(request)
	b.see("You’re done", "You can close this window.", "com.example.app", "Open the app")
	b.wellMade("the page of an app that did not open")
}
