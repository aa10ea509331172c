package authorize_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// "If the request fails due to a missing, invalid, or mismatching redirection
// URI, or if the client identifier is missing or invalid, the authorization
// server [...] MUST NOT automatically redirect" (RFC 6749 §4.1.2.1). This holds for
// requests with further errors and with prompt=none too.
func TestAuthorize_AZ_05_AZ_06_NeverRepeat_B6_B7_NoRedirectToAnUnknownURI(t *testing.T) {
	s := testkit.NewServer(t)
	c, revoked := s.Web(), s.Web()
	bare := s.Register(passport.Registration{GrantTypes: []string{"client_credentials"}, RedirectURIs: []string{}})
	if err := s.RevokeClient(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	const evil = "https://evil.example/cb?x=<script>"
	broken := map[string]func() url.Values{
		"AZ-05 unknown client":             func() url.Values { return c.Request("client_id", "unknown", "redirect_uri", evil) },
		"AZ-05 missing client":             func() url.Values { return c.Request("client_id", "", "redirect_uri", evil) },
		"AZ-05 revoked client":             func() url.Values { return revoked.Request() },
		"AZ-05 client ID in another case":  func() url.Values { return c.Request("client_id", strings.ToUpper(c.ID)) },
		"AZ-05 client ID with a space":     func() url.Values { return c.Request("client_id", c.ID+" ") },
		"AZ-05 client ID with a NUL":       func() url.Values { return c.Request("client_id", c.ID+"\x00") },
		"AZ-05 client ID, not UTF-8":       func() url.Values { return c.Request("client_id", "\xff\xfe") },
		"AZ-05 client ID of 5 KB":          func() url.Values { return c.Request("client_id", strings.Repeat("a", 5<<10)) },
		"AZ-05 another's secret as ID":     func() url.Values { return c.Request("client_id", c.Secret) },
		"AZ-06 unregistered":               func() url.Values { return c.Request("redirect_uri", evil) },
		"AZ-06 none registered":            func() url.Values { return bare.Request("redirect_uri", evil) },
		"AZ-06 none registered, none sent": func() url.Values { return bare.Request() },
		"AZ-06 with a line end":            func() url.Values { return c.Request("redirect_uri", c.RedirectURIs[0]+"\r\nSet-Cookie: a=b") },
		"AZ-06 not UTF-8":                  func() url.Values { return c.Request("redirect_uri", c.RedirectURIs[0]+"\xff") },
		"AZ-06 javascript":                 func() url.Values { return c.Request("redirect_uri", "javascript:alert(1)//"+c.RedirectURIs[0]) },
	}
	for name, request := range broken {
		t.Run(name, func(t *testing.T) {
			s := s.In(t)
			for _, more := range [][]string{
				nil, {"prompt", "none"}, {"response_type", ""}, {"response_type", "token"}, {"scope", "nothing"}, {"code_challenge", "x"},
				{"request", "x"}, {"prompt", "login"}, {"resource", "https://other.example"}, {"response_mode", "form_post"},
			} {
				for _, b := range []*testkit.Browser{s.Browser(), s.Browser().SignIn("alice")} {
					query := testkit.Set(request(), more...).Encode()
					for _, a := range []*testkit.Response{b.Get("/oauth/authorize?" + query), b.Send(b.NewRequest("POST", "/oauth/authorize", query, nil))} {
						a.WantPage(400)
						if len(b.Cookies("passport-")) > 0 || strings.Contains(a.Body, "evil.example") || strings.Contains(strings.Replace(a.Body, homeLink, "", 1), "<a ") {
							t.Errorf("with %v the page has a link, a cookie or the sent URI: %s", more, a)
						}
					}
				}
			}
		})
	}
	// Only the log says which check failed.
	s.Browser().Authorize(c, "client_id", "unknown").WantPage(400, "Unknown app", "invalid_client")
	s.Browser().Authorize(c, "redirect_uri", "https://evil.example/cb").WantPage(400, "redirect_uri is not registered")
	for _, hint := range []string{"passport client list", "compared byte by byte", "the nearest registered value is", "is revoked or suspended"} {
		if !strings.Contains(s.Log.String(), hint) {
			t.Errorf("the log does not contain %q", hint)
		}
	}
}

// A suspended client cannot send requests until it is resumed.
func TestAuthorize_AZ_05_SuspendedClient(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	stored, err := s.Store.Client(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	page := b.Authorize(c)
	stored.SuspendedAt = stored.CreatedAt
	if err := s.Store.UpdateClient(t.Context(), stored, nil); err != nil {
		t.Fatal(err)
	}
	b.Authorize(c).WantPage(400)
	page.Allow().WantPage(400)
	stored.Version++
	stored.SuspendedAt = time.Time{}
	if err := s.Store.UpdateClient(t.Context(), stored, nil); err != nil {
		t.Fatal(err)
	}
	page.Allow().Code()
}

// redirect_uri may be omitted if exactly one complete URI is registered (RFC 6749
// §3.1.2.3).
func TestAuthorize_AZ_07_OmittedRedirectURI(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	one := s.Register(passport.Registration{RedirectURIs: []string{"https://app.example.com/cb?tenant=1"}})
	done := b.Authorize(one, "redirect_uri", "").Allow()
	if !strings.HasPrefix(done.Target(), "https://app.example.com/cb?tenant=1&code=") {
		t.Errorf("the redirect goes to %s, want the registered URI", done.Target())
	}
	s.Exchange(one, "grant_type", "authorization_code", "code", done.Code(), "code_verifier", one.Verifier).Tokens()
	withoutPKCE := b.Authorize(one, "redirect_uri", "", "code_challenge", "", "code_challenge_method", "", "prompt", "consent").Allow().Code()
	s.Exchange(one, "grant_type", "authorization_code", "code", withoutPKCE).Tokens()
	two := s.Register(passport.Registration{RedirectURIs: []string{"https://app.example.com/cb", "https://app.example.com/other"}})
	b.Authorize(two, "redirect_uri", "").WantPage(400, "redirect_uri is missing")
	b.Authorize(two, "redirect_uri", "https://app.example.com/other").Allow().Code()
	same := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1:7000/cb"}})
	if done := b.Authorize(same, "redirect_uri", "").Allow(); !strings.HasPrefix(done.Target(), "http://127.0.0.1:7000/cb?") {
		t.Errorf("the redirect goes to %s, want the registered URI", done.Target())
	}
}

// Redirect URIs are compared byte by byte (RFC 9700 §2.1, §4.1.3).
func TestAuthorize_AZ_08_NeverRepeat_B1_B3_B4_B5_OtherRedirectURIs(t *testing.T) {
	s := testkit.NewServer(t)
	for _, method := range []oauth.AuthMethod{oauth.AuthSecret, oauth.AuthNone} {
		c := s.Register(passport.Registration{AuthMethod: method, RedirectURIs: []string{"https://app.example.com/cb?a=1&b=2", "https://app.example.com/Plain"}})
		b := s.Browser().SignIn("alice")
		for name, uri := range map[string]string{
			"B1 case of the path":      "https://app.example.com/plain",
			"B1 case of the host":      "https://APP.example.com/Plain",
			"case of the scheme":       "HTTPS://app.example.com/Plain",
			"default port":             "https://app.example.com:443/Plain",
			"order of the query":       "https://app.example.com/cb?b=2&a=1",
			"encoded letter":           "https://app.example.com/%50lain",
			"dots":                     "https://app.example.com/x/../Plain",
			"B3 host as a suffix":      "https://attacker-app.example.com/Plain",
			"B3 host as a prefix":      "https://app.example.com.attacker.example/Plain",
			"B3 ftp":                   "ftp://app.example.com/Plain",
			"B3 http":                  "http://app.example.com/Plain",
			"B3 another path":          "https://app.example.com/other",
			"B4 prefix":                "https://app.example.com/Plain/more",
			"B4 trailing slash":        "https://app.example.com/Plain/",
			"B4 added query":           "https://app.example.com/Plain?x=1",
			"B4 more of the query":     "https://app.example.com/cb?a=1&b=2&c=3",
			"B4 path parameters":       "https://app.example.com/Plain;x",
			"B4 fragment":              "https://app.example.com/Plain#x",
			"B4 encoded dots":          "https://app.example.com/%2e%2e/Plain",
			"B4 backslash":             `https://app.example.com\Plain`,
			"B4 backslash and at":      `https://evil.example\@app.example.com/Plain`,
			"B4 IDN":                   "https://аpp.example.com/Plain",
			"B4 IPv6 zone":             "https://[fe80::1%25eth0]/Plain",
			"B5 userinfo":              "https://user@app.example.com/Plain",
			"B5 the host as userinfo":  "https://app.example.com@evil.example/Plain",
			"B5 password":              "https://a:b@app.example.com/Plain",
			"leading space":            " https://app.example.com/Plain",
			"two, separated by spaces": "https://app.example.com/Plain https://app.example.com/Plain",
		} {
			if a := b.Authorize(c, "redirect_uri", uri, "prompt", "none"); a.Status != 400 || a.Target() != "" {
				t.Errorf("%s: %q is accepted as a registered URI: %s", name, uri, a)
			}
		}
		for _, uri := range c.RedirectURIs {
			b.Authorize(c, "redirect_uri", uri, "prompt", "consent").Allow().Code()
		}
	}
}

// Parameters are added to the registered query, which stays unchanged (RFC 6749
// §4.1.2).
func TestAuthorize_AZ_17_RegisteredQueryStays(t *testing.T) {
	s := testkit.NewServer(t)
	for _, uri := range []string{
		"https://app.example.com/cb?b=2&a=1", "https://app.example.com/cb?x=%7e+y&x=1&=&%41", "https://app.example.com/cb?", "https://app.example.com?a", "https://app.example.com/cb?a&",
		"https://app.example.com/o'b?it's", "com.example.app:/cb?q=a'b",
	} {
		c := s.Register(passport.Registration{RedirectURIs: []string{uri}})
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c)
		for _, a := range []*testkit.Response{page.Deny(), b.Authorize(c, "state", "another").Allow(), b.Authorize(c), b.Authorize(c, "scope", "nothing")} {
			rest, ok := strings.CutPrefix(a.Target(), uri)
			if !ok {
				t.Errorf("the redirect goes to %s, want the prefix %s", a.Target(), uri)
			}
			if link := testkit.First(testkit.LinkElement, a.Body); link != "" && link != a.Target() {
				t.Errorf("the page links to %s and redirects to %s", link, a.Target())
			}
			added, err := url.ParseQuery(strings.TrimLeft(rest, "?&"))
			if err != nil || len(added["iss"]) != 1 || len(added["state"]) != 1 || len(added["code"])+len(added["error"]) != 1 {
				t.Errorf("%s: added parameters %q, want iss, state, and a code or an error", uri, rest)
			}
		}
	}
}

// Each response has the issuer (RFC 9207 §2) and the state, including errors.
func TestAuthorize_AZ_16_AZ_21_NeverRepeat_A11_EveryResponseNamesTheIssuer(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	denied := b.Authorize(c).Deny().WantRedirectError("access_denied")
	if status := denied.Status; status != 200 && status != 303 {
		t.Errorf("Deny() = %d, want 200 or 303", status)
	}
	for what, a := range map[string]*testkit.Response{
		"AZ-21 denied": denied, "allowed": b.Authorize(c).Allow(), "remembered": b.Authorize(c), "refused": b.Authorize(c, "scope", "nothing"),
		"prompt=none": s.Browser().Authorize(c, "prompt", "none"), "after signing in": s.Browser().Authorize(c, "prompt", "login").SignIn("alice"),
	} {
		if p := a.Params(); p.Get("iss") != testkit.Issuer || p.Get("state") != testkit.DefaultState {
			t.Errorf("%s: parameters of the response = %v, want iss and state", what, p)
		}
	}
}

// A client that a user registered could use error redirects as an open redirect (RFC
// 9700 §4.11.2). So its errors are shown on a page, until the user has decided.
func TestAuthorize_AZ_20_UntrustedClients(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{Owner: testkit.Ref("bob")})
	b := s.Browser()
	for _, pairs := range [][]string{
		{"scope", "nothing"}, {"response_type", "token"}, {"code_challenge", "x"}, {"prompt", "none"}, {"prompt", "none login"},
		{"response_mode", "form_post"}, {"resource", "https://other.example"}, {"request", "x"}, {"state", "a\nb"},
	} {
		b.Authorize(c, pairs...).WantPage(400)
	}
	b.SignIn("alice")
	b.Authorize(c, "prompt", "none").WantPage(400, "the user must be asked for consent")
	page := b.Authorize(c)
	if !strings.Contains(page.Body, "registered by another user and was not checked") {
		t.Errorf("the page has no warning about an unchecked app: %s", page)
	}
	page.Deny().WantRedirectError("access_denied")
	b.Authorize(c).Allow().Code()
	b.Authorize(c, "scope", "nothing").WantPage(400)
	if trusted := b.Authorize(s.Web()); strings.Contains(trusted.Body, "was not checked") {
		t.Error("the page has a warning about the operator's client")
	}
}

// An http redirect URI that was registered while the issuer was http is refused when the
// issuer is https (AZ-11).
func TestAuthorize_AZ_11_RegisteredUnderAnHTTPIssuer(t *testing.T) {
	trial := testkit.NewServer(t, func(c *passport.Config) { c.Issuer = "http://app.test"; c.InsecureAllowHTTP = true })
	c := trial.Register(passport.Registration{RedirectURIs: []string{"http://client.example/cb"}})
	both := trial.Register(passport.Registration{RedirectURIs: []string{"http://client.example/cb", "https://client.example/cb"}})
	s := trial.Restart(func(c *passport.Config) { c.Issuer = testkit.Issuer; c.InsecureAllowHTTP = false })
	for name, request := range map[string]url.Values{
		"sent":     c.Request(),
		"left out": testkit.Set(c.Request(), "redirect_uri", ""),
		"of two":   both.Request("redirect_uri", "http://client.example/cb"),
	} {
		t.Run(name, func(t *testing.T) {
			s.In(t).Browser().SignIn("alice").Get("/oauth/authorize?" + request.Encode()).WantPage(400)
		})
	}
	if !strings.Contains(s.Log.String(), "register another") {
		t.Error("the log does not say what to do about it")
	}
	if a := s.Browser().SignIn("alice").Get("/oauth/authorize?" + both.Request("redirect_uri", "https://client.example/cb").Encode()); a.Status != 200 {
		t.Errorf("the https URI of the same client: %s, want the page", a)
	}
}
