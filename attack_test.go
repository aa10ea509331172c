package passport_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// A stranger who opens page after page in somebody's browser must not sign them
// out: the cookies of package account, and whatever else begins like those of
// the tickets, are not the tickets'.
func TestNeverRepeat_F10_ConsentPagesLeaveOtherCookiesAlone(t *testing.T) {
	for _, test := range []struct{ issuer, prefix string }{
		{"https://auth.example.com", "__Host-passport-"}, {"http://127.0.0.1:8000", "passport-"},
	} {
		s := newServer(t, func(c *passport.Config) { c.Issuer = test.issuer })
		c, b := s.web(), s.browser()
		others := []string{test.prefix + "session", test.prefix + "form", test.prefix + "sixteen-letters."}
		for _, name := range others {
			b.setCookie(name, "value")
		}
		b.signIn("alice")
		for range 40 {
			b.authorize(c, "prompt", "consent").ticket()
		}
		tickets := 0
		var left []string
		for _, cookie := range b.jar.Cookies(b.origin()) {
			left = append(left, cookie.Name)
			if len(cookie.Name) == len(test.prefix)+16 {
				tickets++
			}
		}
		for _, name := range others {
			if !slices.Contains(left, name) {
				t.Errorf("%s: after 40 consent pages the cookie %s is gone; left: %q", test.issuer, name, left)
			}
		}
		if tickets > 17 {
			t.Errorf("%s: %d cookies of tickets, want no more than those of 16 pages and one that only looks so", test.issuer, tickets)
		}
	}
}

// With the grace off a refresh token is good for one answer, also for a request
// that came in before the one that was faster, or to a node whose clock is behind.
func TestNeverRepeat_A1_RT_04_NoGraceForASlowRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, proceed := &watchedStore{}, make(chan struct{})
		var first atomic.Bool
		s := newServer(t, func(c *passport.Config) {
			c.RefreshTokenGrace = -1
			store.Store, c.Store = c.Store, store
		})
		c := s.web()
		token := s.grantTokens(c).Refresh
		store.pause = func(verb string) {
			if verb == "RefreshToken" && first.CompareAndSwap(false, true) {
				<-proceed
			}
		}
		slow := make(chan *answer)
		go func() { slow <- s.refresh(c, token) }()
		synctest.Wait()
		time.Sleep(time.Second)
		s.refresh(c, token).tokens()
		close(proceed)
		(<-slow).wantJSONError(400, "invalid_grant")
	})
}

// Whoever fills in a form of settings puts the secret into the field of the ID
// now and then. Then it must not stand in the log as the ID of an unknown client.
func TestNeverRepeat_C7_SecretInPlaceOfTheClientID(t *testing.T) {
	s := newServer(t)
	c := s.web()
	token := s.grantTokens(c)
	for _, secret := range []string{c.secret, token.Access, token.Refresh} {
		s.exchange(&client{Client: &oauth.Client{ID: secret}, secret: "x"}, "grant_type", "client_credentials").wantJSONError(401, "invalid_client")
		s.browser().get(s.authorizePath() + "?client_id=" + secret).wantPage(400)
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %.12s…, which came as client_id", secret)
		}
	}
	const unknown = "6c7f6e0a-0b0f-7c3e-9d53-0c5a4f6f5d11"
	s.browser().get(s.authorizePath() + "?client_id=" + unknown).wantPage(400)
	if !strings.Contains(s.log.String(), unknown) {
		t.Errorf("the log does not hold the ID of an unknown client, %s", unknown)
	}
}

// A guard believes another guard of the same server, and verifies what another
// server has let in: user 1 there is somebody else here.
func TestNeverRepeat_E11_GuardBehindAnotherServersGuard(t *testing.T) {
	ours := newServer(t, func(c *passport.Config) {
		c.Store = &watchedStore{Store: c.Store}
	})
	theirs := newServer(t, func(c *passport.Config) { c.Issuer = "https://other.example.com" })
	token := theirs.grantTokens(theirs.web()).Access
	call := func(h http.Handler, token string) int {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	if got := call(theirs.Guard()(nothing), token); got != 200 {
		t.Fatalf("the other server's guard answers %d to its own token, want 200", got)
	}
	if got := call(theirs.Guard()(ours.Guard()(nothing)), token); got != 401 {
		t.Errorf("behind the other server's guard ours answers %d to that server's token, want 401", got)
	}
	store := ours.config.Store.(*watchedStore)
	own := ours.grantTokens(ours.web()).Access
	before := store.count("AccessToken")
	if got := call(ours.Guard()(ours.Guard()(ours.GuardAny()(nothing))), own); got != 200 || store.count("AccessToken") != before+1 {
		t.Errorf("three guards of ours answer %d after reading the token %d times, want 200 after one", got, store.count("AccessToken")-before)
	}
}

// Who wants a token gone sends the token itself in place of its ID now and then, and
// it works on: the log must not hold it.
func TestNeverRepeat_C7_TokenInPlaceOfItsID(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	token := b.ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI"}).json()["accessToken"].(string)
	for _, path := range []string{"/oauth/personal-access-tokens/", "/oauth/tokens/", "/oauth/clients/"} {
		b.ask("DELETE", path+token).want(404, "")
		b.ask("PATCH", path+token)
		b.ask("POST", path+"1", map[string]any{"_method": token})
	}
	if strings.Contains(strings.ToLower(s.log.String()), strings.ToLower(token)) {
		t.Errorf("the log holds a token that came in a path:\n%s", s.log)
	}
	const unknown = "6c7f6e0a-0b0f-7c3e-9d53-0c5a4f6f5d11"
	b.ask("DELETE", "/oauth/clients/"+unknown).want(404, "")
	if !strings.Contains(s.log.String(), "/oauth/clients/"+unknown) {
		t.Errorf("the log does not hold the path of an unknown client, %s", unknown)
	}
}
