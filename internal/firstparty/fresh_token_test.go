package firstparty_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// "This middleware will attach a laravel_token cookie to your outgoing responses":
// here the cookies passport_token and XSRF-TOKEN.
func TestFreshToken_UI_02_SetsBothCookies(t *testing.T) {
	for scheme, secure := range map[string]bool{"https://auth.example.com": true, "http://127.0.0.1:8000": false} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer, c.CookieTTL = scheme, 90*time.Minute })
		b, token := s.Browser().SignIn("alice"), testkit.TokenCookieOf(scheme)
		a := b.Page(nil)
		set := a.WantCookies("a page", token, testkit.XSRFCookie)
		for name, httpOnly := range map[string]bool{token: true, testkit.XSRFCookie: false} {
			c := set[name]
			if c == nil || c.Value == "" || c.HttpOnly != httpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 5400 {
				t.Errorf("%s: the cookie %s is %v, want HttpOnly = %v, Secure = %v, SameSite=Lax, Path=/, Max-Age=5400", scheme, name, c, httpOnly, secure)
			}
		}
		if a.Body != "Hello." || a.Header.Get("Cache-Control") != "private" {
			t.Errorf("the page is %q with Cache-Control %q, want its own text and private", a.Body, a.Header.Get("Cache-Control"))
		}
		if strings.Contains(set[token].Value, "alice") || strings.Contains(set[token].Value, set[testkit.XSRFCookie].Value) {
			t.Error("the cookie's content is not encrypted")
		}
		if got := b.Script(s.Guard()).Told(); got.User != "alice" {
			t.Errorf("the API got %+v, want alice", got)
		}
		s.WantBlameless()
	}
}

// The configuration sets the name and the lifetime; "Customizing the Cookie Name".
func TestFreshToken_CookieName(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.CookieName = "__Host-shop_token" })
	b := s.Browser().SignIn("alice")
	b.SetCookie("passport_token", "of another server") // the former default name is ignored
	set := b.Page(nil).WantCookies("a page", "__Host-shop_token", testkit.XSRFCookie)
	if c := set["__Host-shop_token"]; c != nil && c.MaxAge != 7200 {
		t.Errorf("Max-Age is %d seconds, want two hours by default", c.MaxAge)
	}
	if got := b.Script(s.Guard()).Told(); got.User != "alice" {
		t.Errorf("the API got %+v, want alice", got)
	}
	for name, want := range map[string]string{
		"xsrf-token": "choose another name", "__Host-token": "only over https", "__secure-token": "only over https", "a b": "letters",
	} {
		config := s.Config
		config.CookieName, config.Issuer = name, "http://127.0.0.1:8000"
		if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() with CookieName %q = %v, want %q in it", name, err, want)
		}
	}
}

// Only the response to a GET sets the cookie, with any status, and once.
func TestFreshToken_WhichResponses(t *testing.T) {
	s := testkit.NewServer(t)
	for _, method := range []string{"HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		b := s.Browser().SignIn("alice")
		b.PageBy(httptest.NewRequest(method, testkit.Issuer+"/", nil), nil).WantCookies(method)
		b.Page(nil)
		b.PageBy(httptest.NewRequest(method, testkit.Issuer+"/", nil), nil).WantCookies(method + " of a browser with the cookie")
		b.SignOut().PageBy(httptest.NewRequest(method, testkit.Issuer+"/", nil), nil).WantCookies(method + " after signing out")
	}
	for name, write := range map[string]http.HandlerFunc{
		"a handler that writes nothing": func(http.ResponseWriter, *http.Request) {},
		"a redirect":                    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) },
		"a missing page":                http.NotFound,
		"many writes": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				_, _ = io.WriteString(w, "x")
			}
		},
		"FreshToken inside FreshToken": s.FreshToken(http.NotFoundHandler()).ServeHTTP,
	} {
		s.Browser().SignIn("alice").Page(write).WantCookies(name, testkit.TokenCookie, testkit.XSRFCookie)
	}
	s.Browser().Page(nil).WantCookies("a page without a user")
	if got := s.Browser().Page(nil).Header.Get("Cache-Control"); got != "" {
		t.Errorf("a page without the cookie has Cache-Control %q, want none", got)
	}
}

// FreshToken does not override a handler's own cookies.
func TestFreshToken_HandlersOwnCookies(t *testing.T) {
	s := testkit.NewServer(t)
	own := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: name, Value: "mine"})
		}
	}
	b := s.Browser().SignIn("alice")
	if set := b.Page(own(testkit.TokenCookie)).WantCookies("a handler that sets the cookie", testkit.TokenCookie); set[testkit.TokenCookie].Value != "mine" {
		t.Errorf("the handler's own cookie became %v, want it unchanged", set[testkit.TokenCookie])
	}
	if set := b.Page(own(testkit.XSRFCookie)).WantCookies("a handler with its own XSRF-TOKEN", testkit.TokenCookie, testkit.XSRFCookie); set[testkit.XSRFCookie].Value != "mine" {
		t.Errorf("the handler's own XSRF-TOKEN became %v, want it unchanged", set[testkit.XSRFCookie])
	}
	b.Page(own("theme")).WantCookies("a handler with another cookie", "theme", testkit.TokenCookie, testkit.XSRFCookie)
	b.Page(own("passport_token2")).WantCookies("a handler with a similar name", "passport_token2", testkit.TokenCookie, testkit.XSRFCookie)
}

// A page with the cookie is for one browser. FreshToken makes the handler's
// Cache-Control stricter if necessary, never weaker.
func TestFreshToken_Caching(t *testing.T) {
	s := testkit.NewServer(t)
	for given, want := range map[string]string{
		"": "private", "no-cache": "no-cache, private", "max-age=60": "max-age=60, private", "no-store": "no-store", "Private": "Private",
		"private, max-age=60": "private, max-age=60", `private="X-A"`: `private="X-A", private`, "no-store, public": "no-store, public",
	} {
		a := s.Browser().SignIn("alice").Page(caching(given))
		a.WantCookies("Cache-Control "+given, testkit.TokenCookie, testkit.XSRFCookie)
		if got := a.Header.Get("Cache-Control"); got != want || len(a.Header.Values("Cache-Control")) > 1 {
			t.Errorf("Cache-Control %q became %q, want %q", given, a.Header.Values("Cache-Control"), want)
		}
	}
	for _, given := range []string{"public", "PUBLIC, max-age=60", "max-age=1, s-maxage=60"} {
		b := s.Browser().SignIn("alice")
		b.SetCookie(testkit.TokenCookie, "old")
		a := b.Page(caching(given))
		a.WantCookies("Cache-Control " + given)
		if got := a.Header.Get("Cache-Control"); got != given {
			t.Errorf("Cache-Control %q became %q, want no change", given, got)
		}
	}
	s.Log = new(testkit.LockedBuffer)
	s = s.Restart(func(c *passport.Config) {
		c.Logger = slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s.Browser().SignIn("alice").Page(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public")
		for range 3 {
			_, _ = io.WriteString(w, "Hello.")
		}
	})
	if n := strings.Count(s.Log.String(), "lets shared caches store the page"); n != 1 {
		t.Errorf("the log says %d times why the page has no cookie, want once", n)
	}
	b := s.Browser()
	b.SetCookie(testkit.TokenCookie, "old")
	if got := b.Page(nil).Header.Get("Cache-Control"); got != "private" {
		t.Errorf("a response that deletes a cookie has Cache-Control %q, want private", got)
	}
}

func caching(policy string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if policy != "" {
			w.Header().Set("Cache-Control", policy)
		}
		_, _ = io.WriteString(w, "Hello.")
	}
}

// A sign-out deletes the cookies, and the next user gets new ones.
func TestFreshToken_SignedOutAndAnotherUser(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	first, csrf := b.Cookie(testkit.TokenCookie), b.Cookie(testkit.XSRFCookie)
	b.SignOut()
	for name, c := range b.Page(nil).WantCookies("a page after signing out", testkit.TokenCookie, testkit.XSRFCookie) {
		if c.MaxAge >= 0 || c.Value != "" || c.Path != "/" || !c.Secure {
			t.Errorf("after signing out the cookie %s is set as %v, want it deleted", name, c)
		}
	}
	if b.Cookie(testkit.TokenCookie) != "" || b.Cookie(testkit.XSRFCookie) != "" {
		t.Error("the browser still has the cookies")
	}
	b.Page(nil).WantCookies("the next page")
	b.SetCookie(testkit.TokenCookie, first)
	b.SignIn("bob").Page(nil)
	if got := b.Script(s.Guard()).Told(); got.User != "bob" {
		t.Errorf("the API got %+v after bob signed in, want bob", got)
	}
	if b.Cookie(testkit.XSRFCookie) == csrf {
		t.Error("bob has the CSRF value that alice had")
	}
}

// The default provider comes first, then the others by name.
func TestFreshToken_NeverRepeat_E11_WhichProvider(t *testing.T) {
	staff := testkit.NewClerks("alice", "eve")
	s := testkit.NewServer(t, testkit.WithClerks(staff))
	b := s.Browser()
	b.SetCookie("staff_session", "eve")
	b.Page(nil)
	if got := b.Script(s.Guard(testkit.StaffOnly)).Told(); got.User != "eve" || got.Provider != "staff" {
		t.Errorf("the API got %+v, want eve of staff", got)
	}
	b.SignIn("alice").Page(nil)
	if got := b.Script(s.Guard()).Told(); got.User != "alice" || got.Provider != "users" {
		t.Errorf("with both signed in the API got %+v, want alice of users", got)
	}
	only := s.Restart(func(c *passport.Config) { c.Users = nil })
	b = only.Browser()
	b.SetCookie("staff_session", "eve")
	b.Page(nil)
	if got := b.Script(only.Guard(testkit.StaffOnly)).Told(); got.User != "eve" {
		t.Errorf("without Config.Users the API got %+v, want eve", got)
	}
}

// FreshToken serves the page even if CurrentUser fails, and logs the error.
func TestFreshToken_FaultOfTheApplication(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	s.Users.Failure = errors.New("the session store is unreachable")
	a := b.Page(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "token %q", passport.CSRFToken(r.Context()))
	})
	a.WantCookies("a page without a session store")
	if a.Status != 200 || a.Body != `token ""` {
		t.Errorf("response %s, want the page", a)
	}
	if !strings.Contains(s.Log.String(), "no first-party cookie: find the signed-in user: the session store is unreachable") {
		t.Errorf("the log does not say why there is no cookie: %s", s.Log)
	}
}

// "If you choose to send the X-CSRF-TOKEN header … use … csrf_token()".
func TestFreshToken_CSRFTokenForAPage(t *testing.T) {
	s := testkit.NewServer(t)
	meta := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, passport.CSRFToken(r.Context()))
	}
	b := s.Browser().SignIn("alice")
	post := func() string {
		return b.PageBy(httptest.NewRequest("POST", testkit.Issuer+"/", nil), meta).Body
	}
	if got := post(); got != "" {
		t.Errorf("the response to a form has the CSRF value %q, but the browser has no cookie for it", got)
	}
	token := b.Page(meta).Body
	if token == "" || token != b.Cookie(testkit.XSRFCookie) {
		t.Fatalf("CSRFToken() = %q, want the cookie's value %q", token, b.Cookie(testkit.XSRFCookie))
	}
	if got := post(); got != token {
		t.Errorf("the response to a form has the CSRF value %q, want %q", got, token)
	}
	if got := b.Script(s.Guard(), "X-XSRF-TOKEN", "-", "X-CSRF-TOKEN", token).Told(); got.User != "alice" {
		t.Errorf("with X-CSRF-TOKEN the API got %+v, want alice", got)
	}
	b.SignIn("bob")
	if got := post(); got != "" {
		t.Errorf("bob's page in a browser with alice's cookie has the CSRF value %q", got)
	}
	if got := s.Browser().Page(meta).Body + passport.CSRFToken(t.Context()); got != "" {
		t.Errorf("CSRFToken() without a user or without FreshToken = %q, want it empty", got)
	}
}

// An open page stays valid while other pages load, also concurrently, and while the
// cookie is refreshed. A new session has a new CSRF value.
func TestFreshToken_CSRFTokenStaysInASession(t *testing.T) {
	for name, session := range map[string]bool{"with a session ID": true, "without": false} {
		s := testkit.NewServer(t)
		if !session {
			s.Users.Current = func(u *passport.User) (*passport.User, error) { u.SessionID = ""; return u, nil }
		}
		b := s.Browser().SignIn("alice")
		twin := b.CopyOf()
		b.Page(nil)
		twin.Page(nil)
		old, sealed := b.Cookie(testkit.XSRFCookie), b.Cookie(testkit.TokenCookie)
		if same := twin.Cookie(testkit.XSRFCookie) == old; same != session {
			t.Errorf("%s: two pages that load concurrently have the same CSRF value = %v, want %v", name, same, session)
		}
		b.Page(nil)
		if b.Cookie(testkit.XSRFCookie) != old || b.Cookie(testkit.TokenCookie) == sealed {
			t.Errorf("%s: the next page has the same CSRF value = %v and a new cookie = %v, want both", name, b.Cookie(testkit.XSRFCookie) == old, b.Cookie(testkit.TokenCookie) != sealed)
		}
		if b.SignOut().Page(nil); b.SignIn("alice").Page(nil).Status != 200 || b.Cookie(testkit.XSRFCookie) == old {
			t.Errorf("%s: after another sign-in the CSRF value is unchanged", name)
		}
	}
}

// POST /oauth/token/refresh renews the cookie of an open page.
func TestFreshToken_RefreshRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		b := s.Browser().SignIn("alice")
		b.Page(nil)
		time.Sleep(90 * time.Minute)
		a := b.RefreshToken()
		if a.Status != 200 || a.Body != "Refreshed." || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/") || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("POST /oauth/token/refresh = %s %v, want 200 and the text Refreshed.", a, a.Header)
		}
		a.WantCookies("a refresh", testkit.TokenCookie, testkit.XSRFCookie)
		time.Sleep(90 * time.Minute)
		if got := b.Script(s.Guard()).Told(); got.User != "alice" {
			t.Errorf("after a refresh the API got %+v, want alice", got)
		}
		for _, origin := range []string{"cross-site", "same-site"} {
			a := b.RefreshToken("Sec-Fetch-Site", "-", "Sec-Fetch-Site", origin)
			if a.Status != 403 || a.JSON()["message"] != "The request was sent by another site." {
				t.Errorf("a refresh from %s = %s, want 403", origin, a)
			}
			a.WantCookies("a refresh from " + origin)
		}
		s.Users.Failure = errors.New("the session store is unreachable")
		if a := b.RefreshToken(); a.Status != 500 || a.JSON()["message"] != "Server Error" {
			t.Errorf("a refresh without a session store = %s, want 500", a)
		}
		s.Users.Failure = nil
		b.SignOut()
		a = b.RefreshToken()
		if a.Status != 401 || strings.TrimSpace(a.Body) != `{"message":"Unauthenticated."}` {
			t.Errorf("a refresh without a user = %s, want 401 Unauthenticated.", a)
		}
		if a.WantCookies("a refresh without a user", testkit.TokenCookie, testkit.XSRFCookie); b.Cookie(testkit.TokenCookie) != "" {
			t.Error("a refresh without a user does not delete the cookie")
		}
	})
}

// Routes has the route only if the server has users.
func TestFreshToken_RefreshRouteName(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Path = "/auth" })
	found := ""
	for r := range s.Routes() {
		if r.Name == "passport.token.refresh" && r.Method == "POST" {
			found = r.Method + " " + r.Path
		}
	}
	if found != "POST /auth/token/refresh" {
		t.Errorf("the route passport.token.refresh is %q, want POST /auth/token/refresh", found)
	}
	none := s.Restart(func(c *passport.Config) { c.Users = nil })
	for r := range none.Routes() {
		if r.Name == "passport.token.refresh" {
			t.Error("a server without users has the route passport.token.refresh")
		}
	}
	none.Browser().Page(nil).WantCookies("a page of a server without users")
}

// ForgetToken deletes the cookies in the response to a sign-out.
func TestFreshToken_ForgetToken(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	forget := http.HandlerFunc(s.ForgetToken)
	b.Serve(forget, httptest.NewRequest("POST", testkit.Issuer+"/sign-out", nil)).WantCookies("ForgetToken without cookies")
	b.Page(nil)
	b.Serve(forget, httptest.NewRequest("POST", testkit.Issuer+"/sign-out", nil)).WantCookies("forgetting", testkit.TokenCookie, testkit.XSRFCookie)
	if b.Cookie(testkit.TokenCookie) != "" || b.Cookie(testkit.XSRFCookie) != "" {
		t.Error("the browser still has the cookies")
	}
}
