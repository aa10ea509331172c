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

// However often Allow is clicked, there is one token, and one answer that has it.
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
				a.WantPage(http.StatusConflict, "You have allowed this request already, and the app has its answer")
				continue
			}
			s.WantAdmits(a.Token(), true, "of the click that won")
			tokens++
		}
		if n, given := s.TokensIssued(), len(testkit.EventsOf[passport.ConsentGiven](s)); tokens != 1 || n != 1 || given != 1 {
			t.Fatalf("%d clicks on Allow told the client %d tokens, stored %d and were %d consents; want one of each", rivals, tokens, n, given)
		}
	}
}

// Of Allow and Deny one wins, and who clicked the other reads so.
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
				pages[strings.Contains(a.Body, "You have allowed this request already")]++
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

// One after the other, in each order, with the cookie that the first answer left.
func TestImplicit_AZ_27_SecondAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithImplicit, audited)
		c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
		allowed := b.AuthorizeToken(c)
		allowed.Allow().Token()
		allowed.Allow().WantPage(409, "You have allowed this request already, and the app has its answer")
		allowed.Deny().WantPage(409, "To take it back, remove the app's access")
		if err := s.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
			t.Fatal(err)
		}
		allowed.Allow().WantPage(409)

		denied := b.AuthorizeToken(c, "prompt", "consent")
		denied.Deny().WantFragmentError("access_denied")
		denied.Deny().WantFragmentError("access_denied")
		denied.Allow().WantPage(409, "You have declined this request already")

		// Purging makes no second token of a ticket.
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

// A ticket is worth what it was sealed for: one request, one browser, one account.
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
	// The request is in the ticket; what is sent beside it changes nothing.
	body := url.Values{"ticket": {b.Authorize(both).Ticket()}, "decision": {"allow"}, "response_type": {"token"}, "scope": {"admin"}}.Encode()
	b.Send(b.NewRequest("POST", "/oauth/authorize?response_type=token", body, http.Header{"Sec-Fetch-Site": {"same-origin"}})).Code()
	for name, other := range map[string]*testkit.Browser{"another account": s.Browser().SignIn("bob"), "another browser": s.Browser().SignIn("alice")} {
		a := other.Post("/oauth/authorize", url.Values{"ticket": {ticket}, "decision": {"allow"}}).WantPageAnew(page)
		if strings.Contains(a.Body, "access_token") {
			t.Errorf("%s got %s", name, a)
		}
	}
	// A mark of a sign-in page is none of it.
	mark := s.Browser().AuthorizeToken(both).ReturnTo()
	u, err := url.Parse(mark)
	if err != nil {
		t.Fatal(err)
	}
	page.DecideWith(u.Query().Get("passport_sign_in"), "allow").WantPage(400)
	if n := s.TokensIssued(); n != 0 {
		t.Errorf("%d tokens were stored before anybody allowed one", n)
	}
	page.Allow().Token()
}
