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

// prompt is a list (OpenID Connect Core §3.1.2.1); none stands alone, and what
// is unknown in it is ignored.
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
		t.Errorf("the browser has %d cookies of tickets, want those of 3 pages: prompt=none shows none", n)
	}
}

// login asks for a sign-in that is newer than the request; it is asked for once.
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
				t.Errorf("prompt=%s: %s", prompt, away)
			}
			time.Sleep(time.Minute)
			back := away.SignIn("alice")
			if back.IsConsent() != strings.Contains(prompt, "consent") {
				t.Errorf("prompt=%s, after signing in: %s", prompt, back)
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
		// Who comes back without having signed in is not sent again.
		away := b.Authorize(c, "prompt", "login")
		time.Sleep(time.Minute)
		away.ComeBack().WantRedirectError("login_required")
		// Nor does the mark of one request stand for another.
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
				t.Errorf("with %v the mark counts: %s", params, a)
			}
		}
		mark := strings.TrimPrefix(b.Authorize(c, "prompt", "login").ReturnTo(), "/oauth/authorize?passport_sign_in=")
		for _, other := range []string{mark[1:], mark + "A", "x", strings.Repeat("A", 52)} {
			b.Get("/oauth/authorize?passport_sign_in="+other).WantPage(400, "This page has expired", "start again")
		}
	})
}

// A mark is worth something for an hour.
func TestAuthorize_NeverRepeat_B18_MarkExpires(t *testing.T) {
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
				t.Errorf("after %v the mark counts: %v, want %v: %s", after, !counts, counts, back)
			}
		}
	})
}

// The same second counts: the mark has whole seconds, and a clock may have less.
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

// What prompt=login demands is checked when the code is issued, not when the
// page is shown.
func TestAuthorize_NeverRepeat_B18_LevelAtCodeIssue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		b := s.Browser().SignIn("alice")
		old := b.Session()
		time.Sleep(time.Minute)
		page := b.Authorize(c, "prompt", "login").SignIn("alice")
		page.Ticket()
		b.SetCookie(testkit.SessionCookie, old) // whose sign-in is older than the request
		page.Allow().WantRedirectError("login_required")
		page.Deny().WantRedirectError("login_required")
		// The page that was shown is of no use to one who signs in later, either,
		// if the ticket is gone by then.
		b.SignOut()
		if a := page.Allow(); !strings.HasPrefix(a.Target(), "/login?") {
			t.Errorf("nobody is signed in, and the page leads to %s", a)
		}
		time.Sleep(time.Minute)
		b.SignIn("alice")
		page.Allow().Code()
	})
}

// An application that does not say when its users signed in cannot satisfy
// prompt=login. The client is told so once, and the log says what to do.
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
		t.Errorf("auth_time = %v, though nobody knows it", claims["auth_time"])
	}
}

// After the sign-in page's form a browser holds every further redirect against
// the form-action of that page, the client's own ones too. So the answer to one
// who comes from there is a page that moves on; to a GET it is a redirect.
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
			t.Errorf("%s: a GET that needs a sign-in answers %s", name, away)
		}
		back := away.SignIn("alice")
		if back.Status != http.StatusOK || back.Header.Get("Location") != "" || !strings.HasPrefix(back.Target(), c.RedirectURIs[0]) {
			t.Errorf("%s: after the sign-in page: %s", name, back)
		}
		if link := testkit.First(testkit.LinkElement, back.Body); link != back.Target() {
			t.Errorf("%s: the page moves on to %s and links to %s", name, back.Target(), link)
		}
		s.Redeem(c, back.Code())
		if direct := b.Authorize(c); direct.Status != http.StatusSeeOther || direct.Code() == "" {
			t.Errorf("%s: a GET that needs no page answers %s", name, direct)
		}
		denied := b.Authorize(c, "prompt", "consent").Deny()
		if denied.WantRedirectError("access_denied"); denied.Status != http.StatusOK || denied.Header.Get("Location") != "" {
			t.Errorf("%s: after the consent form: %s", name, denied)
		}
		if refused := b.Authorize(c, "scope", "nothing"); refused.Status != http.StatusSeeOther {
			t.Errorf("%s: a refused GET answers %s", name, refused)
		}
	}
}

// A page does not open an app on the device unless the user does something. Our
// own form is that, and names the scheme in its policy; elsewhere it is a button.
func TestAuthorize_AZ_18_RedirectToAPrivateUseScheme(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}})
	b := s.Browser()
	page := b.Authorize(c).SignIn("alice")
	for _, done := range []*testkit.Response{page.Allow(), b.Authorize(c).Deny()} {
		if done.Status != http.StatusSeeOther || !strings.HasPrefix(done.Header.Get("Location"), "com.example.app:/cb?") {
			t.Errorf("after the consent form: %s", done)
		}
	}
	b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
	skips := s.Restart(func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
		c.InsecureSkipNativeConsent = true
	})
	after := skips.Browser().Authorize(c).SignIn("alice")
	if link := testkit.First(testkit.LinkElement, after.Body); after.Status != http.StatusOK || after.Target() != "" || !strings.HasPrefix(link, "com.example.app:/cb?code=") {
		t.Errorf("after the sign-in page the link is %q: %s", link, after)
	}
	if strings.Contains(after.Body, "ZgotmplZ") {
		t.Error("the page has a URL that the template refused")
	}
}

// A mark that has expired still says that the browser comes from a form.
func TestAuthorize_AZ_18_RedirectAfterALongSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		b := s.Browser().SignIn("alice")
		b.Authorize(c).Allow()
		away := b.SignOut().Authorize(c)
		time.Sleep(2 * time.Hour)
		if back := away.SignIn("alice"); back.Status != http.StatusOK || back.Code() == "" {
			t.Errorf("after a sign-in that took two hours: %s", back)
		}
	})
}

// No answer is a 307 or 308, which would send the form on (RFC 9700 §4.12).
func TestAuthorize_AZ_18_RequestsByForm(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser()
	post := func() *testkit.Response {
		return b.Send(b.NewRequest("POST", "/oauth/authorize", c.Request().Encode(), nil))
	}
	away := post()
	if away.Status != http.StatusOK || away.Header.Get("Location") != "" {
		t.Errorf("a POST that needs a sign-in answers %s", away)
	}
	away.SignIn("alice").Allow().Code()
	if done := post(); done.Status != http.StatusSeeOther || done.Code() == "" {
		t.Errorf("a POST that needs no page answers %s", done)
	}
}

// The address that the sign-in page returns to is a path of this server and
// holds the request, nothing else.
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
				t.Fatalf("the sign-in page returns to %q", to)
			}
			if params := u.Query(); len(params) != 1 || len(params["passport_sign_in"]) != 1 || strings.ContainsAny(u.RawQuery, "%&+") || strings.Contains(to, "evil") {
				t.Errorf("the sign-in page returns to %q", to)
			}
		}
	}
}
