package passport_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// implicit switches the implicit grant on.
func implicit(c *passport.Config) { c.EnableImplicitGrant = true }

// board is a public client that gets its tokens at once. What reg leaves out is
// filled in.
func (s *server) board(reg passport.Registration) *client {
	s.t.Helper()
	if reg.AuthMethod == "" {
		reg.AuthMethod = oauth.AuthNone
	}
	if reg.GrantTypes == nil {
		reg.GrantTypes = []string{"implicit"}
	}
	return s.register(reg)
}

// authorizeToken comes with a request for a token, which pairs change.
func (b *browser) authorizeToken(c *client, pairs ...string) *answer {
	b.t.Helper()
	request := []string{"response_type", "token", "code_challenge", "", "code_challenge_method", ""}
	return b.authorize(c, append(request, pairs...)...)
}

// fragment returns what the client is told in the fragment of its redirect URI,
// and fails if the browser is not sent there, a parameter stands there twice, or
// the query tells of anything.
func (a *answer) fragment() url.Values {
	a.t.Helper()
	uri, fragment, ok := strings.Cut(a.target(), "#")
	if !ok {
		a.t.Fatalf("want an answer in the fragment, got %s", a)
	}
	told, err := url.ParseQuery(fragment)
	if err != nil {
		a.t.Fatalf("the client is sent the fragment %q: %v", fragment, err)
	}
	for name, values := range told {
		if len(values) > 1 || strings.Contains(uri, name+"=") {
			a.t.Errorf("the client is told %s more than once", name)
		}
	}
	return told
}

// token returns the access token that the client is sent.
func (a *answer) token() string {
	a.t.Helper()
	token := a.fragment().Get("access_token")
	if token == "" {
		a.t.Fatalf("want an access token, got %s", a)
	}
	return token
}

// wantFragmentError fails unless the client is told of this error in the fragment,
// with its state and the issuer, and of no token.
func (a *answer) wantFragmentError(code string) *answer {
	a.t.Helper()
	told := a.fragment()
	if told.Get("error") != code || told.Get("iss") != issuer || told.Get("state") != defaultState || told.Has("access_token") {
		a.t.Errorf("want the client to be told %s in the fragment, got %v", code, told)
	}
	return a
}

// as says which browser an answer went to that [server.do] was asked for.
func (a *answer) as(b *browser) *answer {
	a.from = b
	return a
}

// row returns the row of an access token.
func (s *server) row(token string) *oauth.AccessToken {
	s.t.Helper()
	row, err := s.store.AccessToken(s.t.Context(), asText(claimsOf(s.t, token)["jti"]))
	if err != nil {
		s.t.Fatal(err)
	}
	return row
}

// tokensIssued returns how many access tokens were stored, by the audit log.
func (s *server) tokensIssued() (n int) {
	for record := range s.audited() {
		if record.Action == "token.issued" {
			n++
		}
	}
	return n
}

// "The authorization server issues an access token and delivers it to the client by
// adding the following parameters to the fragment component" (RFC 6749 §4.2.2), in
// the order that clients of Laravel Passport know.
func TestImplicit_AnswersInTheFragment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, implicit, withAudit)
		c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
		signedIn := time.Now()
		time.Sleep(time.Minute)
		page := b.authorizeToken(c, "scope", "read write")
		a := page.allow()
		token := a.token()
		want := "https://app.example.com/cb#access_token=" + token + "&token_type=Bearer&expires_in=3600&state=" + defaultState +
			"&scope=read+write&iss=https%3A%2F%2Fauth.example.com"
		if a.target() != want {
			t.Errorf("the answer goes to\n%s, want\n%s", a.target(), want)
		}
		if got := s.call(s.Guard(), "Authorization", "Bearer "+token).told(); got.User != "alice" || got.Client != c.ID || !slices.Equal(got.Scopes, []string{"read", "write"}) {
			t.Errorf("the API was told %+v, want alice at this client with what she agreed to", got)
		}
		claims := claimsOf(t, token)
		if claims["sub"] != "users:alice" || claims["aud"] != issuer || asText(claims["auth_time"]) != asText(float64(signedIn.Unix())) {
			t.Errorf("the token says %v", claims)
		}
		row := s.row(token)
		if f := row.Family; !f.CreatedAt.Equal(row.IssuedAt) || !f.ExpiresAt.Equal(row.ExpiresAt) || f.Session != oauth.DigestOf(b.session()) || f.EndsWithSession {
			t.Errorf("the family is %+v of the token %+v; want it to begin and end with the token, and to know the session", f, row)
		}
		if n := len(eventsOf[passport.RefreshTokenIssued](s)); n != 0 {
			t.Errorf("%d refresh tokens were issued; there is never one (RFC 6749 §4.2.2)", n)
		}
		issued, given := eventsOf[passport.AccessTokenIssued](s), eventsOf[passport.ConsentGiven](s)
		if len(issued) != 1 || issued[0].GrantType != "implicit" || len(given) != 1 {
			t.Errorf("the events are %+v and %+v, want one token and one consent", issued, given)
		}
		for record := range s.audited() {
			if record.Action == "token.issued" && (record.Actor != "users:alice" || record.Reason != "implicit" || record.ClientID != c.ID) {
				t.Errorf("the audit log says %+v, want that alice did it", record)
			}
		}
		s.wantAudit("token.issued", 1)
		s.wantAudit("code.issued", 0)
		time.Sleep(time.Hour - time.Second)
		s.wantAdmits(token, true, "a second before expires_in is over")
		time.Sleep(time.Second)
		s.wantAdmits(token, false, "when expires_in is over")
	})
}

// It is off by default (RFC 9700 §2.1.2), needs the client's own permission, and
// the token endpoint knows nothing of it.
func TestImplicit_AZ_13_AZ_14_OnlyWhereItIsAllowed(t *testing.T) {
	off := newServer(t)
	off.browser().signIn("alice").authorizeToken(off.spa()).wantRedirectError("unsupported_response_type")
	if _, err := off.CreateClient(t.Context(), passport.Registration{
		Name: "Board", GrantTypes: []string{"implicit"}, RedirectURIs: []string{"https://app.example.com/cb"},
	}); err == nil || !strings.Contains(err.Error(), "set EnableImplicitGrant") {
		t.Errorf("a client for a grant that is off is made: %v", err)
	}
	if strings.Contains(off.log.String(), "implicit") {
		t.Error("the log warns of a grant that is off")
	}

	s := newServer(t, implicit)
	if log := s.log.String(); strings.Count(log, `"level":"WARN"`) != 1 || !strings.Contains(log, "RFC 9700 §2.1.2") {
		t.Errorf("New with the implicit grant logged %s, want a warning", log)
	}
	b := s.browser().signIn("alice")
	c, codes := s.board(passport.Registration{}), s.spa()
	both := s.board(passport.Registration{GrantTypes: []string{"implicit", "authorization_code"}})
	b.authorizeToken(codes).wantFragmentError("unauthorized_client")
	b.authorize(c).wantRedirectError("unauthorized_client") // a code
	b.authorizeToken(both).allow().token()
	s.redeem(both, b.authorize(both).code()) // the consent was the same
	for _, hybrid := range []string{"code token", "token code", "id_token token", "tokens", "Token", "none"} {
		b.authorizeToken(both, "response_type", hybrid).wantRedirectError("unsupported_response_type")
	}
	for _, grantType := range []string{"implicit", "token"} {
		s.exchange(c, "grant_type", grantType).wantJSONError(400, "unsupported_grant_type")
	}
	// Taken back, it ends at once, also for a page that is open.
	page := b.authorizeToken(c)
	s.change(c, func(stored *oauth.Client) { stored.GrantTypes = []string{"authorization_code"} })
	page.allow().wantFragmentError("unauthorized_client")
	s.change(c, func(stored *oauth.Client) { stored.GrantTypes = []string{"implicit"} })
	later := s.restart(func(c *passport.Config) { c.EnableImplicitGrant = false })
	later.do(page.clicks(1, "allow")[0]).as(b.at(later)).wantRedirectError("unsupported_response_type")
	page.allow().token()
}

// Whoever asks for a token looks for errors where the token would be (RFC 6749
// §4.2.2.1).
func TestImplicit_AZ_16_AZ_17_ErrorsInTheFragment(t *testing.T) {
	s := newServer(t, implicit)
	const registered = "https://app.example.com/cb?tenant=%7e1&x"
	c := s.board(passport.Registration{RedirectURIs: []string{registered}, Scopes: []string{"read", "write"}})
	b := s.browser().signIn("alice")
	for name, tt := range map[string]struct {
		pairs []string
		want  string
	}{
		"an unknown scope":                {[]string{"scope", "read nothing"}, "invalid_scope"},
		"a scope of others":               {[]string{"scope", "admin"}, "invalid_scope"},
		"all scopes":                      {[]string{"scope", "*"}, "invalid_scope"},
		"all scopes beside one":           {[]string{"scope", "read *"}, "invalid_scope"},
		"a resource":                      {[]string{"resource", "https://other.example"}, "invalid_target"},
		"response_mode query":             {[]string{"response_mode", "query"}, "invalid_request"},
		"response_mode form_post":         {[]string{"response_mode", "form_post"}, "invalid_request"},
		"request":                         {[]string{"request", "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"},
		"prompt none and more":            {[]string{"prompt", "none login"}, "invalid_request"},
		"nobody may be asked":             {[]string{"prompt", "none"}, "consent_required"},
		"nobody may be sent to sign in":   {[]string{"prompt", "none"}, "login_required"},
		"a scope that says it is a state": {[]string{"scope", "x&state=other#state=other"}, "invalid_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			who := *b
			who.t, who.server = t, s.in(t)
			if tt.want == "login_required" {
				who = *s.in(t).browser()
			}
			a := who.authorizeToken(c, tt.pairs...).wantFragmentError(tt.want)
			if uri, _, _ := strings.Cut(a.target(), "#"); a.status != http.StatusSeeOther || uri != registered {
				t.Errorf("the answer is %d to %q, want the registered URI as it is", a.status, uri)
			}
		})
	}
	b.authorizeToken(c, "response_mode", "fragment").deny().wantFragmentError("access_denied")
	if told := b.authorizeToken(c, "scope", "nothing", "state", "").fragment(); told.Has("state") {
		t.Errorf("the client sent no state and is told %v", told)
	}
	s.users.failure = errors.New("the users are gone")
	b.authorizeToken(c).wantFragmentError("server_error")
	s.users.failure = nil
	// A response_type that comes twice is none that is known.
	b.get("/oauth/authorize?" + c.request("response_type", "token").Encode() + "&response_type=token").wantRedirectError("invalid_request")
	// Nothing of it leads anywhere that is not registered.
	b.authorizeToken(c, "redirect_uri", registered+"&y").wantPage(400)
	b.authorizeToken(c, "redirect_uri", registered+"#x").wantPage(400)
}

// A client that somebody registered for himself cannot use our errors to send
// people anywhere (RFC 9700 §4.11.2).
func TestImplicit_AZ_20_ErrorsOfUntrustedClients(t *testing.T) {
	s := newServer(t, implicit)
	c, b := s.board(passport.Registration{Owner: ref("bob")}), s.browser().signIn("alice")
	b.authorizeToken(c, "scope", "nothing").wantPage(400)
	b.authorizeToken(c, "prompt", "none").wantPage(400)
	b.authorizeToken(c).deny().wantFragmentError("access_denied")
}

// What a client sends as its state comes back as it was, and can add nothing to
// the answer (RFC 6749 §4.2.2: "The exact value received from the client").
func TestImplicit_AZ_15_HostileState(t *testing.T) {
	s := newServer(t, implicit)
	c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
	b.authorizeToken(c).allow()
	for _, state := range []string{
		"&access_token=forged", "#access_token=forged", "%26access_token%3Dforged", "a b+c", "é…💥", `"><script>alert(1)</script>`, "0;url=https://evil.example", strings.Repeat("s", 2048),
	} {
		for name, a := range map[string]*answer{
			"a redirect":      b.authorizeToken(c, "state", state),
			"a redirect page": b.authorizeToken(c, "state", state, "prompt", "consent").allow(),
			"an error":        b.authorizeToken(c, "state", state, "scope", "nothing"),
		} {
			told := a.fragment()
			if told.Get("state") != state || told.Get("access_token") == "forged" || !strings.HasPrefix(a.target(), "https://app.example.com/cb#") {
				t.Errorf("%s for the state %.40q tells the client %.300q", name, state, a.target())
			}
		}
	}
}

// A form is followed by a page that moves on by itself, and both of its ways lead
// to the same answer; a private-use scheme gets a redirect, which carries the
// fragment too.
func TestImplicit_RedirectPageCarriesTheFragment(t *testing.T) {
	s := newServer(t, implicit)
	b := s.browser().signIn("alice")
	a := b.authorizeToken(s.board(passport.Registration{})).allow()
	if link := first(linkElement, a.body); a.status != 200 || a.header.Get("Location") != "" || link != a.target() || !strings.Contains(link, "#access_token=") {
		t.Errorf("the page's link is %q and its refresh %q", link, a.target())
	}
	native := s.board(passport.Registration{RedirectURIs: []string{"com.example.board:/cb?x=1"}})
	a = b.authorizeToken(native).allow()
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "com.example.board:/cb?x=1#access_token=") {
		t.Errorf("after the form a private-use scheme gets %s", a)
	}
	a = s.browser().authorizeToken(s.board(passport.Registration{})).signIn("bob")
	a.allow().token() // from the sign-in page through consent
}

// Nobody authenticates, so only an https address tells that it is the client that
// gets the answer, whatever kind of client it is (RFC 8252 §8.6).
func TestImplicit_AZ_30_SilentAnswersNeedHTTPS(t *testing.T) {
	plain := newServer(t, implicit)
	for _, tt := range []struct {
		method oauth.AuthMethod
		uri    string
		silent bool
	}{
		{oauth.AuthNone, "https://app.example.com/cb", true}, {oauth.AuthSecret, "https://app.example.com/cb", true},
		{oauth.AuthNone, "http://127.0.0.1/cb", false}, {oauth.AuthSecret, "http://127.0.0.1/cb", false},
		{oauth.AuthNone, "com.example.app:/cb", false}, {oauth.AuthSecret, "http://localhost/cb", false},
	} {
		c, b := plain.board(passport.Registration{AuthMethod: tt.method, RedirectURIs: []string{tt.uri}}), plain.browser().signIn("alice")
		b.authorizeToken(c).allow().token()
		again := b.authorizeToken(c)
		if again.isConsent() == tt.silent {
			t.Errorf("%q at %s, with remembered consent: asked %v, want %v", tt.method, tt.uri, again.isConsent(), !tt.silent)
		}
		none := b.authorizeToken(c, "prompt", "none")
		skips := plain.restart(skipConsent)
		skipped := skips.browser().signIn("bob").authorizeToken(c)
		if tt.silent {
			none.token()
			skipped.token()
			skips.browser().signIn("bob").authorizeToken(c, "prompt", "consent").ticket()
			continue
		}
		none.wantFragmentError("consent_required")
		skipped.ticket()
		plain.restart(skipConsent, func(c *passport.Config) { c.InsecureSkipNativeConsent = true }).browser().signIn("bob").authorizeToken(c).token()
	}
}

// There is no code that a challenge could bind: what is sent of PKCE is ignored
// (RFC 6749 §3.1), and a public client needs none.
func TestImplicit_PKCEIsIgnored(t *testing.T) {
	s := newServer(t, implicit, func(c *passport.Config) { c.RequirePKCE = true })
	c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
	b.authorizeToken(c).allow().token()
	for _, pairs := range [][]string{
		{"code_challenge", challenge(c.verifier), "code_challenge_method", "S256"}, {"code_challenge", "short"}, {"code_challenge_method", "plain"},
	} {
		b.authorizeToken(c, pairs...).token()
	}
}

// The metadata tells exactly what there is.
func TestImplicit_MD_01_Metadata(t *testing.T) {
	s := newServer(t, implicit)
	m := s.metadata()
	for name, want := range map[string][]string{
		"response_types_supported": {"code", "token"}, "response_modes_supported": {"query", "fragment"},
		"grant_types_supported": {"authorization_code", "client_credentials", "implicit", "refresh_token"},
	} {
		if got := listed(m, name); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	without := newServer(t, implicit, func(c *passport.Config) { c.Users = nil })
	if m := without.metadata(); len(listed(m, "response_types_supported")) != 0 || slices.Contains(listed(m, "grant_types_supported"), "implicit") {
		t.Errorf("without users the metadata tells of %v", m)
	}
}

// Where users are sent back to has to be known.
func TestImplicit_ClientNeedsARedirectURI(t *testing.T) {
	s := newServer(t, implicit)
	for _, method := range []oauth.AuthMethod{oauth.AuthNone, oauth.AuthSecret} {
		_, err := s.CreateClient(t.Context(), passport.Registration{Name: "Board", AuthMethod: method, GrantTypes: []string{"implicit"}})
		if err == nil || !strings.Contains(err.Error(), "a redirect URI is missing") {
			t.Errorf("CreateClient(%q) without a redirect URI = %v", method, err)
		}
	}
}

// What ends other tokens ends these, also what is issued at that very moment.
func TestImplicit_EndsWithWhatItStandsOn(t *testing.T) {
	ends := map[string]func(s *server, c *client, session string) error{
		"RevokeUser": func(s *server, _ *client, _ string) error { return s.RevokeUser(s.t.Context(), ref("alice")) },
		"RevokeUserAtClient": func(s *server, c *client, _ string) error {
			return s.RevokeUserAtClient(s.t.Context(), ref("alice"), c.ID)
		},
		"Withdraw":        func(s *server, c *client, _ string) error { return s.Withdraw(s.t.Context(), ref("alice"), c.ID) },
		"PasswordChanged": func(s *server, _ *client, _ string) error { return s.PasswordChanged(s.t.Context(), ref("alice"), "") },
		"RevokeClient":    func(s *server, c *client, _ string) error { return s.RevokeClient(s.t.Context(), c.ID) },
		"the session, where tokens end with it": func(s *server, c *client, session string) error {
			return s.EndSession(s.t.Context(), ref("alice"), session)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			store := &watchedStore{Store: new(memstore.Store)}
			s := newServer(t, implicit, func(c *passport.Config) { c.Store = store })
			c, b := s.board(passport.Registration{EndsWithSession: true}), s.browser().signIn("alice")
			asked := b.authorizeToken(c)
			before := b.authorizeToken(c).allow().token()
			s.wantAdmits(before, true, "before")
			store.pause = func(verb string) {
				if verb != "Issue" {
					return
				}
				store.pause = nil
				if err := end(s, c, b.session()); err != nil {
					t.Error(err)
				}
			}
			during := asked.allow().token()
			s.wantAdmits(before, false, name)
			s.wantAdmits(during, false, name+", while it was issued")
		})
	}
	t.Run("a session, where tokens stay", func(t *testing.T) {
		s := newServer(t, implicit)
		c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
		token := b.authorizeToken(c).allow().token()
		if err := s.EndSession(t.Context(), ref("alice"), b.session()); err != nil {
			t.Fatal(err)
		}
		s.wantAdmits(token, true, "after signing out of the website")
	})
	t.Run("RevokeUser, while it is asked who is signed in", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, implicit)
			c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
			page := b.authorizeToken(c)
			s.users.current = func(u *passport.User) (*passport.User, error) {
				time.Sleep(time.Second)
				err := s.RevokeUser(t.Context(), ref("alice"))
				time.Sleep(time.Second)
				return u, err
			}
			s.wantAdmits(page.allow().token(), false, "of a request that came in before the user was revoked")
			s.wantAdmits(b.authorizeToken(c).token(), false, "without a page")
		})
	})
}

// The token stands in its answer and nowhere else.
func TestImplicit_OP_02_NoTokenInLogsAndPages(t *testing.T) {
	s := newServer(t, implicit, withAudit)
	c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
	page := b.authorizeToken(c)
	clicks := page.clicks(3, "allow", "deny", "allow")
	token := s.do(clicks[0]).token()
	for _, r := range clicks[1:] {
		if a := s.do(r); strings.Contains(a.body, token[:40]) || a.target() != "" {
			t.Errorf("the second answer is %s", a)
		}
	}
	silent := b.authorizeToken(c)
	for _, secret := range []string{token, silent.token(), page.ticket()} {
		parts := strings.Split(secret, ".")
		if strings.Contains(s.log.String(), parts[len(parts)-1]) {
			t.Error("the log holds a token or a ticket")
		}
		for record := range s.audited() {
			if strings.Contains(printed(record), parts[len(parts)-1]) {
				t.Error("the audit log holds a token or a ticket")
			}
		}
	}
	if strings.Contains(silent.body, silent.token()) {
		t.Error("a redirect repeats the token in its body")
	}
}

// A failure leaves the page as it was: the ticket, the consent and the token are
// one write.
func TestImplicit_OneWrite(t *testing.T) {
	s, store := watched(t, implicit)
	c, b := s.board(passport.Registration{}), s.browser().signIn("alice")
	page := b.authorizeToken(c)
	store.failing("Issue", oauth.ErrUnavailable)
	page.allow().wantFragmentError("temporarily_unavailable")
	b.authorizeToken(c, "prompt", "none").wantFragmentError("consent_required")
	store.failing("", nil)
	store.total()
	page.allow().token()
	if begun, used, issued := store.count("Begin"), store.count("UseOnce"), store.count("Issue"); begun != 0 || used != 0 || issued != 1 || store.total() != 3 {
		t.Errorf("allowing took Begin %d, UseOnce %d, Issue %d times among other calls; want client, consent and one Issue", begun, used, issued)
	}
	b.authorizeToken(c).token() // remembered
}

func skipConsent(c *passport.Config) {
	c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
}
