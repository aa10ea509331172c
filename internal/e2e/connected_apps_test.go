package e2e_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// withoutScripts turns JavaScript off in the tab.
func (b *tab) withoutScripts() {
	b.t.Helper()
	b.do("turn JavaScript off", command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// The tour ends like this: the user removes Order Tracker, and the next call of the API
// gets 401.
func TestE2E_PA_2_PG_02_RemoveConnectedApp(t *testing.T) {
	removeOrderTracker(t, func(*tab) {}, (*tab).wellMade)
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
	b.see("You are signed in")
}
