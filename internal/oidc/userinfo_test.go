package oidc_test

import (
	"context"
	"errors"
	"maps"
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

// ada is everything that an application may know about a user.
func ada(context.Context, *oauth.User, *oauth.Client, []string) (openid.Claims, error) {
	return openid.Claims{
		Name: "Ada Lovelace", FamilyName: "Lovelace", GivenName: "Ada", MiddleName: "King", Nickname: "ada", PreferredUsername: "ada",
		Profile: "https://example.com/ada", Picture: "https://example.com/ada.png", Website: "https://ada.example", Gender: "female",
		Birthdate: "1815-12-10", Zoneinfo: "Europe/London", Locale: "en-GB", UpdatedAt: time.Unix(1_700_000_000, 0),
		Email: "ada@example.com", EmailVerified: true, PhoneNumber: "+442079460000", PhoneNumberVerified: false,
		Address: openid.Address{Formatted: "12 St James's Square\nLondon", Locality: "London", Country: "UK"},
		Extra:   map[string]any{"groups": []string{"staff", "math"}},
	}, nil
}

// provider returns an OpenID provider whose users are all Ada.
func provider(t *testing.T, change ...func(*passport.Config)) *testkit.Server {
	t.Helper()
	return testkit.NewServer(t, append([]func(*passport.Config){testkit.WithOpenID(t, passport.OpenID{
		UserClaims: ada, ExtraClaims: []openid.ExtraClaim{{Name: "groups", Scope: "groups", Description: "See your groups"}},
	})}, change...)...)
}

// userInfo calls UserInfo with a token.
func userInfo(s *testkit.Server, token string) *testkit.Response {
	return s.Get("/oauth/userinfo", "Authorization", "Bearer "+token)
}

// names returns the sorted names of the claims in a response.
func names(claims map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(claims)), " ")
}

func TestUserInfo_OI_80_OI_85_OI_100_OI_103_OI_106_XB09_XB10_XB11_XB12_XB13_XB14_ClaimsOfTheScopes(t *testing.T) {
	s := provider(t)
	c := s.Web()
	const profile = "birthdate family_name gender given_name locale middle_name name nickname picture preferred_username profile"
	for scope, want := range map[string]string{
		"openid":                             "sub",
		"openid read":                        "sub",
		"openid profile":                     profile + " sub updated_at website zoneinfo",
		"openid email":                       "email email_verified sub",
		"email read openid":                  "email email_verified sub",
		"openid address":                     "address sub",
		"openid phone":                       "phone_number phone_number_verified sub",
		"openid groups":                      "groups sub",
		"openid profile email address phone": "address birthdate email email_verified family_name gender given_name locale middle_name name nickname phone_number phone_number_verified picture preferred_username profile sub updated_at website zoneinfo",
	} {
		token := s.GrantTokens(c, "scope", scope, "prompt", "consent")
		got := userInfo(s, token.Access).WantStatus(200)
		if names(got.JSON()) != want {
			t.Errorf("the claims for the scope %q are %q, want %q", scope, names(got.JSON()), want)
		}
		if got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the headers are %v, want JSON that no cache stores", got.Header)
		}
	}
	s.WantBlameless()
}

// The type of each claim is that of OpenID Connect Core §5.1.
func TestUserInfo_OI_84_OI_101_XB09_XB10_XB11_XB12_Types(t *testing.T) {
	s := provider(t)
	all := userInfo(s, s.GrantTokens(s.Web(), "scope", "openid profile email address phone groups").Access).JSON()
	for name, value := range all {
		switch name {
		case "email_verified", "phone_number_verified":
			if _, isBool := value.(bool); !isBool {
				t.Errorf("%s is %#v, want a boolean", name, value)
			}
		case "updated_at":
			if n, isNumber := value.(float64); !isNumber || n != 1_700_000_000 {
				t.Errorf("updated_at is %#v, want seconds since 1970", value)
			}
		case "address":
			if got := names(value.(map[string]any)); got != "country formatted locality" {
				t.Errorf("address has the members %q, want those with a value", got)
			}
		case "groups":
			if list, isList := value.([]any); !isList || len(list) != 2 {
				t.Errorf("groups is %#v, want a list", value)
			}
		default:
			if text, isText := value.(string); !isText || text == "" {
				t.Errorf("%s is %#v, want a text", name, value)
			}
		}
	}
	// Claims without a value are left out, and their scopes are granted all the same.
	bare := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	token := bare.GrantTokens(bare.Web(), "scope", "openid profile email phone address")
	if token.Scope != "openid profile email phone address" {
		t.Errorf("scopes without data: granted %q, want all", token.Scope)
	}
	if got := names(userInfo(bare, token.Access).JSON()); got != "sub" {
		t.Errorf("an application without claims gives %q, want sub", got)
	}
}

func TestUserInfo_OI_80_XB05_XB06_GetAndPost(t *testing.T) {
	s := provider(t)
	token := s.GrantTokens(s.Web(), "scope", "openid email")
	want := userInfo(s, token.Access).Body
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER ", "Bearer   "} {
		for _, body := range []string{"", "x=y", "client_id=a&token=b"} {
			r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/userinfo", strings.NewReader(body))
			r.Header.Set("Authorization", scheme+token.Access)
			if body != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if got := s.Do(r); got.Status != 200 || got.Body != want {
				t.Errorf("POST with %q and the body %q: %s, want the response to GET", scheme, body, got)
			}
		}
	}
	head := httptest.NewRequest("HEAD", testkit.Issuer+"/oauth/userinfo", nil)
	head.Header.Set("Authorization", "Bearer "+token.Access)
	s.Do(head).WantStatus(200)
	for _, method := range []string{"PUT", "DELETE", "PATCH"} {
		r := httptest.NewRequest(method, testkit.Issuer+"/oauth/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+token.Access)
		if got := s.Do(r).WantJSONError(405, "invalid_request"); got.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: Allow is %q", method, got.Header.Get("Allow"))
		}
	}
}

// RFC 9700 and OAuth 2.1 §5.1: a token in a body or in a URL is in logs.
func TestUserInfo_OI_81_OI_82_XB07_OnlyTheHeader(t *testing.T) {
	s := provider(t)
	token := s.GrantTokens(s.Web(), "scope", "openid email").Access
	post := func(target, body, contentType string, header ...string) *testkit.Response {
		r := httptest.NewRequest("POST", testkit.Issuer+target, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		if len(header) > 0 {
			r.Header.Set(header[0], header[1])
		}
		return s.Do(r)
	}
	const form = "application/x-www-form-urlencoded"
	encoded := url.Values{"access_token": {token}}.Encode()
	refusal := post("/oauth/userinfo", encoded, form).WantJSONError(400, "invalid_request")
	if !strings.Contains(refusal.Body, "send it in the header") {
		t.Errorf("the refusal of a token in the body is %s, want it to name the header", refusal.Body)
	}
	post("/oauth/userinfo", encoded, form, "Authorization", "Bearer "+token).WantJSONError(400, "invalid_request")
	for name, got := range map[string]*testkit.Response{
		"query of GET":   s.Get("/oauth/userinfo?access_token=" + token),
		"query of POST":  post("/oauth/userinfo?access_token="+token, "", form),
		"JSON body":      post("/oauth/userinfo", `{"access_token":"`+token+`"}`, "application/json"),
		"another name":   post("/oauth/userinfo", "token="+token, form),
		"cookie":         s.Get("/oauth/userinfo", "Cookie", "access_token="+token),
		"another scheme": s.Get("/oauth/userinfo", "Authorization", "DPoP "+token),
	} {
		if got.Status != 401 || got.Header.Get("WWW-Authenticate") != `Bearer realm="userinfo"` {
			t.Errorf("a token in the %s: %d with the challenge %q, want 401 as without a token", name, got.Status, got.Header.Get("WWW-Authenticate"))
		}
	}
	s.WantNoSecrets(token)
	// A token in the URL does not disturb one in the header.
	s.Get("/oauth/userinfo?access_token=x", "Authorization", "Bearer "+token).WantStatus(200)
}

func TestUserInfo_OI_86_OI_90_Challenges(t *testing.T) {
	s := provider(t)
	c := s.Web()
	wants := func(name string, got *testkit.Response, status int, challenge string) {
		t.Helper()
		if got.Status != status || got.Header.Get("WWW-Authenticate") != challenge {
			t.Errorf("%s: %d with %q, want %d with %q", name, got.Status, got.Header.Get("WWW-Authenticate"), status, challenge)
		}
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: the headers are %v, want no-store and any origin", name, got.Header)
		}
	}
	wants("no token", s.Get("/oauth/userinfo"), 401, `Bearer realm="userinfo"`)
	wants("Basic", s.Get("/oauth/userinfo", "Authorization", testkit.Basic(c.ID, c.Secret)), 401, `Bearer realm="userinfo"`)
	plain := s.GrantTokens(c, "scope", "read email")
	wants("a token without openid", userInfo(s, plain.Access), 403, `Bearer realm="userinfo", error="insufficient_scope", error_description="the token lacks the scope openid", scope="openid"`)
	machine := s.MachineToken(s.Machine())
	wants("a token of a client", userInfo(s, machine), 403, `Bearer realm="userinfo", error="insufficient_scope", error_description="the token belongs to a client: a user's token is required"`)
	token := s.GrantTokens(c, "scope", "openid")
	for name, bad := range map[string]string{"nonsense": "x", "a refresh token": token.Refresh, "an unknown opaque token": "passport_pat_x"} {
		if got := userInfo(s, bad); got.Status != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s: %d with %q, want 401 invalid_token", name, got.Status, got.Header.Get("WWW-Authenticate"))
		}
	}
	s.Works(s.RevokeUser(t.Context(), testkit.Ref("alice")))
	wants("a revoked token", userInfo(s, token.Access), 401, `Bearer realm="userinfo", error="invalid_token", error_description="the token has expired or was revoked"`)
}

func TestUserInfo_OI_86_ExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := provider(t)
		token := s.GrantTokens(s.Web(), "scope", "openid").Access
		time.Sleep(time.Hour + time.Second)
		if got := userInfo(s, token); got.Status != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("an expired token: %s", got)
		}
	})
}

// The scope * is not openid.
func TestUserInfo_OI_86_AllScopes(t *testing.T) {
	s := provider(t, testkit.WithPasswords)
	c := s.Legacy()
	signIn := func(scope string) string {
		return s.Exchange(c, "grant_type", "password", "username", "alice", "password", testkit.PasswordOf("alice"), "scope", scope).Tokens().Access
	}
	if got := userInfo(s, signIn("*")); got.Status != 403 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `scope="openid"`) {
		t.Errorf("a token with the scope *: %s, want 403", got)
	}
	if got := names(userInfo(s, signIn("* openid")).JSON()); got != "sub" {
		t.Errorf("a token with the scopes * and openid gives the claims %q, want only sub", got)
	}
}

// A token for another API could be one that this API received.
func TestUserInfo_OI_87_Audience(t *testing.T) {
	const api, shop = "https://api.example.com", "https://shop.example.com"
	s := provider(t, func(c *passport.Config) { c.Audience, c.Resources = api, []string{shop, testkit.Issuer} })
	c := s.Web()
	for resource, status := range map[string]int{"": 200, api: 200, testkit.Issuer: 200, shop: 401} {
		var pairs []string
		if resource != "" {
			pairs = []string{"resource", resource}
		}
		code := s.Browser().SignIn("alice").Authorize(c, append(pairs, "scope", "openid", "prompt", "consent")...).Allow().Code()
		if got := userInfo(s, s.Redeem(c, code).Access); got.Status != status {
			t.Errorf("a token for %q: %s, want %d", resource, got, status)
		}
	}
}

func TestUserInfo_OI_88_DisabledUserAndSuspendedClient(t *testing.T) {
	s := provider(t)
	c := s.Web()
	token := s.GrantTokens(c, "scope", "openid").Access
	s.Works(s.SuspendClient(t.Context(), c.ID))
	if got := userInfo(s, token); got.Status != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
		t.Errorf("a suspended client: %s", got)
	}
	s.Works(s.ResumeClient(t.Context(), c.ID))
	userInfo(s, token).WantStatus(200)
	s.Users.Remove("alice")
	if got := userInfo(s, token); got.Status != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
		t.Errorf("a disabled user: %s", got)
	}
}

func TestUserInfo_OI_89_CrossOrigin(t *testing.T) {
	s := provider(t)
	token := s.GrantTokens(s.Web(), "scope", "openid").Access
	for _, method := range []string{"GET", "POST"} {
		r := httptest.NewRequest(http.MethodOptions, testkit.Issuer+"/oauth/userinfo", nil)
		r.Header.Set("Origin", "https://spa.example")
		r.Header.Set("Access-Control-Request-Method", method)
		r.Header.Set("Access-Control-Request-Headers", "authorization")
		got := s.Do(r).WantStatus(204)
		if got.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(got.Header.Get("Access-Control-Allow-Methods"), method) ||
			!strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
			t.Errorf("the preflight of %s gets %v", method, got.Header)
		}
	}
	for name, got := range map[string]*testkit.Response{
		"claims":    s.Get("/oauth/userinfo", "Origin", "https://spa.example", "Authorization", "Bearer "+token),
		"a refusal": s.Get("/oauth/userinfo", "Origin", "https://spa.example"),
	} {
		if got.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") ||
			got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: the headers are %v, want any origin without cookies, and the challenge exposed", name, got.Header)
		}
	}
}

// An error of the application's function never becomes a user without claims.
func TestUserInfo_OI_84_ErrorOfTheApplication(t *testing.T) {
	failing := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{
		UserClaims: func(context.Context, *oauth.User, *oauth.Client, []string) (openid.Claims, error) {
			return openid.Claims{Name: "half"}, errors.New("the directory is down")
		},
	}))
	token := failing.GrantTokens(failing.Web(), "scope", "read profile openid").Access
	got := userInfo(failing, token).WantJSONError(500, "server_error")
	if strings.Contains(got.Body, "half") || strings.Contains(got.Body, "directory") {
		t.Errorf("the response has details: %s", got.Body)
	}
	failing.WantLog("the directory is down")
}

// A slow or large body can't hold the connection or the memory.
func TestUserInfo_LargeBody(t *testing.T) {
	s := provider(t)
	token := s.GrantTokens(s.Web(), "scope", "openid").Access
	r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/userinfo", strings.NewReader(strings.Repeat("x", 1<<20)))
	r.Header.Set("Authorization", "Bearer "+token)
	s.Do(r).WantJSONError(413, "invalid_request")
}

// A client registered for RS256, and one that is not, get RS256 (OpenID Connect Core
// §15.1). The user is the same in the ID token and in UserInfo, at each client and after a
// refresh.
func TestUserInfo_OI_83_OI_130_XB05_XD01_SameSubject(t *testing.T) {
	s := provider(t)
	for name, c := range map[string]*testkit.Client{
		"a client without settings": s.Web(),
		"a client for RS256":        s.Register(passport.Registration{OpenID: &oauth.ClientOpenID{IDTokenAlg: "RS256"}}),
		"a public client":           s.Spa(),
	} {
		tok := s.GrantTokens(c, "scope", "openid email")
		for range 2 {
			header, claims := s.IDToken(tok.ID, "RS256")
			got := userInfo(s, tok.Access).WantStatus(200).JSON()
			if header.KeyID == "" || claims["sub"] != "users:alice" || got["sub"] != claims["sub"] {
				t.Errorf("%s: the ID token has sub %v, UserInfo %v, want users:alice in both", name, claims["sub"], got["sub"])
			}
			tok = s.Refresh(c, tok.Refresh).Tokens()
		}
	}
}
