package firstparty_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// "you may make requests to your application's API without explicitly passing an
// access token", by any method.
func TestFirstParty_AdmittedWithoutAToken(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if got := b.ScriptBy(method, s.Guard()).Told(); got.User != "alice" || got.Provider != "users" || got.Client != "" {
			t.Errorf("%s: the API got %+v, want alice of the users and no client", method, got)
		}
	}
	b.ScriptBy("OPTIONS", s.Guard(), "X-XSRF-TOKEN", "-").WantJSONError(401, "invalid_token")
	a := b.Script(s.Guard())
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the response has the CORS header %s", name)
		}
	}
	s.WantBlameless()
}

// A handler gets a token with every scope and no client, and the application's own
// record of the user.
func TestFirstParty_HandlerGetsTokenAndUser(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Audience = "https://api.example.com" })
	b := s.Browser().SignIn("alice")
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.Data = "what the session knows"; return u, nil }
	b.Page(nil)
	handler := func(_ http.ResponseWriter, r *http.Request) {
		token := guard.TokenFrom(r.Context())
		if token == nil || token.Client == nil || token.Family == nil {
			t.Fatalf("TokenFrom() = %+v, want a token with client and family", token)
		}
		if !token.Can("admin") || !token.Can("unregistered") || token.Client.ID != "" || token.ID != "" || !token.Client.Public() {
			t.Errorf("the token %+v of %+v, want every scope, and no IDs that could be revoked", token, token.Client)
		}
		if !token.Live(time.Now()) || token.ExpiresAt.Before(time.Now().Add(time.Hour)) || token.Audience[0] != "https://api.example.com" {
			t.Errorf("the token expires at %v and is for %q", token.ExpiresAt, token.Audience)
		}
		if time.Since(token.Family.AuthTime) > time.Minute || token.Family.AuthTime.IsZero() {
			t.Errorf("the AuthTime is %v, want the time of the session", token.Family.AuthTime)
		}
		if u, ok := passport.UserFromContext[*testkit.Record](r.Context()); !ok || u.ID != "alice" {
			t.Errorf("UserFromContext() = %v, %v, want the record that UserByID returns", u, ok)
		}
	}
	b.Script(func(http.Handler) http.Handler { return s.Guard()(http.HandlerFunc(handler)) })
}

// "it passes every scope check", also behind another guard.
func TestFirstParty_EveryScope(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	for name, rules := range map[string][]guard.Rule{
		"all of": {guard.Scopes("read", "write", "admin")}, "any of": {guard.AnyScope("admin")}, "unknown": {guard.Scopes("sync")}, "none": nil,
	} {
		if got := b.Script(s.Guard(rules...)).Told(); got.User != "alice" {
			t.Errorf("%s: the API got %+v, want alice", name, got)
		}
	}
	nested := func(h http.Handler) http.Handler { return s.Guard()(s.GuardAny(guard.Scopes("admin"))(h)) }
	if got := b.Script(nested).Told(); got.User != "alice" {
		t.Errorf("behind two guards the API got %+v, want alice", got)
	}
	banned := guard.RuleFunc(func(*oauth.AccessToken) error { return oauth.InsufficientScope.Errorf("not today") })
	if a := b.Script(s.Guard(banned)); a.Status != 403 {
		t.Errorf("a custom rule is skipped: %s", a)
	}
}

// Clients that act for themselves are not users, and users are not clients.
func TestFirstParty_NeverRepeat_F11_EachKindOfGuard(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithClerks(testkit.NewClerks("alice")))
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	for name, tt := range map[string]struct {
		guard func(http.Handler) http.Handler
		want  int
	}{
		"Guard": {s.Guard(), 200}, "GuardAny": {s.GuardAny(), 200}, "GuardClient": {s.GuardClient(), 403}, "GuardClient with a scope": {s.GuardClient(guard.Scopes("read")), 403},
		"Provider users": {s.Guard(guard.Provider("users")), 200}, "Provider staff": {s.Guard(testkit.StaffOnly), 403},
		"Provider of both": {s.Guard(guard.Provider("staff", "users")), 200}, "GuardAny with Provider staff": {s.GuardAny(testkit.StaffOnly), 403},
	} {
		if a := b.Script(tt.guard); a.Status != tt.want {
			t.Errorf("%s responds with %s, want %d", name, a, tt.want)
		}
	}
}

// User 1 of one provider is never user 1 of another, regardless of who is signed in.
func TestFirstParty_NeverRepeat_E11_SameIDOfTwoProviders(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithClerks(testkit.NewClerks("alice")))
	clerk := s.Browser()
	clerk.SetCookie("staff_session", "alice")
	clerk.Page(nil)
	if a := clerk.Script(s.Guard()); a.Status != 403 {
		t.Errorf("alice of staff is admitted as alice of users: %s", a)
	}
	if got := clerk.Script(s.Guard(testkit.StaffOnly)).Told(); got.User != "alice" || got.Provider != "staff" {
		t.Errorf("the API got %+v, want alice of staff", got)
	}
	// A customer with the same ID uses a browser with the clerk's cookie.
	customer := clerk.CopyOf().SignIn("alice")
	customer.SignOutOf("staff_session")
	customer.Script(s.Guard()).WantNoToken("the clerk's cookie with the customer's session, at the customers' API")
	customer.Script(s.Guard(testkit.StaffOnly)).WantNoToken("the clerk's cookie with the customer's session, at the staff's API")
	gone := s.Restart(func(c *passport.Config) { c.Providers = nil })
	clerk.At(gone).Script(gone.Guard(testkit.StaffOnly)).WantNoToken("the cookie of a removed provider")
	s.WantBlameless()
}

// A sign-out invalidates every copy of the cookie. A copy without the session is
// useless to an attacker.
func TestFirstParty_CopiesEndWithTheSession(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	thief, whole := b.CopyOf(), b.CopyOf()
	thief.SignOut()
	thief.Script(s.Guard()).WantNoToken("a copy of the cookie without the session")
	if got := whole.Script(s.Guard()).Told(); got.User != "alice" {
		t.Errorf("with the session the API got %+v", got)
	}
	s.Users.With(func() { delete(s.Users.Sessions, b.Session()) }) // signed out elsewhere
	for name, copied := range map[string]*testkit.Browser{"the browser": b, "the copy": whole} {
		copied.Script(s.Guard()).WantNoToken(name + " after signing out")
	}
	whole.SignIn("alice").Script(s.Guard()).WantNoToken("the old cookie in a new session of the same user")
	thief.SignIn("bob").Script(s.Guard()).WantNoToken("the old cookie while another user is signed in")
	if got := b.SignIn("alice").Page(nil).From.Script(s.Guard()).Told(); got.User != "alice" {
		t.Errorf("after another sign-in the API got %+v, want alice", got)
	}
	s.WantLog("the first-party cookie is not valid: no user is signed in", "the first-party cookie is not valid: another user or session is signed in")
	s.WantBlameless()
}

// Without session IDs, the account alone distinguishes sessions.
func TestFirstParty_NeverRepeat_E11_WithoutSessionIDs(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithClerks(testkit.NewClerks("alice", "bob")))
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.SessionID = ""; return u, nil }
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	alices := b.Cookie(testkit.XSRFCookie)
	b.Script(s.Guard()).Told()
	b.SignIn("bob").Script(s.Guard()).WantNoToken("alice's cookie while bob is signed in")
	b.Page(nil)
	bobs := b.Cookie(testkit.XSRFCookie)
	if bobs == alices {
		t.Error("bob has the CSRF value that alice had")
	}
	b.SetCookie("staff_session", "bob")
	b.SignOut().Page(nil)
	if b.Cookie(testkit.XSRFCookie) == bobs {
		t.Error("bob of staff has the CSRF value that bob of users had")
	}
	if got := b.Script(s.Guard(testkit.StaffOnly)).Told(); got.Provider != "staff" {
		t.Errorf("the API got %+v, want bob of staff", got)
	}
}

// UserByID decides about the account, as for a token.
func TestFirstParty_DisabledAccount(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	alice := *s.Users.ByID["alice"]
	disabled := s.Restart(func(c *passport.Config) {
		c.Users = passport.UserFuncs{SignInPage: "/login",
			Current: func(*http.Request) (*passport.User, error) { return s.Users.CurrentUser(withSession(b)) },
			ByID:    s.Users.UserByID}
	})
	if got := b.At(disabled).Script(disabled.Guard()).Told(); got.User != "alice" {
		t.Fatalf("the API got %+v, want alice", got)
	}
	blocked := s.Restart(func(c *passport.Config) {
		c.Users = passport.UserFuncs{SignInPage: "/login",
			Current: func(*http.Request) (*passport.User, error) { u := alice; u.SessionID = b.Session(); return &u, nil },
			ByID:    testkit.NewAccounts("bob").UserByID}
	})
	if a := b.At(blocked).Script(blocked.Guard()); a.Status != 401 {
		t.Errorf("response for an account that UserByID does not find = %s, want 401", a)
	}
	s.WantBlameless()
}

func withSession(b *testkit.Browser) *http.Request {
	r := httptest.NewRequest("GET", testkit.Issuer, nil)
	r.AddCookie(&http.Cookie{Name: testkit.SessionCookie, Value: b.Session()})
	return r
}

// An error of the application is a server error, and the request is refused.
func TestFirstParty_FaultOfTheApplication(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	for want, err := range map[int]error{500: errors.New("no response"), 503: fmt.Errorf("no response: %w", oauth.ErrUnavailable)} {
		s.Users.Failure = err
		if a := b.Script(s.Guard()); a.Status != want {
			t.Errorf("CurrentUser fails with %q: %s, want %d", err, a, want)
		}
	}
}

// "a valid CSRF token header" is required for every method. Both headers are
// accepted.
func TestFirstParty_FR_54_CSRF(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	value := b.Cookie(testkit.XSRFCookie)
	other := s.Browser().SignIn("bob")
	other.Page(nil)
	encoded := url.PathEscape(value[:10]) + "%" + fmt.Sprintf("%X", value[10]) + value[11:]
	for name, tt := range map[string]struct {
		header []string
		admits bool
	}{
		"X-XSRF-TOKEN":                           {[]string{"X-XSRF-TOKEN", value}, true},
		"X-CSRF-TOKEN":                           {[]string{"X-CSRF-TOKEN", value}, true},
		"percent-encoded":                        {[]string{"X-XSRF-TOKEN", encoded}, true},
		"both":                                   {[]string{"X-CSRF-TOKEN", value, "X-XSRF-TOKEN", value}, true},
		"both headers, one of another framework": {[]string{"X-CSRF-TOKEN", "of another framework", "X-XSRF-TOKEN", value}, true},
		"none":                                   {nil, false},
		"empty":                                  {[]string{"X-XSRF-TOKEN", ""}, false},
		"another user's":                         {[]string{"X-XSRF-TOKEN", other.Cookie(testkit.XSRFCookie)}, false},
		"cut":                                    {[]string{"X-XSRF-TOKEN", value[:len(value)-1]}, false},
		"longer":                                 {[]string{"X-XSRF-TOKEN", value + "x"}, false},
		"in another case":                        {[]string{"X-XSRF-TOKEN", strings.ToUpper(strings.ToLower(value)) + "="}, false},
		"not properly encoded":                   {[]string{"X-XSRF-TOKEN", value + "%"}, false},
		"encoded twice":                          {[]string{"X-XSRF-TOKEN", strings.ReplaceAll(encoded, "%", "%25")}, false},
		"the cookie itself":                      {[]string{"X-XSRF-TOKEN", b.Cookie(testkit.TokenCookie)}, false},
		"in a similar header":                    {[]string{"X-XSRF", value}, false},
		"only X-Requested-With":                  {[]string{"X-Requested-With", "XMLHttpRequest"}, false},
		"the session's ID":                       {[]string{"X-CSRF-TOKEN", b.Session()}, false},
		"in Authorization as Basic":              {[]string{"Authorization", "Basic " + value}, false},
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			a := b.ScriptBy(method, s.Guard(), append([]string{"X-XSRF-TOKEN", "-"}, tt.header...)...)
			if tt.admits && a.Status != 200 {
				t.Errorf("%s, %s: %s, want it admitted", name, method, a)
			} else if !tt.admits {
				wantCSRF(t, a, name+", "+method, tt.header)
			}
		}
	}
	r := httptest.NewRequest("POST", testkit.Issuer+"/api/orders?_token="+value, strings.NewReader("_token="+value+"&X-XSRF-TOKEN="+value))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.Serve(s.Guard()(http.HandlerFunc(testkit.API)), r).WantJSONError(401, "invalid_token")
	s.WantLog("the CSRF value is missing")
	s.WantNoSecrets(value, b.Cookie(testkit.TokenCookie))
	s.WantBlameless()
}

// wantCSRF fails the test unless the body and the challenge of a response have the
// fault of the CSRF value.
func wantCSRF(t *testing.T, a *testkit.Response, what string, header []string) {
	t.Helper()
	want := "the CSRF value is missing: send the value of the cookie XSRF-TOKEN in the header X-XSRF-TOKEN or X-CSRF-TOKEN"
	if len(header) == 2 && header[1] != "" && (header[0] == "X-XSRF-TOKEN" || header[0] == "X-CSRF-TOKEN") {
		want = strings.Replace(want, "missing", "wrong", 1)
	}
	if a.WantJSONError(401, "invalid_token"); a.Description() != want || !strings.Contains(a.Header.Get("WWW-Authenticate"), `error_description="`+want+`"`) {
		t.Errorf("%s: refused with %q and the challenge %q, want %q", what, a.Description(), a.Header.Get("WWW-Authenticate"), want)
	}
}

// UI-02: a request of another site is refused even with the right header.
func TestFirstParty_UI_02_OtherSites(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	for name, tt := range map[string]struct {
		header []string
		admits bool
	}{
		"same-origin":                           {nil, true},
		"an old browser's GET, without Origin":  {[]string{"Sec-Fetch-Site", "-"}, true},
		"an old browser's POST":                 {[]string{"Sec-Fetch-Site", "-", "Origin", testkit.Issuer}, true},
		"cross-site":                            {[]string{"Sec-Fetch-Site", "-", "Sec-Fetch-Site", "cross-site"}, false},
		"same-site, as from a subdomain":        {[]string{"Sec-Fetch-Site", "-", "Sec-Fetch-Site", "same-site"}, false},
		"another origin, from an old browser":   {[]string{"Sec-Fetch-Site", "-", "Origin", "https://evil.example"}, false},
		"a sandboxed frame, with a null origin": {[]string{"Sec-Fetch-Site", "-", "Origin", "null"}, false},
	} {
		for _, method := range []string{"GET", "POST"} {
			a := b.ScriptBy(method, s.Guard(), tt.header...)
			if tt.admits && a.Status != 200 {
				t.Errorf("%s, %s: %s, want it admitted", name, method, a)
			} else if !tt.admits {
				a.WantNoToken(name + ", " + method)
			}
		}
	}
	s.WantLog("the first-party cookie is not valid: another site sent the request")
	s.WantBlameless()
}

// A bearer token takes precedence over the cookie, even if it is invalid. Another
// scheme is not a token.
func TestFirstParty_BearerWins(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	bobs := s.Redeem(c, s.Browser().SignIn("bob").Authorize(c).Allow().Code())
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	got := b.Script(s.Guard(), "Authorization", "Bearer "+bobs.Access).Told()
	if got.User != "bob" || got.Client != c.ID || strings.Join(got.Scopes, " ") != "read" {
		t.Errorf("with bob's token the API got %+v, want bob with the token's scope", got)
	}
	if a := b.Script(s.Guard(guard.Scopes("write")), "Authorization", "Bearer "+bobs.Access); a.Status != 403 {
		t.Errorf("a token without a scope gets it from the cookie: %s", a)
	}
	testkit.Check(t, s.RevokeUser(t.Context(), testkit.Ref("bob")))
	for header, want := range map[string]int{"Bearer " + bobs.Access: 401, "bearer x": 401, "Bearer": 400, "Bearer a b": 400, "Basic YTpi": 200, "Digest x": 200} {
		if a := b.Script(s.Guard(), "Authorization", header); a.Status != want {
			t.Errorf("the cookie with Authorization: %.12q: response %s, want %d", header, a, want)
		}
	}
	if a := b.Script(s.Guard(), "Authorization", "Basic YTpi", "Authorization", "Bearer x"); a.Status != 400 {
		t.Errorf("the cookie with two Authorization headers: response %s, want 400", a)
	}
	s.WantBlameless()
}

// The cookie expires by the server's clock, even if the browser keeps it.
func TestFirstParty_Expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.CookieTTL = time.Minute })
		b := s.Browser().SignIn("alice")
		b.Page(nil)
		value, csrf := b.Cookie(testkit.TokenCookie), b.Cookie(testkit.XSRFCookie)
		time.Sleep(time.Minute - time.Second)
		if got := b.Script(s.Guard()).Told(); got.User != "alice" {
			t.Errorf("a second before its end the API got %+v, want alice", got)
		}
		time.Sleep(time.Second)
		if b.Cookie(testkit.TokenCookie) != "" {
			t.Error("the browser keeps the cookie after its Max-Age")
		}
		b.SetCookie(testkit.TokenCookie, value)
		b.Script(s.Guard(), "X-XSRF-TOKEN", csrf).WantNoToken("a copy of an expired cookie")
		s.WantLog("the first-party cookie is not valid: it expired at")
		s.WantBlameless()
	})
}

// The longest user ID fits into a cookie.
func TestFirstParty_LongestUserID(t *testing.T) {
	id := strings.Repeat("\u2028", 85) // JSON writes each in six bytes
	s := testkit.NewServer(t)
	s.Users.ByID[id] = testkit.NewAccounts(id).ByID[id]
	b := s.Browser().SignIn(id)
	set := b.Page(nil).WantCookies("a page", testkit.TokenCookie, testkit.XSRFCookie)
	if n := len(set[testkit.TokenCookie].String()); n > 4096 {
		t.Errorf("the cookie has %d bytes, want at most 4096 as browsers accept", n)
	}
	if got := b.Script(s.Guard()).Told(); got.User != id {
		t.Errorf("the API got %+v", got)
	}
}

// The cookie needs no statement: the store fails every call.
func TestFirstParty_NeedsNoStore(t *testing.T) {
	s := testkit.WithoutStore(t, testkit.NewServer(t))
	b := s.Browser().SignIn("alice")
	b.Page(nil)
	b.RefreshToken()
	if got := b.Script(s.Guard(guard.Scopes("read"))).Told(); got.User != "alice" {
		t.Errorf("the API got %+v, want alice", got)
	}
	b.Script(s.Guard(), "X-XSRF-TOKEN", "-").WantJSONError(401, "invalid_token")
}

// Many users load pages and run scripts concurrently, and each gets their own data.
// The test is most useful with -race.
func TestFirstParty_NeverRepeat_F15_ConcurrentUsers(t *testing.T) {
	s := testkit.NewServer(t)
	for i := range 20 {
		id := fmt.Sprint("user", i)
		s.Users.ByID[id] = testkit.NewAccounts(id).ByID[id]
	}
	page, orders := s.FreshToken(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, passport.CSRFToken(r.Context()))
	})), s.Guard(guard.Scopes("read"))
	t.Run("users", func(t *testing.T) {
		for i := range 20 {
			id := fmt.Sprint("user", i)
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				b := s.In(t).Browser().SignIn(id)
				for range 20 {
					a := b.Serve(page, httptest.NewRequest("GET", testkit.Issuer+"/", nil))
					if a.Body != b.Cookie(testkit.XSRFCookie) {
						t.Errorf("%s: the page has the CSRF value %q, the cookie %q", id, a.Body, b.Cookie(testkit.XSRFCookie))
					}
					if got := b.Script(orders).Told(); got.User != id {
						t.Errorf("the API got %+v, want %s", got, id)
					}
				}
			})
		}
	})
}
