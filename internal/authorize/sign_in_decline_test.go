package authorize_test

import (
	"errors"
	"html"
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

// The sign-in page learns from its return address which app asked, and why.
func TestSignInRequest_PG_05(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, b := s.Web(), s.Browser()
		for _, state := range []string{"short", strings.Repeat("s", 3000)} { // a stored request, too
			for prompt, want := range map[string]oauth.SignInRequest{"": {}, "login consent": {Again: true}, "select_account": {SelectAccount: true}} {
				away := b.Authorize(c, "state", state, "prompt", prompt)
				why, err := s.SignInRequest(t.Context(), away.ReturnTo())
				if err != nil || why.Client.ID != c.ID || why.Again != want.Again || why.SelectAccount != want.SelectAccount {
					t.Errorf("prompt=%q: SignInRequest() = %+v, %v, want %+v for the client", prompt, why, err, want)
				}
			}
		}
		away := b.Authorize(c, "state", strings.Repeat("s", 3000))
		to := b.Authorize(c).ReturnTo()
		for name, other := range map[string]string{
			"nothing": "", "another path": "/account", "another host": "https://evil.example" + to, "two hosts": "//evil.example" + to,
			"forged": to + "A", "with more": to + "&client_id=" + c.ID, "twice": to + "&passport_sign_in=x", "a request": "/oauth/authorize?" + c.Request().Encode(),
		} {
			if why, err := s.SignInRequest(t.Context(), other); !errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("%s: SignInRequest(%.100q) = %+v, %v, want ErrNotFound", name, other, why, err)
			}
		}
		time.Sleep(4 * time.Hour)
		if why, err := s.SignInRequest(t.Context(), away.ReturnTo()); !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("after four hours: SignInRequest() = %+v, %v, want ErrNotFound", why, err)
		}
		if err := s.RevokeClient(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		if why, err := s.SignInRequest(t.Context(), to); !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("for a revoked client: SignInRequest() = %+v, %v, want ErrNotFound", why, err)
		}
	})
}

// The sign-in page gets the hint and the languages of the client. The hint is not in any
// URL, and the switch to another account drops it.
func TestSignInRequest_OI_26_HintAndLocales(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser()
	away := b.Authorize(c, "login_hint", "ada@example.com", "ui_locales", "fr-CA  fr en")
	why, err := s.SignInRequest(t.Context(), away.ReturnTo())
	if err != nil || why.LoginHint != "ada@example.com" || !slices.Equal(why.UILocales, []string{"fr-CA", "fr", "en"}) {
		t.Errorf("SignInRequest() = %+v, %v, want the hint and three languages", why, err)
	}
	if len(away.ReturnTo()) > 200 {
		t.Errorf("a request with a login_hint is in the URL %q, want the handle of a stored request", away.ReturnTo())
	}
	page := away.SignIn("alice")
	link := switchLink.FindStringSubmatch(page.Body)
	if link == nil {
		t.Fatalf("the consent page has no link to switch the account: %s", page.Body)
	}
	why, err = s.SignInRequest(t.Context(), b.Get(html.UnescapeString(link[1])).ReturnTo())
	if err != nil || why.LoginHint != "" || !why.SelectAccount || len(why.UILocales) != 3 {
		t.Errorf("after Switch: SignInRequest() = %+v, %v, want no hint and the same languages", why, err)
	}
}

// A fault of the store is not mistaken for an unknown request.
func TestSignInRequest_PG_05_Fault(t *testing.T) {
	s, watched := testkit.Watched(t)
	to := s.Browser().Authorize(s.Web()).ReturnTo()
	watched.Failing("Client", oauth.ErrUnavailable)
	if why, err := s.SignInRequest(t.Context(), to); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("SignInRequest() = %+v, %v, want ErrUnavailable", why, err)
	}
}

// Cancel on the sign-in page tells the client access_denied, with its state and the
// issuer (RFC 6749 §4.1.2.1).
func TestAuthorize_PG_05_Decline(t *testing.T) {
	s := testkit.NewServer(t)
	web := s.Web()
	native := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}})
	owned := s.Register(passport.Registration{Owner: testkit.Ref("bob")})
	deny := url.Values{"decision": {"deny"}}
	same := http.Header{"Sec-Fetch-Site": {"same-origin"}}
	for name, c := range map[string]*testkit.Client{"web": web, "owned": owned} {
		b := s.Browser()
		away := b.Authorize(c, "state", "the state")
		for range 2 { // a second click
			a := b.Send(b.NewRequest("POST", away.ReturnTo(), deny.Encode(), same))
			if a.WantRedirectError("access_denied"); a.Params().Get("state") != "the state" {
				t.Errorf("%s: the response has the state %q", name, a.Params().Get("state"))
			}
			if a.Status != http.StatusOK {
				t.Errorf("%s: status %d; a redirect after a form of another page is blocked by its form-action policy", name, a.Status)
			}
		}
		away.SignIn("alice").Allow().Code() // the request is still usable
	}
	open := s.Browser() // an app opens only by a click
	if a := open.Send(open.NewRequest("POST", open.Authorize(native).ReturnTo(), deny.Encode(), same)); !strings.Contains(a.Body, `href="com.example.app:/cb?error=access_denied`) {
		t.Errorf("for an app on the device: %s, want a link that opens it", a)
	}
	away := s.Browser().Authorize(web)
	for name, tt := range map[string]struct {
		c      *testkit.Client
		header http.Header
		sent   bool
	}{
		"another site":                              {web, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, false},
		"another site, an older browser":            {web, http.Header{"Origin": {"https://evil.example"}}, false},
		"an unknown origin":                         {web, http.Header{"Origin": {"null"}}, true},
		"an unknown origin, for a client of a user": {owned, http.Header{"Origin": {"null"}}, false},
		"a script of another site":                  {web, http.Header{"Accept": {"application/json"}, "Sec-Fetch-Site": {"cross-site"}}, false},
	} {
		b := s.Browser()
		a := b.Send(b.NewRequest("POST", b.Authorize(tt.c).ReturnTo(), deny.Encode(), tt.header))
		if sent := strings.Contains(a.Body, "access_denied") && strings.Contains(a.Body, "app.example.com/cb"); sent != tt.sent || !tt.sent && a.Status != http.StatusForbidden {
			t.Errorf("a form of %s: %s, want a redirect: %t", name, a, tt.sent)
		}
	}
	for name, target := range map[string]string{"a forged address": away.ReturnTo() + "A", "another parameter": away.ReturnTo() + "&state=x"} {
		b := s.Browser()
		if a := b.Send(b.NewRequest("POST", target, deny.Encode(), same)); strings.Contains(a.Body, "access_denied") {
			t.Errorf("with %s: %s, want no response for the client", name, a)
		}
	}
	b := s.Browser().SignIn("alice") // an ordinary request with this parameter stays one
	if a := b.Post("/oauth/authorize?"+web.Request("prompt", "consent").Encode(), deny); !a.IsConsent() {
		t.Errorf("a request by POST with decision=deny: %s, want the consent page", a)
	}
}
