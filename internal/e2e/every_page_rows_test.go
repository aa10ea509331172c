package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func jsonOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the tests pass texts
	}
	return string(text)
}

// pageScopes are in the settings of the servers of the pages.
func pageScopes() string {
	var b strings.Builder
	b.WriteString(`[brand]
name = "The Shop"
logo = "logo.svg"
accent = "#0b6e4f"
home_url = "https://shop.example"
privacy_url = "https://shop.example/privacy"
terms_url = "https://shop.example/terms"
support_url = "https://shop.example/help"

[[scopes]]
id = "orders:read"
description = "See your orders"
[[scopes]]
id = "orders:write"
description = "Place orders and cancel them"
can_change = true
[[scopes]]
id = "cards:read"
description = "See your cards"
sensitive = true
[[scopes]]
id = "tips"
description = "Send you tips"
optional = true
`)
	for i := range manyScopes {
		fmt.Fprintf(&b, "[[scopes]]\nid = %q\ndescription = \"See and change list %d\"\ncan_change = true\n", scopeID(i), i)
	}
	return b.String()
}

// startPages starts a server with a brand, many scopes and two accounts of one name.
func startPages(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.write(t, "logo.svg", []byte(shopLogo))
	s.write(t, "passport.toml", []byte(pageScopes()))
	s.start(t, "serve", "--listen", freeAddress(t))
	s.user(t, userEmail, userName)
	return s
}

// write writes a file into the server's folder.
func (s *server) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(s.dir, name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// appLogo is the logo of an app.
func appLogo(t *testing.T) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 96, 96))
	for i := range 96 * 96 {
		picture.Set(i%96, i/96, color.NRGBA{180, 70, uint8(i / 96), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// visitorPages are the pages of a visitor who is not signed in.
func visitorPages(t *testing.T) (*tab, []row) {
	t.Helper()
	const chosen, again = "the first password", "the second password"
	s := startPages(t)
	s.canaries.add("password", chosen)
	s.canaries.add("password", again)
	c := s.client(t, "--name", "Order Tracker", "--redirect-uri", "https://tracker.example/callback")
	request := authorize(s, c.ID, "https://tracker.example/callback", "scope", "orders:read")
	invite, verify := s.link(t, "invite", "bob@example.com", "--name", "Bob"), s.link(t, "verify", userEmail)
	choose := func(password, confirmed string) func(*tab) {
		return func(b *tab) {
			b.fill("new_password", password)
			b.fill("confirm_password", confirmed)
			b.press("Set password")
		}
	}
	return newPerson(t, s).tab(), []row{
		{"home", []string{"/"}, at(s.URL + "/"), "Sign in"},
		{"sign-in", []string{"/sign-in"}, at(s.URL + "/sign-in"), "Sign in to The Shop"},
		{"sign-in without input", nil, pressing("Sign in"), "Enter your password."},
		{"sign-in for an app", []string{"/oauth/authorize"}, at(request), "to continue to Order Tracker"},
		{"sign-in with a wrong password", nil, func(b *tab) { b.signIn(userEmail, "not the password") }, "do not match"},
		{"signed out", []string{"/sign-out"}, at(s.URL + "/sign-out"), "You are signed out"},
		{"invitation", []string{"/set-password"}, at(invite), "Choose a password"},
		{"invitation with faults", nil, choose("short", "other"), "The password is too short"},
		{"password chosen", nil, choose(chosen, chosen), "Your password is set"},
		{"used link", nil, at(invite), "This link doesn’t work any more"},
		{"reset", nil, func(b *tab) { b.open(s.link(t, "reset", "bob@example.com")) }, "Choose a new password"},
		{"password changed by a link", nil, choose(again, again), "All sessions have ended"},
		{"confirm an address", []string{"/verify-email"}, at(verify), "Confirm your email"},
		{"address confirmed", nil, pressing("Confirm"), "Email confirmed"},
		{"unknown app", nil, at(authorize(s, "unknown", "https://tracker.example/callback")), "Unknown app"},
		{"unknown callback", nil, at(authorize(s, c.ID, "https://elsewhere.example/")), "Something is wrong with this request"},
		{"no parameters", nil, at(s.URL + "/oauth/authorize"), "Something is wrong with this request"},
		{"expired", nil, posting(s.URL+"/oauth/authorize", "ticket", "of another server", "decision", "allow"), "This page has expired"},
		{"not found", nil, at(s.URL + "/nothing/here"), "Page not found"},
		{"wrong method", nil, posting(s.URL + "/"), "This page can’t be used like that"},
		{"wrong host", nil, at(strings.Replace(s.URL, "127.0.0.1", clientHost, 1) + "/"), "Wrong address"},
		{"wrong host of the sign-in", nil, at(strings.Replace(s.URL, "127.0.0.1", clientHost, 1) + "/sign-in"), "Wrong address"},
	}
}

// consentPages are the pages of /oauth/authorize for a signed-in user.
func consentPages(t *testing.T) (*tab, []row) {
	t.Helper()
	s := startPages(t)
	s.user(t, "ada.work@example.com", userName)
	const callback = "https://tracker.example/callback"
	logo := s.write(t, "app.png", appLogo(t))
	plain := s.client(t, "--name", "Order Tracker", "--redirect-uri", callback)
	s.command(t, "", "client", "update", plain.ID, "--client-uri", "https://tracker.example", "--logo", logo)
	checked := s.client(t, "--name", "Till", "--redirect-uri", callback)
	s.command(t, "", "client", "update", checked.ID, "--client-uri", "https://tracker.example", "--policy-uri", "https://tracker.example/privacy",
		"--tos-uri", "https://tracker.example/terms", "--logo", logo, "--verified")
	local := s.client(t, "--name", "Command line", "--public", "--redirect-uri", "com.example.app:/callback")
	open := s.client(t, "--name", "Old app", "--redirect-uri", "http://"+clientHost+"/callback")
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	here := "http://127.0.0.1:" + party.port + "/callback"
	web := s.client(t, "--name", "Web app", "--redirect-uri", here)
	stays := newStayingSite(t)
	waiting := s.client(t, "--name", "Web app that stays", "--redirect-uri", stays)
	var all []string
	for i := range manyScopes {
		all = append(all, scopeID(i))
	}
	var ticket string // of a page that was used
	return newPerson(t, s).tab(), []row{
		{"no scopes", nil, func(b *tab) { b.open(authorize(s, plain.ID, callback)); b.signIn(userEmail, userPassword) }, "only wants to know who you are"},
		{"one scope", nil, at(authorize(s, plain.ID, callback, "scope", "orders:read")), "See your orders"},
		{"three scopes of a verified app", nil, at(authorize(s, checked.ID, callback, "scope", "orders:read orders:write cards:read")), "verified by The Shop"},
		{"an optional scope", nil, at(authorize(s, plain.ID, callback, "scope", "orders:read tips")), "You can also allow"},
		{"an optional scope alone", nil, at(authorize(s, plain.ID, callback, "scope", "tips")), "Choose what it can do"},
		{"60 scopes", nil, at(authorize(s, plain.ID, callback, "scope", strings.Join(all, " "))), "See and change list 0"},
		{"an app on the device", nil, at(authorize(s, local.ID, "com.example.app:/callback", "scope", "orders:read")), "an app on this device"},
		{"an unencrypted callback", nil, at(authorize(s, open.ID, "http://"+clientHost+"/callback")), "is not encrypted"},
		{"choose an account", nil, at(authorize(s, plain.ID, callback, "prompt", "select_account")), "Choose an account"},
		{"confirm that it is you", nil, at(authorize(s, plain.ID, callback, "prompt", "login")), "Confirm that it’s you"},
		{"allowed before", nil, func(b *tab) {
			b.open(authorize(s, web.ID, here, "scope", "orders:read"))
			b.see("Web app")
			ticket = ask(b, chromedp.Evaluate[string](`document.querySelector("input[name=ticket]").value`))
			b.press("Allow")
			b.see("You are in.")
			b.open(authorize(s, web.ID, here, "scope", "orders:read orders:write"))
		}, "Already allowed"},
		{"answered already", nil, func(b *tab) {
			b.open(s.URL + "/sign-out")
			b.post(s.URL+"/oauth/authorize", "ticket", ticket, "decision", "deny")
		}, "See your connected apps"},
		{"leaving", nil, func(b *tab) { b.open(authorize(s, waiting.ID, stays)); b.press("Allow") }, "One moment"},
		{"done on the device", nil, func(b *tab) {
			b.open(authorize(s, local.ID, "com.example.app:/callback", "scope", "orders:read"))
			b.press("Allow")
			time.Sleep(time.Second) // the page stays, so there is nothing to wait for
			b.open(authorize(s, local.ID, "com.example.app:/callback", "scope", "orders:read"))
		}, "You’re done"},
	}
}

// devicePages are the pages on which a user allows another device.
func devicePages(t *testing.T) (*tab, []row) {
	t.Helper()
	s := newServer(t)
	s.write(t, "logo.svg", []byte(shopLogo))
	s.write(t, "passport.toml", []byte(pageScopes()+"[device]\n"))
	s.start(t, "serve", "--listen", freeAddress(t))
	s.user(t, userEmail, userName)
	c := s.client(t, "--device", "--name", "Living Room TV", "--scopes", "orders:read")
	code := func() string {
		t.Helper()
		res, err := http.PostForm(s.URL+"/oauth/device/code", url.Values{"client_id": {c.ID}, "scope": {"orders:read"}, "device_name": {"TV in the kitchen"}})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var got struct {
			Code string `json:"user_code"`
		}
		if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Code == "" {
			t.Fatalf("no code for a device, status %d: %v", res.StatusCode, err)
		}
		return got.Code
	}
	return newPerson(t, s).tab(), []row{
		{"enter the code", []string{"/oauth/device"}, at(s.URL + "/oauth/device"), "Code on your device"},
		{"wrong code", nil, func(b *tab) { b.fill("user_code", "WDJB-MJHT"); b.press("Continue") }, "This code isn’t valid."},
		{"consent", nil, func(b *tab) {
			b.open(s.URL + "/oauth/device?user_code=" + code())
			b.signIn(userEmail, userPassword)
		}, "TV in the kitchen"},
		{"allowed", nil, pressing("Allow"), "Go back to your device."},
		{"declined", nil, func(b *tab) { b.open(s.URL + "/oauth/device?user_code=" + code()); b.press("Cancel") }, "You declined"},
	}
}

// accountPages are the pages of a signed-in user.
func accountPages(t *testing.T) (*tab, []row) {
	t.Helper()
	s := startPages(t)
	s.canaries.add("password", "a new horse battery")
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://127.0.0.1:" + party.port + "/callback"
	connect := func(b *tab, name, scopes string) {
		c := s.client(t, "--name", name, "--redirect-uri", callback)
		b.open(authorize(s, c.ID, callback, "scope", scopes))
		b.press("Allow")
		b.see("You are in.")
	}
	change := func(current, chosen string) func(*tab) {
		return func(b *tab) {
			b.fill("current_password", current)
			b.fill("new_password", chosen)
			b.fill("confirm_password", chosen)
			b.press("Change password")
		}
	}
	return newPerson(t, s).tab(), []row{
		{"no apps", []string{"/account"}, func(b *tab) { b.open(s.URL + "/account"); b.signIn(userEmail, userPassword) }, "No app can use your account."},
		{"apps", nil, func(b *tab) {
			connect(b, "Order Tracker", "orders:read orders:write cards:read")
			connect(b, "Till", "")
			b.open(s.URL + "/account")
		}, "Remove all 2 apps"},
		{"remove an app", []string{"/account/remove"}, pressing("Remove Till"), "Remove Till?"},
		{"removed", nil, pressing("Remove"), "Till was removed."},
		{"remove an app that is gone", nil, at(s.URL + "/account/remove?client=unknown"), "Connected apps"},
		{"remove all", []string{"/account/remove-all"}, at(s.URL + "/account/remove-all"), "Remove all apps?"},
		{"remove all without the word", nil, pressing("Remove all"), "Type the word remove to confirm."},
		{"form of another site", nil, posting(s.URL+"/account/remove?", "client", "unknown"), "Connected apps"},
		{"no tokens", []string{"/account/tokens"}, at(s.URL + "/account/tokens"), "You have no tokens."},
		{"new token", []string{"/account/tokens/new"}, pressing("New token"), "What may it do?"},
		{"new token with a fault", nil, pressing("Create"), "Enter a name"},
		{"token", nil, func(b *tab) {
			b.fill("name", "Nightly backup")
			b.press("Create")
			b.see("Your new token")
			s.canaries.add("access_token", b.value("#secret"))
		}, "Copy the token now."},
		{"tokens", nil, pressing("I have copied it"), "Nightly backup"},
		{"revoke a token", []string{"/account/tokens/revoke"}, pressing("Revoke"), "Revoke Nightly backup?"},
		{"token revoked", nil, pressing("Revoke"), "was revoked."},
		{"confirm that it is you", nil, func(b *tab) { s.age(t, time.Hour); b.press("New token") }, "Confirm it’s you"},
		{"not confirmed", nil, func(b *tab) { b.open(s.URL + b.value(`input[name="return_to"]`)) }, "We couldn’t confirm that it’s you"},
		{"security", []string{"/account/security", "/.well-known/change-password"}, at(s.URL + "/.well-known/change-password"), "Change your password"},
		{"security with a fault", nil, change("not the password", "a new horse battery"), "That is not your current password."},
		{"password changed", nil, change(userPassword, "a new horse battery"), "Your password is changed."},
		{"sessions", []string{"/account/sessions"}, func(b *tab) {
			newAgent(t, s).signIn(newAgent(t, s).get(s.URL+"/sign-in"), userEmail, "a new horse battery")
			b.open(s.URL + "/account/sessions")
		}, "Sign out everywhere else"},
		{"signed out elsewhere", nil, pressing("Sign out everywhere else"), "You are signed out everywhere else."},
		{"sign out", nil, at(s.URL + "/sign-out"), "Sign out?"},
		{"after the sign-out", nil, pressing("Sign out"), "You are signed out"},
	}
}

// tourPages are the pages of the tour, and of a new server.
func tourPages(t *testing.T) (*tab, []row) {
	t.Helper()
	fresh := startServer(t)
	s := startDemo(t)
	link := "" // that the device shows
	return newPerson(t, s).tab(), []row{
		{"home of a new server", nil, at(fresh.URL + "/"), "Passport is running"},
		{"overview", []string{"/"}, at(s.URL + "/"), "The tour of Passport"},
		{"start", []string{"/demo"}, at(s.URL + "/demo"), "Connect your account to Order Tracker"},
		{"declined", []string{"/demo/callback"}, func(b *tab) {
			b.press("Connect your account")
			b.signIn(demoEmail, demoPassword)
			b.see("Check order status")
			b.press("Cancel")
		}, "You declined"},
		{"unexpected", nil, at(s.URL + "/demo/callback?code=x&state=y"), "We weren’t expecting this response"},
		{"connected", []string{"/demo/connected", "/demo/connect"}, func(b *tab) { b.open(s.URL + "/demo/connect"); b.press("Allow") }, "Order Tracker is connected"},
		{"called", nil, func(b *tab) { s.seeTokens(b); b.press("Call /api/orders") }, "Your orders"},
		{"stolen", nil, pressing("Use the stolen code"), "The stolen code is worth nothing"},
		{"called after the theft", nil, pressing("Call /api/orders"), "The access token is refused"},
		{"device that is off", []string{"/demo/device"}, at(s.URL + "/demo/device"), "The display is off."},
		{"device with a code", nil, func(b *tab) { b.press("Turn it on"); b.see("or scan the picture"); b.press("Stop that") }, "Ask the server whether"},
		{"code of a device", []string{"/oauth/device"}, func(b *tab) {
			link = ask(b, chromedp.Evaluate[string](`[...document.links].find(a => a.textContent == "Open its link here").href`))
			b.open(s.URL + "/oauth/device")
		}, "Code on your device"},
		{"wrong code of a device", nil, func(b *tab) { b.fill("user_code", "bbbbbbbb"); b.press("Continue") }, "This code isn’t valid"},
		{"device asks", nil, func(b *tab) { b.open(link) }, "Does your device show this code?"},
		{"device allowed", nil, pressing("Allow"), "Go back to your device."},
		{"device with tokens", nil, func(b *tab) { time.Sleep(6 * time.Second); b.open(s.URL + "/demo/device") }, "Your orders"},
	}
}
