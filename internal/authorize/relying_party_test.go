package authorize_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// The tests with the IDs XB and XP do what the modules of the OpenID Foundation's suite
// do, and check the same: XB with the response in the query, XP with form_post. The client
// is confidential, authenticates with HTTP Basic and uses no PKCE.

// relyingParty is a client of OpenID Connect, its user alice, and her browser.
type relyingParty struct {
	*testkit.Server
	c        *testkit.Client
	b        *testkit.Browser
	formPost bool
	signIns  int // how often the browser was at the sign-in page
	asked    int // how often the consent page was shown
}

// module runs a test for both response modes, in a bubble where time can pass.
func module(t *testing.T, id string, f func(t *testing.T, rp *relyingParty)) {
	t.Helper()
	for _, formPost := range []bool{false, true} {
		name := "XB" + id
		if formPost {
			name = "XP" + id
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{UserClaims: everyClaim}))
				f(t, &relyingParty{Server: s, c: s.Web(), b: s.Browser(), formPost: formPost})
			})
		})
	}
}

// everyClaim returns all standard claims of a user.
func everyClaim(_ context.Context, u *oauth.User, _ *oauth.Client, _ []string) (openid.Claims, error) {
	return openid.Claims{
		Name: u.Name, FamilyName: "Example", GivenName: "Alice", MiddleName: "M", Nickname: "al", PreferredUsername: "alice",
		Profile: "https://example.com/alice", Picture: "https://example.com/alice.png", Website: "https://alice.example", Gender: "female",
		Birthdate: "1990-01-02", Zoneinfo: "Europe/Paris", Locale: "fr-CA", UpdatedAt: time.Now().Add(-time.Hour),
		Email: u.Email, EmailVerified: true, PhoneNumber: "+14255551212", PhoneNumberVerified: true,
		Address: openid.Address{Formatted: "1 Main St\nTown", Country: "FR"},
	}, nil
}

// params returns the parameters of an authentication request, changed by pairs.
func (rp *relyingParty) params(pairs ...string) url.Values {
	mode := ""
	if rp.formPost {
		mode = "form_post"
	}
	return rp.c.Request(append([]string{"scope", "openid", "nonce", "nonce-1", "code_challenge", "", "code_challenge_method", "", "response_mode", mode}, pairs...)...)
}

// open sends an authentication request as a GET.
func (rp *relyingParty) open(pairs ...string) *testkit.Response {
	rp.T.Helper()
	return rp.b.Get(rp.AuthorizePath() + "?" + rp.params(pairs...).Encode())
}

// finish signs the user in and allows the request, where the browser is asked for it.
func (rp *relyingParty) finish(a *testkit.Response) *testkit.Response {
	rp.T.Helper()
	if isSignIn(a) {
		rp.signIns++
		a = a.SignIn("alice")
	}
	if a.IsConsent() {
		rp.asked++
		a = a.Allow()
	}
	return a
}

// response returns the response that the client receives, and checks it as every module
// does.
func (rp *relyingParty) response(a *testkit.Response) url.Values {
	rp.T.Helper()
	var got url.Values
	if rp.formPost {
		var action string
		if action, got = a.Form(); action != rp.c.RedirectURIs[0] {
			rp.T.Errorf("the form goes to %s, want %s unchanged", action, rp.c.RedirectURIs[0])
		}
	} else {
		got = a.Params()
	}
	if got.Get("state") != testkit.DefaultState || got.Get("iss") != testkit.Issuer || got.Has("error") == got.Has("code") {
		rp.T.Errorf("the response is %v, want state, iss, and either a code or an error", got)
	}
	for name, values := range got {
		if !slices.Contains([]string{"code", "error", "error_description", "error_uri", "state", "iss"}, name) || strings.ContainsAny(values[0], "\r\n\t") {
			rp.T.Errorf("the response has %s=%q", name, values)
		}
	}
	return got
}

// authenticate runs a request up to the code, with all pages.
func (rp *relyingParty) authenticate(pairs ...string) (code string) {
	rp.T.Helper()
	got := rp.response(rp.finish(rp.open(pairs...)))
	if got.Get("code") == "" {
		rp.T.Fatalf("the response is %v, want a code", got)
	}
	return got.Get("code")
}

// refused fails the test unless the client receives one of these errors at once.
func (rp *relyingParty) refused(a *testkit.Response, codes ...string) {
	rp.T.Helper()
	if got := rp.response(a); !slices.Contains(codes, got.Get("error")) {
		rp.T.Errorf("the response is %v, want one of the errors %v", got, codes)
	}
}

// login is a token response with an ID token.
type login struct {
	code, access, refresh, idToken string
	claims                         map[string]any // of the ID token
}

func (l *login) time(name string) time.Time {
	seconds, _ := l.claims[name].(float64)
	return time.Unix(int64(seconds), 0)
}

// login runs the whole flow, and checks the tokens as every module does.
func (rp *relyingParty) login(pairs ...string) *login {
	rp.T.Helper()
	nonce := "nonce-1"
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "nonce" {
			nonce = pairs[i+1]
		}
	}
	code := rp.authenticate(pairs...)
	return rp.tokens(rp.Exchange(rp.c, "grant_type", "authorization_code", "code", code, "redirect_uri", rp.c.RedirectURIs[0]), code, nonce)
}

// tokens checks a token response. nonce is that of the request.
func (rp *relyingParty) tokens(a *testkit.Response, code, nonce string) *login {
	rp.T.Helper()
	body := a.WantStatus(http.StatusOK).JSON()
	text := func(name string) string { v, _ := body[name].(string); return v }
	l := &login{code: code, access: text("access_token"), refresh: text("refresh_token"), idToken: text("id_token")}
	if expires, _ := body["expires_in"].(float64); l.access == "" || expires <= 0 || l.idToken == "" || !strings.EqualFold(text("token_type"), "Bearer") || a.Header.Get("Cache-Control") != "no-store" {
		rp.T.Fatalf("the token response is %v with the header %v", body, a.Header)
	}
	rp.Verified(l.idToken)
	l.claims = testkit.ClaimsOf(rp.T, l.idToken)
	rp.checkIDToken(l, nonce)
	if sub := rp.userInfo(l.access)["sub"]; sub != l.claims["sub"] {
		rp.T.Errorf("sub of UserInfo is %v, want that of the ID token, %v", sub, l.claims["sub"])
	}
	return l
}

func (rp *relyingParty) checkIDToken(l *login, nonce string) {
	rp.T.Helper()
	now := time.Now()
	if l.claims["iss"] != testkit.Issuer || l.claims["aud"] != rp.c.ID || l.claims["sub"] != "users:alice" {
		rp.T.Errorf("the ID token has iss %v, aud %v and sub %v", l.claims["iss"], l.claims["aud"], l.claims["sub"])
	}
	if got, ok := l.claims["nonce"]; ok != (nonce != "") || ok && got != nonce {
		rp.T.Errorf("the ID token has the nonce %v, want %q", got, nonce)
	}
	if !l.time("exp").After(now) || l.time("exp").After(now.AddDate(1, 0, 0)) || l.time("iat").After(now) || now.Sub(l.time("iat")) > time.Second {
		rp.T.Errorf("the ID token has exp %v and iat %v at %v", l.time("exp"), l.time("iat"), now)
	}
	if at := l.time("auth_time"); at.After(now) || now.Sub(at) > 24*time.Hour {
		rp.T.Errorf("the ID token has the auth_time %v at %v", at, now)
	}
	for name := range l.claims {
		if !slices.Contains(strings.Fields("iss sub aud exp iat auth_time nonce acr amr azp at_hash nbf jti sid"), name) {
			rp.T.Errorf("the ID token has the claim %s, which the client did not ask for", name)
		}
	}
	if acr, ok := l.claims["acr"]; ok && acr == "" {
		rp.T.Error("the ID token has an empty acr")
	}
}

// askUserInfo sends a request to UserInfo.
func (rp *relyingParty) askUserInfo(method, access, body string) *testkit.Response {
	r := httptest.NewRequest(method, testkit.Issuer+"/oauth/userinfo", strings.NewReader(body))
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return rp.Do(r)
}

// userInfo returns the claims of UserInfo.
func (rp *relyingParty) userInfo(access string) map[string]any {
	rp.T.Helper()
	return rp.askUserInfo("GET", access, "").WantStatus(http.StatusOK).JSON()
}

// wantClaims fails the test unless UserInfo has exactly sub and these claims, with the
// types of OpenID Connect Core §5.1.
func (rp *relyingParty) wantClaims(l *login, names string) {
	rp.T.Helper()
	got := rp.userInfo(l.access)
	want := append(strings.Fields(names), "sub")
	for _, name := range want {
		if _, ok := got[name]; !ok {
			rp.T.Errorf("UserInfo lacks %s: %v", name, got)
		}
	}
	for name, value := range got {
		kind := "string"
		switch name {
		case "email_verified", "phone_number_verified":
			kind = "bool"
		case "updated_at":
			kind = "float64"
		case "address":
			kind = "map[string]interface {}"
		}
		if fmt.Sprintf("%T", value) != kind || !slices.Contains(want, name) {
			rp.T.Errorf("UserInfo has %s = %#v, want %s", name, value, kind)
		}
	}
}
