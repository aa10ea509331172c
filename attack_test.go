package passport_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// An attacker who opens many consent pages in a user's browser must not sign the
// user out. The server replaces only its own ticket cookies, not the cookies of
// package account or others with a similar name.
func TestNeverRepeat_F10_ConsentPagesLeaveOtherCookiesAlone(t *testing.T) {
	for _, test := range []struct{ issuer, prefix string }{
		{"https://auth.example.com", "__Host-passport-"}, {"http://127.0.0.1:8000", "passport-"},
	} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer = test.issuer })
		c, b := s.Web(), s.Browser()
		others := []string{test.prefix + "session", test.prefix + "session-0123456789", test.prefix + "form", test.prefix + "ticket-0123456789-0123456789abcdef"}
		for _, name := range others {
			b.SetCookie(name, "value")
		}
		b.SignIn("alice")
		for range 40 {
			b.Authorize(c, "prompt", "consent").Ticket()
		}
		tickets := 0
		var left []string
		for _, cookie := range b.Jar.Cookies(b.Origin()) {
			left = append(left, cookie.Name)
			if strings.HasPrefix(cookie.Name, test.prefix+"ticket-") {
				tickets++
			}
		}
		for _, name := range others {
			if !slices.Contains(left, name) {
				t.Errorf("%s: after 40 consent pages the cookie %s is missing; cookies: %q", test.issuer, name, left)
			}
		}
		if tickets > 17 {
			t.Errorf("%s: %d ticket cookies, want at most 16 and the one with a similar name", test.issuer, tickets)
		}
	}
}

// Without a grace, a refresh token gets one response. A slower concurrent request
// and a node whose clock is behind get none.
func TestNeverRepeat_A1_RT_04_NoGraceForASlowRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, proceed := &testkit.WatchedStore{}, make(chan struct{})
		var first atomic.Bool
		s := testkit.NewServer(t, func(c *passport.Config) {
			c.RefreshTokenGrace = -1
			store.Store, c.Store = c.Store, store
		})
		c := s.Web()
		token := s.GrantTokens(c).Refresh
		store.Pause = func(verb string) {
			if verb == "RefreshToken" && first.CompareAndSwap(false, true) {
				<-proceed
			}
		}
		slow := make(chan *testkit.Response)
		go func() { slow <- s.Refresh(c, token) }()
		synctest.Wait()
		time.Sleep(time.Second)
		s.Refresh(c, token).Tokens()
		close(proceed)
		(<-slow).WantJSONError(400, "invalid_grant")
	})
}

// A user may paste the secret into the field for the client ID. The log must not
// show it as the ID of an unknown client.
func TestNeverRepeat_C7_SecretInPlaceOfTheClientID(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	token := s.GrantTokens(c)
	for _, secret := range []string{c.Secret, token.Access, token.Refresh} {
		s.Exchange(&testkit.Client{Client: &oauth.Client{ID: secret}, Secret: "x"}, "grant_type", "client_credentials").WantJSONError(401, "invalid_client")
		s.Browser().Get(s.AuthorizePath() + "?client_id=" + secret).WantPage(400)
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("the log contains %.12s…, which was sent as client_id", secret)
		}
	}
	const unknown = "6c7f6e0a-0b0f-7c3e-9d53-0c5a4f6f5d11"
	s.Browser().Get(s.AuthorizePath() + "?client_id=" + unknown).WantPage(400)
	if !strings.Contains(s.Log.String(), unknown) {
		t.Errorf("the log does not contain %s, the ID of an unknown client", unknown)
	}
}

// A guard trusts another guard of the same server. It verifies a token that another
// server's guard admitted: user 1 there is another person here.
func TestNeverRepeat_E11_GuardBehindAnotherServersGuard(t *testing.T) {
	ours := testkit.NewServer(t, func(c *passport.Config) {
		c.Store = &testkit.WatchedStore{Store: c.Store}
	})
	theirs := testkit.NewServer(t, func(c *passport.Config) { c.Issuer = "https://other.example.com" })
	token := theirs.GrantTokens(theirs.Web()).Access
	call := func(h http.Handler, token string) int {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	if got := call(theirs.Guard()(nothing), token); got != 200 {
		t.Fatalf("the other server's guard responds with %d to its own token, want 200", got)
	}
	if got := call(theirs.Guard()(ours.Guard()(nothing)), token); got != 401 {
		t.Errorf("behind the other server's guard, our guard responds with %d to that server's token, want 401", got)
	}
	store := ours.Config.Store.(*testkit.WatchedStore)
	own := ours.GrantTokens(ours.Web()).Access
	before := store.Count("AccessToken")
	if got := call(ours.Guard()(ours.Guard()(ours.GuardAny()(nothing))), own); got != 200 || store.Count("AccessToken") != before+1 {
		t.Errorf("three of our guards respond with %d after reading the token %d times, want 200 after one read", got, store.Count("AccessToken")-before)
	}
}

// A user who revokes a token may send the token itself in place of its ID. The token
// stays valid, so the log must not contain it.
func TestNeverRepeat_C7_TokenInPlaceOfItsID(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	token := b.Ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI"}).JSON()["accessToken"].(string)
	for _, path := range []string{"/oauth/personal-access-tokens/", "/oauth/tokens/", "/oauth/clients/"} {
		b.Ask("DELETE", path+token).Want(404, "")
		b.Ask("PATCH", path+token)
		b.Ask("POST", path+"1", map[string]any{"_method": token})
	}
	if strings.Contains(strings.ToLower(s.Log.String()), strings.ToLower(token)) {
		t.Errorf("the log contains a token from a request path:\n%s", s.Log)
	}
	const unknown = "6c7f6e0a-0b0f-7c3e-9d53-0c5a4f6f5d11"
	b.Ask("DELETE", "/oauth/clients/"+unknown).Want(404, "")
	if !strings.Contains(s.Log.String(), "/oauth/clients/"+unknown) {
		t.Errorf("the log does not contain %s, the path of an unknown client", unknown)
	}
}

// A hundred goroutines call every public method of one server concurrently. With
// -race the test finds data races; without it, responses that reach the wrong
// caller.
func TestNeverRepeat_F15_F3_ConcurrentUse(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithAudit, testkit.WithGrants(testkit.Voucher{}))
	for i := range 100 {
		id := fmt.Sprintf("user%02d", i)
		maps.Copy(s.Users.ByID, testkit.NewAccounts(id).ByID)
	}
	web, spa, kiosk := s.Web(), s.Spa(), s.Kiosk("refresh_token")
	g, scoped := s.Guard(), s.GuardAny(guard.AnyScope("read", "write"))
	var next atomic.Int32
	testkit.Parallel(100, func() error {
		i := next.Add(1) - 1
		id := fmt.Sprintf("user%02d", i)
		c := web
		if i%2 == 0 {
			c = spa
		}
		b := s.Browser().SignIn(id)
		code := b.Authorize(c).Allow().Code()
		tok := s.Redeem(c, code)
		for range 2 {
			tok = s.Refresh(c, tok.Refresh).Tokens()
			if got := s.Call(g, "Authorization", "Bearer "+tok.Access).Told(); got.User != id {
				t.Errorf("the token of %s was reported as a token of %s", id, got.User)
			}
		}
		s.Call(scoped, "Authorization", "Bearer "+s.MachineToken(s.Machine(), "scope", "read")).Told()
		s.Exchange(kiosk, "grant_type", testkit.VoucherType, "voucher", fmt.Sprintf("%s-%d", id, i)).Tokens()
		switch i % 5 {
		case 0:
			s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant") // a replay
		case 1:
			testkit.Check(t, s.RevokeUser(t.Context(), testkit.Ref(id)))
		case 2:
			testkit.Check(t, s.Withdraw(t.Context(), testkit.Ref(id), c.ID))
		case 3:
			testkit.Check(t, s.EndSession(t.Context(), testkit.Ref(id), b.Session()))
		case 4:
			for token, err := range s.Tokens(t.Context(), testkit.Ref(id)) {
				testkit.Check(t, err)
				testkit.Check(t, s.RevokeToken(t.Context(), token.ID))
			}
		}
		if ends := i%5 != 3; s.Admits(tok.Access) == ends {
			t.Errorf("case %d: the token of %s is admitted = %v", i%5, id, !ends)
		}
		s.Metadata()
		s.Published()
		s.ScopesFor("read")
		for range s.Clients(t.Context()) {
			break
		}
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now().Add(-time.Hour))); err != nil {
			t.Error(err)
		}
		return nil
	})
	s.WantBlameless()
}
