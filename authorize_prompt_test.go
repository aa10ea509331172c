package passport_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// prompt is a list (OpenID Connect Core §3.1.2.1); none stands alone, and what
// is unknown in it is ignored.
func TestAuthorize_Prompt_NoneAndConsent(t *testing.T) {
	s := newServer(t)
	c := s.web()
	b := s.browser()
	for _, prompt := range []string{"none login", "consent none", "none none", "none x"} {
		b.authorize(c, "prompt", prompt).wantRedirectError("invalid_request")
	}
	b.authorize(c, "prompt", "none").wantRedirectError("login_required")
	b.signIn("alice")
	b.authorize(c, "prompt", "none").wantRedirectError("consent_required")
	b.authorize(c, "prompt", "consent").allow().code()
	b.authorize(c, "prompt", "none").code()
	b.authorize(c, "prompt", "none", "scope", "admin").wantRedirectError("consent_required")
	b.authorize(c, "prompt", "consent").ticket()
	b.authorize(c, "prompt", "select_account consent").ticket()
	b.authorize(c, "prompt", "create  CONSENT").code()
	if n := len(b.cookies("passport-")); n != 3 {
		t.Errorf("the browser has %d cookies of tickets, want those of 3 pages: prompt=none shows none", n)
	}
}

// login asks for a sign-in that is newer than the request; it is asked for once.
func TestAuthorize_NeverRepeat_B18_PromptLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		b := s.browser().signIn("alice")
		b.authorize(c).allow()
		time.Sleep(time.Minute)
		for _, prompt := range []string{"login", "login consent", "select_account login"} {
			away := b.authorize(c, "prompt", prompt)
			if away.status != http.StatusSeeOther {
				t.Errorf("prompt=%s: %s", prompt, away)
			}
			time.Sleep(time.Minute)
			back := away.signIn("alice")
			if back.isConsent() != strings.Contains(prompt, "consent") {
				t.Errorf("prompt=%s, after signing in: %s", prompt, back)
			}
			if back.isConsent() {
				back = back.allow()
			}
			claims := claimsOf(t, s.redeem(c, back.code()).Access)
			if claims["auth_time"] != float64(time.Now().Unix()) {
				t.Errorf("prompt=%s: auth_time = %v, want now, %d", prompt, claims["auth_time"], time.Now().Unix())
			}
			time.Sleep(time.Minute)
		}
		// Who comes back without having signed in is not sent again.
		away := b.authorize(c, "prompt", "login")
		time.Sleep(time.Minute)
		away.comeBack().wantRedirectError("login_required")
		// Nor does the mark of one request stand for another.
		for _, change := range []func(url.Values){
			func(p url.Values) { p.Set("state", "another") },
			func(p url.Values) { p.Set("scope", "read write") },
			func(p url.Values) { p.Set("prompt", "login consent") },
			func(p url.Values) { p.Set("passport_sign_in", p.Get("passport_sign_in")[1:]) },
			func(p url.Values) { p.Set("passport_sign_in", p.Get("passport_sign_in")+"A") },
			func(p url.Values) { p.Set("passport_sign_in", "x") },
		} {
			away := b.authorize(c, "prompt", "login")
			time.Sleep(time.Minute)
			b.signIn("alice")
			to, _ := url.Parse(away.returnTo())
			params := to.Query()
			change(params)
			if a := b.get(to.Path + "?" + params.Encode()); !strings.HasPrefix(a.target(), "/login?") {
				t.Errorf("with %v the mark counts: %s", params, a)
			}
		}
	})
}

// A mark is worth something for an hour.
func TestAuthorize_NeverRepeat_B18_MarkExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		b := s.browser().signIn("alice")
		b.authorize(c).allow()
		for after, counts := range map[time.Duration]bool{time.Hour - time.Second: true, time.Hour: false} {
			away := b.authorize(c, "prompt", "login")
			time.Sleep(after)
			back := away.signIn("alice")
			if (back.target() != "" && !strings.HasPrefix(back.target(), "/login?")) != counts {
				t.Errorf("after %v the mark counts: %v, want %v: %s", after, !counts, counts, back)
			}
		}
	})
}

// The same second counts: the mark has whole seconds, and a clock may have less.
func TestAuthorize_NeverRepeat_B18_SignInWithinTheSameSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		b := s.browser().signIn("alice")
		b.authorize(c).allow()
		time.Sleep(10*time.Second + 900*time.Millisecond)
		away := b.authorize(c, "prompt", "login")
		s.users.with(func() {
			s.users.current = func(u *passport.User) (*passport.User, error) {
				u.AuthenticatedAt = u.AuthenticatedAt.Truncate(time.Second)
				return u, nil
			}
		})
		away.signIn("alice").code()
	})
}

// What prompt=login demands is checked when the code is issued, not when the
// page is shown.
func TestAuthorize_NeverRepeat_B18_LevelAtCodeIssue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		b := s.browser().signIn("alice")
		old := b.session()
		time.Sleep(time.Minute)
		page := b.authorize(c, "prompt", "login").signIn("alice")
		page.ticket()
		b.setCookie(sessionCookie, old) // whose sign-in is older than the request
		page.allow().wantRedirectError("login_required")
		page.deny().wantRedirectError("login_required")
		// The page that was shown is of no use to one who signs in later, either,
		// if the ticket is gone by then.
		b.signOut()
		if a := page.allow(); !strings.HasPrefix(a.target(), "/login?") {
			t.Errorf("nobody is signed in, and the page leads to %s", a)
		}
		time.Sleep(time.Minute)
		b.signIn("alice")
		page.allow().code()
	})
}

// An application that does not say when its users signed in cannot satisfy
// prompt=login. The client is told so once, and the log says what to do.
func TestAuthorize_NeverRepeat_B18_AuthenticatedAtIsMissing(t *testing.T) {
	s := newServer(t)
	c := s.web()
	s.users.with(func() {
		s.users.current = func(u *passport.User) (*passport.User, error) {
			u.AuthenticatedAt = time.Time{}
			return u, nil
		}
	})
	b := s.browser().signIn("alice")
	b.authorize(c, "prompt", "login").signIn("alice").wantRedirectError("login_required")
	if !strings.Contains(s.log.String(), "CurrentUser must fill in AuthenticatedAt") {
		t.Errorf("the log does not say what to do: %s", s.log)
	}
	if claims := claimsOf(t, s.redeem(c, b.authorize(c).allow().code()).Access); claims["auth_time"] != nil {
		t.Errorf("auth_time = %v, though nobody knows it", claims["auth_time"])
	}
}

// After the sign-in page's form a browser holds every further redirect against
// the form-action of that page, the client's own ones too. So the answer to one
// who comes from there is a page that moves on; to a GET it is a redirect.
func TestAuthorize_AZ_18_RedirectAfterAForm(t *testing.T) {
	s := newServer(t, func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
		c.InsecureSkipNativeConsent = true
	})
	for name, c := range map[string]*client{
		"https": s.web(), "loopback": s.native(),
		"IPv6 loopback": s.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://[::1]/cb"}}),
		"a query":       s.register(passport.Registration{RedirectURIs: []string{"https://app.example.com/cb?a=1&b='%22%3C+d"}}),
	} {
		b := s.browser()
		away := b.authorize(c)
		if away.status != http.StatusSeeOther {
			t.Errorf("%s: a GET that needs a sign-in answers %s", name, away)
		}
		back := away.signIn("alice")
		if back.status != http.StatusOK || back.header.Get("Location") != "" || !strings.HasPrefix(back.target(), c.RedirectURIs[0]) {
			t.Errorf("%s: after the sign-in page: %s", name, back)
		}
		if link := first(linkElement, back.body); link != back.target() {
			t.Errorf("%s: the page moves on to %s and links to %s", name, back.target(), link)
		}
		s.redeem(c, back.code())
		if direct := b.authorize(c); direct.status != http.StatusSeeOther || direct.code() == "" {
			t.Errorf("%s: a GET that needs no page answers %s", name, direct)
		}
		denied := b.authorize(c, "prompt", "consent").deny()
		if denied.wantRedirectError("access_denied"); denied.status != http.StatusOK || denied.header.Get("Location") != "" {
			t.Errorf("%s: after the consent form: %s", name, denied)
		}
		if refused := b.authorize(c, "scope", "nothing"); refused.status != http.StatusSeeOther {
			t.Errorf("%s: a refused GET answers %s", name, refused)
		}
	}
}

// A page does not open an app on the device unless the user does something. Our
// own form is that, and names the scheme in its policy; elsewhere it is a button.
func TestAuthorize_AZ_18_RedirectToAPrivateUseScheme(t *testing.T) {
	s := newServer(t)
	c := s.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}})
	b := s.browser()
	page := b.authorize(c).signIn("alice")
	for _, done := range []*answer{page.allow(), b.authorize(c).deny()} {
		if done.status != http.StatusSeeOther || !strings.HasPrefix(done.header.Get("Location"), "com.example.app:/cb?") {
			t.Errorf("after the consent form: %s", done)
		}
	}
	b.authorize(c, "prompt", "none").wantRedirectError("consent_required")
	skips := s.restart(func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
		c.InsecureSkipNativeConsent = true
	})
	after := skips.browser().authorize(c).signIn("alice")
	if link := first(linkElement, after.body); after.status != http.StatusOK || after.target() != "" || !strings.HasPrefix(link, "com.example.app:/cb?code=") {
		t.Errorf("after the sign-in page the link is %q: %s", link, after)
	}
	if strings.Contains(after.body, "ZgotmplZ") {
		t.Error("the page has a URL that the template refused")
	}
}

// A mark that has expired still says that the browser comes from a form.
func TestAuthorize_AZ_18_RedirectAfterALongSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		b := s.browser().signIn("alice")
		b.authorize(c).allow()
		away := b.signOut().authorize(c)
		time.Sleep(2 * time.Hour)
		if back := away.signIn("alice"); back.status != http.StatusOK || back.code() == "" {
			t.Errorf("after a sign-in that took two hours: %s", back)
		}
	})
}

// No answer is a 307 or 308, which would send the form on (RFC 9700 §4.12).
func TestAuthorize_AZ_18_RequestsByForm(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser()
	post := func() *answer { return b.send(b.newRequest("POST", "/oauth/authorize", c.request().Encode(), nil)) }
	away := post()
	if away.status != http.StatusOK || away.header.Get("Location") != "" {
		t.Errorf("a POST that needs a sign-in answers %s", away)
	}
	away.signIn("alice").allow().code()
	if done := post(); done.status != http.StatusSeeOther || done.code() == "" {
		t.Errorf("a POST that needs no page answers %s", done)
	}
}

// The address that the sign-in page returns to is a path of this server and
// holds the request, nothing else.
func TestAuthorize_NeverRepeat_B15_ReturnAddress(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser()
	for _, state := range []string{"", "//evil.example", "/\\evil.example", "https://evil.example", "%2f%2fevil.example", "&return_to=//evil.example", "#@evil.example"} {
		for _, query := range []string{
			c.request("state", state).Encode() + "&return_to=//evil.example&rd=//evil.example&next=https://evil.example",
			"passport_sign_in=//evil.example&" + c.request("state", state).Encode(),
		} {
			to := b.get("/oauth/authorize?" + query).returnTo()
			u, err := url.Parse(to)
			if err != nil || !strings.HasPrefix(to, "/oauth/authorize?") || u.Host != "" || u.Fragment != "" {
				t.Fatalf("the sign-in page returns to %q", to)
			}
			params := u.Query()
			mark := params["passport_sign_in"]
			params.Del("passport_sign_in")
			if params.Encode() != c.request("state", state).Encode() || len(mark) != 1 || strings.Contains(mark[0], "evil") {
				t.Errorf("the sign-in page returns to %q", to)
			}
		}
	}
}
