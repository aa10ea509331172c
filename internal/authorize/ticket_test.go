package authorize_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// Only a POST with the ticket is a decision. A GET with the same parameters is an
// authorization request (OAuth 2.1 §7.10, RFC 6749 §10.12).
func TestAuthorize_AZ_27_OnlyAPostDecides(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	decision := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}.Encode()
	b.Get("/oauth/authorize?" + c.Request().Encode() + "&" + decision).Ticket()
	b.Get("/oauth/authorize?"+decision).WantPage(400, "client_id is missing")
	b.Send(b.NewRequest("POST", "/oauth/authorize?"+decision, "", nil)).WantPage(400)
	b.Send(b.NewRequest("POST", "/oauth/authorize?"+decision, c.Request().Encode(), nil)).Ticket()
	json := b.NewRequest("POST", "/oauth/authorize", `{"ticket":"x","decision":"allow"}`, http.Header{"Content-Type": {"application/json"}})
	b.Send(json).WantPage(400)
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 0 {
		t.Fatalf("ConsentGiven events = %+v, want none", given)
	}
	page.Allow().Code()
}

// Forms of other sites are refused, even with the ticket and the cookies.
func TestAuthorize_AZ_27_NeverRepeat_B10_FormsOfOtherSites(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	body := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}.Encode()
	for name, header := range map[string]http.Header{
		"cross-site":                    {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		"same-site":                     {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://other.example.com"}},
		"cross-site, without an origin": {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
		"an old browser":                {"Origin": {"https://evil.example"}},
		"our host over http":            {"Origin": {"http://" + "auth.example.com:80"}},
		"our host with another port":    {"Origin": {testkit.Issuer + ":8443"}},
		"our host as a prefix":          {"Origin": {testkit.Issuer + ".evil.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.T, b.Server = t, s.In(t)
			b.Send(b.NewRequest("POST", "/oauth/authorize", body, header)).WantPage(403, "did not come from our own page")
		})
	}
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"none"}}, {"Origin": {testkit.Issuer}}, {"Origin": {"null"}}, nil} {
		ticket := b.Authorize(c, "prompt", "consent").Ticket()
		body := url.Values{"ticket": {ticket}, "decision": {"allow"}}.Encode()
		b.Send(b.NewRequest("POST", "/oauth/authorize", body, header)).Code()
	}
}

// Without Sec-Fetch-Site the source of a form is unknown. Then the ticket and its cookie
// decide, also over https.
func TestAuthorize_AZ_27_FR_22_NeverRepeat_B10_TicketDecides(t *testing.T) {
	for _, issuer := range []string{"http://127.0.0.1:8000", testkit.Issuer} {
		t.Run(issuer, func(t *testing.T) { checkTicketDecides(t, issuer) })
	}
}

func checkTicketDecides(t *testing.T, issuer string) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer = issuer })
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	body := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}.Encode()
	if names := b.Cookies("passport-"); len(names) != 1 || strings.HasPrefix(names[0], "__Host-") != strings.HasPrefix(issuer, "https:") {
		t.Errorf("the ticket cookies are %q, want one, with __Host- under https", names)
	}
	b.Send(b.NewRequest("POST", "/oauth/authorize", body, http.Header{"Origin": {"http://evil.example"}})).WantPage(403)
	stranger := s.Browser().SignIn("alice")
	stranger.Send(stranger.NewRequest("POST", "/oauth/authorize", body, http.Header{"Origin": {"null"}})).WantPageAnew(page)
	b.Send(b.NewRequest("POST", "/oauth/authorize", body, http.Header{"Origin": {"null"}})).Code()
}

// A ticket works only in its browser and for its account, so a stolen page gives no
// code.
func TestAuthorize_NeverRepeat_A4_TicketIsForOneBrowserAndOneAccount(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	for name, other := range map[string]*testkit.Browser{
		"another account in another browser":  s.Browser().SignIn("bob"),
		"the same account in another browser": s.Browser().SignIn("alice"),
	} {
		for _, decision := range []string{"allow", "deny"} {
			a := other.Post("/oauth/authorize", url.Values{"ticket": {page.Ticket()}, "decision": {decision}}).WantPageAnew(page)
			if decision == "allow" {
				a.Allow().Code() // with the new ticket, for this user
			}
		}
		t.Log(name)
	}
	b.SignIn("bob")
	for _, decision := range []string{"allow", "deny"} {
		again := page.Decide(decision).WantPageAnew(page)
		if !strings.Contains(again.Body, "Name of bob") {
			t.Errorf("the new page is not for bob: %s", again)
		}
	}
	b.SignOut()
	if a := page.Allow(); !strings.HasPrefix(a.Target(), "/login?") || a.Status != 200 || a.Header.Get("Location") != "" {
		t.Errorf("a decision without a signed-in user = %s, want the sign-in page", a)
	}
	b.SignIn("alice") // another session of the same account, in the same browser
	page.Allow().Code()
}

// Each tab has its own ticket. The tabs are independent, in any order (AZ-28).
func TestAuthorize_AZ_28_Tabs(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	var tabs []*testkit.Response
	var clients []*testkit.Client
	for range 6 {
		c := s.Web()
		clients = append(clients, c)
		tabs = append(tabs, b.Authorize(c, "state", c.ID))
	}
	again := b.Authorize(clients[0], "state", "again")
	if n := len(b.Cookies("__Host-passport-")); n != 7 {
		t.Errorf("7 pages have %d cookies, want 7", n)
	}
	for _, i := range []int{3, 0, 5} {
		done := tabs[i].Allow()
		if done.Params().Get("state") != clients[i].ID {
			t.Errorf("tab %d: state = %s", i, done.Params().Get("state"))
		}
		s.Redeem(clients[i], done.Code())
	}
	tabs[1].Deny().WantRedirectError("access_denied")
	done := again.Allow()
	if done.Params().Get("state") != "again" {
		t.Errorf("the second tab of a client: parameters = %v, want its state", done.Params())
	}
	// The cookie is kept as long as a code, for a second click after the response.
	if set := done.Header.Values("Set-Cookie"); len(set) != 1 || !strings.Contains(set[0], "Max-Age=60;") {
		t.Errorf("the response sets %d cookies, want the ticket's cookie with Max-Age=60", len(set))
	}
	if second := again.Allow(); second.Code() != done.Code() {
		t.Error("a second click after the response gets a different code")
	}
}

// The cookie of one tab is not valid for the ticket of another tab, under any name.
func TestAuthorize_AZ_28_NeverRepeat_A4_CookiesOfOtherTabs(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	one := b.Authorize(c)
	name := b.Cookies("__Host-passport-")[0]
	other := s.Browser().SignIn("alice")
	two := other.Authorize(c)
	stolen := other.Cookies("__Host-passport-")[0]
	value := ""
	for _, cookie := range other.Jar.Cookies(other.Origin()) {
		if cookie.Name == stolen {
			value = cookie.Value
		}
	}
	ticket := url.Values{"ticket": {one.Ticket()}, "decision": {"allow"}}
	other.Post("/oauth/authorize", ticket).WantPageAnew(one)
	other.SetCookie(name, value)
	other.Post("/oauth/authorize", ticket).WantPageAnew(one)
	other.SetCookie(name, "")
	other.Post("/oauth/authorize", ticket).WantPageAnew(one)
	two.Allow().Code()
	one.Allow().Code()
}

// A changed ticket, or the ticket of another purpose or server, is refused with an error
// page.
func TestAuthorize_AZ_27_TamperedTicket(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	ticket := page.Ticket()
	signIn, _ := url.ParseQuery(s.Browser().Authorize(c).ReturnTo())
	forged := map[string]string{
		"none": " ", "cut": ticket[:len(ticket)-1], "longer": ticket + "A", "twice": ticket + ticket, "a sign-in": signIn.Get("passport_sign_in"),
		"padded": ticket + "=", "a line end": ticket[:80] + "\r\n" + ticket[80:], "not base64": ticket[:60] + "!" + ticket[61:], "not UTF-8": ticket + "\xff",
		"without a key": ticket[strings.Index(ticket, ".")+1:], "of another key": "AAAA" + ticket[4:], "60 KB": strings.Repeat("A", 60<<10),
		"another server's": testkit.NewServer(t).Restart(func(c *passport.Config) { c.Store = s.Store }).Browser().SignIn("alice").Authorize(c).Ticket(),
	}
	for i := 0; i < len(ticket); i += max(1, len(ticket)/160) {
		other := byte('A')
		if ticket[i] == 'A' {
			other = 'B'
		}
		forged["byte "+testkit.AsText(i)] = ticket[:i] + string(other) + ticket[i+1:]
	}
	for name, ticket := range forged {
		for _, decision := range []string{"allow", "deny"} {
			if a := page.DecideWith(ticket, decision); a.Status != 400 || a.Target() != "" || a.IsConsent() {
				t.Errorf("ticket %s: %s, want an error page", name, a)
			}
		}
	}
	page.DecideWith("x", "allow").WantPage(400, "This page has expired", "Nothing was allowed")
	page.Allow().Code()
}

// A page accepts a decision for ten minutes.
func TestAuthorize_AZ_27_TicketExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		early, late := b.Authorize(c), b.Authorize(c)
		time.Sleep(10*time.Minute - time.Second)
		early.Allow().Code()
		time.Sleep(time.Second)
		late.Allow().WantPage(400, "This page has expired")
		late.Deny().WantPage(400, "This page has expired")
	})
}

// Only the scopes on the page are granted. If the operator changes the meaning of the
// request, the page is shown again.
func TestAuthorize_AZ_27_PageShowedOtherScopes(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.DefaultScopes = []string{"read"} })
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "")
	more := s.Restart(func(c *passport.Config) { c.DefaultScopes = []string{"read", "admin"} })
	form := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}
	again := b.At(more).Post("/oauth/authorize", form).WantPageAnew(page)
	if !strings.Contains(again.Body, "Administer the shop") {
		t.Errorf("the page does not show the new scope: %s", again)
	}
	fewer := s.Restart(func(c *passport.Config) { c.Scopes = c.Scopes[:1]; c.DefaultScopes = nil })
	admin := b.Authorize(c, "scope", "admin")
	removed := b.At(fewer).Post("/oauth/authorize", url.Values{"ticket": {admin.Ticket()}, "decision": {"allow"}})
	removed.WantRedirectError("invalid_scope")
	page.Allow().Code()
}

// A client that is revoked before the decision gets no response.
func TestAuthorize_AZ_27_ClientEndsWhileThePageIsOpen(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	if err := s.RevokeClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	page.Allow().WantPage(400)
	page.Deny().WantPage(400)
}

// Keys may change between the page and the decision. The first key seals, and every
// loaded key opens. Values of a removed key can't be opened.
func TestAuthorize_KeyRotationWhileThePageIsOpen(t *testing.T) {
	oldKey, newKey := testkit.NewSigner(t), testkit.NewSigner(t)
	with := func(keys *passport.Keys) func(*passport.Config) {
		return func(c *passport.Config) { c.Keys = keys }
	}
	s := testkit.NewServer(t, with(testkit.KeysOf(t, oldKey)))
	rotated := s.Restart(with(testkit.KeysOf(t, newKey, oldKey)))
	without := s.Restart(with(testkit.KeysOf(t, newKey)))
	c := s.Web()
	b := s.Browser().SignIn("alice")

	page := b.Authorize(c)
	form := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}
	b.At(without).Post("/oauth/authorize", form).WantPage(400, "This page has expired", "start again")
	done := b.At(rotated).Post("/oauth/authorize", form)
	rotated.Redeem(c, done.Code())

	// A page that the new key sealed does not work on a node without that key.
	fresh := b.At(rotated).Authorize(c, "prompt", "consent")
	b.Post("/oauth/authorize", url.Values{"ticket": {fresh.Ticket()}, "decision": {"allow"}}).WantPage(400)
	without.Redeem(c, b.At(without).Post("/oauth/authorize", url.Values{"ticket": {fresh.Ticket()}, "decision": {"allow"}}).Code())

	// The same holds for the return address of a sign-in page.
	synctest.Test(t, func(t *testing.T) {
		s, rotated := s.In(t), rotated.In(t)
		b := s.Browser().SignIn("alice")
		away := b.Authorize(c, "prompt", "login")
		time.Sleep(time.Minute)
		away.From = b.At(rotated)
		away.SignIn("alice").Code()
		away.From = b.At(without.In(t))
		away.ComeBack().WantPage(400, "This page has expired", "start again")
	})
}

// Config.Secrets replace the secrets that are derived from the keys, and are rotated in
// the same way.
func TestAuthorize_SecretsRotationWhileThePageIsOpen(t *testing.T) {
	one, two := []byte(strings.Repeat("1", 32)), []byte(strings.Repeat("2", 32))
	s := testkit.NewServer(t, func(c *passport.Config) { c.Secrets = [][]byte{one} })
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	form := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}
	keys := testkit.NewKeys(t)
	b.At(s.Restart(func(c *passport.Config) { c.Keys, c.Secrets = keys, nil })).Post("/oauth/authorize", form).WantPage(400)
	b.At(s.Restart(func(c *passport.Config) { c.Keys, c.Secrets = keys, [][]byte{two, one} })).Post("/oauth/authorize", form).Code()
}

// The cookies stay small: a name and a random value for each page, and a limited number
// of pages (hydra kept its state in cookies).
func TestAuthorize_NeverRepeat_B20_F10_CookiesStaySmall(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	b := s.Browser().SignIn("alice")
	b.SetCookie("other", "kept")
	var pages []*testkit.Response
	var tickets []string
	for i := range 40 {
		page := b.Authorize(c, "state", strings.Repeat("s", 100*i), "scope", "read write admin", "prompt", "consent")
		pages = append(pages, page)
		tickets = append(tickets, page.Ticket())
		for _, cookie := range (&http.Response{Header: page.Header}).Cookies() {
			if cookie.MaxAge < 0 {
				continue
			}
			if len(cookie.Name) > 50 || len(cookie.Value) > 64 || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode ||
				cookie.MaxAge != 600 || cookie.Path != "/" || cookie.Domain != "" {
				t.Errorf("the cookie of a page is %v, want a short HttpOnly, Secure, Lax cookie for 600 seconds", cookie)
			}
		}
	}
	names := b.Cookies("__Host-passport-")
	if len(names) != 16 || b.Session() == "" || len(b.Cookies("other")) != 1 {
		t.Errorf("after 40 pages the browser has %d ticket cookies, want 16; all cookies: %q", len(names), b.Cookies(""))
	}
	pages[0].Allow().WantPageAnew(pages[0])
	done := pages[39].Allow()
	for _, ticket := range tickets {
		part := ticket[len(ticket)-30:]
		if strings.Contains(done.Target(), part) || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, part[:8]) }) {
			t.Error("a ticket is in a URL or a cookie")
		}
	}
	if location := b.SignOut().Authorize(c); strings.Contains(location.Target(), tickets[39][len(tickets[39])-30:]) {
		t.Error("a ticket is in the URL of the sign-in page")
	}
}
