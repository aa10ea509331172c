package passport_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// rivals is how many clicks fight for one ticket.
const rivals = 64

// clicks returns requests that answer a consent page, all with the cookies that
// the browser has now: as if they were sent before any of them was answered.
func (a *answer) clicks(n int, decisions ...string) []*http.Request {
	a.t.Helper()
	b := a.from
	var requests []*http.Request
	for i := range n {
		form := url.Values{"ticket": {a.ticket()}, "decision": {decisions[i%len(decisions)]}}
		r := b.newRequest("POST", first(formElement, a.body), form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}})
		for _, c := range b.jar.Cookies(b.origin()) {
			r.AddCookie(c)
		}
		requests = append(requests, r)
	}
	return requests
}

// atOnce serves requests in a goroutine each.
func (s *server) atOnce(b *browser, requests []*http.Request) []*answer {
	answers := make([]*answer, len(requests))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		wg.Go(func() {
			<-start
			answers[i] = s.do(r)
			answers[i].from = b
		})
	}
	close(start)
	wg.Wait()
	return answers
}

// issued returns how many codes were stored.
func (s *server) issued() (n int) {
	log, ok := oauth.StoreAs[oauth.AuditStore](s.store)
	if !ok {
		s.t.Fatal("the store has no audit log")
	}
	for record, err := range log.AuditLog(s.t.Context(), time.Time{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if record.Action == "code.issued" {
			n++
		}
	}
	return n
}

func audited(c *passport.Config) { c.AuditLog = true }

// However often Allow is clicked, there is one code and one family: the code is
// derived from the ticket, which is used up by what stores it.
func TestAuthorize_AZ_27_DoubleClick(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		s := newServer(t, audited)
		c, b := s.web(), s.browser().signIn("alice")
		code := ""
		for i, a := range s.atOnce(b, b.authorize(c).clicks(rivals, "allow")) {
			if got := a.code(); code == "" {
				code = got
			} else if got != code {
				t.Fatalf("click %d got another code", i)
			}
		}
		if n := s.issued(); n != 1 {
			t.Fatalf("%d codes were stored for %d clicks on Allow, want 1", n, rivals)
		}
		if n := len(eventsOf[passport.ConsentGiven](s)); n != 1 {
			t.Fatalf("%d clicks on Allow are %d consents, want 1", rivals, n)
		}
		s.redeem(c, code)
	}
}

// Of Allow and Deny one wins, and who clicked the other reads so. Nobody is told
// both.
func TestAuthorize_AZ_27_AllowAgainstDeny(t *testing.T) {
	rounds, won := 20, map[string]int{}
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		// Denying is the shorter way and wins more often, so every other round
		// has one denial alone.
		decisions := []string{"allow", "deny"}
		if round%2 == 1 {
			decisions = append(slices.Repeat([]string{"allow"}, rivals-1), "deny")
		}
		clicked := map[bool]int{true: 0, false: 0} // by whether they allowed
		for i := range rivals {
			clicked[decisions[i%len(decisions)] == "allow"]++
		}
		s := newServer(t, audited)
		c, b := s.web(), s.browser().signIn("alice")
		codes, denials, pages := map[string]int{}, 0, map[string]int{}
		for _, a := range s.atOnce(b, b.authorize(c).clicks(rivals, decisions...)) {
			switch {
			case a.target() == "":
				a.wantPage(http.StatusConflict)
				pages[asText(strings.Contains(a.body, "You have allowed this request already"))]++
			case a.params().Get("error") == "access_denied":
				denials++
			default:
				codes[a.code()]++
			}
		}
		switch {
		case len(codes) == 1 && denials == 0 && pages["true"] == clicked[false] && s.issued() == 1:
			won["allow"]++
		case len(codes) == 0 && denials == clicked[false] && pages["false"] == clicked[true] && s.issued() == 0:
			won["deny"]++
		default:
			t.Fatalf("%d codes, %d denials, pages %v, %d codes stored: want one winner and a page for the others", len(codes), denials, pages, s.issued())
		}
	}
	t.Logf("won: %v", won)
}

// One after the other, in each order.
func TestAuthorize_AZ_27_SecondAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, b := s.web(), s.browser().signIn("alice")
		send := func(r *http.Request) *answer {
			a := s.do(r)
			a.from = b
			return a
		}
		clicks := b.authorize(c).clicks(8, "allow", "deny", "allow", "allow", "deny", "allow", "deny", "allow")
		code := send(clicks[0]).code()
		send(clicks[1]).wantPage(409, "You have allowed this request already", "remove the app's access")
		if again := send(clicks[2]).code(); again != code {
			t.Error("the second click on Allow got another code")
		}
		s.redeem(c, code)
		send(clicks[3]).wantPage(409, "You have allowed this request already, and the app has its answer")
		send(clicks[4]).wantPage(409, "You have allowed this request already")

		denied := b.authorize(c, "prompt", "consent").clicks(3, "deny", "deny", "allow")
		send(denied[0]).wantRedirectError("access_denied")
		send(denied[1]).wantRedirectError("access_denied")
		send(denied[2]).wantPage(409, "You have declined this request already")

		// A code that nobody redeemed in time is dead, and is not sent again.
		slow := b.authorize(c, "prompt", "consent").clicks(2, "allow")
		dead := send(slow[0]).code()
		time.Sleep(time.Minute)
		send(slow[1]).wantPage(409)
		s.exchange(c, c.codeForm(dead)...).wantJSONError(400, "invalid_grant")

		// Neither is one that was revoked.
		revoked := b.authorize(c, "prompt", "consent").clicks(2, "allow")
		send(revoked[0]).code()
		if err := s.RevokeUser(t.Context(), ref("alice")); err != nil {
			t.Fatal(err)
		}
		send(revoked[1]).wantPage(409)
	})
}

// The row of a used ticket outlives the ticket: purging makes no second code.
func TestAuthorize_AZ_27_PurgeForgetsNoTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, audited)
		c, b := s.web(), s.browser().signIn("alice")
		allow, deny := b.authorize(c).clicks(2, "allow"), b.authorize(c).clicks(2, "deny", "allow")
		s.do(allow[0])
		s.do(deny[0])
		time.Sleep(10*time.Minute - time.Second)
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*http.Request{allow[1], deny[1]} {
			a := s.do(r)
			a.wantPage(409)
		}
		if n := s.issued(); n != 1 {
			t.Errorf("%d codes were stored, want 1", n)
		}
	})
}

// A code is unusable once what it stands on has ended: the consent, the client,
// the user, the session, the password (RFC 9700 §4.14.2 and the design's CO-09).
// The same holds for what was revoked between the request and its write.
func TestAuthorize_CO_09_OutstandingCodesEnd(t *testing.T) {
	type world struct {
		s       *server
		c       *client
		session string
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ends := map[string]func(t *testing.T, w world){
		"EndSession": func(t *testing.T, w world) { must(t, w.s.EndSession(t.Context(), ref("alice"), w.session)) },
		"Withdraw":   func(t *testing.T, w world) { must(t, w.s.Withdraw(t.Context(), ref("alice"), w.c.ID)) },
		"PasswordChanged elsewhere": func(t *testing.T, w world) {
			must(t, w.s.PasswordChanged(t.Context(), ref("alice"), "another session"))
		},
		"PasswordChanged, no session spared": func(t *testing.T, w world) { must(t, w.s.PasswordChanged(t.Context(), ref("alice"), "")) },
		"RevokeUser":                         func(t *testing.T, w world) { must(t, w.s.RevokeUser(t.Context(), ref("alice"))) },
		"RevokeUserAtClient":                 func(t *testing.T, w world) { must(t, w.s.RevokeUserAtClient(t.Context(), ref("alice"), w.c.ID)) },
		"the user is gone":                   func(t *testing.T, w world) { w.s.users.remove("alice") },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, b := s.web(), s.browser().signIn("alice")
			code := b.authorize(c).allow().code()
			remembered := b.authorize(c).code()
			end(t, world{s, c, b.session()})
			for _, code := range []string{code, remembered} {
				s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
			}
		})
		t.Run(name+", before the code is stored", func(t *testing.T) {
			watched := &watchedStore{}
			s := newServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
			c, b := s.web(), s.browser().signIn("alice")
			page := b.authorize(c)
			watched.pause = func(verb string) {
				if verb == "Begin" {
					watched.pause = nil
					end(t, world{s, c, b.session()})
				}
			}
			s.exchange(c, c.codeForm(page.allow().code())...).wantJSONError(400, "invalid_grant")
		})
	}
	t.Run("RevokeUser, while it is asked who is signed in", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			c, b := s.web(), s.browser().signIn("alice")
			page := b.authorize(c)
			s.users.current = func(u *passport.User) (*passport.User, error) {
				time.Sleep(time.Second)
				must(t, s.RevokeUser(t.Context(), ref("alice")))
				time.Sleep(time.Second)
				return u, nil
			}
			allowed := page.allow().code()
			remembered := b.authorize(c).code()
			for _, code := range []string{allowed, remembered} {
				s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
			}
		})
	})
	t.Run("RevokeClient", func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		code := s.browser().signIn("alice").authorize(c).allow().code()
		must(t, s.RevokeClient(t.Context(), c.ID))
		s.exchange(c, c.codeForm(code)...).wantJSONError(401, "invalid_client")
	})
	t.Run("others stay", func(t *testing.T) {
		s := newServer(t)
		c, other := s.web(), s.web()
		b, elsewhere, bob := s.browser().signIn("alice"), s.browser().signIn("alice"), s.browser().signIn("bob")
		spared := []string{elsewhere.authorize(c).allow().code(), bob.authorize(c).allow().code()}
		atOther := b.authorize(other).allow().code()
		must(t, s.EndSession(t.Context(), ref("alice"), b.session()))
		must(t, s.Withdraw(t.Context(), ref("alice"), "another client"))
		must(t, s.PasswordChanged(t.Context(), ref("alice"), elsewhere.session()))
		for _, code := range spared {
			s.redeem(c, code)
		}
		s.exchange(other, other.codeForm(atOther)...).wantJSONError(400, "invalid_grant")
		for _, err := range []error{
			s.EndSession(t.Context(), ref("alice"), ""), s.RevokeUserAtClient(t.Context(), ref("alice"), ""), s.RevokeUser(t.Context(), oauth.UserRef{}),
			s.RevokeUser(t.Context(), oauth.UserRef{Provider: "users"}), s.Withdraw(t.Context(), ref("alice"), ""),
		} {
			if err == nil || errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("an empty filter is %v, want an error that says so", err)
			}
		}
	})
}
