package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tick ticks a checkbox, or chooses a radio button.
func (b *tab) tick(value string) {
	b.t.Helper()
	field := chromedp.CSS(fmt.Sprintf(`input[value=%q]`, value))
	b.do("tick "+value, chromedp.WaitVisible(field), chromedp.Click(field))
}

// value returns the value of a field.
func (b *tab) value(selector string) string {
	return ask(b, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.value ?? ""`, selector)))
}

// with returns the status of an API that gets a token.
func (s *server) with(t *testing.T, path, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// A user creates a token, which is shown once, calls the API with it and revokes it.
func TestE2E_PA_4_Tokens(t *testing.T) {
	useToken(t, func(*tab) {}, (*tab).wellMade)
}

// The same without JavaScript.
func TestE2E_PA_4_TokensWithoutScripts(t *testing.T) {
	useToken(t, (*tab).withoutScripts, func(*tab, string) {})
}

func useToken(t *testing.T, prepare func(*tab), wellMade func(b *tab, name string)) {
	t.Helper()
	s := startDemo(t)
	b := newPerson(t, s).tab()
	prepare(b)
	b.open(s.URL + "/account/tokens")
	b.signIn(demoEmail, demoPassword)
	b.see("Personal access tokens", "Demo User", "You have no tokens.")
	wellMade(b, "the empty list of tokens")
	b.press("New token")
	b.see("What may it do?", "Check order status", "in 30 days", "on a date", "At most 365 days, until ")
	wellMade(b, "the form of a token")
	b.fill("name", "Nightly backup")
	b.tick("check-status")
	b.tick("90")
	b.screenshot("new-token")
	b.clean() // the browser reports the 422 of the next form
	b.open(s.URL + "/account/tokens/new")
	b.press("Create")
	b.see("Enter a name, so that you recognize the token later.")
	wellMade(b, "the form of a token with a fault")
	b.fill("name", "Nightly backup")
	b.tick("check-status")
	b.tick("90")
	b.press("Create")
	b.see("Your new token", "Nightly backup", "Copy the token now. It isn’t shown again.", "Check order status", "curl -H")
	token := b.value("#secret")
	s.canaries.add("access_token", token)
	wellMade(b, "the page of a new token")
	b.screenshot("token")
	if got := s.with(t, "/api/orders", token); got != http.StatusOK {
		t.Errorf("the API responds with %d to the token, want 200", got)
	}
	b.do("reload", chromedp.Reload())
	b.see("This form was sent before.", "Nightly backup")
	if b.value("#secret") != "" {
		t.Error("a reload shows the token again")
	}
	wellMade(b, "the list of tokens after a reload")
	b.press("New token")
	b.fill("name", "CI")
	b.tick("date")
	b.do("type a date", chromedp.SendKeys(chromedp.CSS(`input[name="date"]`), time.Now().AddDate(0, 0, 3).Format("01022006")))
	b.press("Create")
	b.see("Your new token", "CI", "No scopes: it only shows who you are.", "Expires on "+time.Now().UTC().AddDate(0, 0, 3).Format("January 2, 2006"))
	s.canaries.add("access_token", b.value("#secret"))
	b.press("I have copied it")
	b.see("Nightly backup", "CI", "Created on", "2 of at most 1000 tokens work.")
	b.screenshot("tokens")
	wellMade(b, "the list of two tokens")
	b.open(b.attribute(`li:last-child a[href*="revoke"]`, "href"))
	b.see("Revoke Nightly backup?", "You can’t undo this.")
	wellMade(b, "the question about a token")
	b.press("Revoke")
	b.see("The token Nightly backup was revoked. It no longer works.", "CI")
	if got := s.with(t, "/api/orders", token); got != http.StatusUnauthorized {
		t.Errorf("the API responds with %d to the revoked token, want 401", got)
	}
}

// attribute returns an attribute of an element, a URL in full.
func (b *tab) attribute(selector, name string) string {
	return ask(b, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.%s ?? ""`, selector, name)))
}

// A user who signed in a while ago enters the password again, and finds the form as they
// left it. The form is not sent by itself.
func TestE2E_PA_7_ConfirmThatItIsYou(t *testing.T) {
	confirmIdentity(t, func(*tab) {}, (*tab).wellMade)
}

// The same without JavaScript.
func TestE2E_PA_7_ConfirmThatItIsYouWithoutScripts(t *testing.T) {
	confirmIdentity(t, (*tab).withoutScripts, func(*tab, string) {})
}

func confirmIdentity(t *testing.T, prepare func(*tab), wellMade func(b *tab, name string)) {
	t.Helper()
	s := startPages(t)
	b := newPerson(t, s).tab()
	prepare(b)
	b.open(s.URL + "/account/tokens/new?name=Nightly+backup&scopes=orders:read")
	b.signIn(userEmail, userPassword)
	b.see("New token", "A link filled in this form.")
	wellMade(b, "the form of a token that a link filled in")
	s.age(t, time.Hour)
	b.tick("cards:read")
	b.tick("7")
	b.press("Create")
	b.see("Confirm it’s you", userName, userEmail, "Use another account")
	wellMade(b, "the page that asks for the password again")
	b.screenshot("confirm")
	b.clean() // the browser reports the 422 of the next form
	b.fill("password", "not the password")
	b.press("Confirm")
	b.see("Confirm it’s you", "That is not your password.")
	wellMade(b, "the page that asks for the password again, with a fault")
	b.fill("password", userPassword)
	b.press("Confirm")
	b.see("New token", "The token isn’t created yet: check the form and send it again.")
	if b.value(`input[name="name"]`) != "Nightly backup" || b.value(`input[name="expiry"]:checked`) != "7" ||
		b.value(`input[value="orders:read"]:checked`) == "" || b.value(`input[value="cards:read"]:checked`) == "" {
		t.Errorf("the form is not as the user left it: %s", b.html())
	}
	wellMade(b, "the form of a token after the password")
	b.press("Create")
	b.see("Your new token", "See your orders", "See your cards")
	s.canaries.add("access_token", b.value("#secret"))

	// The password page asks for the current password, so it asks for nothing before.
	s.age(t, time.Hour)
	b.press("Security")
	b.see("Change your password", "Current password")
	b.open(s.URL + "/account/tokens/new")
	b.see("Confirm it’s you")
	b.press("Use another account")
	b.see("Sign in to The Shop", "Email")
}
