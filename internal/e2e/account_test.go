package e2e_test

import (
	"regexp"
	"strings"
	"testing"
)

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
	here.see("Connected apps", "Demo User", demoEmail)
	here.wellMade("the account page")

	there.press("Call /api/orders")
	there.see("The access token is refused")
	there.open(s.URL + "/account")
	there.signIn(demoEmail, changed)
	there.see("Connected apps")
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

// link runs a command that prints a link, and returns the link at this server.
func (s *server) link(t *testing.T, args ...string) string {
	t.Helper()
	out := s.command(t, "", append([]string{"user"}, args...)...)
	link := regexp.MustCompile(`http://\S+\?token=\S+`).FindString(string(out))
	if !strings.HasPrefix(link, s.URL+"/") {
		t.Fatalf("user %v prints no link to %s:\n%s", args, s.URL, out)
	}
	s.canaries.url(link)
	return link
}

// An invited user chooses a password, resets it, and confirms the address. The log has
// none of the links.
func TestE2E_PG_04_Links(t *testing.T) {
	const first, second = "the first password", "the second password"
	s := startServer(t)
	s.canaries.add("password", first)
	s.canaries.add("password", second)
	b := newPerson(t, s).tab()

	invite := s.link(t, "invite", userEmail, "--name", userName)
	b.open(invite)
	b.see("Choose a password", userName, userEmail)
	b.wellMade("the page of an invitation")
	b.screenshot("invitation")
	b.fill("new_password", first)
	b.fill("confirm_password", first)
	b.press("Set password")
	b.see("Your password is set")
	b.wellMade("the page after a password was chosen")
	b.press("Go to the sign-in page")
	b.signIn(userEmail, first)
	b.see("Connected apps", userName)
	b.clean()

	b.open(s.link(t, "reset", userEmail))
	b.see("Choose a new password")
	b.wellMade("the page of a reset")
	b.fill("new_password", second)
	b.fill("confirm_password", second)
	b.press("Set password")
	b.see("All sessions have ended")
	b.open(s.URL + "/account")
	b.signIn(userEmail, second)
	b.see("Connected apps")

	b.open(s.link(t, "verify", userEmail))
	b.see("Confirm your email", userEmail)
	b.wellMade("the page to confirm an address")
	b.press("Confirm")
	b.see("Email confirmed")
	b.clean()
	b.open(invite)
	b.see("This link doesn’t work any more")
	b.wellMade("the page of a dead link")
}
