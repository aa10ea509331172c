package dashboard_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// in, and is not sent by itself.
func TestTokens_PA_7_RecentAuthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, dashboard.Config{})
		alice := s.visitor("alice")
		form := alice.get(newToken)
		time.Sleep(passport.RecentAuthentication)
		shows(t, alice.get(newToken), 200, "New token") // the last moment
		time.Sleep(time.Second)

		away := alice.get(newToken)
		if why, err := s.SignInRequest(t.Context(), away.ReturnTo()); err != nil || !why.Recent || !why.Again || why.Client != nil {
			t.Errorf("SignInRequest() = %+v, %v, want Recent", why, err)
		}
		const typed, date = "CI job of alice", "2000-02-01"
		body := url.Values{"once": {testkit.First(once, form.Body)}, "name": {typed}, "scope": {"read", "write"}, "expiry": {"date"}, "date": {date}, "password": {"canary"}}
		sent := alice.send(alice.NewRequest("POST", newToken, body.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}}))
		back := sent.ReturnTo()
		for what, text := range map[string]string{"what was typed": typed, "the date": date, "a password": "canary"} {
			if plain, _ := url.QueryUnescape(sent.Header.Get("Location")); strings.Contains(plain, text) || strings.Contains(s.Log.String(), text) {
				t.Errorf("%s is in the URL of the sign-in page or in the log: %s", what, plain)
			}
		}
		if names := s.tokensOf("alice"); len(names) != 0 {
			t.Errorf("a form without a recent authentication created %q", names)
		}

		// The sign-in page leads back without a new sign-in.
		stuck := alice.get(back)
		shows(t, stuck, 403, "We couldn’t confirm that it’s you", "The sign-in page sent you back without a new sign-in.", "Try again")
		s.WantLog("a recent authentication was required", "let it ask again if oauth.SignInRequest.Recent is true")

		// Another user does not get the form.
		bob := s.visitor("bob")
		other := bob.get(back)
		shows(t, other, 200, "You signed in with another account, so the form is empty.")
		if strings.Contains(other.Body, typed) || strings.Contains(other.Body, `"read" checked`) {
			t.Errorf("another user sees what was typed: %s", other.Body)
		}

		alice.SignIn("alice")
		filled := alice.get(back)
		shows(t, filled, 200, "The token isn’t created yet: check the form and send it again.")
		for _, want := range []string{`value="` + typed + `"`, `value="read" checked`, `value="write" checked`, `value="date" checked`, `value="` + date + `"`} {
			if !strings.Contains(filled.Body, want) {
				t.Errorf("the form lacks %s: %s", want, filled.Body)
			}
		}
		if strings.Contains(filled.Body, "canary") || len(s.tokensOf("alice")) != 0 {
			t.Errorf("the form has kept a password, or was sent by itself: %s", filled.Body)
		}
		shows(t, alice.post(newToken, "once", testkit.First(once, filled.Body), "name", typed, "scope", "read", "expiry", "7"), 200, "Your new token")
		for edited := range testkit.Edits(strings.TrimPrefix(back, newToken+"?passport_recent=")) {
			if why, err := s.SignInRequest(t.Context(), newToken+"?passport_recent="+edited); !errors.Is(err, oauth.ErrNotFound) {
				t.Fatalf("an edited form opens: %s: %+v, %v", edited, why, err)
			}
		}
		time.Sleep(30 * time.Minute)
		alice.SignIn("alice")
		hides(t, alice.get(back), typed, "isn’t created yet")
	})
}

// executed.
func TestTokens_PA_7_OldForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, dashboard.Config{})
		alice := s.visitor("alice")
		value := testkit.First(once, alice.get(newToken).Body)
		time.Sleep(12 * time.Hour)
		alice.SignIn("alice")
		for _, value := range []string{value, "", "x", "1.x", "99999999999999." + strings.Repeat("A", 52)} {
			late := alice.post(newToken, "once", value, "name", "Backup", "scope", "read", "expiry", "30")
			shows(t, late, 422, "The form was open for too long.")
			if !strings.Contains(late.Body, `value="Backup"`) || testkit.First(once, late.Body) == value {
				t.Errorf("the form lost what was typed, or can't be sent again: %s", late.Body)
			}
		}
		if names := s.tokensOf("alice"); len(names) != 0 {
			t.Errorf("an old form created %q", names)
		}
	})
}

// A provider that does not say when a user has authenticated gets no token, and no loop.
func TestTokens_PA_7_NoTimeOfAuthentication(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.AuthenticatedAt = time.Time{}; return u, nil }
	alice := s.visitor("alice")
	away := alice.get(newToken)
	alice.SignIn("alice")
	shows(t, alice.get(away.ReturnTo()), 403, "We couldn’t confirm that it’s you")
	s.WantLog("CurrentUser returns no User.AuthenticatedAt", "DisableTokens")
	s.Users.Current = func(u *passport.User) (*passport.User, error) {
		u.AuthenticatedAt = time.Now().AddDate(0, 1, 0)
		return u, nil
	}
	if a := alice.get(newToken); a.Status != http.StatusSeeOther {
		t.Errorf("a time in the future gets %d, want the sign-in page", a.Status)
	}
}

// elsewhere is a provider whose sign-in page is on another origin.
type elsewhere struct{ *testkit.Accounts }

func (elsewhere) SignInURL(_ *http.Request, returnTo string) string {
	return "https://login.example/?" + url.Values{"return_to": {returnTo}}.Encode()
}

// Chromium blocks the redirect of a form to another origin, so the page has a link.
func TestTokens_PA_7_SignInElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := testkit.NewServer(t)
		server = server.Restart(func(c *passport.Config) { c.Users = elsewhere{server.Users} })
		s := siteOf(t, server, dashboard.Config{})
		alice := s.visitor("alice")
		time.Sleep(time.Hour)
		if a := alice.get(newToken); a.Status != 303 || !strings.HasPrefix(a.Header.Get("Location"), "https://login.example/") {
			t.Errorf("the page leads with %d to %q, want 303 to the sign-in page", a.Status, a.Header.Get("Location"))
		}
		a := alice.post(newToken, "name", "Backup", "expiry", "30")
		shows(t, a, 200, "Confirm it’s you", "Sign in again", "Nothing was created yet.")
		if !strings.Contains(a.Body, `href="https://login.example/?return_to=%2Faccount%2Ftokens%2Fnew%3Fpassport_recent%3D`) {
			t.Errorf("the page has no link to the sign-in page: %s", a.Body)
		}
	})
}

// A form that is too long for a URL is not kept, and the page says so.
func TestTokens_PA_7_LongForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, dashboard.Config{})
		alice := s.visitor("alice")
		time.Sleep(time.Hour)
		body := url.Values{"name": {"Backup"}, "scope": {strings.Repeat("x", 3000)}, "expiry": {"7"}}
		away := alice.send(alice.NewRequest("POST", newToken, body.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}}))
		if n := len(away.Header.Get("Location")); n > 1000 {
			t.Errorf("the URL of the sign-in page has %d bytes, want no form in it", n)
		}
		alice.SignIn("alice")
		shows(t, alice.get(away.ReturnTo()), 200, "The form was too long to keep. Please fill it in again.")
	})
}
