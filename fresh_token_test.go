package passport_test

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
)

// "This middleware will attach a laravel_token cookie to your outgoing
// responses": here passport_token, and XSRF-TOKEN beside it.
func TestFreshToken_UI_02_SetsBothCookies(t *testing.T) {
	for scheme, secure := range map[string]bool{"https://auth.example.com": true, "http://127.0.0.1:8000": false} {
		s := newServer(t, func(c *passport.Config) { c.Issuer, c.CookieTTL = scheme, 90*time.Minute })
		b := s.browser().signIn("alice")
		a := b.page(nil)
		set := a.wantCookies("a page", tokenCookie, xsrfCookie)
		for name, httpOnly := range map[string]bool{tokenCookie: true, xsrfCookie: false} {
			c := set[name]
			if c == nil || c.Value == "" || c.HttpOnly != httpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 5400 {
				t.Errorf("%s: the cookie %s is %v, want HttpOnly = %v, Secure = %v, SameSite=Lax, Path=/, Max-Age=5400", scheme, name, c, httpOnly, secure)
			}
		}
		if a.body != "Hello." || a.header.Get("Cache-Control") != "private" {
			t.Errorf("the page says %q with Cache-Control %q, want its own words, kept by the browser alone", a.body, a.header.Get("Cache-Control"))
		}
		if strings.Contains(set[tokenCookie].Value, "alice") || strings.Contains(set[tokenCookie].Value, set[xsrfCookie].Value) {
			t.Error("the cookie can be read by who holds it")
		}
		if got := b.script(s.Guard()).told(); got.User != "alice" {
			t.Errorf("the API was told %+v, want alice", got)
		}
		s.wantBlameless()
	}
}

// The names and the life are the configuration's; "Customizing the Cookie Name".
func TestFreshToken_CookieName(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.CookieName = "__Host-shop_token" })
	b := s.browser().signIn("alice")
	set := b.page(nil).wantCookies("a page", "__Host-shop_token", xsrfCookie)
	if c := set["__Host-shop_token"]; c != nil && c.MaxAge != 7200 {
		t.Errorf("the cookie lives for %d seconds, want two hours by default", c.MaxAge)
	}
	if got := b.script(s.Guard()).told(); got.User != "alice" {
		t.Errorf("the API was told %+v, want alice", got)
	}
	for name, want := range map[string]string{
		"xsrf-token": "choose another name", "__Host-token": "over https alone", "__secure-token": "over https alone", "a b": "letters",
	} {
		config := s.config
		config.CookieName, config.Issuer = name, "http://127.0.0.1:8000"
		if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New with CookieName %q = %v, want a fault that says %q", name, err, want)
		}
	}
}

// Only what answers a GET gets the cookie, whatever its status, and once.
func TestFreshToken_WhichAnswers(t *testing.T) {
	s := newServer(t)
	for _, method := range []string{"HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		b := s.browser().signIn("alice")
		b.pageBy(httptest.NewRequest(method, issuer+"/", nil), nil).wantCookies(method)
		b.page(nil)
		b.pageBy(httptest.NewRequest(method, issuer+"/", nil), nil).wantCookies(method + " of a browser with the cookie")
		b.signOut().pageBy(httptest.NewRequest(method, issuer+"/", nil), nil).wantCookies(method + " after signing out")
	}
	for name, write := range map[string]http.HandlerFunc{
		"a handler that writes nothing": func(http.ResponseWriter, *http.Request) {},
		"a redirect":                    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) },
		"a page that is not there":      http.NotFound,
		"many writes": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				_, _ = io.WriteString(w, "x")
			}
		},
		"itself behind another one": s.FreshToken(http.NotFoundHandler()).ServeHTTP,
	} {
		s.browser().signIn("alice").page(write).wantCookies(name, tokenCookie, xsrfCookie)
	}
	s.browser().page(nil).wantCookies("a page for nobody")
	if got := s.browser().page(nil).header.Get("Cache-Control"); got != "" {
		t.Errorf("a page without the cookie got Cache-Control %q: caches may keep it", got)
	}
}

// What the handler sets itself is not overridden.
func TestFreshToken_HandlersOwnCookies(t *testing.T) {
	s := newServer(t)
	own := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: name, Value: "mine"})
		}
	}
	b := s.browser().signIn("alice")
	if set := b.page(own(tokenCookie)).wantCookies("a handler that sets the cookie", tokenCookie); set[tokenCookie].Value != "mine" {
		t.Errorf("the handler's own cookie became %v", set[tokenCookie])
	}
	if set := b.page(own(xsrfCookie)).wantCookies("a handler with an XSRF-TOKEN of its own", tokenCookie, xsrfCookie); set[xsrfCookie].Value != "mine" {
		t.Errorf("the handler's own XSRF-TOKEN became %v", set[xsrfCookie])
	}
	b.page(own("theme")).wantCookies("a handler with another cookie", "theme", tokenCookie, xsrfCookie)
	b.page(own("passport_token2")).wantCookies("a handler with a name that begins alike", "passport_token2", tokenCookie, xsrfCookie)
}

// A page that carries the cookie is for one browser; what its handler says of
// caches is made stricter where it has to be, never weaker.
func TestFreshToken_Caching(t *testing.T) {
	s := newServer(t)
	for given, want := range map[string]string{
		"": "private", "no-cache": "no-cache, private", "max-age=60": "max-age=60, private", "no-store": "no-store", "Private": "Private",
		"private, max-age=60": "private, max-age=60", `private="X-A"`: `private="X-A", private`, "no-store, public": "no-store, public",
	} {
		a := s.browser().signIn("alice").page(caching(given))
		a.wantCookies("Cache-Control "+given, tokenCookie, xsrfCookie)
		if got := a.header.Get("Cache-Control"); got != want || len(a.header.Values("Cache-Control")) > 1 {
			t.Errorf("Cache-Control %q became %q, want %q", given, a.header.Values("Cache-Control"), want)
		}
	}
	for _, given := range []string{"public", "PUBLIC, max-age=60", "max-age=1, s-maxage=60"} {
		b := s.browser().signIn("alice")
		b.setCookie(tokenCookie, "old")
		a := b.page(caching(given))
		a.wantCookies("Cache-Control " + given)
		if got := a.header.Get("Cache-Control"); got != given {
			t.Errorf("Cache-Control %q became %q", given, got)
		}
	}
	s.log = new(lockedBuffer)
	s = s.restart(func(c *passport.Config) {
		c.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s.browser().signIn("alice").page(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public")
		for range 3 {
			_, _ = io.WriteString(w, "Hello.")
		}
	})
	if n := strings.Count(s.log.String(), "offers the page to shared caches"); n != 1 {
		t.Errorf("the log says %d times why the page has no cookie, want once", n)
	}
	b := s.browser()
	b.setCookie(tokenCookie, "old")
	if got := b.page(nil).header.Get("Cache-Control"); got != "private" {
		t.Errorf("an answer that takes a cookie away has Cache-Control %q, want private", got)
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

// Whoever has left leaves nothing behind, and the next one gets a cookie of their
// own.
func TestFreshToken_SignedOutAndAnotherUser(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	b.page(nil)
	first, csrf := b.cookie(tokenCookie), b.cookie(xsrfCookie)
	b.signOut()
	for name, c := range b.page(nil).wantCookies("a page after signing out", tokenCookie, xsrfCookie) {
		if c.MaxAge >= 0 || c.Value != "" || c.Path != "/" || !c.Secure {
			t.Errorf("after signing out the cookie %s is set as %v, want it removed", name, c)
		}
	}
	if b.cookie(tokenCookie) != "" || b.cookie(xsrfCookie) != "" {
		t.Error("the browser has the cookies still")
	}
	b.page(nil).wantCookies("the next page")
	b.setCookie(tokenCookie, first)
	b.signIn("bob").page(nil)
	if got := b.script(s.Guard()).told(); got.User != "bob" {
		t.Errorf("the API was told %+v after bob signed in, want bob", got)
	}
	if b.cookie(xsrfCookie) == csrf {
		t.Error("bob has the CSRF value that alice had")
	}
}

// The default provider comes first, then the others by name.
func TestFreshToken_NeverRepeat_E11_WhichProvider(t *testing.T) {
	staff := newClerks("alice", "eve")
	s := newServer(t, withClerks(staff))
	b := s.browser()
	b.setCookie("staff_session", "eve")
	b.page(nil)
	if got := b.script(s.Guard(staffOnly)).told(); got.User != "eve" || got.Provider != "staff" {
		t.Errorf("the API was told %+v, want eve of the staff", got)
	}
	b.signIn("alice").page(nil)
	if got := b.script(s.Guard()).told(); got.User != "alice" || got.Provider != "users" {
		t.Errorf("with both signed in the API was told %+v, want alice of the users", got)
	}
	only := s.restart(func(c *passport.Config) { c.Users = nil })
	b = only.browser()
	b.setCookie("staff_session", "eve")
	b.page(nil)
	if got := b.script(only.Guard(staffOnly)).told(); got.User != "eve" {
		t.Errorf("without Config.Users the API was told %+v, want eve", got)
	}
}

// A page is served also when nobody can say who is signed in; the log tells.
func TestFreshToken_FaultOfTheApplication(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	b.page(nil)
	s.users.failure = errors.New("the session store is away")
	a := b.page(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "token %q", passport.CSRFToken(r.Context()))
	})
	a.wantCookies("a page without a session store")
	if a.status != 200 || a.body != `token ""` {
		t.Errorf("the page is answered %s, want it served", a)
	}
	if !strings.Contains(s.log.String(), "no first-party cookie: find who is signed in: the session store is away") {
		t.Errorf("the log does not say why there is no cookie: %s", s.log)
	}
}

// "If you choose to send the X-CSRF-TOKEN header … use … csrf_token()".
func TestFreshToken_CSRFTokenForAPage(t *testing.T) {
	s := newServer(t)
	meta := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, passport.CSRFToken(r.Context()))
	}
	b := s.browser().signIn("alice")
	post := func() string {
		return b.pageBy(httptest.NewRequest("POST", issuer+"/", nil), meta).body
	}
	if got := post(); got != "" {
		t.Errorf("a form's answer has the CSRF value %q, but the browser has no cookie that it belongs to", got)
	}
	token := b.page(meta).body
	if token == "" || token != b.cookie(xsrfCookie) {
		t.Fatalf("CSRFToken = %q, want what the cookie holds, %q", token, b.cookie(xsrfCookie))
	}
	if got := post(); got != token {
		t.Errorf("a form's answer has the CSRF value %q, want %q", got, token)
	}
	if got := b.script(s.Guard(), "X-XSRF-TOKEN", "-", "X-CSRF-TOKEN", token).told(); got.User != "alice" {
		t.Errorf("with X-CSRF-TOKEN the API was told %+v, want alice", got)
	}
	b.signIn("bob")
	if got := post(); got != "" {
		t.Errorf("with alice's cookie in the browser bob's page has the CSRF value %q", got)
	}
	if got := s.browser().page(meta).body + passport.CSRFToken(t.Context()); got != "" {
		t.Errorf("CSRFToken for nobody, or without FreshToken, is %q", got)
	}
}

// A page that stays open is not spoiled by another one, by the refreshing of the
// cookie, or by two that load at once; a new session has a new value.
func TestFreshToken_CSRFTokenStaysInASession(t *testing.T) {
	for name, session := range map[string]bool{"with a session ID": true, "without": false} {
		s := newServer(t)
		if !session {
			s.users.current = func(u *passport.User) (*passport.User, error) { u.SessionID = ""; return u, nil }
		}
		b := s.browser().signIn("alice")
		twin := b.copyOf()
		b.page(nil)
		twin.page(nil)
		old, sealed := b.cookie(xsrfCookie), b.cookie(tokenCookie)
		if same := twin.cookie(xsrfCookie) == old; same != session {
			t.Errorf("%s: of two pages that load at once the CSRF values are the same = %v, want %v", name, same, session)
		}
		b.page(nil)
		if b.cookie(xsrfCookie) != old || b.cookie(tokenCookie) == sealed {
			t.Errorf("%s: the next page kept the CSRF value = %v, and has a new cookie = %v, want both", name, b.cookie(xsrfCookie) == old, b.cookie(tokenCookie) != sealed)
		}
		if b.signOut().page(nil); b.signIn("alice").page(nil).status != 200 || b.cookie(xsrfCookie) == old {
			t.Errorf("%s: after signing in anew the CSRF value is the old one", name)
		}
	}
}

// POST /oauth/token/refresh keeps a page alive that stays open.
func TestFreshToken_RefreshRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		b := s.browser().signIn("alice")
		b.page(nil)
		time.Sleep(90 * time.Minute)
		a := b.refreshToken()
		if a.status != 200 || a.body != "Refreshed." || !strings.HasPrefix(a.header.Get("Content-Type"), "text/") || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("POST /oauth/token/refresh = %s %v, want 200 and the text Refreshed.", a, a.header)
		}
		a.wantCookies("a refresh", tokenCookie, xsrfCookie)
		time.Sleep(90 * time.Minute)
		if got := b.script(s.Guard()).told(); got.User != "alice" {
			t.Errorf("after a refresh the API was told %+v, want alice", got)
		}
		for _, origin := range []string{"cross-site", "same-site"} {
			a := b.refreshToken("Sec-Fetch-Site", "-", "Sec-Fetch-Site", origin)
			if a.status != 403 || a.json()["message"] != "The request was sent by another site." {
				t.Errorf("a refresh from %s = %s, want 403", origin, a)
			}
			a.wantCookies("a refresh from " + origin)
		}
		s.users.failure = errors.New("the session store is away")
		if a := b.refreshToken(); a.status != 500 || a.json()["message"] != "Server Error" {
			t.Errorf("a refresh without a session store = %s, want 500", a)
		}
		s.users.failure = nil
		b.signOut()
		a = b.refreshToken()
		if a.status != 401 || strings.TrimSpace(a.body) != `{"message":"Unauthenticated."}` {
			t.Errorf("a refresh of nobody = %s, want 401 Unauthenticated.", a)
		}
		if a.wantCookies("a refresh of nobody", tokenCookie, xsrfCookie); b.cookie(tokenCookie) != "" {
			t.Error("a refresh of nobody leaves the cookie there")
		}
	})
}

func (b *browser) refreshToken(header ...string) *answer {
	b.t.Helper()
	r := httptest.NewRequest("POST", b.origin().String()+"oauth/token/refresh", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	setHeader(r, header)
	return b.serve(b.server, r)
}

// The route is one of Routes, and only where there are users.
func TestFreshToken_RefreshRouteName(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.Path = "/auth" })
	found := ""
	for r := range s.Routes() {
		if r.Name == "passport.token.refresh" && r.Method == "POST" {
			found = r.Method + " " + r.Path
		}
	}
	if found != "POST /auth/token/refresh" {
		t.Errorf("passport.token.refresh is %q, want POST /auth/token/refresh", found)
	}
	none := s.restart(func(c *passport.Config) { c.Users = nil })
	for r := range none.Routes() {
		if r.Name == "passport.token.refresh" {
			t.Error("a server without users has the route passport.token.refresh")
		}
	}
	none.browser().page(nil).wantCookies("a page of a server without users")
}

// ForgetToken is for a sign-out's answer.
func TestFreshToken_ForgetToken(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	forget := http.HandlerFunc(s.ForgetToken)
	b.serve(forget, httptest.NewRequest("POST", issuer+"/sign-out", nil)).wantCookies("forgetting what is not there")
	b.page(nil)
	b.serve(forget, httptest.NewRequest("POST", issuer+"/sign-out", nil)).wantCookies("forgetting", tokenCookie, xsrfCookie)
	if b.cookie(tokenCookie) != "" || b.cookie(xsrfCookie) != "" {
		t.Error("the browser has the cookies still")
	}
}
