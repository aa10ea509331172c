package oidc_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const afterLogout = "https://app.example.com/signed-out"

// relyingParty returns a server, a client with a URI for after the sign-out, and a
// browser whose user is signed in and has allowed the client, with the ID token.
func relyingParty(t *testing.T, change ...func(*passport.Config)) (s *testkit.Server, c *testkit.Client, b *testkit.Browser, hint string) {
	t.Helper()
	s = provider(t, change...)
	c = withLogout(s, s.Web())
	b = s.Browser().SignIn("alice")
	return s, c, b, hintFor(s, c, b)
}

// withLogout registers URIs for after the sign-out.
func withLogout(s *testkit.Server, c *testkit.Client, uris ...string) *testkit.Client {
	s.T.Helper()
	if len(uris) == 0 {
		uris = []string{afterLogout, afterLogout + "?tenant=a%20b&x="}
	}
	s.Change(c, func(stored *oauth.Client) { stored.OpenID = &oauth.ClientOpenID{PostLogoutRedirectURIs: uris} })
	return c
}

// hintFor returns the ID token that a client gets for the user of a browser.
func hintFor(s *testkit.Server, c *testkit.Client, b *testkit.Browser) string {
	s.T.Helper()
	a := b.Authorize(c, "scope", "openid read")
	if a.IsConsent() {
		a = a.Allow()
	}
	token := s.Redeem(c, a.Code()).ID
	if token == "" {
		s.T.Fatal("the client got no ID token")
	}
	return token
}

// logout follows a client's link to the logout endpoint, with pairs of parameters.
func logout(b *testkit.Browser, pairs ...string) *testkit.Response {
	b.T.Helper()
	return b.Get("/oauth/logout?" + testkit.Set(url.Values{}, pairs...).Encode())
}

// confirm presses the button of the confirmation page.
func confirm(a *testkit.Response) *testkit.Response {
	a.T.Helper()
	return a.From.Post("/oauth/logout", url.Values{"ticket": {a.Ticket()}})
}

// wantAsked fails the test unless the response is the confirmation page, and the user is
// still signed in.
func wantAsked(a *testkit.Response, says ...string) *testkit.Response {
	a.T.Helper()
	if a.Status != http.StatusOK || a.Target() != "" || !a.IsConsent() || !strings.Contains(a.Body, "Sign out of ") {
		a.T.Errorf("want the confirmation page, got %s", a)
	}
	for _, text := range says {
		if !strings.Contains(a.Body, text) {
			a.T.Errorf("want a confirmation page with the text %q, got %s", text, a)
		}
	}
	wantSignedIn(a.From)
	return a
}

// wantOut fails the test unless no user is signed in to the browser: also prompt=none
// says so (XB18).
func wantOut(b *testkit.Browser, c *testkit.Client) {
	b.T.Helper()
	if session := b.Session(); session != "" {
		b.T.Errorf("the browser still has the session cookie %s", session)
	}
	b.Authorize(c, "scope", "openid read", "prompt", "none").WantRedirectError("login_required")
}

func wantSignedIn(b *testkit.Browser) {
	b.T.Helper()
	var user *passport.User
	b.Server.Users.With(func() { user = b.Server.Users.Sessions[b.Session()] })
	if user == nil {
		b.T.Error("the user was signed out, want only after a confirmation")
	}
}

const signedOut = "You are signed out"

func TestLogout_XL01_LO_01_Metadata(t *testing.T) {
	s := provider(t)
	if got := s.Get("/.well-known/openid-configuration").JSON()["end_session_endpoint"]; got != testkit.Issuer+"/oauth/logout" {
		t.Errorf("end_session_endpoint = %v, want the URL of the endpoint", got)
	}
}

func TestLogout_XL02_LO_05_LO_09_LO_11_HintURIAndState(t *testing.T) {
	_, c, b, hint := relyingParty(t)
	cookie := b.CopyOf()
	a := logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout, "state", "a b&c=d/ü?#")
	if want := afterLogout + "?state=" + url.QueryEscape("a b&c=d/ü?#"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != want {
		t.Errorf("logout = %s, want a redirect to %s", a, want)
	}
	wantOut(b, c)
	cookie.Authorize(c, "scope", "openid read", "prompt", "none").WantRedirectError("login_required") // the old cookie is worth nothing
}

func TestLogout_XL03_LO_08_BadURI(t *testing.T) {
	s, c, b, hint := relyingParty(t)
	logout(b, "id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example/").
		WantPage(http.StatusOK, signedOut, "post_logout_redirect_uri is not registered for this app")
	wantOut(b, c)
	if log := s.Log.String(); !strings.Contains(log, "it is compared byte by byte") || !strings.Contains(log, c.ID) {
		t.Errorf("the log doesn't say why the browser stayed: %s", log)
	}
}

func TestLogout_XL04_LO_02_LO_03_HintWithoutSignature(t *testing.T) {
	_, _, b, hint := relyingParty(t)
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + strings.Split(hint, ".")[1] + "."
	a := wantAsked(logout(b, "id_token_hint", none, "post_logout_redirect_uri", afterLogout, "state", "s"), "id_token_hint is not an ID token of this server")
	confirm(a).WantPage(http.StatusOK, signedOut)
}

func TestLogout_XL05_LO_08_URIWithoutHint(t *testing.T) {
	_, _, b, _ := relyingParty(t)
	a := wantAsked(logout(b, "post_logout_redirect_uri", afterLogout, "state", "s"))
	confirm(a).WantPage(http.StatusOK, signedOut, "post_logout_redirect_uri needs id_token_hint or client_id")
}

func TestLogout_XL06_LO_10_NoParameters(t *testing.T) {
	_, c, b, _ := relyingParty(t)
	confirm(wantAsked(logout(b), "Name of alice", "alice@example.com")).WantPage(http.StatusOK, signedOut)
	wantOut(b, c)
	logout(b).WantPage(http.StatusOK, signedOut) // no user is signed in
}

func TestLogout_XL07_LO_05_HintAlone(t *testing.T) {
	_, c, b, hint := relyingParty(t)
	logout(b, "id_token_hint", hint).WantPage(http.StatusOK, signedOut)
	wantOut(b, c)
}

func TestLogout_XL08_LO_09_NoState(t *testing.T) {
	_, c, b, hint := relyingParty(t)
	if a := logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout); a.Header.Get("Location") != afterLogout {
		t.Errorf("logout without state = %s, want a redirect to %s alone", a, afterLogout)
	}
	wantOut(b, c)
}

func TestLogout_XL09_LO_10_OnlyState(t *testing.T) {
	_, c, b, _ := relyingParty(t)
	confirm(wantAsked(logout(b, "state", "s"))).WantPage(http.StatusOK, signedOut)
	wantOut(b, c)
}

func TestLogout_XL10_LO_07_LO_08_URIsAreComparedByteForByte(t *testing.T) {
	s, _, _, _ := relyingParty(t)
	for _, uri := range []string{
		afterLogout + "?foo=bar", afterLogout + "/", afterLogout + "?", afterLogout + "#", strings.ToUpper(afterLogout), "https://app.example.com/signed-out%20", "https://app.example.com:443/signed-out",
		"https://app.example.com/", "https://app.example.com/cb", "https://app.example.com./signed-out", "https://APP.example.com/signed-out", "http://app.example.com/signed-out", "//app.example.com/signed-out",
		"https://app.example.com@evil.example/signed-out", "https://app.example.com/x/../signed-out", "https://app.example.com\\@evil.example", "javascript:alert(1)", "/signed-out", " " + afterLogout, afterLogout + "\n", afterLogout + "\x00",
	} {
		c := withLogout(s, s.Web())
		b := s.Browser().SignIn("alice")
		hint := hintFor(s, c, b)
		a := logout(b, "id_token_hint", hint, "post_logout_redirect_uri", uri)
		if a.Target() != "" || strings.Contains(a.Body, "evil.example") || a.Status != http.StatusOK {
			t.Errorf("post_logout_redirect_uri=%q: %s, want our own page without a link to it", uri, a)
		}
	}
}

func TestLogout_XL11_LO_02_LO_03_HintOfTheClient(t *testing.T) {
	_, c, b, hint := relyingParty(t)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(hint, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(c.Secret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for _, pairs := range [][]string{{}, {"client_id", c.ID}} {
		a := wantAsked(logout(b, append(pairs, "id_token_hint", forged, "post_logout_redirect_uri", afterLogout)...))
		if strings.Contains(a.Body, c.Name) {
			t.Errorf("a page after a forged hint names the client: %s", a)
		}
	}
	confirm(logout(b, "client_id", c.ID, "id_token_hint", forged, "post_logout_redirect_uri", afterLogout)).WantPage(http.StatusOK, signedOut)
}

// An expired hint counts; an access token, a part of a token and a token for another
// server don't.
func TestLogout_LO_02_LO_03_Hints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, b, good := relyingParty(t)
		tokens := s.Redeem(c, b.Authorize(c, "scope", "openid read").Code())
		other := provider(t, func(config *passport.Config) { config.Issuer = "https://other.example.com" })
		foreign := hintFor(other, other.Web(), other.Browser().SignIn("alice"))
		for name, hint := range map[string]string{"an access token": tokens.Access, "a refresh token": tokens.Refresh, "a part": tokens.ID[:len(tokens.ID)-9], "a foreign token": foreign, "text": "not-a-token"} {
			a := wantAsked(logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout))
			if strings.Contains(a.Body, "signed-out") || strings.Contains(a.Body, hint) {
				t.Errorf("the page for %s names the URI or the hint: %s", name, a)
			}
		}
		time.Sleep(48 * time.Hour)
		if a := logout(b, "id_token_hint", good, "post_logout_redirect_uri", afterLogout); a.Header.Get("Location") != afterLogout {
			t.Errorf("logout with an expired hint = %s, want a redirect", a)
		}
		wantOut(b, c)
	})
}

func TestLogout_LO_04_ClientOfAnotherHint(t *testing.T) {
	s, c, b, hint := relyingParty(t)
	other := withLogout(s, s.Web(), "https://other.example.com/out")
	for _, uri := range []string{afterLogout, "https://other.example.com/out"} {
		a := wantAsked(logout(b, "id_token_hint", hint, "client_id", other.ID, "post_logout_redirect_uri", uri), "id_token_hint was not issued to the app with this client_id")
		if a := confirm(a).WantPage(http.StatusOK, signedOut); strings.Contains(a.Body, uri) {
			t.Errorf("the page links to %s: %s", uri, a)
		}
		b.SignIn("alice")
		hint = hintFor(s, c, b)
	}
	if a := logout(b, "id_token_hint", hint, "client_id", c.ID, "post_logout_redirect_uri", afterLogout); a.Header.Get("Location") != afterLogout {
		t.Errorf("logout with the client's own client_id = %s, want a redirect", a)
	}
}

// The session of the browser decides who is signed out. A hint of another user, or of
// another session of the same user, is a question.
func TestLogout_LO_05_HintOfAnotherSession(t *testing.T) {
	s, c, b, hint := relyingParty(t)
	same := s.Browser().SignIn("alice")
	hintFor(s, c, same)
	bob := s.Browser().SignIn("bob")
	fresh := s.Browser().SignIn("alice") // the client has no session here
	for name, other := range map[string]*testkit.Browser{"another session": same, "another user": bob, "a session without the client": fresh} {
		a := wantAsked(logout(other, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout), "asks to sign you out")
		if says := strings.Contains(a.Body, "of another account than this one"); says != (other == bob) {
			t.Errorf("%s: the page says that the hint is of another account: %v", name, says)
		}
		if got := confirm(a); got.Target() != afterLogout {
			t.Errorf("%s: after the confirmation %s, want a redirect to the client", name, got)
		}
		wantOut(other, c)
	}
	wantSignedIn(b)
	if a := logout(b, "id_token_hint", hint); !strings.Contains(a.Body, signedOut) {
		t.Errorf("the session of the hint: %s, want the user signed out", a)
	}
}

// A provider without IDs of sessions has no sid: the user decides.
func TestLogout_LO_05_HintWithoutSID(t *testing.T) {
	s := provider(t)
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.SessionID = ""; return u, nil }
	c, b := withLogout(s, s.Web()), s.Browser().SignIn("alice")
	hint := hintFor(s, c, b)
	wantAsked(logout(s.Browser().SignIn("bob"), "id_token_hint", hint))
	logout(b, "id_token_hint", hint).WantPage(http.StatusOK, signedOut)
}

// An ID token without a sid is of a device or of an app that asks for the password. Its
// holder did not see this browser, so the user decides.
func TestLogout_LO_05_HintOfNoSession(t *testing.T) {
	s := provider(t)
	c, b := withLogout(s, s.Web()), s.Browser().SignIn("alice")
	s.Users.Current = func(u *passport.User) (*passport.User, error) { u.SessionID = ""; return u, nil }
	hint := hintFor(s, c, b)
	if sid := testkit.ClaimsOf(t, hint)["sid"]; sid != nil {
		t.Fatalf("the hint has the sid %v, want none", sid)
	}
	s.Users.Current = nil
	wantAsked(logout(b, "id_token_hint", hint))
	confirm(logout(b, "id_token_hint", hint)).WantPage(http.StatusOK, signedOut)
}

// A GET without a good hint never signs out, and only the page's own form does.
func TestLogout_LO_06_Confirmation(t *testing.T) {
	_, c, b, _ := relyingParty(t)
	for _, pairs := range [][]string{
		{"confirmed", "true"}, {"confirm", "1"}, {"decision", "allow"}, {"logout_hint", "alice@example.com"}, {"client_id", c.ID}, {"passport_logout", "x"}, {"ticket", "x"},
	} {
		wantAsked(logout(b, pairs...))
		wantAsked(b.Post("/oauth/logout", testkit.Set(url.Values{}, pairs...)))
	}
	ticket := logout(b).Ticket()
	b.Get("/oauth/logout?ticket=" + ticket)
	wantSignedIn(b)
	thief := b.Server.Browser().SignIn("bob")
	for _, stolen := range []string{ticket, logout(thief).Ticket()} {
		victim := thief
		if stolen != ticket {
			victim = b
		}
		wantAsked(victim.Post("/oauth/logout", url.Values{"ticket": {stolen}}), "The account in this browser has changed")
	}
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}},
	} {
		b.Send(b.NewRequest("POST", "/oauth/logout", url.Values{"ticket": {ticket}}.Encode(), header)).WantPage(http.StatusForbidden, "You are still signed in")
		wantSignedIn(b)
	}
	// An old browser says nothing about the sender: the ticket decides.
	b.Send(b.NewRequest("POST", "/oauth/logout", url.Values{"ticket": {ticket}}.Encode(), http.Header{"Origin": {"null"}})).WantPage(http.StatusOK, signedOut)
	wantOut(b, c)
}

// The confirmation counts for the session that the page showed, and for ten minutes.
func TestLogout_LO_06_OtherSessionAndLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, b, _ := relyingParty(t)
		first := logout(b, "client_id", c.ID, "post_logout_redirect_uri", afterLogout)
		b.SignIn("alice")
		wantAsked(confirm(first), "The account in this browser has changed")
		again := logout(b)
		time.Sleep(11 * time.Minute)
		wantAsked(confirm(again), "This page has expired")
		confirm(logout(b)).WantPage(http.StatusOK, signedOut)
	})
}

func TestLogout_LO_07_ClientIDAndConfirmation(t *testing.T) {
	s, c, b, _ := relyingParty(t)
	asked := wantAsked(logout(b, "client_id", c.ID, "post_logout_redirect_uri", afterLogout, "state", "x"), "Example App</bdi> asks to sign you out", "app.example.com")
	done := confirm(asked)
	if done.Target() != afterLogout+"?state=x" || done.Status != http.StatusOK {
		t.Errorf("after the confirmation: %s, want a page that redirects to the client", done)
	}
	wantOut(b, c)
	// A second click has the same response.
	if again := b.Post("/oauth/logout", url.Values{"ticket": {asked.Ticket()}}); again.Target() != afterLogout+"?state=x" {
		t.Errorf("a second click: %s, want the same redirect", again)
	}
	// The form of another site can't use it as a redirect.
	foreign := b.Send(b.NewRequest("POST", "/oauth/logout", url.Values{"ticket": {asked.Ticket()}}.Encode(), http.Header{"Sec-Fetch-Site": {"cross-site"}}))
	foreign.WantPage(http.StatusOK, signedOut)
	// Without a user there is no confirmation, so client_id proves nothing.
	logout(b, "client_id", c.ID, "post_logout_redirect_uri", afterLogout).WantPage(http.StatusOK, signedOut)
	// A URI that is no longer registered is not followed.
	b.SignIn("alice")
	asked = logout(b, "client_id", c.ID, "post_logout_redirect_uri", afterLogout)
	withLogout(s, c, "https://app.example.com/new")
	confirm(asked).WantPage(http.StatusOK, signedOut)
}

func TestLogout_LO_09_LO_17_TheQueryOfTheURIIsKept(t *testing.T) {
	_, _, b, hint := relyingParty(t)
	uri := afterLogout + "?tenant=a%20b&x="
	if a := logout(b, "id_token_hint", hint, "post_logout_redirect_uri", uri, "state", "1"); a.Header.Get("Location") != uri+"&state=1" {
		t.Errorf("logout = %s, want a redirect to %s&state=1", a, uri)
	}
}

// Without a signed-in user, a good hint of the operator's client leads back at once. Any
// user can register a client, so for such a client our page has a link.
func TestLogout_LO_10_NotSignedIn(t *testing.T) {
	s, c, b, hint := relyingParty(t)
	b.SignOut()
	if a := logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout); a.Header.Get("Location") != afterLogout {
		t.Errorf("logout without a session = %s, want a redirect", a)
	}
	logout(b, "id_token_hint", hint).WantPage(http.StatusOK, signedOut)
	logout(b, "state", "s").WantPage(http.StatusOK, signedOut)
	s.Suspend(c)
	logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout).WantPage(http.StatusOK, signedOut)

	owned := withLogout(s, s.Owned("https://bob.example/cb"), "https://bob.example/")
	bobs := s.Browser().SignIn("bob")
	hint = hintFor(s, owned, bobs)
	victim := s.Browser()
	a := logout(victim, "id_token_hint", hint, "post_logout_redirect_uri", "https://bob.example/").WantPage(http.StatusOK, signedOut)
	if !strings.Contains(a.Body, `href="https://bob.example/"`) {
		t.Errorf("the page lacks the link to the app: %s", a)
	}
	if a := logout(bobs, "id_token_hint", hint, "post_logout_redirect_uri", "https://bob.example/"); a.Header.Get("Location") != "https://bob.example/" {
		t.Errorf("logout of the session itself = %s, want a redirect", a)
	}
}

// Only the tokens of the session end, and those with offline_access stay.
func TestLogout_LO_12_OnlyThisSession(t *testing.T) {
	s, c, b, hint := relyingParty(t, func(config *passport.Config) { config.FamiliesEndWithSession = true })
	redeem := func(b *testkit.Browser, scope string, pairs ...string) *testkit.Tokens {
		a := b.Authorize(c, append(pairs, "scope", scope)...)
		if a.IsConsent() {
			a = a.Allow()
		}
		return s.Redeem(c, a.Code())
	}
	here, there := redeem(b, "openid read"), redeem(s.Browser().SignIn("alice"), "openid read")
	offline := redeem(b, "openid read offline_access", "prompt", "consent")
	code := b.Authorize(c, "scope", "openid read").Code()
	logout(b, "id_token_hint", hint).WantPage(http.StatusOK, signedOut)
	s.Refresh(c, here.Refresh).WantJSONError(http.StatusBadRequest, "invalid_grant")
	s.Exchange(c, c.CodeForm(code)...).WantJSONError(http.StatusBadRequest, "invalid_grant")
	s.Refresh(c, there.Refresh).Tokens()
	s.Refresh(c, offline.Refresh).Tokens()
}

// A URI that only a store accepts is not followed.
func TestLogout_LO_14_StoredURIs(t *testing.T) {
	for _, uri := range []string{"javascript:alert(1)", "data:text/html,x", "https://user@app.example.com/", "https://app.example.com/#f", "http://app.example.com/", "/signed-out"} {
		s := provider(t)
		c, b := withLogout(s, s.Web(), uri), s.Browser().SignIn("alice")
		if a := logout(b, "id_token_hint", hintFor(s, c, b), "post_logout_redirect_uri", uri); a.Target() != "" || strings.Contains(a.Body, uri+`"`) || !strings.Contains(a.Body, signedOut) {
			t.Errorf("the stored URI %q: %s, want our own page", uri, a)
		}
	}
}

// The sign-out stores a notice for each client of the session, also if the browser stays
// here. It sends none itself, so no client delays the user.
func TestLogout_LO_13_StoresNotices(t *testing.T) {
	s, c, b, _ := relyingParty(t)
	tells := func(c *testkit.Client) *testkit.Client {
		s.Change(c, func(stored *oauth.Client) {
			stored.OpenID = &oauth.ClientOpenID{BackchannelLogoutURI: "https://slow.example/logout"}
		})
		return c
	}
	second := tells(s.Web())
	hintFor(s, tells(c), b)
	hintFor(s, second, b)
	elsewhere := s.Browser().SignIn("alice")
	hintFor(s, second, elsewhere)
	confirm(wantAsked(logout(b))).WantPage(http.StatusOK, signedOut)
	store, ok := oauth.StoreAs[oauth.LogoutStore](s.Store)
	if !ok {
		t.Fatal("the store has no notices")
	}
	now := time.Now()
	notices, err := store.LeaseLogouts(t.Context(), &oauth.LogoutLease{ID: "test", Time: now, Until: now.Add(time.Minute), Limit: 10, PerClient: 10})
	if err != nil || len(notices) != 2 {
		t.Fatalf("LeaseLogouts() = %d notices, %v, want one for each client of the session", len(notices), err)
	}
	for _, n := range notices {
		if n.SID == "" || n.User != testkit.Ref("alice") || n.ClientID != c.ID && n.ClientID != second.ID {
			t.Errorf("the notice is %+v, want one of this session", n)
		}
	}
	wantSignedIn(elsewhere)
}

func TestLogout_LO_15_HintsAreNeitherShownNorUsed(t *testing.T) {
	_, _, b, _ := relyingParty(t)
	want := logout(b, "logout_hint", "unknown@example.com")
	for _, hint := range []string{"alice@example.com", "bob@example.com", `"><script>alert(1)</script>`, strings.Repeat("x", 9000), "\x00\xff"} {
		a := wantAsked(logout(b, "logout_hint", hint, "ui_locales", "de fr", "unknown", hint))
		if withoutTicket(a) != withoutTicket(want) {
			t.Errorf("the page with logout_hint=%.30q differs from that with another one: %s", hint, a)
		}
	}
}

func withoutTicket(a *testkit.Response) string {
	body := strings.ReplaceAll(a.Body, a.Ticket(), "")
	if before, after, ok := strings.Cut(body, "quote this ID"); ok {
		body = before + after[min(len(after), 80):]
	}
	return body
}

// Hostile texts change neither the page nor the redirect.
func TestLogout_LO_15_LO_16_HostileTexts(t *testing.T) {
	for _, text := range []string{
		`"><script>alert(1)</script>`, "javascript:alert(1)", "a\r\nLocation: https://evil.example", "\x00", "\xff", "\u202eevil", strings.Repeat("x", 8<<10), strings.Repeat("x", 9<<10), "{{.Ticket}}", "&state=b", "#",
	} {
		s, c, b, hint := relyingParty(t)
		s.Change(c, func(stored *oauth.Client) { stored.Name = text })
		for _, pairs := range [][]string{{"state", text}, {"client_id", text}, {"id_token_hint", text}, {"post_logout_redirect_uri", text}, {"client_id", c.ID}} {
			a := wantAsked(logout(b, pairs...))
			if strings.Contains(a.Body, "<script") || strings.Contains(a.Body, "evil.example") && pairs[1] == text {
				t.Errorf("%s=%.40q: the page has the text: %s", pairs[0], text, a)
			}
		}
		a := logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout, "state", text)
		u, err := url.Parse(a.Target())
		switch {
		case a.Target() == "": // a state that can't be sent back
			if len(text) <= 8<<10 && text != "\x00" && text != "\xff" && !strings.Contains(text, "\n") {
				t.Errorf("state=%.40q: %s, want a redirect", text, a)
			}
		case err != nil || u.Host != "app.example.com" || u.Query().Get("state") != text || len(u.Query()) != 1 || u.Fragment != "":
			t.Errorf("state=%.40q: the browser goes to %.200q", text, a.Target())
		}
	}
}

// Repeated parameters make a request void.
func TestLogout_LO_03_RepeatedParameters(t *testing.T) {
	_, c, b, hint := relyingParty(t)
	base := url.Values{"id_token_hint": {hint}, "client_id": {c.ID}, "post_logout_redirect_uri": {afterLogout}, "state": {"s"}}
	for name := range base {
		params := maps.Clone(base)
		params[name] = append(params[name], params[name][0])
		wantAsked(b.Get("/oauth/logout?" + params.Encode()))
	}
}

// The form of a client comes without SameSite=Lax cookies. The browser repeats it as a
// GET, without the ID token in the URL.
func TestLogout_LO_01_LO_17_Post(t *testing.T) {
	_, c, b, hint := relyingParty(t)
	params := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {afterLogout}, "state": {"s"}}
	cross := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://app.example.com"}}
	without := b.Server.Browser()
	again := without.Send(without.NewRequest("POST", "/oauth/logout", params.Encode(), cross))
	if again.Status != http.StatusOK || !strings.HasPrefix(again.Target(), "/oauth/logout?passport_logout=") || strings.Contains(again.Target(), hint[:40]) {
		t.Fatalf("the form of a client without cookies: %s, want a page that repeats it", again)
	}
	if a := b.Send(b.NewRequest("GET", again.Target(), "", http.Header{"Sec-Fetch-Site": {"same-origin"}})); a.Header.Get("Location") != afterLogout+"?state=s" {
		t.Errorf("the repeated request = %s, want a redirect to the client", a)
	}
	wantOut(b, c)
	// A request that is too long for a URL is void.
	long := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {afterLogout}, "state": {strings.Repeat("x", 8000)}}
	again = without.Send(without.NewRequest("POST", "/oauth/logout", long.Encode(), cross))
	if again.Status != http.StatusOK || !strings.HasPrefix(again.Target(), "/oauth/logout?passport_logout=") || len(again.Target()) > 7<<10 {
		t.Errorf("a long form: %d bytes in %s, want a page that repeats a void request", len(again.Target()), again)
	}
	b.SignIn("alice")
	wantAsked(b.Send(b.NewRequest("GET", again.Target(), "", http.Header{"Sec-Fetch-Site": {"same-origin"}})), "are too long for a POST")
	// A SameSite=None cookie comes with the form.
	_, _, b, hint = relyingParty(t)
	params.Set("id_token_hint", hint)
	if a := b.Send(b.NewRequest("POST", "/oauth/logout", params.Encode(), cross)); a.Status != http.StatusOK || a.Target() != afterLogout+"?state=s" {
		t.Errorf("the form of a client with cookies = %s, want a page that redirects", a)
	}
}

func TestLogout_LO_01_Methods(t *testing.T) {
	_, _, b, hint := relyingParty(t)
	for _, method := range []string{"HEAD", "PUT", "DELETE", "PATCH"} {
		a := b.Send(b.NewRequest(method, "/oauth/logout?id_token_hint="+hint, "", nil)).WantStatus(http.StatusMethodNotAllowed)
		if a.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: Allow = %q", method, a.Header.Get("Allow"))
		}
		wantSignedIn(b)
	}
	r := b.NewRequest("POST", "/oauth/logout", `{"id_token_hint":"x"}`, http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}})
	wantAsked(b.Send(r))
	b.Post("/oauth/logout", url.Values{"state": {strings.Repeat("x", 70<<10)}}).WantPage(http.StatusRequestEntityTooLarge)
	wantSignedIn(b)
}

// The client's provider decides whose session ends. Without a client all of them do.
func TestLogout_LO_05_SeveralProviders(t *testing.T) {
	staff := testkit.NewClerks("dora")
	s := provider(t, testkit.WithClerks(staff))
	web := withLogout(s, s.Web())
	till := withLogout(s, s.Register(passport.Registration{Provider: "staff"}))
	both := func() *testkit.Browser {
		b := s.Browser().SignIn("alice")
		b.SetCookie("staff_session", "dora")
		return b
	}
	b := both()
	a := wantAsked(logout(b, "client_id", till.ID, "post_logout_redirect_uri", afterLogout), "dora@example.com")
	if strings.Contains(a.Body, "alice@") {
		t.Errorf("the page for a client of the staff names a customer: %s", a)
	}
	confirm(a)
	if wantSignedIn(b); b.Cookie("staff_session") != "" {
		t.Error("the clerk is still signed in")
	}
	logout(b, "client_id", till.ID).WantPage(http.StatusOK, signedOut)
	wantSignedIn(b)

	b = both()
	confirm(wantAsked(logout(b), "dora@example.com", "alice@example.com")).WantPage(http.StatusOK, signedOut)
	if wantOut(b, web); b.Cookie("staff_session") != "" {
		t.Error("the clerk is still signed in")
	}
	b = both()
	page := logout(b)
	b.SetCookie("staff_session", "")
	wantAsked(confirm(page), "The account in this browser has changed")
}

// noSignOut is a provider without oauth.SignOuter.
type noSignOut struct{ passport.UserProvider }

func TestLogout_WithoutSignOut(t *testing.T) {
	s := provider(t, func(c *passport.Config) { c.Users = noSignOut{c.Users} })
	if metadata := s.Get("/.well-known/openid-configuration").JSON(); metadata["end_session_endpoint"] != nil {
		t.Errorf("end_session_endpoint = %v without a provider that can sign out, want none", metadata["end_session_endpoint"])
	}
	s.Browser().Server.Get("/oauth/logout").WantStatus(http.StatusNotFound)
	if log := s.Log.String(); !strings.Contains(log, `clients can't sign out the users of the provider \"users\": set UserFuncs.SignOut`) {
		t.Errorf("New doesn't warn that the endpoint is missing: %s", log)
	}

	s = provider(t, testkit.WithClerks(testkit.NewClerks("dora")), func(c *passport.Config) { c.Users = noSignOut{c.Users} })
	c, b := withLogout(s, s.Web()), s.Browser().SignIn("alice")
	hint := hintFor(s, c, b)
	logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout).WantPage(http.StatusNotImplemented, "You are still signed in")
	logout(b).WantPage(http.StatusOK, signedOut) // no user of the other provider is signed in
	wantSignedIn(b)
}

// The pages can be replaced.
func TestLogout_CustomViews(t *testing.T) {
	_, _, b, _ := relyingParty(t, func(c *passport.Config) {
		c.Views = fstest.MapFS{
			"logout.html":     {Data: []byte(`{{define "main"}}Leave, {{range .Users}}{{.Name}}{{end}}? <form method="post" action="{{.Action}}"><input type="hidden" name="ticket" value="{{.Ticket}}"><button>Yes</button></form>{{end}}`)},
			"logged_out.html": {Data: []byte(`{{define "main"}}Goodbye from {{.Site}}.{{end}}`)},
		}
	})
	asked := logout(b)
	if !strings.Contains(asked.Body, "Leave, Name of alice?") {
		t.Errorf("the confirmation page is not the custom one: %s", asked)
	}
	confirm(asked).WantPage(http.StatusOK, "Goodbye from auth.example.com.")

	config := provider(t).Config
	config.Views = fstest.MapFS{"logout.html": {Data: []byte(`{{define "main"}}<form method="post" action="{{.Action}}"><button>Yes</button></form>{{end}}`)}}
	if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), `logout.html: the page lacks <input type="hidden" name="ticket" value="{{.Ticket}}">`) {
		t.Errorf("New() with a page that can't sign out = %v, want an error that names the field", err)
	}
}

// A sign-out that fails halfway says so, and the button ends the rest of it.
func TestLogout_BL_10_Unfinished(t *testing.T) {
	s, c, b, hint := relyingParty(t, func(config *passport.Config) {
		config.FamiliesEndWithSession, config.Store = true, &testkit.WatchedStore{Store: config.Store}
	})
	watched := s.Store.(*testkit.WatchedStore)
	refresh := s.Redeem(c, b.Authorize(c, "scope", "openid read").Code()).Refresh
	fail := errors.New("the database is away")
	watched.Failing("EndSession", fmt.Errorf("end: %w: %w", fail, oauth.ErrUnavailable))
	a := logout(b, "id_token_hint", hint, "post_logout_redirect_uri", afterLogout)
	if a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, "The sign-out is not complete") || a.Target() != "" || a.Header.Get("Retry-After") == "" {
		t.Errorf("logout while the store is away = %s, want a page that says so", a)
	}
	ticket := a.Part(testkit.TicketElement, "ticket")
	watched.Failing("", nil)
	if done := b.Post("/oauth/logout", url.Values{"ticket": {ticket}}); done.Target() != afterLogout {
		t.Errorf("the second try = %s, want a redirect", done)
	}
	s.Refresh(c, refresh).WantJSONError(http.StatusBadRequest, "invalid_grant")
	wantOut(b, c)

	// The application fails: its session goes on, and the button tries again.
	b.SignIn("alice")
	page := logout(b)
	s.Users.With(func() { s.Users.Failure = fail })
	b.Post("/oauth/logout", url.Values{"ticket": {page.Ticket()}}).WantPage(http.StatusInternalServerError, "You may still be signed in")
	s.Users.With(func() { s.Users.Failure = nil })
	wantSignedIn(b)
	confirm(page).WantPage(http.StatusOK, signedOut)
}

// With users of two providers, the sign-out of the first can fail while the second is
// still signed in. The button ends the rest of the first, too.
func TestLogout_BL_10_UnfinishedWithAnotherUser(t *testing.T) {
	s, c, b, _ := relyingParty(t, testkit.WithClerks(testkit.NewClerks("dora")), func(config *passport.Config) {
		config.FamiliesEndWithSession, config.Store = true, &testkit.WatchedStore{Store: config.Store}
	})
	refresh := s.Redeem(c, b.Authorize(c, "scope", "openid read").Code()).Refresh
	b.SetCookie("staff_session", "dora")
	watched := s.Store.(*testkit.WatchedStore)
	watched.Failing("EndSession", oauth.ErrUnavailable)
	a := confirm(logout(b))
	if a.Status != http.StatusServiceUnavailable {
		t.Errorf("logout while the store is away = %s, want status 503", a)
	}
	watched.Failing("", nil)
	b.Post("/oauth/logout", url.Values{"ticket": {a.Part(testkit.TicketElement, "ticket")}}).WantPage(http.StatusOK, signedOut)
	s.Refresh(c, refresh).WantJSONError(http.StatusBadRequest, "invalid_grant")
	if wantOut(b, c); b.Cookie("staff_session") != "" {
		t.Error("the user of the other provider is still signed in")
	}

	// The ticket ends no session that the page did not show.
	b.SignIn("alice")
	watched.Failing("EndSession", oauth.ErrUnavailable)
	a = confirm(logout(b))
	watched.Failing("", nil)
	b.SignIn("bob")
	wantAsked(b.Post("/oauth/logout", url.Values{"ticket": {a.Part(testkit.TicketElement, "ticket")}}), "The account in this browser has changed")
}

// SignOut of an application may write a page or set more cookies: the endpoint keeps only
// the cookies.
func TestLogout_LO_11_SignOutThatWrites(t *testing.T) {
	s := provider(t, func(c *passport.Config) {
		accounts := c.Users
		c.Users = passport.UserFuncs{
			Current: accounts.CurrentUser, ByID: accounts.UserByID, SignInPage: "/login",
			SignOut: func(w http.ResponseWriter, r *http.Request) error {
				http.SetCookie(w, &http.Cookie{Name: "extra", Value: "1", Path: "/"})
				w.Header().Set("Location", "https://evil.example")
				w.Header().Set("Content-Type", "text/plain")
				if err := accounts.(oauth.SignOuter).SignOut(w, r); err != nil {
					return err
				}
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return nil
			},
		}
	})
	c, b := withLogout(s, s.Web()), s.Browser().SignIn("alice")
	logout(b, "id_token_hint", hintFor(s, c, b)).WantPage(http.StatusOK, signedOut)
	if wantOut(b, c); b.Cookie("extra") == "" {
		t.Error("a cookie of SignOut is lost")
	}
}

// SignOut of an application may end the tokens itself: there is one event, and one record.
func TestLogout_LO_12_EndsASessionOnce(t *testing.T) {
	var server *passport.Server
	for _, ends := range []bool{true, false} {
		s := provider(t, func(c *passport.Config) {
			accounts := c.Users
			c.Users = passport.UserFuncs{
				Current: accounts.CurrentUser, ByID: accounts.UserByID, SignInPage: "/login",
				SignOut: func(w http.ResponseWriter, r *http.Request) error {
					user, err := accounts.CurrentUser(r)
					if err != nil {
						return err
					}
					if err := accounts.(oauth.SignOuter).SignOut(w, r); err != nil || !ends {
						return err
					}
					return server.EndSession(r.Context(), testkit.Ref(user.ID), user.SessionID)
				},
			}
		})
		server = s.Server
		c, b := withLogout(s, s.Web()), s.Browser().SignIn("alice")
		logout(b, "id_token_hint", hintFor(s, c, b)).WantPage(http.StatusOK, signedOut)
		if found := testkit.EventsOf[passport.Revoked](s); len(found) != 1 || found[0].Reason != "session ended" {
			t.Errorf("SignOut that ends the tokens: %v; the sign-out has the events %v, want one", ends, found)
		}
	}
}

// The log names the user and the client of a sign-out.
func TestLogout_Log(t *testing.T) {
	s, c, b, hint := relyingParty(t)
	logout(b, "id_token_hint", hint, "state", "canary")
	if log := s.Log.String(); !strings.Contains(log, `"msg":"signed out"`) || !strings.Contains(log, `"user":"users:alice"`) || !strings.Contains(log, c.ID) || strings.Contains(log, "canary") || strings.Contains(log, hint) {
		t.Errorf("the log lacks the sign-out, or has the state or the hint: %s", log)
	}
}

// FuzzLogout: no request signs out without a confirmation, fails, or redirects anywhere
// but to the client.
func FuzzLogout(f *testing.F) {
	for _, query := range []string{"", "state=x", "client_id=a&post_logout_redirect_uri=https://evil.example", "id_token_hint=a.b.c", "ticket=x", "passport_logout=x", "%zz", "state=%00", "client_id=a&client_id=b"} {
		f.Add(query, false)
		f.Add(query, true)
	}
	f.Fuzz(func(t *testing.T, query string, post bool) {
		s := provider(t)
		withLogout(s, s.Web())
		b := s.Browser().SignIn("alice")
		r := httptest.NewRequest("GET", testkit.Issuer+"/oauth/logout", nil)
		if r.URL.RawQuery = query; post {
			r = b.NewRequest("POST", "/oauth/logout", query, nil)
		}
		a := b.Send(r)
		if wantSignedIn(b); a.Status >= 500 || a.Target() != "" {
			t.Errorf("%q: %s", query, a)
		}
	})
}
