package e2e_test

import "testing"

// A user changes the password in one browser. The other browser is signed out, and the
// app that was connected there loses access at once.
func TestE2E_PA_5_ChangePassword(t *testing.T) {
	const changed = "a new horse battery"
	s := startDemo(t)
	s.canaries.add("password", changed)
	here, there := newPerson(t, s).tab(), newPerson(t, s).tab()
	there.open(s.URL + "/demo/connect")
	there.signIn(demoEmail, demoPassword)
	there.press("Allow")
	there.see("Order Tracker is connected")
	s.seeTokens(there)
	there.press("Call /api/orders")
	there.see("Your orders")

	here.open(s.URL + "/.well-known/change-password")
	here.signIn(demoEmail, demoPassword)
	here.see("Change your password")
	here.wellMade("the password page")
	here.screenshot("security")
	here.clean()
	here.fill("current_password", "not the password")
	here.fill("new_password", changed)
	here.fill("confirm_password", changed)
	here.press("Change password")
	here.see("That is not your current password.")
	here.wellMade("the password page with a fault")
	here.fill("current_password", demoPassword)
	here.fill("new_password", changed)
	here.fill("confirm_password", changed)
	here.press("Change password")
	here.see("Your password is changed. All other sessions have ended")
	here.wellMade("the password page after the change")
	here.open(s.URL + "/account")
	here.see("Your account", "Demo User", demoEmail)
	here.wellMade("the account page")

	there.press("Call /api/orders")
	there.see("The access token is refused")
	there.open(s.URL + "/account")
	there.signIn(demoEmail, changed)
	there.see("Your account")
	there.clean()
}

// A user sees where they are signed in, and signs out another browser.
func TestE2E_PA_3_Sessions(t *testing.T) {
	s := startShop(t)
	here, there := newPerson(t, s).tab(), newPerson(t, s).tab()
	for _, b := range []*tab{here, there} {
		b.open(s.URL + "/account/sessions")
		b.signIn(userEmail, userPassword)
		b.see("Where you’re signed in", "Chrome on Linux", "This device · 127.0.0.1")
	}
	here.wellMade("the page of one session")
	here.open(s.URL + "/account/sessions")
	here.see("Last seen just now · 127.0.0.1")
	here.wellMade("the page of two sessions")
	here.screenshot("sessions")
	here.press("Sign out everywhere else")
	here.see("You are signed out everywhere else.")
	here.wellMade("the page of sessions after a sign-out")
	there.open(s.URL + "/account/sessions")
	there.signIn(userEmail, userPassword)
	there.see("Where you’re signed in")
	here.open(s.URL + "/account/sessions")
	here.press("Sign out of Chrome")
	here.see("That browser is signed out.")
	there.open(s.URL + "/account")
	there.see("Sign in")
	here.clean()
	there.clean()
}
