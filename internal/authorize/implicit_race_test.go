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
	"github.com/go-passport/passport/oauth"
)

// Several clicks on Allow issue one token, and one response contains it.
func TestImplicit_AZ_27_DoubleClick(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		s := testkit.NewServer(t, testkit.WithImplicit, audited)
		c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
		tokens := 0
		for _, a := range s.AtOnce(b, b.AuthorizeToken(c).Clicks(rivals, "allow")) {
			if a.Target() == "" {
				a.WantPage(http.StatusConflict, "You already allowed this request, and the app has its response")
				continue
			}
			s.WantAdmits(a.Token(), true, "of the winning click")
			tokens++
		}
		if n, given := s.TokensIssued(), len(testkit.EventsOf[passport.ConsentGiven](s)); tokens != 1 || n != 1 || given != 1 {
			t.Fatalf("%d clicks on Allow returned %d tokens, stored %d tokens and %d consents; want one of each", rivals, tokens, n, given)
		}
	}
}

// Of concurrent clicks on Allow and Deny, one decision wins. The other clicks get a
// page that says so.
func TestImplicit_AZ_27_AllowAgainstDeny(t *testing.T) {
	rounds, won := 20, map[string]int{}
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		decisions := []string{"allow", "deny"}
		if round%2 == 1 {
			decisions = append(slices.Repeat([]string{"allow"}, rivals-1), "deny")
		}
		s := testkit.NewServer(t, testkit.WithImplicit, audited)
		c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
		tokens, denials, pages := 0, 0, map[bool]int{}
		for _, a := range s.AtOnce(b, b.AuthorizeToken(c).Clicks(rivals, decisions...)) {
			switch {
			case a.Target() == "":
				a.WantPage(http.StatusConflict)
				pages[strings.Contains(a.Body, "You already allowed this request")]++
			case a.Fragment().Get("error") == "access_denied":
				denials++
			default:
				a.Token()
				tokens++
			}
		}
		switch {
		case tokens == 1 && denials == 0 && pages[false] == 0 && s.TokensIssued() == 1:
			won["allow"]++
		case tokens == 0 && denials > 0 && pages[true] == 0 && s.TokensIssued() == 0:
			won["deny"]++
		default:
			t.Fatalf("%d tokens, %d denials, pages %v, %d tokens stored: want one winner and a page for the others", tokens, denials, pages, s.TokensIssued())
		}
	}
	t.Logf("won: %v", won)
}

// A second decision after the first one, in each order, with the cookie that the first
// response set.
func TestImplicit_AZ_27_SecondDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithImplicit, audited)
		c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
		allowed := b.AuthorizeToken(c)
		allowed.Allow().Token()
		allowed.Allow().WantPage(409, "You already allowed this request, and the app has its response")
		allowed.Deny().WantPage(409, "To undo that, remove the app's access")
		if err := s.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
			t.Fatal(err)
		}
		allowed.Allow().WantPage(409)

		denied := b.AuthorizeToken(c, "prompt", "consent")
		denied.Deny().WantFragmentError("access_denied")
		denied.Deny().WantFragmentError("access_denied")
		denied.Allow().WantPage(409, "You already declined this request")

		// After a purge, a used ticket still gives no second token.
		clicks := append(b.AuthorizeToken(c, "prompt", "consent").Clicks(2, "allow"), b.AuthorizeToken(c, "prompt", "consent").Clicks(2, "deny", "allow")...)
		s.Do(clicks[0]).Token()
		s.Do(clicks[2])
		time.Sleep(10*time.Minute - time.Second)
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
			t.Fatal(err)
		}
		s.Do(clicks[1]).WantPage(409)
		s.Do(clicks[3]).WantPage(409)
		if n := s.TokensIssued(); n != 2 {
			t.Errorf("%d tokens were stored, want 2", n)
		}
	})
}

// A ticket is valid for one request, one browser and one account.
func TestImplicit_NeverRepeat_A4_TamperedTickets(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit, audited)
	both := s.Board(passport.Registration{GrantTypes: []string{"implicit", "authorization_code"}})
	b := s.Browser().SignIn("alice")
	page := b.AuthorizeToken(both)
	ticket := page.Ticket()
	for i := 0; i < len(ticket); i += 7 {
		changed := []byte(ticket)
		changed[i] ^= 1
		page.DecideWith(string(changed), "allow").WantPage(400)
	}
	for _, broken := range []string{"x", ticket[1:], ticket[:len(ticket)-1], ticket + "A", ticket + ticket} {
		page.DecideWith(broken, "allow").WantPage(400)
	}
	// The request is in the ticket. Other parameters are ignored.
	body := url.Values{"ticket": {b.Authorize(both).Ticket()}, "decision": {"allow"}, "response_type": {"token"}, "scope": {"admin"}}.Encode()
	b.Send(b.NewRequest("POST", "/oauth/authorize?response_type=token", body, http.Header{"Sec-Fetch-Site": {"same-origin"}})).Code()
	for name, other := range map[string]*testkit.Browser{"another account": s.Browser().SignIn("bob"), "another browser": s.Browser().SignIn("alice")} {
		a := other.Post("/oauth/authorize", url.Values{"ticket": {ticket}, "decision": {"allow"}}).WantPageAnew(page)
		if strings.Contains(a.Body, "access_token") {
			t.Errorf("a ticket in %s: %s, want no token", name, a)
		}
	}
	// The sealed request of a sign-in page is not a ticket.
	returnTo := s.Browser().AuthorizeToken(both).ReturnTo()
	u, err := url.Parse(returnTo)
	if err != nil {
		t.Fatal(err)
	}
	page.DecideWith(u.Query().Get("passport_sign_in"), "allow").WantPage(400)
	if n := s.TokensIssued(); n != 0 {
		t.Errorf("%d tokens were stored before a user allowed the request", n)
	}
	page.Allow().Token()
}
