package firstparty_test

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
	"github.com/go-passport/passport/internal/testkit"
)

// A value that the server did not seal for this purpose is refused like a missing
// cookie.
func TestFirstParty_NeverRepeat_E17_Forged(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	good, csrf := b.Cookie(testkit.TokenCookie), b.Cookie(testkit.XSRFCookie)
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
	stranger := testkit.NewServer(t)
	strangers := stranger.Browser().SignIn("alice")
	strangers.Page(nil)
	consent := b.Authorize(s.Web())
	for name, value := range map[string]string{
		"edited": id + "." + testkit.Base64URL(raw), "cut": good[:len(good)-2], "longer": good + "AA", "plain": testkit.Base64URL(plain), "plain with the key's ID": id + "." + testkit.Base64URL(plain),
		"another server's": strangers.Cookie(testkit.TokenCookie), "a ticket": consent.Ticket(), "a sign-in marker": signInMarker(t, s), "nothing": "", "a dot": ".", "a key's ID": id + ".",
		"huge": id + "." + strings.Repeat("A", 100_000), "an access token": s.GrantTokens(s.Web()).Access,
	} {
		thief := b.CopyOf()
		thief.SetCookie(testkit.TokenCookie, value)
		a := thief.Script(s.Guard(), "X-XSRF-TOKEN", "-", "X-XSRF-TOKEN", csrf)
		a.WantNoToken(name)
		if a.Status == 200 {
			t.Errorf("%s: a forged cookie is admitted", name)
		}
	}
	r := httptest.NewRequest("GET", testkit.Issuer+"/api", nil)
	r.Header.Set("X-XSRF-TOKEN", csrf)
	for range 2 {
		r.AddCookie(&http.Cookie{Name: testkit.TokenCookie, Value: good})
	}
	b.Serve(s.Guard()(http.HandlerFunc(testkit.API)), r).WantNoToken("the cookie twice, because a subdomain planted one")
	s.WantBlameless()
}

// signInMarker returns another sealed value that a browser sees.
func signInMarker(t *testing.T, s *testkit.Server) string {
	t.Helper()
	u, err := url.Parse(s.Browser().Authorize(s.Web()).ReturnTo())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("passport_sign_in")
}

// Any of the keys opens the cookie. A removed key invalidates what it sealed.
func TestFirstParty_KeyRotation(t *testing.T) {
	old, next := testkit.NewSigner(t), testkit.NewSigner(t)
	s := testkit.NewServer(t, func(c *passport.Config) { c.Keys = testkit.KeysOf(t, old) })
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	sealed, csrf := b.Cookie(testkit.TokenCookie), b.Cookie(testkit.XSRFCookie)
	rotated := s.Restart(func(c *passport.Config) { c.Keys = testkit.KeysOf(t, next, old) })
	at := b.At(rotated)
	if got := at.Script(rotated.Guard()).Told(); got.User != "alice" {
		t.Errorf("after a rotation the API got %+v, want alice", got)
	}
	at.Page(nil)
	if b.Cookie(testkit.XSRFCookie) != csrf {
		t.Error("a rotation changed the CSRF value under open pages")
	}
	without := s.Restart(func(c *passport.Config) { c.Keys = testkit.KeysOf(t, next) })
	if got := b.At(without).Script(without.Guard()).Told(); got.User != "alice" {
		t.Errorf("a cookie of the new key is not admitted: %+v", got)
	}
	b.SetCookie(testkit.TokenCookie, sealed)
	b.At(without).Script(without.Guard()).WantNoToken("the cookie of a removed key")
	s.WantBlameless()
}
