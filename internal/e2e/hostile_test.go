package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// hostileNames are names that attackers give to apps, devices and accounts. The test
// finds them on a page by the word hostile.
var hostileNames = map[string]string{
	"script":      `hostile <script>document.title='pwned'</script><img src=x onerror="document.title='pwned'">`,
	"attribute":   `hostile" onfocus="document.title='pwned'" autofocus x='`,
	"template":    `hostile {{.}} ${7*7} <!-- </title></style>`,
	"bidi":        "hostile \u202egnp.exe\u2066\u200f (verified)",
	"right":       "متجر hostile الكتب: تم التحقق منه",
	"emoji":       "hostile " + strings.Repeat("👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿", 20),
	"long":        "hostile" + strings.Repeat("W", 1000),
	"combining":   "hostile" + strings.Repeat("\u0301\u0488", 80),
	"a space":     "hostile\u00a0" + strings.Repeat("\u3000", 40) + "x",
	"lines":       "hostile\nYou are done.\r\n\tClose this window.",
	"text of us":  "hostile was removed. It can no longer use your account. Click https://evil.example",
	"zero widths": "hostile\u200b\u200d\u2060\ufeff\u00ad app",
}

// notInert returns what is wrong with how a page shows a name: each text with it must be
// alone in its block or isolated from the text around it, and nothing may stick out of
// the window.
const notInert = `(() => {
	const faults = []
	if (document.title === "pwned") faults.push("a script ran")
	if (document.documentElement.scrollWidth > innerWidth) faults.push("the content is " + document.documentElement.scrollWidth + " wide")
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (texts.nextNode()) {
		const text = texts.currentNode, e = text.parentElement
		if (!text.data.includes("hostile")) continue
		if (e.closest("style, textarea")) continue
		let isolated = /\u2068[^\u2069]*hostile[^\u2068]*\u2069/.test(text.data), at = e
		for (; getComputedStyle(at).display === "inline" && !isolated; at = at.parentElement) isolated = at.localName === "bdi"
		isolated ||= at.textContent.trim() === text.data.trim()
		if (!isolated) faults.push("not isolated: " + at.outerHTML.slice(0, 200))
		if (e.getBoundingClientRect().height > 400) faults.push("too high: " + e.outerHTML.slice(0, 200))
	}
	return faults.join("\n")
})()`

// inert checks how a page shows a hostile name.
func (b *tab) inert(page string) {
	b.t.Helper()
	for _, width := range []int64{390, 1280} {
		b.do("set the width", chromedp.EmulateViewport(width, 844))
		if !strings.Contains(b.text(), "hostile") {
			b.t.Errorf("%s does not show the name:\n%s", page, b.text())
		}
		if faults := ask(b, chromedp.Evaluate[string](notInert)); faults != "" {
			b.t.Errorf("%s, %d wide:\n%s", page, width, faults)
		}
	}
	b.noPolicyViolated(page)
}

// Names are shown as texts on every page: no script runs, nothing sticks out, and each is
// isolated from the text of the server beside it.
func TestE2E_UI_04_B8_HostileNames(t *testing.T) {
	t.Parallel()
	var scopes []passport.Scope
	for id, name := range hostileNames {
		scopes = append(scopes, passport.Scope{ID: strings.ReplaceAll(id, " ", "-"), Description: name, Group: name, Sensitive: true})
	}
	e := startEmbedding(t, func(c *passport.Config) { c.Scopes = scopes })
	b := newPerson(t, &e.server).tab()
	for what, name := range hostileNames {
		e.user.Name, e.user.Email = name, name+"@example.com"
		r := passport.Registration{Name: name, AuthMethod: oauth.AuthNone, RedirectURIs: []string{e.URL + "/callback"}, Owner: passport.UserRef{Provider: "users", ID: "2"}}
		c, err := e.auth.CreateClient(t.Context(), r)
		if err != nil {
			t.Logf("%s: a client can't have this name: %v", what, err)
			r.Name = "hostile"
			if c, err = e.auth.CreateClient(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		b.open(authorize(&e.server, c.Client.ID, e.URL+"/callback", "scope", strings.ReplaceAll(what, " ", "-")))
		b.see("to use your account?")
		b.inert(what + ": the consent page")
		b.press("Allow")
		b.see("The app is connected.")
		b.open(e.URL + "/account/apps")
		b.see("Connected apps")
		b.inert(what + ": the list of apps")
		b.open(e.URL + "/account/apps/remove?client=" + url.QueryEscape(c.Client.ID))
		b.see("It loses access to your account at once.")
		b.inert(what + ": the question about an app")
		b.press("Remove")
		b.see("can no longer use your account")
		b.inert(what + ": the list after a removal")
		b.open(e.URL + "/account/apps/tokens/new?" + url.Values{"name": {name}}.Encode())
		b.see("What may it do?")
		b.inert(what + ": the form of a token")
	}
}

// The pages of accounts show names and addresses as texts, too.
func TestE2E_UI_04_B8_HostileAccounts(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := newPerson(t, s).tab()
	for i, what := range []string{"script", "right", "attribute"} { // the others are refused, or like these
		name, email := hostileNames[what], fmt.Sprintf("hostile%d@example.com", i)
		if _, err := s.try(t, userPassword+"\n", "user", "create", "--email", email, "--name", name, "--password-stdin"); err != nil {
			t.Logf("%s: an account can't have this name: %v", what, err)
			continue
		}
		b.open(s.link(t, "reset", email))
		b.see("Choose a new password")
		b.inert(what + ": the page of a link")
		c := s.client(t, "--name", "hostile app", "--redirect-uri", "https://app.example/callback")
		if out, err := s.try(t, "", "client", "--json", "--name", name, "--redirect-uri", "https://app.example/callback"); err != nil {
			t.Logf("%s: a client can't have this name: %v", what, err)
		} else if err := json.Unmarshal(out, &c); err != nil {
			t.Fatal(err)
		}
		s.canaries.add("client_secret", c.Secret)
		b.open(authorize(s, c.ID, "https://app.example/callback"))
		b.see("Sign in to")
		b.inert(what + ": the sign-in page")
		b.signIn(email, userPassword)
		b.see("to use your account?")
		b.open(authorize(s, c.ID, "https://app.example/callback", "prompt", "select_account"))
		b.see("Choose an account")
		b.inert(what + ": the page to choose an account")
		b.open(s.URL + "/account/security")
		b.see("Change your password")
		b.noPolicyViolated(what + ": the password page")
		b.open(s.URL + "/sign-out")
		b.see("Sign out?")
		b.inert(what + ": the question before the sign-out")
		b.press("Sign out")
		b.see("You are signed out")
	}
}
