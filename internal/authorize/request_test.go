package authorize_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// "Unrecognized request parameters MUST be ignored" (RFC 6749 §3.1).
func TestAuthorize_AZ_02_UnknownParameters(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	query := c.Request().Encode() + "&nonce=n&nonce=n&display=page&ui_locales=de&acr_values=x&login_hint=a%40b&max_age=1&foo[]=1&foo[]=2&%00=%FF&ticket=t&decision=allow"
	done := b.Get("/oauth/authorize?" + query).Allow()
	s.Redeem(c, done.Code())
	for name := range done.Params() {
		if name != "code" && name != "state" && name != "iss" {
			t.Errorf("the response has the parameter %s", name)
		}
	}
	if again := b.Get("/oauth/authorize?" + query); again.Code() == done.Code() {
		t.Error("two requests got the same code")
	}
}

// "Parameters sent without a value MUST be treated as if they were omitted"
// (RFC 6749 §3.1).
func TestAuthorize_AZ_03_EmptyParameters(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.DefaultScopes = []string{"write"} })
	c, b := s.Web(), s.Browser().SignIn("alice")
	params := c.Request()
	for _, name := range []string{"scope", "state", "redirect_uri", "prompt", "resource", "request", "request_uri", "response_mode"} {
		params.Set(name, "")
	}
	done := b.Get("/oauth/authorize?" + params.Encode()).Allow()
	if p := done.Params(); p.Has("state") {
		t.Errorf("parameters of the response = %v, want no state", p)
	}
	if got := s.Exchange(c, "grant_type", "authorization_code", "code", done.Code(), "code_verifier", c.Verifier).Tokens(); got.Scope != "write" {
		t.Errorf("scope = %q, want the default write", got.Scope)
	}
	for name, want := range map[string]string{"response_type": "invalid_request", "code_challenge": "invalid_request"} {
		params := c.Request()
		params.Set(name, "")
		b.Get("/oauth/authorize?" + params.Encode()).WantRedirectError(want)
	}
	params = c.Request()
	params.Set("client_id", "")
	b.Get("/oauth/authorize?"+params.Encode()).WantPage(400, "client_id is missing")
	params = c.Request("code_challenge_method", "", "scope", "write")
	params.Set("code_challenge", "")
	b.Get("/oauth/authorize?" + params.Encode()).Code() // a confidential client may omit PKCE
}

// "Request and response parameters MUST NOT be included more than once"
// (RFC 6749 §3.1). The same holds for a parameter in both query and form, and for an
// array, regardless of the values.
func TestAuthorize_AZ_04_NeverRepeat_B17_RepeatedParameters(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for _, name := range []string{
		"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "prompt", "request",
		"request_uri", "response_mode", "passport_sign_in",
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.T, b.Server = t, s.In(t)
			value := c.Request().Get(name)
			if value == "" {
				value = "x"
			}
			pair := url.QueryEscape(name) + "=" + url.QueryEscape(value)
			query := testkit.Set(c.Request(), name, "").Encode()
			for how, a := range map[string]*testkit.Response{
				"twice":           b.Get("/oauth/authorize?" + query + "&" + pair + "&" + pair),
				"once empty":      b.Get("/oauth/authorize?" + query + "&" + url.QueryEscape(name) + "=&" + pair),
				"query and form":  b.Send(b.NewRequest("POST", "/oauth/authorize?"+pair, query+"&"+pair, nil)),
				"twice in a form": b.Send(b.NewRequest("POST", "/oauth/authorize", query+"&"+pair+"&"+pair, nil)),
			} {
				t.Log(how)
				if name == "client_id" || name == "redirect_uri" {
					a.WantPage(400, name+" is given more than once")
					continue
				}
				a.WantRedirectError("invalid_request")
				if got := a.Params(); got.Get("error_description") != name+" is given more than once" || got.Has("state") != (name != "state") {
					t.Errorf("parameters of the response = %v", got)
				}
			}
			array := b.Get("/oauth/authorize?" + query + "&" + url.QueryEscape(name) + "%5B%5D=" + url.QueryEscape(value))
			if name == "client_id" {
				array.WantPage(400)
			} else {
				array.WantRedirectError("invalid_request")
			}
		})
	}
	twice := func(p string) string { return c.Request().Encode() + "&" + p + "&" + p }
	b.Get("/oauth/authorize?" + twice("unknown=1")).Ticket()
	b.Get("/oauth/authorize?" + twice("resource="+url.QueryEscape(testkit.Issuer))).Ticket() // may be repeated (RFC 8707 §2)
	b.Get("/oauth/authorize?" + c.Request("client_id", "").Encode() + "&client_id=&client_id=").WantPage(400)
	// In a decision, ticket and decision also appear only once.
	page := b.Authorize(c)
	ticket := "ticket=" + url.QueryEscape(page.Ticket())
	for _, body := range []string{
		ticket + "&decision=deny&decision=allow", ticket + "&decision=allow&decision=allow", ticket + "&" + ticket + "&decision=allow",
		ticket, ticket + "&decision=", ticket + "&decision=yes", ticket + "&decision[]=allow", "ticket=&decision=allow",
	} {
		b.Send(b.NewRequest("POST", "/oauth/authorize", body, nil)).WantPage(400)
	}
	page.Allow().Code()
}

// RFC 6749 §4.1.2.1 names the errors; §3.1.1 makes response_type required.
func TestAuthorize_AZ_13_AZ_14_AZ_31_Unsupported(t *testing.T) {
	s := testkit.NewServer(t)
	web, machine := s.Web(), s.Register(passport.Registration{GrantTypes: []string{"client_credentials"}})
	b := s.Browser().SignIn("alice")
	for name, tt := range map[string]struct {
		c     *testkit.Client
		pairs []string
		want  string
	}{
		"AZ-13 response_type missing": {web, []string{"response_type", ""}, "invalid_request"},
		"AZ-13 response_type unknown": {web, []string{"response_type", "codes"}, "unsupported_response_type"},
		"AZ-13 in another case":       {web, []string{"response_type", "Code"}, "unsupported_response_type"},
		"AZ-13 not for this client":   {machine, nil, "unauthorized_client"},
		"AZ-14 token":                 {web, []string{"response_type", "token"}, "unsupported_response_type"},
		"AZ-14 code token":            {web, []string{"response_type", "code token"}, "unsupported_response_type"},
		"AZ-14 id_token token":        {web, []string{"response_type", "id_token token"}, "unsupported_response_type"},
		"AZ-14 code id_token token":   {web, []string{"response_type", "code id_token token"}, "unsupported_response_type"},
		"AZ-14 none":                  {web, []string{"response_type", "none"}, "unsupported_response_type"},
		"AZ-31 request":               {web, []string{"request", "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"},
		"AZ-31 request_uri":           {web, []string{"request_uri", "https://evil.example/request"}, "request_uri_not_supported"},
		"response_mode fragment":      {web, []string{"response_mode", "fragment"}, "invalid_request"},
		"response_mode form_post":     {web, []string{"response_mode", "form_post"}, "invalid_request"},
		"AZ-19 unknown scope":         {web, []string{"scope", "read nothing"}, "invalid_scope"},
		"AZ-19 all scopes":            {web, []string{"scope", "*"}, "invalid_scope"},
		"AZ-19 in another case":       {web, []string{"scope", "Read"}, "invalid_scope"},
		"AZ-19 no scope-token":        {web, []string{"scope", `re"ad`}, "invalid_scope"},
		"an unknown resource":         {web, []string{"resource", "https://other.example"}, "invalid_target"},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.T, b.Server = t, s.In(t)
			a := b.Authorize(tt.c, tt.pairs...).WantRedirectError(tt.want)
			if got := a.Params(); got.Get("state") != testkit.DefaultState || got.Get("error_description") == "" {
				t.Errorf("parameters of the response = %v", got)
			}
			if u, _ := url.Parse(a.Target()); u.Fragment != "" || !strings.HasPrefix(a.Target(), "https://app.example.com/cb?") {
				t.Errorf("the redirect goes to %s, want the registered URI without a fragment", a.Target())
			}
		})
	}
	b.Authorize(web, "response_mode", "query").Ticket()
}

// A forbidden scope is an error and not ignored, even if the request also has an allowed
// scope (RFC 6749 §3.3 permits both).
func TestAuthorize_AZ_19_ScopesOfTheClient(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.DefaultScopes = []string{"read", "admin"} })
	some := s.Register(passport.Registration{Scopes: []string{"read"}})
	none := s.Register(passport.Registration{Scopes: []string{}})
	b := s.Browser().SignIn("alice")
	b.Authorize(some, "scope", "read write").WantRedirectError("invalid_scope")
	b.Authorize(none, "scope", "read").WantRedirectError("invalid_scope")
	if got := s.Redeem(some, b.Authorize(some, "scope", "").Allow().Code()); got.Scope != "read" {
		t.Errorf("default scope of a client with the scope read = %q, want read", got.Scope)
	}
	if got := s.Redeem(none, b.Authorize(none, "scope", "").Allow().Code()); got.Scope != "" {
		t.Errorf("default scope of a client without scopes = %q, want none", got.Scope)
	}
}

// PKCE (RFC 7636 §4.3, §4.4.1; RFC 9700 §2.1.1).
func TestAuthorize_PK_01_PK_02_PK_03_NeverRepeat_A8_Challenge(t *testing.T) {
	s := testkit.NewServer(t)
	strict := s.Restart(func(c *passport.Config) { c.RequirePKCE = true })
	web, spa, native := s.Web(), s.Spa(), s.Native()
	good := testkit.Challenge(spa.Verifier)
	for name, tt := range map[string]struct {
		s     *testkit.Server
		c     *testkit.Client
		pairs []string
		want  string // in the description; empty: no error
	}{
		"PK-01 public, none":                        {s, spa, []string{"code_challenge", "", "code_challenge_method", ""}, "code_challenge is required"},
		"PK-01 native, none":                        {s, native, []string{"code_challenge", "", "code_challenge_method", ""}, "code_challenge is required"},
		"PK-01 confidential, none":                  {s, web, []string{"code_challenge", "", "code_challenge_method", ""}, ""},
		"PK-01 confidential, none, RequirePKCE":     {strict, web, []string{"code_challenge", "", "code_challenge_method", ""}, "code_challenge is required"},
		"PK-02 public, plain":                       {s, spa, []string{"code_challenge", spa.Verifier, "code_challenge_method", "plain"}, "must be S256"},
		"PK-02 confidential, plain":                 {s, web, []string{"code_challenge", spa.Verifier, "code_challenge_method", "plain"}, "must be S256"},
		"PK-02 A8 public, no method":                {s, spa, []string{"code_challenge_method", ""}, "code_challenge_method is missing"},
		"PK-02 A8 confidential, no method":          {s, web, []string{"code_challenge_method", ""}, "code_challenge_method is missing"},
		"PK-02 method in another case":              {s, spa, []string{"code_challenge_method", "s256"}, "must be S256"},
		"PK-02 S512":                                {s, spa, []string{"code_challenge_method", "S512"}, "must be S256"},
		"A8 confidential, method without value":     {s, web, []string{"code_challenge", ""}, "without code_challenge"},
		"PK-03 42 characters":                       {s, spa, []string{"code_challenge", good[1:]}, "43 base64url characters"},
		"PK-03 44 characters":                       {s, spa, []string{"code_challenge", good + "A"}, "43 base64url characters"},
		"PK-03 padded":                              {s, spa, []string{"code_challenge", good[1:] + "="}, "43 base64url characters"},
		"PK-03 base64 of another alphabet":          {s, spa, []string{"code_challenge", good[1:] + "+"}, "43 base64url characters"},
		"PK-03 a space":                             {s, spa, []string{"code_challenge", good[1:] + " "}, "43 base64url characters"},
		"PK-03 43 characters that are not ASCII":    {s, spa, []string{"code_challenge", strings.Repeat("é", 43)}, "43 base64url characters"},
		"PK-03 confidential clients are checked":    {s, web, []string{"code_challenge", "short"}, "43 base64url characters"},
		"PK-03 valid":                               {s, spa, nil, ""},
		"PK-01 RequirePKCE, valid":                  {strict, web, nil, ""},
		"PK-01 native, valid":                       {s, native, nil, ""},
		"PK-03 a verifier's characters, 43 of them": {s, spa, []string{"code_challenge", good[1:] + "~"}, "43 base64url characters"},
	} {
		t.Run(name, func(t *testing.T) {
			a := tt.s.In(t).Browser().SignIn("alice").Authorize(tt.c, append(tt.pairs, "prompt", "consent")...)
			if tt.want == "" {
				a.Allow().Code()
				return
			}
			a.WantRedirectError("invalid_request")
			if got := a.Params().Get("error_description"); !strings.Contains(got, tt.want) {
				t.Errorf("error_description = %q, want %q", got, tt.want)
			}
		})
	}
}

// A code can be redeemed only with the verifier of its challenge.
func TestAuthorize_PK_01_TheChallengeBindsTheCode(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Spa()
	code := s.Browser().SignIn("alice").Authorize(c).Allow().Code()
	form := c.CodeForm(code)
	s.Exchange(c, append(form, "code_verifier", strings.Repeat("another--", 6))...).WantJSONError(400, "invalid_grant")
	s.Exchange(c, append(form, "code_verifier", "")...).WantJSONError(400, "invalid_grant")
	s.Redeem(c, code)
}

// The state comes back unchanged (RFC 6749 §4.1.2) in every kind of response, regardless
// of its length.
func TestAuthorize_AZ_15_State(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	states := []string{
		"a b+c%20d&e=f?g#h/i;j:k@l", `quotes "' and \ backslash <script>`, "é → 日本語 \U0001F511 \u202e", "\t\x7f", "%00%0d%0a", "=", " ", "null",
		strings.Repeat("0123456789abcdef", 128), strings.Repeat("é/", 600), "e30.{\"a\":[1]}",
	}
	for _, state := range states {
		b := s.Browser()
		for how, a := range map[string]*testkit.Response{
			"after a page":     b.Authorize(c, "state", state, "prompt", "consent").SignIn("alice").Allow(),
			"without a page":   b.Authorize(c, "state", state),
			"denied":           b.Authorize(c, "state", state, "prompt", "consent").Deny(),
			"refused":          b.Authorize(c, "state", state, "scope", "nothing"),
			"after signing in": b.SignOut().Authorize(c, "state", state).SignIn("alice"),
		} {
			if got := a.Params().Get("state"); got != state {
				t.Errorf("state %s: sent %q, got %q", how, state, got)
			}
		}
	}
	for _, a := range []*testkit.Response{
		s.Browser().SignIn("bob").Authorize(c, "state", "").Allow(), s.Browser().Authorize(c, "state", "", "scope", "nothing"),
		// A state with forbidden characters does not come back.
		s.Browser().Authorize(c, "state", "a\r\nb"), s.Browser().Authorize(c, "state", "a\x00b"), s.Browser().Authorize(c, "state", "a\xff"),
	} {
		if a.Params().Has("state") {
			t.Errorf("parameters of the response = %v, want no state", a.Params())
		}
	}
}

// A request longer than 8 KB is refused before the sign-in, because the sign-in page
// must return it.
func TestAuthorize_AZ_33_LongRequests(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	for name, tt := range map[string]struct {
		state string
		post  bool
		ok    bool
	}{
		"7 KB":                          {strings.Repeat("a", 7<<10), false, true},
		"9 KB":                          {strings.Repeat("a", 9<<10), false, false},
		"100 KB":                        {strings.Repeat("a", 100<<10), false, false},
		"3 KB that are 9 KB encoded":    {strings.Repeat("/", 3<<10), false, false},
		"7 KB in a form":                {strings.Repeat("a", 7<<10), true, true},
		"9 KB in a form":                {strings.Repeat("a", 9<<10), true, false},
		"3 KB of a form, encoded 9 KB ": {strings.Repeat("/", 3<<10), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.In(t).Browser()
			query := c.Request("state", "", "prompt", "consent").Encode() + "&state=" + tt.state // browsers don't escape a slash
			send := func() *testkit.Response {
				if tt.post {
					return b.Send(b.NewRequest("POST", "/oauth/authorize", query, nil))
				}
				return b.Get("/oauth/authorize?" + query)
			}
			if !tt.ok {
				send().WantPage(414, "the request is longer than 8192 bytes")
				return
			}
			if done := send().SignIn("alice").Allow(); done.Params().Get("state") != tt.state {
				t.Error("the response does not have the sent state")
			}
		})
	}
	s.Browser().Get("/oauth/authorize?" + c.Request().Encode() + "&unknown=" + strings.Repeat("a", 9<<10)).WantPage(414)
	// An invalid passport_sign_in counts towards the length.
	sealed := "&passport_sign_in=" + strings.Repeat("m", 7<<10)
	s.Browser().Get("/oauth/authorize?" + c.Request("state", strings.Repeat("a", 9<<10)).Encode() + sealed).WantPage(414)
	s.Browser().Get("/oauth/authorize?" + c.Request("prompt", "consent").Encode() + sealed).SignIn("alice").Ticket()
}

var errorText = regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`)

// error and error_description consist of %x20-21 / %x23-5B / %x5D-7E (RFC 6749
// §4.1.2.1), regardless of the request.
func TestAuthorize_AZ_23_ErrorCharacters(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	hostile := "\"\\<é\u202e>\t'" + strings.Repeat("x", 600)
	for _, name := range []string{
		"response_type", "scope", "code_challenge", "code_challenge_method", "response_mode", "resource", "request", "request_uri",
		"scope[\"\\é\r\n]", "prompt[" + hostile + "]", "state[\xff",
	} {
		a := s.Browser().Get("/oauth/authorize?" + testkit.Set(c.Request(), name, hostile).Encode())
		p := a.Params()
		if !errorText.MatchString(p.Get("error")) || !errorText.MatchString(p.Get("error_description")) || len(p.Get("error_description")) > 500 {
			t.Errorf("%q: error = %q, error_description = %q; want only allowed characters", name, p.Get("error"), p.Get("error_description"))
		}
	}
	if code := oauth.InvalidRequest.Errorf("%s", hostile).Description; !errorText.MatchString(code) {
		t.Errorf("Errorf() = %q, want only allowed characters", code)
	}
}
