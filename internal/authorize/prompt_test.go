package authorize_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// prompt is a list (OpenID Connect Core §3.1.2.1). none must be the only value, and
// unknown values are ignored.
func TestAuthorize_Prompt_NoneAndConsent(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	b := s.Browser()
	for _, prompt := range []string{"none login", "consent none", "none none", "none x"} {
		b.Authorize(c, "prompt", prompt).WantRedirectError("invalid_request")
	}
	b.Authorize(c, "prompt", "none").WantRedirectError("login_required")
	b.SignIn("alice")
	b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
	b.Authorize(c, "prompt", "consent").Allow().Code()
	b.Authorize(c, "prompt", "none").Code()
	b.Authorize(c, "prompt", "none", "scope", "admin").WantRedirectError("consent_required")
	b.Authorize(c, "prompt", "consent").Ticket()
	b.Authorize(c, "prompt", "select_account consent").ComeBack().Ticket()
	b.Authorize(c, "prompt", "create  CONSENT").Code()
	if n := len(b.Cookies("passport-")); n != 3 {
		t.Errorf("the browser has %d ticket cookies, want 3: prompt=none shows no page", n)
	}
}

// prompt=login requires a sign-in that is newer than the request. The browser is sent to
// sign in only once.
func TestAuthorize_NeverRepeat_B18_PromptLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		b := s.Browser().SignIn("alice")
		b.Authorize(c).Allow()
		time.Sleep(time.Minute)
		for _, prompt := range []string{"login", "login consent", "select_account login"} {
			away := b.Authorize(c, "prompt", prompt)
			if away.Status != http.StatusSeeOther {
				t.Errorf("prompt=%s: %s, want a redirect to the sign-in page", prompt, away)
			}
			time.Sleep(time.Minute)
			back := away.SignIn("alice")
			if back.IsConsent() != strings.Contains(prompt, "consent") {
				t.Errorf("prompt=%s, after signing in: %s, want the consent page only with consent", prompt, back)
			}
			if back.IsConsent() {
				back = back.Allow()
			}
			claims := testkit.ClaimsOf(t, s.Redeem(c, back.Code()).Access)
			if claims["auth_time"] != float64(time.Now().Unix()) {
				t.Errorf("prompt=%s: auth_time = %v, want now, %d", prompt, claims["auth_time"], time.Now().Unix())
			}
			time.Sleep(time.Minute)
		}
		// A browser that returns without a new sign-in is not sent there again.
		away := b.Authorize(c, "prompt", "login")
		time.Sleep(time.Minute)
		away.ComeBack().WantRedirectError("login_required")
		// The return address of one request is not valid for another.
		for _, change := range []func(url.Values){
			func(p url.Values) { p.Set("state", "another") },
			func(p url.Values) { p.Set("scope", "read write") },
			func(p url.Values) { p.Set("prompt", "login consent") },
			func(url.Values) {},
		} {
			away := b.Authorize(c, "prompt", "login")
			time.Sleep(time.Minute)
			b.SignIn("alice")
			to, _ := url.Parse(away.ReturnTo())
			params := c.Request("prompt", "login")
			change(params)
			if a := b.Get(to.Path + "?" + params.Encode() + "&" + to.RawQuery); !strings.HasPrefix(a.Target(), "/login?") {
				t.Errorf("with %v: %s, want the sign-in page", params, a)
			}
		}
		sealed := strings.TrimPrefix(b.Authorize(c, "prompt", "login").ReturnTo(), "/oauth/authorize?passport_sign_in=")
		for _, other := range []string{sealed[1:], sealed + "A", "x", strings.Repeat("A", 52)} {
			b.Get("/oauth/authorize?passport_sign_in="+other).WantPage(400, "This page has expired", "start again")
		}
	})
}

// A new sign-in counts for its request for one hour.
func TestAuthorize_NeverRepeat_B18_SignInTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		b := s.Browser().SignIn("alice")
		b.Authorize(c).Allow()
		for after, counts := range map[time.Duration]bool{time.Hour - time.Second: true, time.Hour: false} {
			away := b.Authorize(c, "prompt", "login")
			time.Sleep(after)
			back := away.SignIn("alice")
			if (back.Target() != "" && !strings.HasPrefix(back.Target(), "/login?")) != counts {
				t.Errorf("after %v the sign-in counts: %v, want %v: %s", after, !counts, counts, back)
			}
		}
	})
}

// A sign-in within the same second counts, because the sealed time has whole seconds and
// the application's clock may be less precise.
func TestAuthorize_NeverRepeat_B18_SignInWithinTheSameSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		b := s.Browser().SignIn("alice")
		b.Authorize(c).Allow()
		time.Sleep(10*time.Second + 900*time.Millisecond)
		away := b.Authorize(c, "prompt", "login")
		s.Users.With(func() {
			s.Users.Current = func(u *passport.User) (*passport.User, error) {
				u.AuthenticatedAt = u.AuthenticatedAt.Truncate(time.Second)
				return u, nil
			}
		})
		away.SignIn("alice").Code()
	})
}

// prompt=login is checked when the code is issued, not only when the page is shown.
func TestAuthorize_NeverRepeat_B18_CheckedWhenTheCodeIsIssued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		b := s.Browser().SignIn("alice")
		old := b.Session()
		time.Sleep(time.Minute)
		page := b.Authorize(c, "prompt", "login").SignIn("alice")
		page.Ticket()
		b.SetCookie(testkit.SessionCookie, old) // its sign-in is older than the request
		page.Allow().WantRedirectError("login_required")
		page.Deny().WantRedirectError("login_required")
		// Without a signed-in user, the page leads to the sign-in page.
		b.SignOut()
		if a := page.Allow(); !strings.HasPrefix(a.Target(), "/login?") {
			t.Errorf("a decision without a signed-in user = %s, want the sign-in page", a)
		}
		time.Sleep(time.Minute)
		b.SignIn("alice")
		page.Allow().Code()
	})
}

// An application that does not set AuthenticatedAt cannot satisfy prompt=login. The
// client gets login_required after one sign-in, and the log says what to do.
func TestAuthorize_NeverRepeat_B18_AuthenticatedAtIsMissing(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	s.Users.With(func() {
		s.Users.Current = func(u *passport.User) (*passport.User, error) {
			u.AuthenticatedAt = time.Time{}
			return u, nil
		}
	})
	b := s.Browser().SignIn("alice")
	b.Authorize(c, "prompt", "login").SignIn("alice").WantRedirectError("login_required")
	if !strings.Contains(s.Log.String(), "CurrentUser must fill in AuthenticatedAt") {
		t.Errorf("the log does not say what to do: %s", s.Log)
	}
	if claims := testkit.ClaimsOf(t, s.Redeem(c, b.Authorize(c).Allow().Code()).Access); claims["auth_time"] != nil {
		t.Errorf("auth_time = %v, want none", claims["auth_time"])
	}
}

// After the form of the sign-in page, a browser checks every further redirect against
// that page's form-action, including the client's redirects. So the response is a page
// that redirects. The response to a GET is a redirect.
func TestAuthorize_AZ_18_RedirectAfterAForm(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
		c.InsecureSkipNativeConsent = true
	})
	for name, c := range map[string]*testkit.Client{
		"https": s.Web(), "loopback": s.Native(),
		"IPv6 loopback": s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://[::1]/cb"}}),
		"a query":       s.Register(passport.Registration{RedirectURIs: []string{"https://app.example.com/cb?a=1&b='%22%3C+d"}}),
	} {
		b := s.Browser()
		away := b.Authorize(c)
		if away.Status != http.StatusSeeOther {
			t.Errorf("%s: a GET without a user = %s, want a redirect", name, away)
		}
		back := away.SignIn("alice")
		if back.Status != http.StatusOK || back.Header.Get("Location") != "" || !strings.HasPrefix(back.Target(), c.RedirectURIs[0]) {
			t.Errorf("%s: after the sign-in page: %s, want a page that redirects", name, back)
		}
		if link := testkit.First(testkit.LinkElement, back.Body); link != back.Target() {
			t.Errorf("%s: the page redirects to %s and links to %s", name, back.Target(), link)
		}
		s.Redeem(c, back.Code())
		if direct := b.Authorize(c); direct.Status != http.StatusSeeOther || direct.Code() == "" {
			t.Errorf("%s: a GET that needs no page = %s, want a redirect with a code", name, direct)
		}
		denied := b.Authorize(c, "prompt", "consent").Deny()
		if denied.WantRedirectError("access_denied"); denied.Status != http.StatusOK || denied.Header.Get("Location") != "" {
			t.Errorf("%s: after the consent form: %s, want a page that redirects", name, denied)
		}
		if refused := b.Authorize(c, "scope", "nothing"); refused.Status != http.StatusSeeOther {
			t.Errorf("%s: a refused GET = %s, want a redirect", name, refused)
		}
	}
}

// Only a user's action opens an app on the device. On the consent page it is the form,
// whose policy names the scheme. On other pages it is a button.
func TestAuthorize_AZ_18_RedirectToAPrivateUseScheme(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}})
	b := s.Browser()
	page := b.Authorize(c).SignIn("alice")
	for _, done := range []*testkit.Response{page.Allow(), b.Authorize(c, "state", "another").Deny()} {
		if done.Status != http.StatusSeeOther || !strings.HasPrefix(done.Header.Get("Location"), "com.example.app:/cb?") {
			t.Errorf("after the consent form: %s, want a redirect to the app", done)
		}
	}
	b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
	skips := s.Restart(func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
		c.InsecureSkipNativeConsent = true
	})
	after := skips.Browser().Authorize(c).SignIn("alice")
	if link := testkit.First(testkit.LinkElement, after.Body); after.Status != http.StatusOK || after.Target() != "" || !strings.HasPrefix(link, "com.example.app:/cb?code=") {
		t.Errorf("after the sign-in page the link is %q, want a link to the app: %s", link, after)
	}
	if strings.Contains(after.Body, "ZgotmplZ") {
		t.Error("the template rejected a URL on the page")
	}
}

// An expired return address still shows that the browser comes from a form.
func TestAuthorize_AZ_18_RedirectAfterALongSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		b := s.Browser().SignIn("alice")
		b.Authorize(c).Allow()
		away := b.SignOut().Authorize(c)
		time.Sleep(2 * time.Hour)
		if back := away.SignIn("alice"); back.Status != http.StatusOK || back.Code() == "" {
			t.Errorf("after a sign-in that took two hours: %s, want a page that redirects with a code", back)
		}
	})
}

// No response is a 307 or 308, which would forward the form (RFC 9700 §4.12).
func TestAuthorize_AZ_18_RequestsByForm(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser()
	post := func() *testkit.Response {
		return b.Send(b.NewRequest("POST", "/oauth/authorize", c.Request().Encode(), nil))
	}
	away := post()
	if away.Status != http.StatusOK || away.Header.Get("Location") != "" {
		t.Errorf("a POST without a user = %s, want a page that redirects", away)
	}
	away.SignIn("alice").Allow().Code()
	if done := post(); done.Status != http.StatusSeeOther || done.Code() == "" {
		t.Errorf("a POST that needs no page = %s, want a redirect with a code", done)
	}
}

// The return address for the sign-in page is a path of this server with only the
// request.
func TestAuthorize_NeverRepeat_B15_ReturnAddress(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser()
	for _, state := range []string{"", "//evil.example", "/\\evil.example", "https://evil.example", "%2f%2fevil.example", "&return_to=//evil.example", "#@evil.example"} {
		for _, query := range []string{
			c.Request("state", state).Encode() + "&return_to=//evil.example&rd=//evil.example&next=https://evil.example",
			"passport_sign_in=//evil.example&" + c.Request("state", state).Encode(),
		} {
			to := b.Get("/oauth/authorize?" + query).ReturnTo()
			u, err := url.Parse(to)
			if err != nil || !strings.HasPrefix(to, "/oauth/authorize?") || u.Host != "" || u.Fragment != "" {
				t.Fatalf("return_to = %q, want a path of this server", to)
			}
			if params := u.Query(); len(params) != 1 || len(params["passport_sign_in"]) != 1 || strings.ContainsAny(u.RawQuery, "%&+") || strings.Contains(to, "evil") {
				t.Errorf("return_to = %q, want only passport_sign_in", to)
			}
		}
	}
}
