package authorize_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// hintOf returns an ID token of a user at a client.
func hintOf(t *testing.T, s *testkit.Server, c *testkit.Client, user string) string {
	t.Helper()
	a := s.Browser().SignIn(user).Authorize(c, "scope", "openid")
	if a.IsConsent() {
		a = a.Allow()
	}
	token, _ := s.Exchange(c, c.CodeForm(a.Code())...).WantStatus(http.StatusOK).JSON()["id_token"].(string)
	if token == "" {
		t.Fatal("there is no ID token")
	}
	return token
}

// OI-28: a hint must be an ID token of this server. It never signs a user in.
func TestOpenID_OI_28_HintMustBeAnIDToken(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	good := hintOf(t, s, c, "alice")
	code := b.Authorize(c, "scope", "openid").Code()
	access := s.Redeem(c, code).Access
	foreign := provider(t, func(c *passport.Config) { c.Issuer = "https://other.example.com" }) // with the same key
	for name, wrong := range map[string]string{
		"a text": "x", "an access token": access, "a changed ID token": good[:len(good)-2] + "AA", "an unsigned token": unsignedObject,
		"an ID token of another server": hintOf(t, foreign, foreign.Web(), "alice"), "a long text": strings.Repeat("x", 7<<10),
	} {
		for _, prompt := range []string{"", "none", "login"} {
			a := b.Authorize(c, "scope", "openid", "id_token_hint", wrong, "prompt", prompt).WantRedirectError("invalid_request")
			if strings.Contains(a.Target(), url.QueryEscape(wrong)) && len(wrong) > 1 {
				t.Errorf("%s: the error repeats the hint: %s", name, a.Target())
			}
		}
	}
	b.Authorize(c, "scope", "openid", "id_token_hint", good, "prompt", "none").Code()
	s.Browser().Authorize(c, "scope", "openid", "id_token_hint", good, "prompt", "none").WantRedirectError("login_required")
	if a := s.Browser().Authorize(c, "scope", "openid", "id_token_hint", good); !isSignIn(a) {
		t.Errorf("a hint without a session: %s, want the sign-in page", a)
	}
}

// OI-29: the client gets a code for the user of the hint, or none.
func TestOpenID_OI_29_AnotherUser(t *testing.T) {
	s := provider(t)
	c := s.Web()
	hint := hintOf(t, s, c, "alice")
	b := s.Browser().SignIn("bob")
	b.Authorize(c, "scope", "openid").Allow().Code()
	b.Authorize(c, "scope", "openid", "id_token_hint", hint, "prompt", "none").WantRedirectError("login_required")

	away := b.Authorize(c, "scope", "openid", "id_token_hint", hint)
	if !isSignIn(away) {
		t.Fatalf("a hint of another user: %s, want the sign-in page", away)
	}
	if again := away.ComeBack(); again.WantRedirectError("login_required").Params().Has("code") {
		t.Errorf("the wrong user returns from the sign-in page: %s", again)
	}
	away.SignIn("bob").WantRedirectError("login_required") // a new sign-in of the wrong user
	if got := codeOf(t, s, away.SignIn("alice")); got.Family.User != testkit.Ref("alice") {
		t.Errorf("the code is for %v, want alice", got.Family.User)
	}
}

// OI-29: a user who switches the account on the consent page, or in another tab, can't
// change for whom the code is.
func TestOpenID_OI_29_TheUserChangesAtTheConsentPage(t *testing.T) {
	s := provider(t)
	c := s.Web()
	hint := hintOf(t, s, c, "alice")
	b := s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "openid read", "id_token_hint", hint)
	if strings.Contains(page.Body, `class="switch"`) {
		t.Errorf("the page for the user of a hint has a link to another account: %s", page)
	}
	b.SignIn("bob")
	if a := page.Allow(); !isSignIn(a) {
		t.Errorf("bob allows the request for alice: %s, want the sign-in page", a)
	}
	b.SignIn("alice")
	page.Allow().Code()
}

// A hint is personal: it is in no URL that the server makes, and not in the log.
func TestOpenID_OI_28_HintsStayPrivate(t *testing.T) {
	m := new(memstore.Store)
	without := struct { // oauth.PendingRequestStore
		oauth.Store
		oauth.LogoutStore
	}{m, m}
	for name, store := range map[string]oauth.Store{"a store for requests": new(memstore.Store), "another store": without} {
		s := provider(t, func(c *passport.Config) { c.Store = store })
		c := s.Web()
		hint := hintOf(t, s, c, "alice")
		b := s.Browser()
		post := b.NewRequest("POST", "/oauth/authorize", c.Request("scope", "openid read", "id_token_hint", hint).Encode(), http.Header{"Sec-Fetch-Site": {"cross-site"}})
		repeated := b.Send(post)
		away := b.Get(repeated.Target())
		page := away.SignIn("alice")
		b.Authorize(c, "scope", "openid", "id_token_hint", hint+"x").WantRedirectError("invalid_request") // logged
		for what, text := range map[string]string{
			"the repeated request": repeated.Target(), "the sign-in page": away.Target(), "the consent page": page.Body, "the log": s.Log.String(),
			"the response": page.Allow().Target(),
		} {
			if strings.Contains(text, hint) || strings.Contains(text, hint[len(hint)-40:]) {
				t.Errorf("%s: %s has the id_token_hint", name, what)
			}
		}
	}
}

// The sign-in page learns that another user must sign in.
func TestOpenID_OI_29_TheSignInPageLearnsIt(t *testing.T) {
	users := &asks{Accounts: testkit.NewAccounts("alice", "bob")}
	s := provider(t, func(c *passport.Config) { c.Users = users })
	s.Users = users.Accounts
	c := s.Web()
	hint := hintOf(t, s, c, "alice")
	b := s.Browser().SignIn("bob")
	if b.Authorize(c, "scope", "openid", "id_token_hint", hint); !users.last.OtherUser || users.last.Again {
		t.Errorf("SignInURL learns %+v, want OtherUser", users.last)
	}
	if b.SignOut().Authorize(c, "scope", "openid", "id_token_hint", hint); users.last.OtherUser {
		t.Errorf("SignInURL learns %+v without a signed-in user, want no OtherUser", users.last)
	}
	b.SignIn("alice")
	time.Sleep(time.Millisecond)
	if b.Authorize(c, "scope", "openid", "max_age", "1000000"); users.last.Again {
		t.Errorf("SignInURL learns %+v, want no Again", users.last)
	}
	if b.Authorize(c, "scope", "openid", "max_age", "0"); !users.last.Again {
		t.Errorf("SignInURL learns %+v, want Again", users.last)
	}
}

// asks keeps why a browser was last sent to the sign-in page.
type asks struct {
	*testkit.Accounts
	last oauth.SignInRequest
}

func (a *asks) SignInURL(r *http.Request, returnTo string) string {
	a.last = oauth.SignInRequestFrom(r.Context())
	return a.Accounts.SignInURL(r, returnTo)
}
