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
	"github.com/go-passport/passport/oauth"
)

// However often Allow is clicked, there is one token, and one answer that has it.
func TestImplicit_AZ_27_DoubleClick(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		s := newServer(t, implicit, audited)
		c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
		tokens := 0
		for _, a := range s.atOnce(b, b.authorizeToken(c).clicks(rivals, "allow")) {
			if a.target() == "" {
				a.wantPage(http.StatusConflict, "You have allowed this request already, and the app has its answer")
				continue
			}
			s.wantAdmits(a.token(), true, "of the click that won")
			tokens++
		}
		if n, given := s.tokensIssued(), len(eventsOf[passport.ConsentGiven](s)); tokens != 1 || n != 1 || given != 1 {
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
		s := newServer(t, implicit, audited)
		c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
		tokens, denials, pages := 0, 0, map[bool]int{}
		for _, a := range s.atOnce(b, b.authorizeToken(c).clicks(rivals, decisions...)) {
			switch {
			case a.target() == "":
				a.wantPage(http.StatusConflict)
				pages[strings.Contains(a.body, "You have allowed this request already")]++
			case a.fragment().Get("error") == "access_denied":
				denials++
			default:
				a.token()
				tokens++
			}
		}
		switch {
		case tokens == 1 && denials == 0 && pages[false] == 0 && s.tokensIssued() == 1:
			won["allow"]++
		case tokens == 0 && denials > 0 && pages[true] == 0 && s.tokensIssued() == 0:
			won["deny"]++
		default:
			t.Fatalf("%d tokens, %d denials, pages %v, %d tokens stored: want one winner and a page for the others", tokens, denials, pages, s.tokensIssued())
		}
	}
	t.Logf("won: %v", won)
}

// One after the other, in each order, with the cookie that the first answer left.
func TestImplicit_AZ_27_SecondAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, implicit, audited)
		c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
		allowed := b.authorizeToken(c)
		allowed.allow().token()
		allowed.allow().wantPage(409, "You have allowed this request already, and the app has its answer")
		allowed.deny().wantPage(409, "To take it back, remove the app's access")
		if err := s.RevokeUser(t.Context(), ref("alice")); err != nil {
			t.Fatal(err)
		}
		allowed.allow().wantPage(409)

		denied := b.authorizeToken(c, "prompt", "consent")
		denied.deny().wantFragmentError("access_denied")
		denied.deny().wantFragmentError("access_denied")
		denied.allow().wantPage(409, "You have declined this request already")

		// Purging makes no second token of a ticket.
		clicks := append(b.authorizeToken(c, "prompt", "consent").clicks(2, "allow"), b.authorizeToken(c, "prompt", "consent").clicks(2, "deny", "allow")...)
		s.do(clicks[0]).token()
		s.do(clicks[2])
		time.Sleep(10*time.Minute - time.Second)
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
			t.Fatal(err)
		}
		s.do(clicks[1]).wantPage(409)
		s.do(clicks[3]).wantPage(409)
		if n := s.tokensIssued(); n != 2 {
			t.Errorf("%d tokens were stored, want 2", n)
		}
	})
}

// A ticket is worth what it was sealed for: one request, one browser, one account.
func TestImplicit_NeverRepeat_A4_TamperedTickets(t *testing.T) {
	s := newServer(t, implicit, audited)
	both := s.board(passport.Registration{GrantTypes: []string{"implicit", "authorization_code"}})
	b := s.browser().signIn("alice")
	page := b.authorizeToken(both)
	ticket := page.ticket()
	for i := 0; i < len(ticket); i += 7 {
		changed := []byte(ticket)
		changed[i] ^= 1
		page.answerWith(string(changed), "allow").wantPage(400)
	}
	for _, broken := range []string{"x", ticket[1:], ticket[:len(ticket)-1], ticket + "A", ticket + ticket} {
		page.answerWith(broken, "allow").wantPage(400)
	}
	// The request is in the ticket; what is sent beside it changes nothing.
	body := url.Values{"ticket": {b.authorize(both).ticket()}, "decision": {"allow"}, "response_type": {"token"}, "scope": {"admin"}}.Encode()
	b.send(b.newRequest("POST", "/oauth/authorize?response_type=token", body, http.Header{"Sec-Fetch-Site": {"same-origin"}})).code()
	for name, other := range map[string]*browser{"another account": s.browser().signIn("bob"), "another browser": s.browser().signIn("alice")} {
		a := other.post("/oauth/authorize", url.Values{"ticket": {ticket}, "decision": {"allow"}}).wantPageAnew(page)
		if strings.Contains(a.body, "access_token") {
			t.Errorf("%s got %s", name, a)
		}
	}
	// A mark of a sign-in page is none of it.
	mark := s.browser().authorizeToken(both).returnTo()
	u, err := url.Parse(mark)
	if err != nil {
		t.Fatal(err)
	}
	page.answerWith(u.Query().Get("passport_sign_in"), "allow").wantPage(400)
	if n := s.tokensIssued(); n != 0 {
		t.Errorf("%d tokens were stored before anybody allowed one", n)
	}
	page.allow().token()
}
