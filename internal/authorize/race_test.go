package authorize_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// rivals is the number of concurrent clicks on one page.
const rivals = 64

func audited(c *passport.Config) { c.AuditLog = true }

// Several clicks on Allow give one code and one family. The code is derived from the
// ticket, and storing the code uses up the ticket.
func TestAuthorize_AZ_27_DoubleClick(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		s := testkit.NewServer(t, audited)
		c, b := s.Web(), s.Browser().SignIn("alice")
		code := ""
		for i, a := range s.AtOnce(b, b.Authorize(c).Clicks(rivals, "allow")) {
			if got := a.Code(); code == "" {
				code = got
			} else if got != code {
				t.Fatalf("click %d got a different code", i)
			}
		}
		if n := s.Issued(); n != 1 {
			t.Fatalf("%d codes were stored for %d clicks on Allow, want 1", n, rivals)
		}
		if n := len(testkit.EventsOf[passport.ConsentGiven](s)); n != 1 {
			t.Fatalf("%d clicks on Allow gave %d consents, want 1", rivals, n)
		}
		s.Redeem(c, code)
	}
}

// Of concurrent clicks on Allow and Deny, one decision wins. The other clicks get a page
// that says so. No client gets both a code and an error.
func TestAuthorize_AZ_27_AllowAgainstDeny(t *testing.T) {
	rounds, won := 20, map[string]int{}
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		// Deny is faster and wins more often, so every second round has only one
		// denial.
		decisions := []string{"allow", "deny"}
		if round%2 == 1 {
			decisions = append(slices.Repeat([]string{"allow"}, rivals-1), "deny")
		}
		clicked := map[bool]int{true: 0, false: 0} // true: allow
		for i := range rivals {
			clicked[decisions[i%len(decisions)] == "allow"]++
		}
		s := testkit.NewServer(t, audited)
		c, b := s.Web(), s.Browser().SignIn("alice")
		codes, denials, pages := map[string]int{}, 0, map[string]int{}
		for _, a := range s.AtOnce(b, b.Authorize(c).Clicks(rivals, decisions...)) {
			switch {
			case a.Target() == "":
				a.WantPage(http.StatusConflict)
				pages[testkit.AsText(strings.Contains(a.Body, "You already allowed this request"))]++
			case a.Params().Get("error") == "access_denied":
				denials++
			default:
				codes[a.Code()]++
			}
		}
		switch {
		case len(codes) == 1 && denials == 0 && pages["true"] == clicked[false] && s.Issued() == 1:
			won["allow"]++
		case len(codes) == 0 && denials == clicked[false] && pages["false"] == clicked[true] && s.Issued() == 0:
			won["deny"]++
		default:
			t.Fatalf("%d codes, %d denials, pages %v, %d codes stored: want one winner and a page for the others", len(codes), denials, pages, s.Issued())
		}
	}
	t.Logf("won: %v", won)
}

// Sequential decisions, in each order.
func TestAuthorize_AZ_27_SecondDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		send := func(r *http.Request) *testkit.Response {
			a := s.Do(r)
			a.From = b
			return a
		}
		clicks := b.Authorize(c).Clicks(8, "allow", "deny", "allow", "allow", "deny", "allow", "deny", "allow")
		code := send(clicks[0]).Code()
		send(clicks[1]).WantPage(409, "You already allowed this request", "remove the app's access")
		if again := send(clicks[2]).Code(); again != code {
			t.Error("the second click on Allow got a different code")
		}
		s.Redeem(c, code)
		send(clicks[3]).WantPage(409, "You already allowed this request, and the app has its response")
		send(clicks[4]).WantPage(409, "You already allowed this request")

		denied := b.Authorize(c, "prompt", "consent").Clicks(3, "deny", "deny", "allow")
		send(denied[0]).WantRedirectError("access_denied")
		send(denied[1]).WantRedirectError("access_denied")
		send(denied[2]).WantPage(409, "You already declined this request")

		// An expired code is not sent again.
		slow := b.Authorize(c, "prompt", "consent").Clicks(2, "allow")
		expired := send(slow[0]).Code()
		time.Sleep(time.Minute)
		send(slow[1]).WantPage(409)
		s.Exchange(c, c.CodeForm(expired)...).WantJSONError(400, "invalid_grant")

		// A revoked code is not sent again.
		revoked := b.Authorize(c, "prompt", "consent").Clicks(2, "allow")
		send(revoked[0]).Code()
		if err := s.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
			t.Fatal(err)
		}
		send(revoked[1]).WantPage(409)
	})
}

// The row of a used ticket is kept until the ticket expires, so a purge allows no second
// code.
func TestAuthorize_AZ_27_PurgeKeepsUsedTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, audited)
		c, b := s.Web(), s.Browser().SignIn("alice")
		allow, deny := b.Authorize(c).Clicks(2, "allow"), b.Authorize(c).Clicks(2, "deny", "allow")
		s.Do(allow[0])
		s.Do(deny[0])
		time.Sleep(10*time.Minute - time.Second)
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*http.Request{allow[1], deny[1]} {
			a := s.Do(r)
			a.WantPage(409)
		}
		if n := s.Issued(); n != 1 {
			t.Errorf("%d codes were stored, want 1", n)
		}
	})
}

// A code is invalid after its consent, client, user, session or password has ended (RFC
// 9700 §4.14.2 and CO-09 of the design). The same holds for a revocation between the
// request and its write.
func TestAuthorize_CO_09_OutstandingCodesEnd(t *testing.T) {
	type world struct {
		s       *testkit.Server
		c       *testkit.Client
		session string
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ends := map[string]func(t *testing.T, w world){
		"EndSession": func(t *testing.T, w world) { must(t, w.s.EndSession(t.Context(), testkit.Ref("alice"), w.session)) },
		"Withdraw":   func(t *testing.T, w world) { must(t, w.s.Withdraw(t.Context(), testkit.Ref("alice"), w.c.ID)) },
		"PasswordChanged in another session": func(t *testing.T, w world) {
			must(t, w.s.PasswordChanged(t.Context(), testkit.Ref("alice"), "another session"))
		},
		"PasswordChanged without a session": func(t *testing.T, w world) { must(t, w.s.PasswordChanged(t.Context(), testkit.Ref("alice"), "")) },
		"RevokeUser":                        func(t *testing.T, w world) { must(t, w.s.RevokeUser(t.Context(), testkit.Ref("alice"))) },
		"RevokeUserAtClient": func(t *testing.T, w world) {
			must(t, w.s.RevokeUserAtClient(t.Context(), testkit.Ref("alice"), w.c.ID))
		},
		"deleted user": func(t *testing.T, w world) { w.s.Users.Remove("alice") },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t)
			c, b := s.Web(), s.Browser().SignIn("alice")
			code := b.Authorize(c).Allow().Code()
			remembered := b.Authorize(c).Code()
			end(t, world{s, c, b.Session()})
			for _, code := range []string{code, remembered} {
				s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
			}
		})
		t.Run(name+", before the code is stored", func(t *testing.T) {
			watched := &testkit.WatchedStore{}
			s := testkit.NewServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
			c, b := s.Web(), s.Browser().SignIn("alice")
			page := b.Authorize(c)
			watched.Pause = func(verb string) {
				if verb == "Begin" {
					watched.Pause = nil
					end(t, world{s, c, b.Session()})
				}
			}
			s.Exchange(c, c.CodeForm(page.Allow().Code())...).WantJSONError(400, "invalid_grant")
		})
	}
	t.Run("RevokeUser during the check of the session", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testkit.NewServer(t)
			c, b := s.Web(), s.Browser().SignIn("alice")
			page := b.Authorize(c)
			s.Users.Current = func(u *passport.User) (*passport.User, error) {
				time.Sleep(time.Second)
				must(t, s.RevokeUser(t.Context(), testkit.Ref("alice")))
				time.Sleep(time.Second)
				return u, nil
			}
			allowed := page.Allow().Code()
			remembered := b.Authorize(c).Code()
			for _, code := range []string{allowed, remembered} {
				s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
			}
		})
	})
	t.Run("RevokeClient", func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		code := s.Browser().SignIn("alice").Authorize(c).Allow().Code()
		must(t, s.RevokeClient(t.Context(), c.ID))
		s.Exchange(c, c.CodeForm(code)...).WantJSONError(401, "invalid_client")
	})
	t.Run("other codes are kept", func(t *testing.T) {
		s := testkit.NewServer(t)
		c, other := s.Web(), s.Web()
		b, elsewhere, bob := s.Browser().SignIn("alice"), s.Browser().SignIn("alice"), s.Browser().SignIn("bob")
		spared := []string{elsewhere.Authorize(c).Allow().Code(), bob.Authorize(c).Allow().Code()}
		atOther := b.Authorize(other).Allow().Code()
		must(t, s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()))
		must(t, s.Withdraw(t.Context(), testkit.Ref("alice"), "another client"))
		must(t, s.PasswordChanged(t.Context(), testkit.Ref("alice"), elsewhere.Session()))
		for _, code := range spared {
			s.Redeem(c, code)
		}
		s.Exchange(other, other.CodeForm(atOther)...).WantJSONError(400, "invalid_grant")
		for _, err := range []error{
			s.EndSession(t.Context(), testkit.Ref("alice"), ""), s.RevokeUserAtClient(t.Context(), testkit.Ref("alice"), ""), s.RevokeUser(t.Context(), oauth.UserRef{}),
			s.RevokeUser(t.Context(), oauth.UserRef{Provider: "users"}), s.Withdraw(t.Context(), testkit.Ref("alice"), ""),
		} {
			if err == nil || errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("with an empty filter: %v, want an error that says so", err)
			}
		}
	})
}
