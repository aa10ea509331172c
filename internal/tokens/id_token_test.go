package tokens_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// withOpenID turns on OpenID Connect. Its function returns the claims, or the error.
func withOpenID(t *testing.T, fail *error) func(*passport.Config) {
	t.Helper()
	return testkit.WithOpenID(t, passport.OpenID{UserClaims: func(_ context.Context, u *oauth.User, _ *oauth.Client, _ []string) (openid.Claims, error) {
		if fail != nil && *fail != nil {
			return openid.Claims{}, *fail
		}
		return openid.Claims{Name: u.Name, Email: u.Email}, nil
	}})
}

// setOpenID changes the settings of a client for OpenID Connect.
func setOpenID(s *testkit.Server, c *testkit.Client, settings oauth.ClientOpenID) {
	s.T.Helper()
	stored, err := s.Store.Client(s.T.Context(), c.ID)
	s.Works(err)
	changed := *stored
	changed.OpenID = &settings
	s.Works(s.Store.UpdateClient(s.T.Context(), &changed, nil))
}

func hashOf(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func TestIDToken_OI_01_OI_60_OI_67_XB01_XB03_CodeExchange(t *testing.T) {
	s := testkit.NewServer(t, withOpenID(t, nil))
	for name, c := range map[string]*testkit.Client{"a confidential client": s.Web(), "a public client": s.Spa()} {
		before := time.Now().Unix()
		response := s.Exchange(c, c.CodeForm(s.Code(c, "scope", "openid profile email"))...)
		got := response.Tokens()
		if response.Header.Get("Cache-Control") != "no-store" || got.Type != "Bearer" || got.Expires <= 0 || got.Scope != "openid profile email" {
			t.Errorf("%s: the token response is %s with %v", name, response, response.Header)
		}
		header, claims := s.IDToken(got.ID, "RS256")
		if header.ExtraHeaders["typ"] != "JWT" {
			t.Errorf("%s: the typ is %v", name, header.ExtraHeaders["typ"])
		}
		if claims["iss"] != testkit.Issuer || claims["sub"] != "users:alice" || claims["aud"] != c.ID || claims["at_hash"] != hashOf(got.Access) {
			t.Errorf("%s: the ID token has %v, want the issuer, alice, the client and the hash of the access token", name, claims)
		}
		if iat := int64(claims["iat"].(float64)); iat < before || iat > time.Now().Unix() || int64(claims["exp"].(float64)) != iat+3600 || claims["auth_time"].(float64) > float64(iat) {
			t.Errorf("%s: the times of the ID token are %v", name, claims)
		}
		if sub := testkit.ClaimsOf(t, got.Access)["sub"]; sub != claims["sub"] {
			t.Errorf("%s: the access token is about %v, the ID token about %v", name, sub, claims["sub"])
		}
		delete(claims, "sid")
		if names := slices.Sorted(maps.Keys(claims)); !slices.Equal(names, []string{"at_hash", "aud", "auth_time", "exp", "iat", "iss", "sub"}) {
			t.Errorf("%s: the ID token has the claims %q, want no personal ones", name, names)
		}
	}
}

// Without the scope openid, or without OpenID Connect, nothing changes.
func TestIDToken_OI_01_OnlyWithOpenID(t *testing.T) {
	s := testkit.NewServer(t, withOpenID(t, nil))
	c := s.Web()
	if got := s.GrantTokens(c, "scope", "profile read"); got.ID != "" {
		t.Error("a response without openid has an ID token")
	}
	plain := testkit.NewServer(t, func(c *passport.Config) {
		c.Scopes = append(c.Scopes, passport.Scope{ID: "openid", Description: "Know who you are"})
	})
	if got := plain.GrantTokens(plain.Web(), "scope", "openid"); got.ID != "" || got.Scope != "openid" {
		t.Errorf("a server without OpenID Connect issues %+v", got)
	}
}

// A refresh gives an ID token about the same sign-in.
func TestIDToken_OI_41_OI_143_XB37_Refresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, withOpenID(t, nil))
		c := s.Web()
		first := s.GrantTokens(c, "scope", "openid read")
		_, old := s.IDToken(first.ID, "RS256")
		token := first.Refresh
		for range 2 {
			time.Sleep(30 * time.Minute)
			got := s.Refresh(c, token).Tokens()
			token = got.Refresh
			_, claims := s.IDToken(got.ID, "RS256")
			for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid"} {
				if claims[name] != old[name] {
					t.Errorf("after a refresh %s is %v, want %v", name, claims[name], old[name])
				}
			}
			if claims["iat"] != float64(time.Now().Unix()) || claims["exp"] != float64(time.Now().Unix()+3600) || claims["at_hash"] != hashOf(got.Access) {
				t.Errorf("after a refresh the ID token has %v, want the time of the refresh and the hash of the new access token", claims)
			}
			if claims["nonce"] != nil || claims["azp"] != nil {
				t.Errorf("after a refresh the ID token has %v, want neither nonce nor azp", claims)
			}
		}
		narrow := s.Refresh(c, token, "scope", "read").Tokens()
		if narrow.ID != "" {
			t.Error("a refresh for the scope read alone has an ID token")
		}
		if got := s.Refresh(c, narrow.Refresh).Tokens(); got.ID == "" {
			t.Error("after a narrow refresh, the refresh for all scopes has no ID token")
		}
	})
}

// A client that lost the response gets the same ID token again.
func TestIDToken_OI_143_RetryWithinTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, withOpenID(t, nil))
		c := s.Web()
		first := s.GrantTokens(c, "scope", "openid read")
		got := s.Refresh(c, first.Refresh).Tokens()
		time.Sleep(9 * time.Second)
		again := s.Refresh(c, first.Refresh).Tokens()
		_, claims := s.IDToken(again.ID, "RS256")
		if again.Refresh != got.Refresh || claims["at_hash"] != hashOf(again.Access) || again.ID == "" {
			t.Errorf("a retry gets %+v, want the same refresh token with an ID token for its access token", again)
		}
		if _, before := s.IDToken(got.ID, "RS256"); before["iat"] != claims["iat"] || before["exp"] != claims["exp"] {
			t.Errorf("the ID token of a retry has the times %v and %v, want those of the first response: %v", claims["iat"], claims["exp"], before)
		}
	})
}

func TestIDToken_OI_75_DeviceFlow(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices, withOpenID(t, nil))
	c := s.DeviceClient("Player")
	begun := s.Do(s.FormRequest(c, "/oauth/device/code", "scope", "openid read", "nonce", "n")).JSON()
	code, _ := begun["device_code"].(string)
	userCode, _ := begun["user_code"].(string)
	s.Browser().SignIn("alice").Post("/oauth/device", url.Values{"user_code": {userCode}}).Allow()
	got := s.Do(s.FormRequest(c, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", code)).Tokens()
	_, claims := s.IDToken(got.ID, "RS256")
	if claims["sub"] != "users:alice" || claims["aud"] != c.ID || claims["auth_time"] == nil || claims["nonce"] != nil {
		t.Errorf("the ID token of a device has %v, want auth_time and no nonce", claims)
	}
	if again := s.Refresh(c, got.Refresh).Tokens(); again.ID == "" {
		t.Error("a refresh of a device has no ID token")
	}
}

// An ID token says that a user signed in: a client that acts for itself, a token that a
// user created, and a token of an authorization request have none.
func TestIDToken_OI_05_OI_74_NoSignIn(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithImplicit, withOpenID(t, nil), func(c *passport.Config) {
		c.Grants = []oauth.Grant{openGrant{}, openGrant{signsIn: true}}
		c.PersonalTokenFormat = passport.JWT
	})
	if got := s.Exchange(s.Machine(), "grant_type", "client_credentials", "scope", "openid read").Tokens(); got.ID != "" {
		t.Error("a client's own token has an ID token")
	}
	board := s.Board(passport.Registration{})
	if got := s.Browser().SignIn("alice").AuthorizeToken(board, "scope", "openid read").Allow().Fragment(); got.Has("id_token") {
		t.Error("the implicit grant gives an ID token")
	}
	c := s.Register(passport.Registration{GrantTypes: []string{openGrant{}.GrantType(), openGrant{signsIn: true}.GrantType(), "password", "refresh_token"}})
	got := s.Exchange(c, "grant_type", openGrant{}.GrantType(), "scope", "openid read").Tokens()
	if got.ID != "" || got.Scope != "read" {
		t.Errorf("a grant without a sign-in gives %+v, want neither an ID token nor the scope openid", got)
	}
	if again := s.Refresh(c, got.Refresh).Tokens(); again.ID != "" || again.Scope != "read" {
		t.Errorf("a refresh of it gives %+v, want no ID token", again)
	}
	s.Refresh(c, s.Exchange(c, "grant_type", openGrant{}.GrantType(), "scope", "openid read").Tokens().Refresh, "scope", "openid").WantJSONError(400, "invalid_scope")

	// The server or the grant checked the user here.
	for name, response := range map[string]*testkit.Response{
		"the password grant":           s.SignIn(c, "alice", testkit.PasswordOf("alice"), "scope", "openid read"),
		"a grant that checks the user": s.Exchange(c, "grant_type", openGrant{signsIn: true}.GrantType(), "scope", "openid read"),
	} {
		got := response.Tokens()
		if _, claims := s.IDToken(got.ID, "RS256"); claims["auth_time"] == nil || claims["sub"] != "users:alice" {
			t.Errorf("%s gives an ID token with %v, want auth_time", name, claims)
		}
		if again := s.Refresh(c, got.Refresh).Tokens(); again.ID == "" {
			t.Errorf("a refresh after %s has no ID token", name)
		}
	}
}

// openGrant is a custom grant for alice.
type openGrant struct{ signsIn bool }

func (g openGrant) GrantType() string {
	if g.signsIn {
		return "urn:example:one-time-password"
	}
	return "urn:example:assertion"
}

func (g openGrant) Authorize(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	f := &oauth.Family{ID: "open" + r.Time.String(), User: testkit.Ref("alice"), ClientID: r.Client.ID, CreatedAt: r.Time}
	if g.signsIn {
		f.AuthTime = r.Time
	}
	return &oauth.Authorization{Subject: oauth.ForUser(f.User), Scopes: r.Scopes, RefreshScopes: r.Scopes, Refresh: true, NewFamily: true, Family: f}, nil
}

// An error of UserClaims is a server_error. It uses nothing up: the same code and the same
// refresh token work when the function works again.
func TestIDToken_ErrorOfUserClaimsUsesNothingUp(t *testing.T) {
	fail := errors.New("the directory is down")
	s := testkit.NewServer(t, withOpenID(t, &fail))
	c := s.Web()
	setOpenID(s, c, oauth.ClientOpenID{ClaimsInIDToken: true})
	code := s.Code(c, "scope", "openid profile")
	s.Exchange(c, c.CodeForm(code)...).WantJSONError(http.StatusInternalServerError, "server_error")
	s.WantLog("OpenID.UserClaims: the directory is down")
	fail = nil
	got := s.Redeem(c, code)
	if _, claims := s.IDToken(got.ID, "RS256"); claims["name"] != "Name of alice" || claims["email"] != nil {
		t.Errorf("the ID token has %v, want the claims of profile", claims)
	}
	fail = errors.New("the directory is down again")
	s.Refresh(c, got.Refresh).WantJSONError(http.StatusInternalServerError, "server_error")
	fail = nil
	if s.Refresh(c, got.Refresh).Tokens().ID == "" {
		t.Error("a refresh after an error has no ID token")
	}
}

func TestIDToken_OI_68_OI_150_OI_151_XD01_PerClient(t *testing.T) {
	s := testkit.NewServer(t, withOpenID(t, nil))
	c := s.Web()
	setOpenID(s, c, oauth.ClientOpenID{IDTokenAlg: "ES256", IDTokenTTL: 5 * time.Minute, ClaimsInIDToken: true})
	code := s.Code(c, "scope", "openid email")
	got := s.Redeem(c, code)
	for _, got := range []*testkit.Tokens{got, s.Refresh(c, got.Refresh).Tokens()} {
		header, claims := s.IDToken(got.ID, "ES256")
		if claims["exp"].(float64)-claims["iat"].(float64) != 300 || claims["email"] != "alice@example.com" || claims["email_verified"] != false || claims["name"] != nil {
			t.Errorf("the ID token of the client has %v, want five minutes and the claims of email", claims)
		}
		if header.KeyID != s.Kids()[0] {
			t.Errorf("the ES256 ID token is signed by %s, want the key of access tokens", header.KeyID)
		}
	}
	setOpenID(s, c, oauth.ClientOpenID{IDTokenAlg: "RS256"})
	if header, claims := s.IDToken(s.GrantTokens(c, "scope", "openid email", "prompt", "consent").ID, "RS256"); header.KeyID != s.Kids()[1] || claims["email"] != nil {
		t.Errorf("the RS256 ID token is signed by %s and has %v, want the RS256 key and no personal claims", header.KeyID, claims)
	}
	setOpenID(s, c, oauth.ClientOpenID{IDTokenAlg: "PS256"})
	s.Exchange(c, c.CodeForm(s.Code(c, "scope", "openid email", "prompt", "consent"))...).WantJSONError(http.StatusInternalServerError, "server_error")
	s.WantLog("passport keys add --alg PS256")
}

// An ID token is not an access token.
func TestIDToken_OI_72_IsNoAccessToken(t *testing.T) {
	s := testkit.NewServer(t, withOpenID(t, nil))
	for _, alg := range []string{"RS256", "ES256"} {
		c := s.Web()
		setOpenID(s, c, oauth.ClientOpenID{IDTokenAlg: alg})
		got := s.GrantTokens(c, "scope", "openid read")
		s.WantAdmits(got.Access, true, "the access token")
		s.WantAdmits(got.ID, false, "the ID token with "+alg)
	}
}

// The longest lifetime counts ID tokens: their keys must verify until they have ended.
func TestLongestLife_OI_153_CountsIDTokens(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{IDTokenTTL: 9 * time.Hour}))
	for _, want := range []time.Duration{9 * time.Hour, 30 * time.Hour} {
		if got, err := s.LongestLife(t.Context()); err != nil || got != want {
			t.Errorf("LongestLife() = %v, %v, want %v", got, err, want)
		}
		setOpenID(s, s.Web(), oauth.ClientOpenID{IDTokenTTL: 30 * time.Hour})
	}
}
