package passport_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
)

// answerWith answers a consent page with another ticket than it has.
func (a *answer) answerWith(ticket, decision string) *answer {
	a.t.Helper()
	return a.from.post(a.part(formElement, "action"), url.Values{"ticket": {ticket}, "decision": {decision}})
}

// wantPageAnew fails unless the page is shown again, with another ticket, and
// nothing was issued.
func (a *answer) wantPageAnew(instead *answer) *answer {
	a.t.Helper()
	if a.ticket() == instead.ticket() || a.target() != "" {
		a.t.Errorf("want the page anew with a fresh ticket, got %s", a)
	}
	return a
}

// Only a POST with the ticket decides; a GET with the same parameters is a
// request like any other (OAuth 2.1 §7.10, RFC 6749 §10.12).
func TestAuthorize_AZ_27_OnlyAPostDecides(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	decision := url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}.Encode()
	b.get("/oauth/authorize?" + c.request().Encode() + "&" + decision).ticket()
	b.get("/oauth/authorize?"+decision).wantPage(400, "client_id is missing")
	b.send(b.newRequest("POST", "/oauth/authorize?"+decision, "", nil)).wantPage(400)
	b.send(b.newRequest("POST", "/oauth/authorize?"+decision, c.request().Encode(), nil)).ticket()
	json := b.newRequest("POST", "/oauth/authorize", `{"ticket":"x","decision":"allow"}`, http.Header{"Content-Type": {"application/json"}})
	b.send(json).wantPage(400)
	if given := eventsOf[passport.ConsentGiven](s); len(given) != 0 {
		t.Fatalf("somebody consented: %+v", given)
	}
	page.allow().code()
}

// Forms of other sites are refused, with the ticket and the cookies too.
func TestAuthorize_AZ_27_NeverRepeat_B10_FormsOfOtherSites(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	body := url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}.Encode()
	for name, header := range map[string]http.Header{
		"cross-site":                     {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		"same-site":                      {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://other.example.com"}},
		"cross-site, without an origin":  {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
		"an old browser":                 {"Origin": {"https://evil.example"}},
		"an old browser without an name": {"Origin": {"null"}},
		"our host over http":             {"Origin": {"http://" + "auth.example.com:80"}},
		"our host with another port":     {"Origin": {issuer + ":8443"}},
		"a host that begins as ours":     {"Origin": {issuer + ".evil.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.t, b.server = t, s.in(t)
			b.send(b.newRequest("POST", "/oauth/authorize", body, header)).wantPage(403, "did not come from our own page")
		})
	}
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"none"}}, {"Origin": {issuer}}, nil} {
		ticket := b.authorize(c, "prompt", "consent").ticket()
		body := url.Values{"ticket": {ticket}, "decision": {"allow"}}.Encode()
		b.send(b.newRequest("POST", "/oauth/authorize", body, header)).code()
	}
}

// Over plain http browsers do not say where a form comes from; the ticket and
// its cookie stand alone.
func TestAuthorize_AZ_27_NeverRepeat_B10_PlainHTTP(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.Issuer = "http://127.0.0.1:8000" })
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	body := url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}.Encode()
	if names := b.cookies("passport-"); len(names) != 1 || !strings.HasPrefix(names[0], "passport-") {
		t.Errorf("the ticket's cookie is %q", names)
	}
	b.send(b.newRequest("POST", "/oauth/authorize", body, http.Header{"Origin": {"http://evil.example"}})).wantPage(403)
	stranger := s.browser().signIn("alice")
	stranger.send(stranger.newRequest("POST", "/oauth/authorize", body, http.Header{"Origin": {"null"}})).wantPageAnew(page)
	b.send(b.newRequest("POST", "/oauth/authorize", body, http.Header{"Origin": {"null"}})).code()
}

// The ticket works with the browser and the account that it was made for, so
// that who gets hold of a page cannot have the code of it.
func TestAuthorize_NeverRepeat_A4_TicketIsForOneBrowserAndOneAccount(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	for name, other := range map[string]*browser{
		"another account in another browser":  s.browser().signIn("bob"),
		"the same account in another browser": s.browser().signIn("alice"),
	} {
		for _, decision := range []string{"allow", "deny"} {
			a := other.post("/oauth/authorize", url.Values{"ticket": {page.ticket()}, "decision": {decision}}).wantPageAnew(page)
			if decision == "allow" {
				a.allow().code() // with the fresh ticket, for whoever sits there
			}
		}
		t.Log(name)
	}
	b.signIn("bob")
	for _, decision := range []string{"allow", "deny"} {
		anew := page.decide(decision).wantPageAnew(page)
		if !strings.Contains(anew.body, "Name of bob") {
			t.Errorf("the page that bob gets is not his: %s", anew)
		}
	}
	b.signOut()
	if a := page.allow(); !strings.HasPrefix(a.target(), "/login?") || a.status != 200 || a.header.Get("Location") != "" {
		t.Errorf("with nobody signed in the page leads to %s", a)
	}
	b.signIn("alice") // another session of the same account, in the same browser
	page.allow().code()
}

// Another tab's ticket is another ticket, and each finishes on its own, in any
// order (AZ-28).
func TestAuthorize_AZ_28_Tabs(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	var tabs []*answer
	var clients []*client
	for range 6 {
		c := s.web()
		clients = append(clients, c)
		tabs = append(tabs, b.authorize(c, "state", c.ID))
	}
	again := b.authorize(clients[0], "state", "again")
	if n := len(b.cookies("__Host-passport-")); n != 7 {
		t.Errorf("7 pages have %d cookies", n)
	}
	for _, i := range []int{3, 0, 5} {
		done := tabs[i].allow()
		if done.params().Get("state") != clients[i].ID {
			t.Errorf("tab %d answers with the state %s", i, done.params().Get("state"))
		}
		s.redeem(clients[i], done.code())
	}
	tabs[1].deny().wantRedirectError("access_denied")
	done := again.allow()
	if done.params().Get("state") != "again" {
		t.Errorf("the second tab of one client answers %v", done.params())
	}
	// For a second click that comes after the answer; no longer than a code lives.
	if set := done.header.Values("Set-Cookie"); len(set) != 1 || !strings.Contains(set[0], "Max-Age=60;") {
		t.Errorf("the answer sets the cookies %d, want the ticket's own to end in 60 seconds", len(set))
	}
	if second := again.allow(); second.code() != done.code() {
		t.Error("a second click after the answer gets another code")
	}
}

// One tab's cookie does not open another tab's ticket, under whatever name.
func TestAuthorize_AZ_28_NeverRepeat_A4_CookiesOfOtherTabs(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	one := b.authorize(c)
	name := b.cookies("__Host-passport-")[0]
	other := s.browser().signIn("alice")
	two := other.authorize(c)
	stolen := other.cookies("__Host-passport-")[0]
	value := ""
	for _, cookie := range other.jar.Cookies(other.origin()) {
		if cookie.Name == stolen {
			value = cookie.Value
		}
	}
	ticket := url.Values{"ticket": {one.ticket()}, "decision": {"allow"}}
	other.post("/oauth/authorize", ticket).wantPageAnew(one)
	other.setCookie(name, value)
	other.post("/oauth/authorize", ticket).wantPageAnew(one)
	other.setCookie(name, "")
	other.post("/oauth/authorize", ticket).wantPageAnew(one)
	two.allow().code()
	one.allow().code()
}

// A ticket is opened only as it was sealed: changed, cut, longer, for another
// purpose or by another server it is nothing, and the page says what to do.
func TestAuthorize_AZ_27_TamperedTicket(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	ticket := page.ticket()
	mark, _ := url.ParseQuery(s.browser().authorize(c).returnTo())
	forged := map[string]string{
		"none": " ", "cut": ticket[:len(ticket)-1], "longer": ticket + "A", "twice": ticket + ticket, "a mark": mark.Get("passport_sign_in"),
		"padded": ticket + "=", "a line end": ticket[:80] + "\r\n" + ticket[80:], "not base64": ticket[:60] + "!" + ticket[61:], "not UTF-8": ticket + "\xff",
		"without a key": ticket[strings.Index(ticket, ".")+1:], "of another key": "AAAA" + ticket[4:], "60 KB": strings.Repeat("A", 60<<10),
		"another server's": newServer(t).restart(func(c *passport.Config) { c.Store = s.store }).browser().signIn("alice").authorize(c).ticket(),
	}
	for i := 0; i < len(ticket); i += max(1, len(ticket)/160) {
		other := byte('A')
		if ticket[i] == 'A' {
			other = 'B'
		}
		forged["byte "+asText(i)] = ticket[:i] + string(other) + ticket[i+1:]
	}
	for name, ticket := range forged {
		for _, decision := range []string{"allow", "deny"} {
			if a := page.answerWith(ticket, decision); a.status != 400 || a.target() != "" || a.isConsent() {
				t.Errorf("ticket %s: %s", name, a)
			}
		}
	}
	page.answerWith("x", "allow").wantPage(400, "This page has expired", "Nothing was allowed")
	page.allow().code()
}

// A page may be answered for ten minutes.
func TestAuthorize_AZ_27_TicketExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, b := s.web(), s.browser().signIn("alice")
		early, late := b.authorize(c), b.authorize(c)
		time.Sleep(10*time.Minute - time.Second)
		early.allow().code()
		time.Sleep(time.Second)
		late.allow().wantPage(400, "This page has expired")
		late.deny().wantPage(400, "This page has expired")
	})
}

// What the page showed is what is granted: when the operator changes what the
// request would mean, the page is shown anew.
func TestAuthorize_AZ_27_PageShowedSomethingElse(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.DefaultScopes = []string{"read"} })
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c, "scope", "")
	more := s.restart(func(c *passport.Config) { c.DefaultScopes = []string{"read", "admin"} })
	form := url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}
	anew := b.at(more).post("/oauth/authorize", form).wantPageAnew(page)
	if !strings.Contains(anew.body, "Administer the shop") {
		t.Errorf("the page does not show what is asked for now: %s", anew)
	}
	fewer := s.restart(func(c *passport.Config) { c.Scopes = c.Scopes[:1]; c.DefaultScopes = nil })
	admin := b.authorize(c, "scope", "admin")
	gone := b.at(fewer).post("/oauth/authorize", url.Values{"ticket": {admin.ticket()}, "decision": {"allow"}})
	gone.wantRedirectError("invalid_scope")
	page.allow().code()
}

// A client that is gone by the time the user decides gets nothing.
func TestAuthorize_AZ_27_ClientEndsWhileThePageIsOpen(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	if err := s.RevokeClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	page.allow().wantPage(400)
	page.deny().wantPage(400)
}

// Keys may be changed between the page and the answer to it: whatever is loaded
// opens, the first seals. A key that was taken out ends what it sealed.
func TestAuthorize_KeyRotationWhileThePageIsOpen(t *testing.T) {
	oldKey, newKey := newSigner(t), newSigner(t)
	with := func(keys *passport.Keys) func(*passport.Config) {
		return func(c *passport.Config) { c.Keys = keys }
	}
	s := newServer(t, with(keysOf(t, oldKey)))
	rotated := s.restart(with(keysOf(t, newKey, oldKey)))
	without := s.restart(with(keysOf(t, newKey)))
	c := s.web()
	b := s.browser().signIn("alice")

	page := b.authorize(c)
	form := url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}
	b.at(without).post("/oauth/authorize", form).wantPage(400, "This page has expired", "start again")
	done := b.at(rotated).post("/oauth/authorize", form)
	rotated.redeem(c, done.code())

	// A page of the new key is none of the old node's, and works on its own.
	fresh := b.at(rotated).authorize(c, "prompt", "consent")
	b.post("/oauth/authorize", url.Values{"ticket": {fresh.ticket()}, "decision": {"allow"}}).wantPage(400)
	without.redeem(c, b.at(without).post("/oauth/authorize", url.Values{"ticket": {fresh.ticket()}, "decision": {"allow"}}).code())

	// The mark of a sign-in page, too.
	synctest.Test(t, func(t *testing.T) {
		s, rotated := s.in(t), rotated.in(t)
		b := s.browser().signIn("alice")
		away := b.authorize(c, "prompt", "login")
		time.Sleep(time.Minute)
		away.from = b.at(rotated)
		away.signIn("alice").code()
		away.from = b.at(without.in(t))
		if a := away.comeBack(); !strings.HasPrefix(a.target(), "/login?") {
			t.Errorf("with the mark of a key that is gone: %s", a)
		}
	})
}

// Config.Secrets stand in for what is derived from the keys, and are changed in
// the same way.
func TestAuthorize_SecretsRotationWhileThePageIsOpen(t *testing.T) {
	one, two := []byte(strings.Repeat("1", 32)), []byte(strings.Repeat("2", 32))
	s := newServer(t, func(c *passport.Config) { c.Secrets = [][]byte{one} })
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	form := url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}
	keys := newKeys(t)
	b.at(s.restart(func(c *passport.Config) { c.Keys, c.Secrets = keys, nil })).post("/oauth/authorize", form).wantPage(400)
	b.at(s.restart(func(c *passport.Config) { c.Keys, c.Secrets = keys, [][]byte{two, one} })).post("/oauth/authorize", form).code()
}

// What is in the browser stays small: a name, a random value for each page, and
// no more pages than a browser has room for (hydra's state in cookies).
func TestAuthorize_NeverRepeat_B20_F10_CookiesStaySmall(t *testing.T) {
	s := newServer(t)
	c := s.web()
	b := s.browser().signIn("alice")
	b.setCookie("other", "kept")
	var pages []*answer
	var tickets []string
	for i := range 40 {
		page := b.authorize(c, "state", strings.Repeat("s", 100*i), "scope", "read write admin", "prompt", "consent")
		pages = append(pages, page)
		tickets = append(tickets, page.ticket())
		for _, cookie := range (&http.Response{Header: page.header}).Cookies() {
			if cookie.MaxAge < 0 {
				continue
			}
			if len(cookie.Name) > 40 || len(cookie.Value) > 64 || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode ||
				cookie.MaxAge != 600 || cookie.Path != "/" || cookie.Domain != "" {
				t.Errorf("the cookie of a page is %v", cookie)
			}
		}
	}
	names := b.cookies("__Host-passport-")
	if len(names) != 16 || b.session() == "" || len(b.cookies("other")) != 1 {
		t.Errorf("after 40 pages the browser has %d cookies of pages and %q", len(names), b.cookies(""))
	}
	pages[0].allow().wantPageAnew(pages[0])
	done := pages[39].allow()
	for _, ticket := range tickets {
		part := ticket[len(ticket)-30:]
		if strings.Contains(done.target(), part) || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, part[:8]) }) {
			t.Error("a ticket stands in a URL or a cookie")
		}
	}
	if location := b.signOut().authorize(c); strings.Contains(location.target(), tickets[39][len(tickets[39])-30:]) {
		t.Error("a ticket stands in the address of the sign-in page")
	}
}
