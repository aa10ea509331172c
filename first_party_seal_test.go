package passport_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
)

// What nobody sealed for this purpose is no cookie, and no fault either.
func TestFirstParty_NeverRepeat_E17_Forged(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	b.page(nil)
	good, csrf := b.cookie(tokenCookie), b.cookie(xsrfCookie)
	id, sealed, _ := strings.Cut(good, ".")
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	plain, err := json.Marshal(map[string]any{"provider": "users", "user": "alice", "csrf": csrf, "expires": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	stranger := newServer(t)
	strangers := stranger.browser().signIn("alice")
	strangers.page(nil)
	consent := b.authorize(s.web())
	for name, value := range map[string]string{
		"edited": id + "." + b64(raw), "cut": good[:len(good)-2], "longer": good + "AA", "plain": b64(plain), "plain with the key's ID": id + "." + b64(plain),
		"another server's": strangers.cookie(tokenCookie), "a ticket": consent.ticket(), "a sign-in mark": markOf(t, s), "nothing": "", "a dot": ".", "a key's ID": id + ".",
		"huge": id + "." + strings.Repeat("A", 100_000), "an access token": s.grantTokens(s.web()).Access,
	} {
		thief := b.copyOf()
		thief.setCookie(tokenCookie, value)
		a := thief.script(s.Guard(), "X-XSRF-TOKEN", "-", "X-XSRF-TOKEN", csrf)
		a.wantNoToken(name)
		if a.status == 200 {
			t.Errorf("%s: a forged cookie is admitted", name)
		}
	}
	r := httptest.NewRequest("GET", issuer+"/api", nil)
	r.Header.Set("X-XSRF-TOKEN", csrf)
	for range 2 {
		r.AddCookie(&http.Cookie{Name: tokenCookie, Value: good})
	}
	b.serve(s.Guard()(http.HandlerFunc(api)), r).wantNoToken("the cookie twice, as one that a subdomain planted beside it")
	s.wantBlameless()
}

// markOf returns what else is sealed and travels in the open.
func markOf(t *testing.T, s *server) string {
	t.Helper()
	u, err := url.Parse(s.browser().authorize(s.web()).returnTo())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("passport_sign_in")
}

// Any of the keys opens the cookie; one that was taken out ends what it sealed.
func TestFirstParty_KeyRotation(t *testing.T) {
	old, next := newSigner(t), newSigner(t)
	s := newServer(t, func(c *passport.Config) { c.Keys = keysOf(t, old) })
	b := s.browser().signIn("alice")
	b.page(nil)
	sealed, csrf := b.cookie(tokenCookie), b.cookie(xsrfCookie)
	rotated := s.restart(func(c *passport.Config) { c.Keys = keysOf(t, next, old) })
	at := b.at(rotated)
	if got := at.script(rotated.Guard()).told(); got.User != "alice" {
		t.Errorf("after a rotation the API was told %+v", got)
	}
	at.page(nil)
	if b.cookie(xsrfCookie) != csrf {
		t.Error("a rotation changed the CSRF value under open pages")
	}
	without := s.restart(func(c *passport.Config) { c.Keys = keysOf(t, next) })
	if got := b.at(without).script(without.Guard()).told(); got.User != "alice" {
		t.Errorf("what the new key sealed is not admitted: %+v", got)
	}
	b.setCookie(tokenCookie, sealed)
	b.at(without).script(without.Guard()).wantNoToken("what a key sealed that is gone")
	s.wantBlameless()
}
