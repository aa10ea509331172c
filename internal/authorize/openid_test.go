package authorize_test

import (
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

// provider returns a server that is an OpenID provider.
func provider(t *testing.T, change ...func(*passport.Config)) *testkit.Server {
	t.Helper()
	return testkit.NewServer(t, append([]func(*passport.Config){testkit.WithOpenID(t, passport.OpenID{})}, change...)...)
}

// codeOf returns the stored code of a response.
func codeOf(t *testing.T, s *testkit.Server, a *testkit.Response) *oauth.Code {
	t.Helper()
	code, err := s.Store.Code(t.Context(), oauth.DigestOf(a.Code()))
	if err != nil {
		t.Fatalf("find the code: %v", err)
	}
	return code
}

// isSignIn reports whether the browser is sent to the sign-in page.
func isSignIn(a *testkit.Response) bool { return strings.HasPrefix(a.Target(), "/login?") }

// OI-03, OI-122: an authentication request must have a redirect_uri, even if only one is
// registered. A request object could have another one, so it never leads to the default.
func TestOpenID_OI_03_OI_122_RedirectURIIsRequired(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for _, pairs := range [][]string{
		{"scope", "openid"}, {"scope", "openid", "prompt", "none"}, {"scope", "read openid"}, {"scope", "openid", "request", "x"}, {"request", "x"}, {"request_uri", "https://x.example"},
	} {
		b.Authorize(c, append(pairs, "redirect_uri", "")...).WantPage(400, "redirect_uri is missing")
	}
	b.Authorize(c, "redirect_uri", "https://app.example.com/other", "request", "x").WantPage(400, "redirect_uri is not registered")
	if a := b.Authorize(c, "redirect_uri", ""); !a.IsConsent() {
		t.Errorf("a plain OAuth request without redirect_uri: %s, want the page", a)
	}
}

// OI-61: the token endpoint compares redirect_uri with the one of the request.
func TestOpenID_OI_61_RedirectURIAtTheTokenEndpoint(t *testing.T) {
	s := provider(t)
	c := s.Register(passport.Registration{RedirectURIs: []string{"https://app.example.com/cb", "https://app.example.com/other"}})
	code := s.Code(c, "scope", "openid", "code_challenge", "", "code_challenge_method", "")
	for _, uri := range []string{c.RedirectURIs[1], c.RedirectURIs[0] + "/", ""} {
		s.Exchange(c, "grant_type", "authorization_code", "code", code, "redirect_uri", uri).WantJSONError(400, "invalid_grant")
	}
	s.Exchange(c, "grant_type", "authorization_code", "code", code, "redirect_uri", c.RedirectURIs[0]).Tokens()
}

// OI-120: request objects are refused, not ignored.
func TestOpenID_OI_120_RequestObjectsAreRefused(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for name, code := range map[string]string{"request": "request_not_supported", "request_uri": "request_uri_not_supported"} {
		a := b.Authorize(c, "scope", "openid", name, "https://client.example/object").WantRedirectError(code)
		if a.Params().Get("state") != testkit.DefaultState {
			t.Errorf("the error for %s lacks the state: %s", name, a.Target())
		}
	}
	b.Authorize(c, "scope", "openid", "registration", `{"client_name":"x"}`).WantRedirectError("registration_not_supported") // OI-13
}

// OI-01: without openid, the parameters of OpenID Connect are ignored, wrong ones too.
func TestOpenID_OI_01_OI_13_PlainRequestsIgnoreItsParameters(t *testing.T) {
	for name, s := range map[string]*testkit.Server{"an OpenID provider": provider(t), "another server": testkit.NewServer(t)} {
		c, b := s.Web(), s.Browser().SignIn("alice")
		wrong := []string{"nonce", strings.Repeat("n", 600), "max_age", "-1", "id_token_hint", "x", "registration", "{}", "claims", "{", "acr_values", "9"}
		code := codeOf(t, s, b.Authorize(c, wrong...).Allow())
		if code.Nonce != "" || code.Family.SID != "" {
			t.Errorf("%s: a code without openid has the nonce %q and the SID %q, want none", name, code.Nonce, code.Family.SID)
		}
	}
}

// OI-02, OI-04: GET and POST have the same result, as have the parameters in any order,
// with unknown ones among them.
func TestOpenID_OI_02_OI_04_FormAndUnknownParameters(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "read openid").Allow()
	form := c.Request("scope", "openid read", "nonce", "n-1", "extra", "foobar", "prompt", "none")
	posted := b.Send(b.NewRequest("POST", "/oauth/authorize", form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}}))
	if code := codeOf(t, s, posted); code.Nonce != "n-1" {
		t.Errorf("the code of a posted request has the nonce %q, want n-1", code.Nonce)
	}
	b.Authorize(c, "scope", "read openid", "prompt", "none", "extra", "foobar").Code()
	// Another site's form comes without the SameSite=Lax cookie of the session.
	away := s.Browser().Send(b.NewRequest("POST", "/oauth/authorize", form.Encode(), http.Header{"Sec-Fetch-Site": {"cross-site"}}))
	if code := codeOf(t, s, b.Get(away.Target())); code.Nonce != "n-1" {
		t.Errorf("after the form of another site the code has the nonce %q, want n-1", code.Nonce)
	}
}

// OI-05: only code, whatever else a client of OpenID Connect may know.
func TestOpenID_OI_05_ResponseTypes(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for _, kind := range []string{"id_token", "code id_token", "id_token token", "code token", "code id_token token", "none"} {
		b.Authorize(c, "scope", "openid", "response_type", kind, "nonce", "n").WantRedirectError("unsupported_response_type")
		b.Authorize(c, "scope", "openid", "response_type", kind, "nonce", "n", "response_mode", "fragment").WantRedirectError("unsupported_response_type")
	}
	if got := s.Metadata()["response_types_supported"]; testkit.AsText(got) != "[code]" {
		t.Errorf("response_types_supported = %v, want code alone", got)
	}
}

// OI-06: an error response has nothing but error, error_description, state and iss.
func TestOpenID_OI_06_ErrorResponses(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser()
	for _, pairs := range [][]string{{"prompt", "none"}, {"prompt", "none login"}, {"max_age", "x"}, {"response_type", "id_token"}} {
		got := b.Authorize(c, append(pairs, "scope", "openid", "nonce", "n")...).Params()
		for name := range got {
			if !slices.Contains([]string{"error", "error_description", "state", "iss"}, name) {
				t.Errorf("the error response to %v has the parameter %s", pairs, name)
			}
		}
		if got.Get("state") != testkit.DefaultState || got.Get("iss") != testkit.Issuer {
			t.Errorf("the error response to %v is %v, want state and iss", pairs, got)
		}
	}
}

// OI-07, OI-08, OI-09, OI-11, OI-110: these parameters never cause an error, and the
// language of the pages is the one that they say.
func TestOpenID_OI_07_OI_08_OI_09_OI_11_OI_110_HintsNeverFail(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for _, pair := range [][2]string{
		{"display", "page"}, {"display", "popup"}, {"display", "touch"}, {"display", "wap"}, {"display", "x"},
		{"ui_locales", "se"}, {"ui_locales", "fr-CA fr en"}, {"ui_locales", "!!!"}, {"ui_locales", "a\nb"}, {"ui_locales", "\xff"},
		{"claims_locales", "se"}, {"claims_locales", "\xff"}, {"acr_values", "1 2"}, {"acr_values", "\x00"},
		{"claims", "{"}, {"claims", `{"userinfo":{"name":{"essential":true}}}`}, {"claims", `{"id_token":{"acr":{"essential":true,"value":"9"}}}`},
	} {
		a := b.Authorize(c, "scope", "openid", pair[0], pair[1])
		if !a.IsConsent() || !strings.Contains(a.Body, `<html lang="en">`) {
			t.Errorf("%s=%q: %s, want the consent page in English", pair[0], pair[1], a)
		}
	}
}

// OI-12: a nonce is kept byte for byte, through the sign-in and the consent page.
func TestOpenID_OI_12_Nonce(t *testing.T) {
	s := provider(t)
	c := s.Web()
	for _, nonce := range []string{"n", strings.Repeat("0123456789abcdef", 4), strings.Repeat("x", 384), strings.Repeat("é", 256), ` a+b%20&=<>"'` + "\t;", ""} {
		a := s.Browser().Authorize(c, "scope", "openid", "nonce", nonce).SignIn("alice")
		if a.IsConsent() {
			a = a.Allow()
		}
		if code := codeOf(t, s, a); code.Nonce != nonce {
			t.Errorf("the code has the nonce %q, want %q", code.Nonce, nonce)
		}
	}
	s.Browser().Authorize(c, "scope", "openid", "nonce", strings.Repeat("é", 256)+"x").WantRedirectError("invalid_request")
}

// OI-10: login_hint reaches the sign-in page, and selects no account.
func TestOpenID_OI_10_LoginHint(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser()
	away := b.Authorize(c, "scope", "openid", "login_hint", "bob@example.com")
	if strings.Contains(away.Target(), "bob") {
		t.Errorf("the login_hint is in the URL of the sign-in page: %s", away.Target())
	}
	why, err := s.SignInRequest(t.Context(), away.ReturnTo())
	if err != nil || why.LoginHint != "bob@example.com" {
		t.Errorf("SignInRequest() = %+v, %v; want the login_hint", why, err)
	}
	if got := codeOf(t, s, away.SignIn("alice").Allow()); got.Family.User != testkit.Ref("alice") {
		t.Errorf("the code is for %v, want alice, who signed in", got.Family.User)
	}
	if got := codeOf(t, s, b.Authorize(c, "scope", "openid", "login_hint", "bob@example.com", "prompt", "none")); got.Family.User != testkit.Ref("alice") {
		t.Errorf("the code is for %v, want alice, who is signed in", got.Family.User)
	}
}

// OI-20, OI-27: unknown values of prompt are ignored. create is one, because there is no
// registration to open.
func TestOpenID_OI_20_OI_27_PromptValues(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for _, prompt := range []string{"none login", "none consent", "none x", "none none"} {
		b.Authorize(c, "scope", "openid", "prompt", prompt).WantRedirectError("invalid_request")
	}
	for _, prompt := range []string{"create", "x y", "NONE", "Login", " "} {
		if a := b.Authorize(c, "scope", "openid", "prompt", prompt); !a.IsConsent() {
			t.Errorf("prompt=%q: %s, want the consent page", prompt, a)
		}
	}
	if got := testkit.AsText(s.Metadata()["prompt_values_supported"]); got != "[none login consent select_account]" {
		t.Errorf("prompt_values_supported = %s", got)
	}
}

// OI-21, OI-22, OI-25: prompt=none never shows a page, and with a remembered consent it
// gives a code for the same sign-in. prompt=consent asks again.
func TestOpenID_OI_21_OI_22_OI_25_None(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := provider(t)
		c, b := s.Web(), s.Browser()
		b.Authorize(c, "scope", "openid", "prompt", "none").WantRedirectError("login_required")
		b.SignIn("alice").Authorize(c, "scope", "openid", "prompt", "none").WantRedirectError("consent_required")
		first := codeOf(t, s, b.Authorize(c, "scope", "openid").Allow())
		time.Sleep(time.Minute)
		again := codeOf(t, s, b.Authorize(c, "scope", "openid", "prompt", "none"))
		if !again.Family.AuthTime.Equal(first.Family.AuthTime) || again.Family.User != first.Family.User {
			t.Errorf("prompt=none gives a code for %v at %v, want %v at %v", again.Family.User, again.Family.AuthTime, first.Family.User, first.Family.AuthTime)
		}
		b.Authorize(c, "scope", "openid read", "prompt", "none").WantRedirectError("consent_required")
		if a := b.Authorize(c, "scope", "openid", "prompt", "consent"); !a.IsConsent() {
			t.Errorf("prompt=consent: %s, want the consent page", a)
		}
	})
}

// OI-21 as ADR 4 has it: an error redirect to the client of any user would be an open
// redirect. A user who has allowed the client knows it.
func TestOpenID_OI_21_OwnedClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := provider(t)
		c, b := s.Owned("https://owned.example/cb"), s.Browser()
		none := func() *testkit.Response {
			return b.Authorize(c, "scope", "openid", "prompt", "none", "max_age", "60")
		}
		none().WantPage(400, "login_required")
		b.SignIn("alice")
		none().WantPage(400, "consent_required")
		b.Authorize(c, "scope", "openid").Allow().Code()
		none().Code()
		b.Authorize(c, "scope", "openid read", "prompt", "none").WantRedirectError("consent_required")
		b.Authorize(c, "scope", "read", "prompt", "none").WantPage(400, "consent_required") // plain OAuth
		b.Authorize(c, "scope", "openid", "max_age", "x").WantPage(400, "max_age")          // a fault of the client
		time.Sleep(2 * time.Minute)
		none().WantRedirectError("login_required")
		b.SignIn("bob")
		none().WantPage(400, "consent_required")
	})
}

// OI-23, OI-24: the demand of prompt=login survives a reload, the back button and a
// changed URL.
func TestOpenID_OI_23_OI_24_PromptLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := provider(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		first := codeOf(t, s, b.Authorize(c, "scope", "openid").Allow())
		time.Sleep(time.Second)
		away := b.Authorize(c, "scope", "openid", "prompt", "login")
		for range 2 { // reload
			if a := b.Authorize(c, "scope", "openid", "prompt", "login"); !isSignIn(a) {
				t.Errorf("a reload of prompt=login: %s, want the sign-in page", a)
			}
		}
		away.ComeBack().WantRedirectError("login_required") // without a sign-in
		u, _ := url.Parse(away.ReturnTo())
		if q := u.Query(); len(q) != 1 {
			t.Errorf("the return address has the parameters %v, want one sealed value", q)
		}
		time.Sleep(time.Second)
		if got := codeOf(t, s, away.SignIn("alice")); !got.Family.AuthTime.After(first.Family.AuthTime) {
			t.Errorf("auth_time after prompt=login is %v, want later than %v", got.Family.AuthTime, first.Family.AuthTime)
		}
	})
}

// OI-26: the user can switch the account before the consent page.
func TestOpenID_OI_26_SelectAccount(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	away := b.Authorize(c, "scope", "openid", "prompt", "select_account")
	if why, err := s.SignInRequest(t.Context(), away.ReturnTo()); err != nil || !why.SelectAccount {
		t.Errorf("SignInRequest() = %+v, %v; want SelectAccount", why, err)
	}
	if got := codeOf(t, s, away.SignIn("bob").Allow()); got.Family.User != testkit.Ref("bob") {
		t.Errorf("the code is for %v, want bob, who was chosen", got.Family.User)
	}
}
