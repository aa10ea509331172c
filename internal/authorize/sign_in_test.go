package authorize_test

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// askedProvider records the SignInRequest of the last call of SignInURL.
type askedProvider struct {
	*testkit.Accounts
	why *oauth.SignInRequest // without the client
}

func (p askedProvider) SignInURL(r *http.Request, returnTo string) string {
	*p.why = oauth.SignInRequestFrom(r.Context())
	p.why.Client = nil
	return p.Accounts.SignInURL(r, returnTo)
}

// A sign-in page that sets no session cookie causes a loop, which the log reports.
func TestAuthorize_LogsAReturnWithoutASignIn(t *testing.T) {
	const line = "the browser returned from the sign-in page, but no user is signed in"
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser()
	away := b.Authorize(c)
	if strings.Contains(s.Log.String(), line) {
		t.Errorf("the first redirect to the sign-in page logs %q", line)
	}
	again := away.ComeBack()
	s.WantLog(line, "check that the page sets the session cookie")

	before := strings.Count(s.Log.String(), line)
	again.SignIn("alice").Allow().Code()
	if n := strings.Count(s.Log.String(), line) - before; n != 0 {
		t.Errorf("a sign-in logs %q %d times, want 0", line, n)
	}
}

// FR-34: prompt=select_account lets a signed-in user change the account once for each
// request, also together with other values (OpenID Connect Core §3.1.2.1).
func TestAuthorize_FR_34_OI_26_SelectAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := new(oauth.SignInRequest)
		s := testkit.NewServer(t)
		s = s.Restart(func(c *passport.Config) { c.Users = askedProvider{s.Users, why} })
		c, b := s.Web(), s.Browser().SignIn("alice")
		b.Authorize(c).Allow().Code()
		for prompt, want := range map[string]oauth.SignInRequest{
			"select_account":               {SelectAccount: true},
			"select_account consent":       {SelectAccount: true},
			"login select_account":         {SelectAccount: true, Again: true},
			"consent login select_account": {SelectAccount: true, Again: true},
			"login":                        {Again: true},
		} {
			b.SignIn("alice")
			time.Sleep(time.Minute)
			away := b.Authorize(c, "prompt", prompt)
			if !reflect.DeepEqual(*why, want) || !strings.HasPrefix(away.Target(), "/login?") {
				t.Errorf("prompt=%s: SignInURL() got %+v, want %+v: %s", prompt, *why, want, away)
			}
			time.Sleep(time.Minute)
			kept := away.ComeBack() // with the same account
			switch {
			case want.Again:
				kept.WantRedirectError("login_required")
			case strings.Contains(prompt, "consent"):
				kept.Allow().Code() // the decision does not ask for the account again
			default:
				kept.Code()
			}
			if page := b.Authorize(c, "prompt", prompt).SignIn("bob"); page.IsConsent() {
				page = page.Allow()
				if claims := testkit.ClaimsOf(t, s.Redeem(c, page.Code()).Access); claims["sub"] != "users:bob" {
					t.Errorf("prompt=%s, after bob was selected: sub = %v", prompt, claims["sub"])
				}
			}
		}
		b.Authorize(c, "prompt", "none select_account").WantRedirectError("invalid_request")
		s.Browser().Authorize(c, "prompt", "select_account")
		if !reflect.DeepEqual(*why, oauth.SignInRequest{SelectAccount: true}) {
			t.Errorf("without a signed-in user: SignInURL() got %+v", *why)
		}
		s.Browser().Authorize(c)
		if !reflect.DeepEqual(*why, oauth.SignInRequest{}) {
			t.Errorf("without prompt: SignInURL() got %+v, want the zero value", *why)
		}
	})
}

// FR-26: browsers send no SameSite=Lax cookies with a form of another site. The
// request is repeated as a GET, once, with the parameters that the endpoint knows.
func TestAuthorize_FR_26_FormOfAnotherSite(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c).Allow().Code()
	for name, header := range map[string]http.Header{
		"cross-site":                    {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://app.example.com"}},
		"cross-site, no referrer":       {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
		"an older browser":              {"Origin": {"https://app.example.com"}},
		"an older browser, no referrer": {"Origin": {"null"}},
	} {
		for state, params := range map[string]url.Values{
			"short":                   c.Request("state", "short"),
			strings.Repeat("s", 5000): c.Request("state", strings.Repeat("s", 5000)),
		} {
			params.Set("password", "not for the endpoint")
			without := s.Browser() // the POST comes without cookies
			again := without.Send(without.NewRequest("POST", "/oauth/authorize", params.Encode(), header))
			target := again.Target()
			if again.Status != http.StatusOK || !strings.HasPrefix(target, "/oauth/authorize?passport_sign_in=") || strings.Contains(target, "&") || len(target) > 1000 {
				t.Fatalf("%s: %s, want a page that repeats the request", name, again)
			}
			if done := b.Get(target); done.Params().Get("state") != state || done.Code() == "" {
				t.Errorf("%s: the signed-in user gets %s, want a code", name, done)
			}
			if away := without.Get(target); !strings.HasPrefix(away.Target(), "/login?") {
				t.Errorf("%s: a browser without a user gets %s, want the sign-in page and no second repetition", name, away)
			}
		}
		params := c.Request("prompt", "none")
		b.Get(s.Browser().Send(s.Browser().NewRequest("POST", "/oauth/authorize", params.Encode(), header)).Target()).Code()
	}
	same := s.Browser()
	own := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}
	if away := same.Send(same.NewRequest("POST", "/oauth/authorize", c.Request().Encode(), own)); !strings.HasPrefix(away.Target(), "/login?") {
		t.Errorf("a form of this site: %s, want the sign-in page, because the cookies are sent", away)
	}
	if done := b.Send(b.NewRequest("POST", "/oauth/authorize", c.Request().Encode(), http.Header{"Sec-Fetch-Site": {"cross-site"}})); done.Code() == "" {
		t.Errorf("a cross-site form with a session cookie: %s, want a code", done)
	}
}
