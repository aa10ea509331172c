package authorize_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// "The authorization server issues an access token and delivers it to the client by
// adding the following parameters to the fragment component" (RFC 6749 §4.2.2), in
// the order that clients of Laravel Passport know.
func TestImplicit_RespondsInTheFragment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithImplicit, testkit.WithAudit)
		c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
		signedIn := time.Now()
		time.Sleep(time.Minute)
		page := b.AuthorizeToken(c, "scope", "read write")
		a := page.Allow()
		token := a.Token()
		want := "https://app.example.com/cb#access_token=" + token + "&token_type=Bearer&expires_in=3600&state=" + testkit.DefaultState +
			"&scope=read+write&iss=https%3A%2F%2Fauth.example.com"
		if a.Target() != want {
			t.Errorf("the redirect goes to\n%s, want\n%s", a.Target(), want)
		}
		if got := s.Call(s.Guard(), "Authorization", "Bearer "+token).Told(); got.User != "alice" || got.Client != c.ID || !slices.Equal(got.Scopes, []string{"read", "write"}) {
			t.Errorf("the guard returned %+v, want alice, this client and the allowed scopes", got)
		}
		claims := testkit.ClaimsOf(t, token)
		if claims["sub"] != "users:alice" || claims["aud"] != testkit.Issuer || testkit.AsText(claims["auth_time"]) != testkit.AsText(float64(signedIn.Unix())) {
			t.Errorf("claims = %v", claims)
		}
		row := s.Row(token)
		if f := row.Family; !f.CreatedAt.Equal(row.IssuedAt) || !f.ExpiresAt.Equal(row.ExpiresAt) || f.Session != oauth.DigestOf(b.Session()) || f.EndsWithSession {
			t.Errorf("family = %+v, token = %+v; want a family with the token's lifetime and the session", f, row)
		}
		if n := len(testkit.EventsOf[passport.RefreshTokenIssued](s)); n != 0 {
			t.Errorf("%d refresh tokens were issued, want none (RFC 6749 §4.2.2)", n)
		}
		issued, given := testkit.EventsOf[passport.AccessTokenIssued](s), testkit.EventsOf[passport.ConsentGiven](s)
		if len(issued) != 1 || issued[0].GrantType != "implicit" || len(given) != 1 {
			t.Errorf("the events are %+v and %+v, want one token and one consent", issued, given)
		}
		for record := range s.Audited() {
			if record.Action == "token.issued" && (record.Actor != "users:alice" || record.Reason != "implicit" || record.ClientID != c.ID) {
				t.Errorf("audit record %+v, want alice as the actor", record)
			}
		}
		s.WantAudit("token.issued", 1)
		s.WantAudit("code.issued", 0)
		time.Sleep(time.Hour - time.Second)
		s.WantAdmits(token, true, "a second before it expires")
		time.Sleep(time.Second)
		s.WantAdmits(token, false, "when it has expired")
	})
}

// The implicit grant is off by default (RFC 9700 §2.1.2). It needs a permission of the
// client, and the token endpoint doesn't support it.
func TestImplicit_AZ_13_AZ_14_OnlyIfEnabled(t *testing.T) {
	off := testkit.NewServer(t)
	off.Browser().SignIn("alice").AuthorizeToken(off.Spa()).WantRedirectError("unsupported_response_type")
	if _, err := off.CreateClient(t.Context(), passport.Registration{
		Name: "Board", GrantTypes: []string{"implicit"}, RedirectURIs: []string{"https://app.example.com/cb"},
	}); err == nil || !strings.Contains(err.Error(), "set EnableImplicitGrant") {
		t.Errorf("CreateClient() for a disabled grant = %v, want an error", err)
	}
	if strings.Contains(off.Log.String(), "implicit") {
		t.Error("the log has a warning about a disabled grant")
	}

	s := testkit.NewServer(t, testkit.WithImplicit)
	if log := s.Log.String(); strings.Count(log, `"level":"WARN"`) != 1 || !strings.Contains(log, "RFC 9700 §2.1.2") {
		t.Errorf("New() with the implicit grant logged %s, want one warning", log)
	}
	b := s.Browser().SignIn("alice")
	c, codes := s.Board(passport.Registration{}), s.Spa()
	both := s.Board(passport.Registration{GrantTypes: []string{"implicit", "authorization_code"}})
	b.AuthorizeToken(codes).WantFragmentError("unauthorized_client")
	b.Authorize(c).WantRedirectError("unauthorized_client") // a code
	b.AuthorizeToken(both).Allow().Token()
	s.Redeem(both, b.Authorize(both).Code()) // the consent was the same
	for _, hybrid := range []string{"code token", "token code", "id_token token", "tokens", "Token", "none"} {
		b.AuthorizeToken(both, "response_type", hybrid).WantRedirectError("unsupported_response_type")
	}
	for _, grantType := range []string{"implicit", "token"} {
		s.Exchange(c, "grant_type", grantType).WantJSONError(400, "unsupported_grant_type")
	}
	// Without the permission, requests fail at once, even from an open page.
	page := b.AuthorizeToken(c)
	s.Change(c, func(stored *oauth.Client) { stored.GrantTypes = []string{"authorization_code"} })
	page.Allow().WantFragmentError("unauthorized_client")
	s.Change(c, func(stored *oauth.Client) { stored.GrantTypes = []string{"implicit"} })
	later := s.Restart(func(c *passport.Config) { c.EnableImplicitGrant = false })
	later.Do(page.Clicks(1, "allow")[0]).As(b.At(later)).WantRedirectError("unsupported_response_type")
	page.Allow().Token()
}

// Errors of a token request are in the fragment, like the token (RFC 6749 §4.2.2.1).
func TestImplicit_AZ_16_AZ_17_ErrorsInTheFragment(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	const registered = "https://app.example.com/cb?tenant=%7e1&x"
	c := s.Board(passport.Registration{RedirectURIs: []string{registered}, Scopes: []string{"read", "write"}})
	b := s.Browser().SignIn("alice")
	for name, tt := range map[string]struct {
		pairs []string
		want  string
	}{
		"an unknown scope":                {[]string{"scope", "read nothing"}, "invalid_scope"},
		"a scope of others":               {[]string{"scope", "admin"}, "invalid_scope"},
		"all scopes":                      {[]string{"scope", "*"}, "invalid_scope"},
		"all scopes and one more":         {[]string{"scope", "read *"}, "invalid_scope"},
		"a resource":                      {[]string{"resource", "https://other.example"}, "invalid_target"},
		"response_mode query":             {[]string{"response_mode", "query"}, "invalid_request"},
		"response_mode form_post":         {[]string{"response_mode", "form_post"}, "invalid_request"},
		"request":                         {[]string{"request", "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"},
		"prompt none and more":            {[]string{"prompt", "none login"}, "invalid_request"},
		"consent is needed":               {[]string{"prompt", "none"}, "consent_required"},
		"a sign-in is needed":             {[]string{"prompt", "none"}, "login_required"},
		"a scope that looks like a state": {[]string{"scope", "x&state=other#state=other"}, "invalid_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			browser := *b
			browser.T, browser.Server = t, s.In(t)
			if tt.want == "login_required" {
				browser = *s.In(t).Browser()
			}
			a := browser.AuthorizeToken(c, tt.pairs...).WantFragmentError(tt.want)
			if uri, _, _ := strings.Cut(a.Target(), "#"); a.Status != http.StatusSeeOther || uri != registered {
				t.Errorf("the response is %d to %q, want the unchanged registered URI", a.Status, uri)
			}
		})
	}
	b.AuthorizeToken(c, "response_mode", "fragment").Deny().WantFragmentError("access_denied")
	if params := b.AuthorizeToken(c, "scope", "nothing", "state", "").Fragment(); params.Has("state") {
		t.Errorf("the response to a request without state has %v", params)
	}
	s.Users.Failure = errors.New("the users are unavailable")
	b.AuthorizeToken(c).WantFragmentError("server_error")
	s.Users.Failure = nil
	// A repeated response_type is not a known one.
	b.Get("/oauth/authorize?" + c.Request("response_type", "token").Encode() + "&response_type=token").WantRedirectError("invalid_request")
	// No error is sent to an unregistered URI.
	b.AuthorizeToken(c, "redirect_uri", registered+"&y").WantPage(400)
	b.AuthorizeToken(c, "redirect_uri", registered+"#x").WantPage(400)
}

// A client that a user registered cannot use error redirects as an open redirect (RFC
// 9700 §4.11.2).
func TestImplicit_AZ_20_ErrorsOfUntrustedClients(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	c, b := s.Board(passport.Registration{Owner: testkit.Ref("bob")}), s.Browser().SignIn("alice")
	b.AuthorizeToken(c, "scope", "nothing").WantPage(400)
	b.AuthorizeToken(c, "prompt", "none").WantPage(400)
	b.AuthorizeToken(c).Deny().WantFragmentError("access_denied")
}

// The state comes back unchanged, and cannot add parameters to the response (RFC 6749
// §4.2.2: "The exact value received from the client").
func TestImplicit_AZ_15_HostileState(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
	b.AuthorizeToken(c).Allow()
	for _, state := range []string{
		"&access_token=forged", "#access_token=forged", "%26access_token%3Dforged", "a b+c", "é…💥", `"><script>alert(1)</script>`, "0;url=https://evil.example", strings.Repeat("s", 2048),
	} {
		for name, a := range map[string]*testkit.Response{
			"a redirect":      b.AuthorizeToken(c, "state", state),
			"a redirect page": b.AuthorizeToken(c, "state", state, "prompt", "consent").Allow(),
			"an error":        b.AuthorizeToken(c, "state", state, "scope", "nothing"),
		} {
			params := a.Fragment()
			if params.Get("state") != state || params.Get("access_token") == "forged" || !strings.HasPrefix(a.Target(), "https://app.example.com/cb#") {
				t.Errorf("%s for the state %.40q redirects to %.300q", name, state, a.Target())
			}
		}
	}
}

// After a form, a page redirects by a meta element and a link, both to the same URL
// with the fragment. A private-use scheme gets a redirect response with the fragment.
func TestImplicit_RedirectPageCarriesTheFragment(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	b := s.Browser().SignIn("alice")
	a := b.AuthorizeToken(s.Board(passport.Registration{})).Allow()
	if link := testkit.First(testkit.LinkElement, a.Body); a.Status != 200 || a.Header.Get("Location") != "" || link != a.Target() || !strings.Contains(link, "#access_token=") {
		t.Errorf("the page's link is %q and its refresh goes to %q, want the same URL with a token", link, a.Target())
	}
	native := s.Board(passport.Registration{RedirectURIs: []string{"com.example.board:/cb?x=1"}})
	a = b.AuthorizeToken(native).Allow()
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "com.example.board:/cb?x=1#access_token=") {
		t.Errorf("after the form, a private-use scheme gets %s, want a redirect with a token", a)
	}
	a = s.Browser().AuthorizeToken(s.Board(passport.Registration{})).SignIn("bob")
	a.Allow().Token() // from the sign-in page through consent
}

// No client authenticates here, so only an https URI ensures that the right client gets
// the response. This holds for all kinds of client (RFC 8252 §8.6).
func TestImplicit_AZ_30_ResponsesWithoutAPageNeedHTTPS(t *testing.T) {
	base := testkit.NewServer(t, testkit.WithImplicit)
	for _, tt := range []struct {
		method oauth.AuthMethod
		uri    string
		noPage bool
	}{
		{oauth.AuthNone, "https://app.example.com/cb", true}, {oauth.AuthSecret, "https://app.example.com/cb", true},
		{oauth.AuthNone, "http://127.0.0.1/cb", false}, {oauth.AuthSecret, "http://127.0.0.1/cb", false},
		{oauth.AuthNone, "com.example.app:/cb", false}, {oauth.AuthSecret, "http://localhost/cb", false},
	} {
		c, b := base.Board(passport.Registration{AuthMethod: tt.method, RedirectURIs: []string{tt.uri}}), base.Browser().SignIn("alice")
		b.AuthorizeToken(c).Allow().Token()
		again := b.AuthorizeToken(c)
		if again.IsConsent() == tt.noPage {
			t.Errorf("%q at %s, with remembered consent: IsConsent() = %v, want %v", tt.method, tt.uri, again.IsConsent(), !tt.noPage)
		}
		none := b.AuthorizeToken(c, "prompt", "none")
		skips := base.Restart(skipConsent)
		skipped := skips.Browser().SignIn("bob").AuthorizeToken(c)
		if tt.noPage {
			none.Token()
			skipped.Token()
			skips.Browser().SignIn("bob").AuthorizeToken(c, "prompt", "consent").Ticket()
			continue
		}
		none.WantFragmentError("consent_required")
		skipped.Ticket()
		base.Restart(skipConsent, func(c *passport.Config) { c.InsecureSkipNativeConsent = true }).Browser().SignIn("bob").AuthorizeToken(c).Token()
	}
}

// A token request has no code that a challenge could bind, so PKCE parameters are
// ignored (RFC 6749 §3.1) and a public client needs none.
func TestImplicit_PKCEIsIgnored(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit, func(c *passport.Config) { c.RequirePKCE = true })
	c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
	b.AuthorizeToken(c).Allow().Token()
	for _, pairs := range [][]string{
		{"code_challenge", testkit.Challenge(c.Verifier), "code_challenge_method", "S256"}, {"code_challenge", "short"}, {"code_challenge_method", "base"},
	} {
		b.AuthorizeToken(c, pairs...).Token()
	}
}

// The metadata lists exactly the supported types, modes and grants.
func TestImplicit_MD_01_Metadata(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	m := s.Metadata()
	for name, want := range map[string][]string{
		"response_types_supported": {"code", "token"}, "response_modes_supported": {"query", "fragment"},
		"grant_types_supported": {"authorization_code", "client_credentials", "implicit", "refresh_token"},
	} {
		if got := testkit.Listed(m, name); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	without := testkit.NewServer(t, testkit.WithImplicit, func(c *passport.Config) { c.Users = nil })
	if m := without.Metadata(); len(testkit.Listed(m, "response_types_supported")) != 0 || slices.Contains(testkit.Listed(m, "grant_types_supported"), "implicit") {
		t.Errorf("metadata without users = %v, want neither response types nor implicit", m)
	}
}

// A client for the implicit grant needs a redirect URI.
func TestImplicit_ClientNeedsARedirectURI(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	for _, method := range []oauth.AuthMethod{oauth.AuthNone, oauth.AuthSecret} {
		_, err := s.CreateClient(t.Context(), passport.Registration{Name: "Board", AuthMethod: method, GrantTypes: []string{"implicit"}})
		if err == nil || !strings.Contains(err.Error(), "a redirect URI is missing") {
			t.Errorf("CreateClient(%q) without a redirect URI = %v, want an error that names it", method, err)
		}
	}
}

// What revokes other tokens also revokes these, even if they are being issued at that
// moment.
func TestImplicit_Revocation(t *testing.T) {
	ends := map[string]func(s *testkit.Server, c *testkit.Client, session string) error{
		"RevokeUser": func(s *testkit.Server, _ *testkit.Client, _ string) error {
			return s.RevokeUser(s.T.Context(), testkit.Ref("alice"))
		},
		"RevokeUserAtClient": func(s *testkit.Server, c *testkit.Client, _ string) error {
			return s.RevokeUserAtClient(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
		"Withdraw": func(s *testkit.Server, c *testkit.Client, _ string) error {
			return s.Withdraw(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
		"PasswordChanged": func(s *testkit.Server, _ *testkit.Client, _ string) error {
			return s.PasswordChanged(s.T.Context(), testkit.Ref("alice"), "")
		},
		"RevokeClient": func(s *testkit.Server, c *testkit.Client, _ string) error { return s.RevokeClient(s.T.Context(), c.ID) },
		"the session, if tokens end with it": func(s *testkit.Server, c *testkit.Client, session string) error {
			return s.EndSession(s.T.Context(), testkit.Ref("alice"), session)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			store := &testkit.WatchedStore{Store: new(memstore.Store)}
			s := testkit.NewServer(t, testkit.WithImplicit, func(c *passport.Config) { c.Store = store })
			c, b := s.Board(passport.Registration{EndsWithSession: true}), s.Browser().SignIn("alice")
			page := b.AuthorizeToken(c)
			before := b.AuthorizeToken(c).Allow().Token()
			s.WantAdmits(before, true, "before")
			store.Pause = func(verb string) {
				if verb != "Issue" {
					return
				}
				store.Pause = nil
				if err := end(s, c, b.Session()); err != nil {
					t.Error(err)
				}
			}
			during := page.Allow().Token()
			s.WantAdmits(before, false, name)
			s.WantAdmits(during, false, name+" during the issuance")
		})
	}
	t.Run("a session, if tokens don't end with it", func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithImplicit)
		c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
		token := b.AuthorizeToken(c).Allow().Token()
		if err := s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()); err != nil {
			t.Fatal(err)
		}
		s.WantAdmits(token, true, "after signing out of the website")
	})
	t.Run("RevokeUser during the check of the session", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := testkit.NewServer(t, testkit.WithImplicit)
			c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
			page := b.AuthorizeToken(c)
			s.Users.Current = func(u *passport.User) (*passport.User, error) {
				time.Sleep(time.Second)
				err := s.RevokeUser(t.Context(), testkit.Ref("alice"))
				time.Sleep(time.Second)
				return u, err
			}
			s.WantAdmits(page.Allow().Token(), false, "of a request from before the revocation")
			s.WantAdmits(b.AuthorizeToken(c).Token(), false, "without a page")
		})
	})
}

// The token appears only in its response.
func TestImplicit_OP_02_NoTokenInLogsAndPages(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit, testkit.WithAudit)
	c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
	page := b.AuthorizeToken(c)
	clicks := page.Clicks(3, "allow", "deny", "allow")
	token := s.Do(clicks[0]).Token()
	for _, r := range clicks[1:] {
		if a := s.Do(r); strings.Contains(a.Body, token[:40]) || a.Target() != "" {
			t.Errorf("the second response is %s, want no token and no redirect", a)
		}
	}
	direct := b.AuthorizeToken(c)
	for _, secret := range []string{token, direct.Token(), page.Ticket()} {
		parts := strings.Split(secret, ".")
		if strings.Contains(s.Log.String(), parts[len(parts)-1]) {
			t.Error("the log holds a token or a ticket")
		}
		for record := range s.Audited() {
			if strings.Contains(testkit.Printed(record), parts[len(parts)-1]) {
				t.Error("the audit log holds a token or a ticket")
			}
		}
	}
	if strings.Contains(direct.Body, direct.Token()) {
		t.Error("the body of a redirect contains the token")
	}
}

// Ticket, consent and token are one write, so the page still works after a failure.
func TestImplicit_OneWrite(t *testing.T) {
	s, store := testkit.Watched(t, testkit.WithImplicit)
	c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
	page := b.AuthorizeToken(c)
	store.Failing("Issue", oauth.ErrUnavailable)
	page.Allow().WantFragmentError("temporarily_unavailable")
	b.AuthorizeToken(c, "prompt", "none").WantFragmentError("consent_required")
	store.Failing("", nil)
	store.Total()
	page.Allow().Token()
	if begun, used, issued := store.Count("Begin"), store.Count("UseOnce"), store.Count("Issue"); begun != 0 || used != 0 || issued != 1 || store.Total() != 3 {
		t.Errorf("Allow() called Begin %d, UseOnce %d and Issue %d times; want three calls: client, consent and one Issue", begun, used, issued)
	}
	b.AuthorizeToken(c).Token() // remembered
}

func skipConsent(c *passport.Config) {
	c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
}
