package authorize_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// OI-35, OI-41: a sign-in that is older than max_age asks again, without tolerance. A
// younger one does not, and auth_time stays that of the sign-in.
func TestOpenID_OI_35_OI_41_MaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := provider(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		first := codeOf(t, s, b.Authorize(c, "scope", "openid").Allow())
		time.Sleep(10 * time.Second)
		if got := codeOf(t, s, b.Authorize(c, "scope", "openid", "max_age", "10")); !got.Family.AuthTime.Equal(first.Family.AuthTime) {
			t.Errorf("auth_time = %v without a new sign-in, want %v", got.Family.AuthTime, first.Family.AuthTime)
		}
		time.Sleep(time.Millisecond)
		if a := b.Authorize(c, "scope", "openid", "max_age", "10"); !isSignIn(a) {
			t.Errorf("a sign-in that is 10.001 s old with max_age=10: %s, want the sign-in page", a)
		}
		for _, age := range []string{"9", "0", "00", "000001"} {
			away := b.Authorize(c, "scope", "openid", "max_age", age)
			if !isSignIn(away) {
				t.Errorf("max_age=%s: %s, want the sign-in page", age, away)
				continue
			}
			away.ComeBack().WantRedirectError("login_required") // without a new sign-in
			back := away.SignIn("alice")
			if got := codeOf(t, s, back); time.Since(got.Family.AuthTime) > time.Second {
				t.Errorf("max_age=%s: auth_time is %v after a new sign-in, want now", age, got.Family.AuthTime)
			}
			time.Sleep(11 * time.Second)
		}
	})
}

// OI-35: a sign-in for the request is recent enough, also if the user needs longer for the
// consent page than max_age.
func TestOpenID_OI_35_SlowConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := provider(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		time.Sleep(5 * time.Second)
		page := b.Authorize(c, "scope", "openid", "max_age", "1").SignIn("alice")
		time.Sleep(time.Minute)
		page.Allow().Code()

		// The return address does not stay a way around max_age.
		away := b.Authorize(c, "scope", "openid", "max_age", "1")
		away.SignIn("alice").Code()
		time.Sleep(10 * time.Minute)
		away.ComeBack().Code()
		time.Sleep(2 * time.Second)
		if again := away.ComeBack(); !isSignIn(again) {
			t.Errorf("the return address of a sign-in more than 10 minutes ago, with max_age=1: %s, want the sign-in page", again)
		}

		c = s.Web()
		page = b.SignIn("alice").Authorize(c, "scope", "openid", "max_age", "60")
		time.Sleep(2 * time.Minute) // too old by now: the client would refuse the ID token
		away = page.Allow()
		if !isSignIn(away) {
			t.Fatalf("Allow with a sign-in that has become too old: %s, want the sign-in page", away)
		}
		away.SignIn("alice").Allow().Code()
	})
}

// OI-36: max_age is a number of seconds. A large one limits nothing.
func TestOpenID_OI_36_MaxAgeIsANumber(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for _, wrong := range []string{"-1", "1.5", "1e3", "x", "+1", " 1", "1 ", "0x10", "१", "1,000", "-0", "NaN"} {
		b.Authorize(c, "scope", "openid", "max_age", wrong).WantRedirectError("invalid_request")
	}
	for _, large := range []string{"315360000", "9223372036", "9223372037", "9223372036854775807", "9223372036854775808", strings.Repeat("9", 400)} {
		if a := b.Authorize(c, "scope", "openid", "max_age", large); !a.IsConsent() {
			t.Errorf("max_age=%.30s…: %s, want the consent page", large, a)
		}
	}
}

// OI-39, OI-40: the client's default_max_age applies to a request without max_age. With
// prompt=none a sign-in that is too old is login_required.
func TestOpenID_OI_39_OI_40_DefaultMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := provider(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		b.Authorize(c, "scope", "openid").Allow()
		age := int64(60)
		s.Change(c, func(c *oauth.Client) { c.OpenID = &oauth.ClientOpenID{DefaultMaxAge: &age} })
		time.Sleep(time.Minute)
		b.Authorize(c, "scope", "openid", "prompt", "none").Code()
		time.Sleep(time.Second)
		b.Authorize(c, "scope", "openid", "prompt", "none").WantRedirectError("login_required")
		b.Authorize(c, "scope", "openid", "prompt", "none", "max_age", "60").WantRedirectError("login_required")
		b.Authorize(c, "scope", "openid", "prompt", "none", "max_age", "61").Code()
		if a := b.Authorize(c, "scope", "openid"); !isSignIn(a) {
			t.Errorf("a sign-in older than default_max_age: %s, want the sign-in page", a)
		}
		age = 0
		s.Change(c, func(c *oauth.Client) { c.OpenID.DefaultMaxAge = &age })
		b.SignIn("alice").Authorize(c, "scope", "openid", "prompt", "none").WantRedirectError("login_required")
	})
}

// The page of the application learns why the user is sent there.
func TestOpenID_OI_11_OI_35_TheSignInPageLearnsWhy(t *testing.T) {
	s := provider(t)
	c := s.Web()
	why := func(pairs ...string) *oauth.SignInRequest {
		t.Helper()
		a := s.Browser().Authorize(c, append(pairs, "scope", "openid")...)
		got, err := s.SignInRequest(t.Context(), a.ReturnTo())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := why("max_age", "60", "acr_values", "gold silver"); got.Again || got.MaxAge != time.Minute || !slices.Equal(got.ACRValues, []string{"gold", "silver"}) {
		t.Errorf("SignInRequest() = %+v, want MaxAge of a minute and two ACRValues", got)
	}
	if got := why("max_age", "0"); !got.Again || got.MaxAge != 0 {
		t.Errorf("SignInRequest() = %+v, want Again", got)
	}
	if got := why(); got.Again || got.MaxAge != 0 || got.ACRValues != nil {
		t.Errorf("SignInRequest() = %+v, want no demands", got)
	}
}

// OI-37: a request fails if the user provider does not report what the client requires.
// max_age without a time of sign-in can't be satisfied.
func TestOpenID_OI_37_RequireAuthTime(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.AuthenticatedAt = time.Time{}; return u, nil }
	b.Authorize(c, "scope", "openid").Allow().Code()
	s.Change(c, func(c *oauth.Client) { c.OpenID = &oauth.ClientOpenID{RequireAuthTime: true} })
	b.Authorize(c, "scope", "openid").WantRedirectError("server_error")
	s.WantLog("require_auth_time", "CurrentUser of the provider", "AuthenticatedAt")
	b.Authorize(c, "scope", "read").Allow().Code() // plain OAuth
	s.Change(c, func(c *oauth.Client) { c.OpenID = nil })
	b.Authorize(c, "scope", "openid", "max_age", "60").ComeBack().WantRedirectError("login_required")
	s.WantLog("max_age cannot be satisfied: CurrentUser must fill in AuthenticatedAt")
}

// OI-42, OI-43: acr and amr are what the sign-in reports, or nothing. The sid is random,
// and only there if the user has a session.
func TestOpenID_OI_42_OI_43_BL_02_TheSessionIsStored(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	first := codeOf(t, s, b.Authorize(c, "scope", "openid").Allow()).Family
	if first.ACR != "" || first.AMR != nil || first.SID == "" || strings.Contains(first.SID, b.Session()) || first.AuthTime.IsZero() {
		t.Errorf("the family has acr %q, amr %q, sid %q and auth_time %v; want a random sid and auth_time alone", first.ACR, first.AMR, first.SID, first.AuthTime)
	}
	s.Users.Current = func(u *passport.User) (*passport.User, error) {
		u.ACR, u.AMR, u.SessionID = "gold", []string{"pwd", "otp"}, ""
		return u, nil
	}
	second := codeOf(t, s, b.Authorize(c, "scope", "openid")).Family
	if second.ACR != "gold" || !slices.Equal(second.AMR, []string{"pwd", "otp"}) || second.SID != "" {
		t.Errorf("the family has acr %q, amr %q and sid %q; want those of the sign-in, and no sid", second.ACR, second.AMR, second.SID)
	}
	if plain := codeOf(t, s, b.Authorize(c, "scope", "read").Allow()).Family; plain.ACR != "" || plain.SID != "" {
		t.Errorf("without openid the family has acr %q and sid %q, want none", plain.ACR, plain.SID)
	}
}

// A client that needs the sid gets no code of a session that has none. The log names the
// setting of the client and the field of the user.
func TestOpenID_BL_02_SessionRequired(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	s.Change(c, func(c *oauth.Client) { c.OpenID = &oauth.ClientOpenID{BackchannelSessionRequired: true} })
	b.Authorize(c, "scope", "openid").Allow().Code()
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.SessionID = ""; return u, nil }
	b.Authorize(c, "scope", "openid").WantRedirectError("server_error")
	b.Authorize(c, "scope", "openid", "prompt", "none").WantRedirectError("server_error")
	s.WantLog("backchannel_logout_session_required", "SessionID")
	b.Authorize(c, "scope", "read").Allow().Code()
}

// The owner of a client can choose settings that no session here satisfies. The user sees a
// page: a redirect would send every signed-in user to the URI of the owner.
func TestOpenID_OI_21_OwnersSettingsAreNoOpenRedirect(t *testing.T) {
	for name, settings := range map[string]oauth.ClientOpenID{
		"a sid":     {BackchannelSessionRequired: true},
		"auth_time": {RequireAuthTime: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := provider(t)
			s.Users.Current = func(u *passport.User) (*passport.User, error) {
				u.SessionID, u.AuthenticatedAt = "", time.Time{}
				return u, nil
			}
			c := s.Web()
			s.Change(c, func(c *oauth.Client) { c.Owner, c.OpenID = testkit.Ref("mallory"), &settings })
			b := s.Browser().SignIn("alice")
			b.Authorize(c, "scope", "openid").WantPage(http.StatusInternalServerError)
			b.Authorize(c, "scope", "openid", "prompt", "none").WantPage(http.StatusInternalServerError)
			b.Authorize(c, "scope", "openid", "response_mode", "form_post").WantPage(http.StatusInternalServerError)
			b.Authorize(c, "scope", "read").Allow().Code()
			b.Authorize(c, "scope", "openid").WantPage(http.StatusInternalServerError)
		})
	}
}

// OI-140, OI-141: offline_access needs the user's consent. Without prompt=consent or a
// remembered consent it is ignored.
func TestOpenID_OI_140_OI_141_OfflineAccess(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	const away = "also while you are away"
	page := b.Authorize(c, "scope", "openid offline_access")
	if got := codeOf(t, s, page.Allow()); strings.Contains(page.Body, away) || !slices.Equal(got.Scopes, []string{"openid"}) {
		t.Errorf("without prompt=consent the code has the scopes %q, want openid", got.Scopes)
	}
	if got := codeOf(t, s, b.Authorize(c, "scope", "openid offline_access", "prompt", "none")); !slices.Equal(got.Scopes, []string{"openid"}) {
		t.Errorf("with prompt=none the code has the scopes %q, want openid", got.Scopes)
	}
	page = b.Authorize(c, "scope", "openid offline_access", "prompt", "consent")
	if got := codeOf(t, s, page.Allow()); !strings.Contains(page.Body, away) || len(got.Scopes) != 2 {
		t.Errorf("with prompt=consent the code has the scopes %q, want both, and the page to say %q: %s", got.Scopes, away, page)
	}
	for _, prompt := range []string{"none", ""} { // remembered
		if got := codeOf(t, s, b.Authorize(c, "scope", "openid offline_access", "prompt", prompt)); len(got.Scopes) != 2 {
			t.Errorf("with a remembered consent and prompt=%q the code has the scopes %q, want both", prompt, got.Scopes)
		}
	}
	skips := s.Restart(func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	})
	if got := codeOf(t, skips, b.At(skips).Authorize(s.Web(), "scope", "openid offline_access")); len(got.Scopes) != 2 {
		t.Errorf("with SkipConsent the code has the scopes %q, want both", got.Scopes)
	}
	if page := b.Authorize(s.Web(), "scope", "read offline_access"); !strings.Contains(page.Body, away) {
		t.Errorf("without openid the page does not show offline_access: %s", page)
	}
}

// OI-105: the page says in words what the client learns.
func TestOpenID_OI_105_ConsentPage(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "openid")
	for scope, want := range map[string][]string{
		"openid":               {"Sign in to Example App with your account?", "Sign you in with your account"},
		"openid email profile": {"Sign in to", "See your email address", "See your profile"},
		"openid read":          {"Allow Example App to use your account?", "Sign you in with your account", "Read your orders"},
		"email":                {"Allow Example App to use your account?", "See your email address"},
	} {
		text := b.Authorize(c, "scope", scope).String()
		for _, says := range want {
			if !strings.Contains(text, says) {
				t.Errorf("the page for %s does not say %q: %s", scope, says, text)
			}
		}
	}
}

// OI-75: a device with openid gets the time of the sign-in, and how the user signed in.
func TestOpenID_OI_75_Device(t *testing.T) {
	s := provider(t, testkit.WithDevices)
	c, b := s.DeviceClient("Living Room TV"), s.Browser().SignIn("alice")
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.ACR, u.AMR = "gold", []string{"pwd"}; return u, nil }
	d := begin(s, c, "scope", "openid read")
	page := enter(b, d.userCode)
	page.Allow().WantPage(http.StatusOK, "back to your device")
	code, err := s.Store.(oauth.DeviceStore).DeviceCode(t.Context(), oauth.DeviceDigest(d.code))
	if err != nil || !code.Approved() || !slices.Contains(code.Scopes, "openid") {
		t.Fatalf("the device code is %+v, %v; want an approval with openid", code, err)
	}
	token, _ := d.poll().WantStatus(http.StatusOK).JSON()["id_token"].(string)
	claims := testkit.ClaimsOf(t, token)
	if claims["auth_time"] == nil || claims["acr"] != "gold" || testkit.AsText(claims["amr"]) != "[pwd]" || claims["nonce"] != nil || claims["sid"] != nil {
		t.Errorf("the ID token of a device has %v, want auth_time, acr and amr, without nonce and sid", claims)
	}
	s.Change(c, func(c *oauth.Client) { c.OpenID = &oauth.ClientOpenID{BackchannelSessionRequired: true} })
	enter(b, begin(s, c, "scope", "openid").userCode).WantPage(http.StatusInternalServerError)
	s.WantLog("backchannel_logout_session_required, but a device has no browser session")
	enter(b, begin(s, c).userCode).Ticket()
}
