package authorize_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const profileClaims = "name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate zoneinfo locale updated_at"

// OI-64, OI-66, OI-69, OI-71 and OI-83 are among what every module checks.
func TestOpenID_XB01_XP01_OI_64_OI_66_OI_69_OI_71_OI_83_Server(t *testing.T) {
	module(t, "01", func(t *testing.T, rp *relyingParty) {
		first := rp.login()
		if len(first.code) < 22 || rp.signIns != 1 || rp.asked != 1 {
			t.Errorf("the code %q comes after %d sign-ins and %d consent pages, want a long code after one of each", first.code, rp.signIns, rp.asked)
		}
		if second := rp.login("nonce", "another"); second.code == first.code || second.claims["sub"] != first.claims["sub"] {
			t.Errorf("the second sign-in has the code %q and sub %v, want another code for %v", second.code, second.claims["sub"], first.claims["sub"])
		}
		rp.c = rp.Register(passport.Registration{Name: "Another app", RedirectURIs: []string{"https://other.example/cb"}})
		rp.login()
	})
}

func TestOpenID_XB02_XP02_ResponseTypeMissing(t *testing.T) {
	module(t, "02", func(_ *testing.T, rp *relyingParty) {
		rp.b.SignIn("alice")
		rp.refused(rp.open("response_type", ""), "invalid_request", "unsupported_response_type")
	})
}

func TestOpenID_XB03_XP03_OI_73_Signature(t *testing.T) {
	module(t, "03", func(t *testing.T, rp *relyingParty) {
		header := rp.Verified(rp.login().idToken)
		if header.Algorithm != "RS256" || header.KeyID == "" {
			t.Errorf("the header of the ID token is %+v, want RS256 and a kid", header)
		}
		for name := range header.ExtraHeaders {
			if name != "typ" {
				t.Errorf("the header of the ID token has %s", name)
			}
		}
		if header.JSONWebKey != nil {
			t.Error("the header of the ID token has a key")
		}
	})
}

func TestOpenID_XB04_XP04_Unsigned(t *testing.T) {
	module(t, "04", func(t *testing.T, rp *relyingParty) {
		algs := testkit.AsText(rp.Metadata()["id_token_signing_alg_values_supported"])
		if !strings.Contains(algs, "RS256") || strings.Contains(algs, "none") || strings.Contains(algs, "HS") {
			t.Errorf("id_token_signing_alg_values_supported = %s, want RS256 and no none", algs)
		}
		rp.login()
	})
}

func TestOpenID_XB05_XP05_UserInfoGet(t *testing.T) {
	module(t, "05", func(_ *testing.T, rp *relyingParty) { rp.wantClaims(rp.login(), "") })
}

func TestOpenID_XB06_XP06_UserInfoPost(t *testing.T) {
	module(t, "06", func(t *testing.T, rp *relyingParty) {
		l := rp.login()
		if got := rp.askUserInfo("POST", l.access, "").WantStatus(http.StatusOK).JSON(); got["sub"] != l.claims["sub"] {
			t.Errorf("UserInfo by POST is %v, want sub %v", got, l.claims["sub"])
		}
	})
}

func TestOpenID_XB07_XP07_UserInfoPostBody(t *testing.T) {
	module(t, "07", func(t *testing.T, rp *relyingParty) {
		l := rp.login()
		if a := rp.askUserInfo("POST", "", "access_token="+l.access); a.Status != http.StatusUnauthorized && a.Status != http.StatusBadRequest {
			t.Errorf("a token in the body of UserInfo: %s, want a refusal", a)
		}
		if strings.Contains(rp.Log.String(), l.access) {
			t.Error("the log has the access token")
		}
	})
}

func TestOpenID_XB08_XP08_WithoutNonce(t *testing.T) {
	module(t, "08", func(_ *testing.T, rp *relyingParty) { rp.login("nonce", "") })
}

func TestOpenID_XB09_XP09_ScopeProfile(t *testing.T) {
	module(t, "09", func(_ *testing.T, rp *relyingParty) {
		rp.wantClaims(rp.login("scope", "openid profile"), profileClaims)
	})
}

func TestOpenID_XB10_XP10_ScopeEmail(t *testing.T) {
	module(t, "10", func(_ *testing.T, rp *relyingParty) {
		rp.wantClaims(rp.login("scope", "openid email"), "email email_verified")
	})
}

func TestOpenID_XB11_XP11_ScopeAddress(t *testing.T) {
	module(t, "11", func(_ *testing.T, rp *relyingParty) { rp.wantClaims(rp.login("scope", "openid address"), "address") })
}

func TestOpenID_XB12_XP12_ScopePhone(t *testing.T) {
	module(t, "12", func(_ *testing.T, rp *relyingParty) {
		rp.wantClaims(rp.login("scope", "openid phone"), "phone_number phone_number_verified")
	})
}

func TestOpenID_XB13_XP13_ScopeAll(t *testing.T) {
	module(t, "13", func(_ *testing.T, rp *relyingParty) {
		rp.wantClaims(rp.login("scope", "openid profile email address phone"), profileClaims+" email email_verified address phone_number phone_number_verified")
	})
}

// The scopes and the parameters in another order.
func TestOpenID_XB14_XP14_OtherOrder(t *testing.T) {
	module(t, "14", func(_ *testing.T, rp *relyingParty) {
		var query []string
		params := rp.params("scope", "email openid")
		for name := range params {
			query = append(query, name+"="+strings.ReplaceAll(params.Get(name), " ", "%20"))
		}
		slices.Sort(query)
		slices.Reverse(query)
		got := rp.response(rp.finish(rp.b.Get(rp.AuthorizePath() + "?" + strings.Join(query, "&"))))
		code := got.Get("code")
		rp.wantClaims(rp.tokens(rp.Exchange(rp.c, rp.c.CodeForm(code)[:6]...), code, "nonce-1"), "email email_verified")
	})
}

func TestOpenID_XB15_XP15_DisplayPage(t *testing.T) {
	module(t, "15", func(_ *testing.T, rp *relyingParty) { rp.login("display", "page") })
}

func TestOpenID_XB16_XP16_DisplayPopup(t *testing.T) {
	module(t, "16", func(_ *testing.T, rp *relyingParty) { rp.login("display", "popup") })
}

func TestOpenID_XB17_XP17_PromptLogin(t *testing.T) {
	module(t, "17", func(t *testing.T, rp *relyingParty) {
		first := rp.login()
		time.Sleep(time.Second)
		second := rp.login("prompt", "login")
		if rp.signIns != 2 || !second.time("auth_time").After(first.time("auth_time")) {
			t.Errorf("prompt=login: %d sign-ins, auth_time %v and then %v; want a second sign-in", rp.signIns, first.time("auth_time"), second.time("auth_time"))
		}
	})
}

func TestOpenID_XB18_XP18_PromptNoneNotLoggedIn(t *testing.T) {
	module(t, "18", func(_ *testing.T, rp *relyingParty) {
		rp.refused(rp.open("prompt", "none"), "login_required", "interaction_required", "account_selection_required", "consent_required")
	})
}

func TestOpenID_XB19_XP19_PromptNoneLoggedIn(t *testing.T) {
	module(t, "19", func(t *testing.T, rp *relyingParty) {
		first := rp.login()
		time.Sleep(time.Second)
		rp.same(t, first, rp.login("prompt", "none"))
	})
}

// same fails the test unless a second login was without a page, of the same sign-in.
func (rp *relyingParty) same(t *testing.T, first, second *login) {
	t.Helper()
	if rp.signIns != 1 || rp.asked != 1 {
		t.Errorf("there were %d sign-ins and %d consent pages, want one of each", rp.signIns, rp.asked)
	}
	for _, name := range []string{"sub", "auth_time", "sid"} {
		if first.claims[name] == nil || first.claims[name] != second.claims[name] {
			t.Errorf("%s is %v, and then %v", name, first.claims[name], second.claims[name])
		}
	}
}

func TestOpenID_XB20_XP20_MaxAge1(t *testing.T) {
	module(t, "20", func(t *testing.T, rp *relyingParty) {
		first := rp.login()
		time.Sleep(2 * time.Second)
		second := rp.login("max_age", "1")
		if at := second.time("auth_time"); rp.signIns != 2 || !at.After(first.time("auth_time")) || time.Since(at) > time.Second {
			t.Errorf("max_age=1: %d sign-ins, auth_time %v and then %v; want a second sign-in", rp.signIns, first.time("auth_time"), at)
		}
	})
}

func TestOpenID_XB21_XP21_MaxAge10000(t *testing.T) {
	module(t, "21", func(t *testing.T, rp *relyingParty) {
		first := rp.login("max_age", "15000")
		time.Sleep(time.Second)
		rp.same(t, first, rp.login("max_age", "10000"))
	})
}

func TestOpenID_XB22_XP22_UnknownParameter(t *testing.T) {
	module(t, "22", func(_ *testing.T, rp *relyingParty) { rp.login("extra", "foobar") })
}

func TestOpenID_XB23_XP23_IDTokenHint(t *testing.T) {
	module(t, "23", func(t *testing.T, rp *relyingParty) {
		first := rp.login()
		time.Sleep(2 * time.Hour) // it has expired
		rp.same(t, first, rp.login("prompt", "none", "id_token_hint", first.idToken))
	})
}

func TestOpenID_XB24_XP24_LoginHint(t *testing.T) {
	module(t, "24", func(_ *testing.T, rp *relyingParty) { rp.login("login_hint", "buffy@host") })
}

func TestOpenID_XB25_XP25_UILocales(t *testing.T) {
	module(t, "25", func(_ *testing.T, rp *relyingParty) { rp.login("ui_locales", "se") })
}

func TestOpenID_XB26_XP26_ClaimsLocales(t *testing.T) {
	module(t, "26", func(_ *testing.T, rp *relyingParty) { rp.login("claims_locales", "se") })
}

func TestOpenID_XB27_XP27_ACRValues(t *testing.T) {
	module(t, "27", func(t *testing.T, rp *relyingParty) {
		if l := rp.login("acr_values", "1 2"); l.claims["acr"] != nil {
			t.Errorf("acr = %v, but the sign-in reported none", l.claims["acr"])
		}
	})
}

func TestOpenID_XB28_XP28_CodeReuse(t *testing.T) {
	module(t, "28", func(_ *testing.T, rp *relyingParty) {
		l := rp.login()
		rp.Exchange(rp.c, rp.c.CodeForm(l.code)[:6]...).WantJSONError(400, "invalid_grant")
	})
}

func TestOpenID_XB29_XP29_CodeReuseAfter30Seconds(t *testing.T) {
	module(t, "29", func(t *testing.T, rp *relyingParty) {
		l := rp.login()
		time.Sleep(30 * time.Second)
		rp.Exchange(rp.c, rp.c.CodeForm(l.code)[:6]...).WantJSONError(400, "invalid_grant")
		if a := rp.askUserInfo("GET", l.access, ""); a.Status != http.StatusUnauthorized {
			t.Errorf("UserInfo after a replay of the code: %s, want 401", a)
		}
	})
}

func TestOpenID_XB30_XP30_RegisteredRedirectURI(t *testing.T) {
	module(t, "30", func(_ *testing.T, rp *relyingParty) {
		rp.b.SignIn("alice")
		rp.open("redirect_uri", rp.c.RedirectURIs[0]+"/x").WantPage(400, "not registered")
	})
}

func TestOpenID_XB31_XP31_PostRequest(t *testing.T) {
	module(t, "31", func(t *testing.T, rp *relyingParty) {
		a := rp.b.Send(rp.b.NewRequest("POST", rp.AuthorizePath(), rp.params().Encode(), http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://app.example.com"}}))
		if !isSignIn(a) { // repeated as a GET, for the cookies
			a = rp.b.Get(a.Target())
		}
		code := rp.response(rp.finish(a)).Get("code")
		rp.tokens(rp.Exchange(rp.c, rp.c.CodeForm(code)[:6]...), code, "nonce-1")
		if rp.signIns != 1 {
			t.Errorf("there were %d sign-ins, want one", rp.signIns)
		}
	})
}

func TestOpenID_XB32_XP32_ClientSecretPost(t *testing.T) {
	module(t, "32", func(_ *testing.T, rp *relyingParty) {
		rp.c = rp.Register(passport.Registration{AuthMethod: oauth.AuthPost})
		code := rp.authenticate()
		body := testkit.Set(url.Values{}, append(rp.c.CodeForm(code)[:6], "client_id", rp.c.ID, "client_secret", rp.c.Secret)...)
		rp.tokens(rp.Send(body.Encode()), code, "nonce-1")
	})
}

func TestOpenID_XB33_XP33_RequestURI(t *testing.T) {
	module(t, "33", func(_ *testing.T, rp *relyingParty) {
		rp.refused(rp.open("request_uri", "https://app.example.com/object#x"), "request_uri_not_supported")
	})
}

// unsignedObject is a request object with alg none.
const unsignedObject = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2FwcC5leGFtcGxlLmNvbS9jYiJ9."

func TestOpenID_XB34_XP34_RequestObject(t *testing.T) {
	module(t, "34", func(_ *testing.T, rp *relyingParty) {
		rp.refused(rp.open("request", unsignedObject), "request_not_supported")
	})
}

func TestOpenID_XB35_XP35_ClaimsEssential(t *testing.T) {
	module(t, "35", func(t *testing.T, rp *relyingParty) {
		if rp.Metadata()["claims_parameter_supported"] != false {
			t.Error("the metadata must say that the claims parameter is not supported")
		}
		rp.login("claims", `{"userinfo":{"name":{"essential":true}}}`)
	})
}

func TestOpenID_XB36_XP36_RedirectURIInRequestObject(t *testing.T) {
	module(t, "36", func(_ *testing.T, rp *relyingParty) {
		rp.open("request", unsignedObject, "redirect_uri", "https://elsewhere.example/cb").WantPage(400, "not registered")
		rp.open("request", unsignedObject, "redirect_uri", "").WantPage(400, "redirect_uri is missing")
	})
}

func TestOpenID_XB37_XP37_OI_144_RefreshToken(t *testing.T) {
	module(t, "37", func(t *testing.T, rp *relyingParty) {
		first := rp.login("scope", "openid offline_access", "prompt", "consent")
		other := rp.Register(passport.Registration{})
		if len(first.refresh) < 22 || strings.ContainsFunc(first.refresh, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the refresh token %q must be long, and printable ASCII", first.refresh)
		}
		time.Sleep(time.Second)
		second := rp.tokens(rp.Refresh(rp.c, first.refresh), "", "")
		for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid", "azp"} {
			if first.claims[name] != second.claims[name] {
				t.Errorf("after the refresh %s is %v, want %v", name, second.claims[name], first.claims[name])
			}
		}
		if !second.time("iat").After(first.time("iat")) {
			t.Errorf("iat is %v and then %v", first.time("iat"), second.time("iat"))
		}
		rp.Refresh(other, second.refresh).WantJSONError(400, "invalid_grant")
		if got := testkit.AsText(rp.Metadata()["grant_types_supported"]); !strings.Contains(got, "refresh_token") {
			t.Errorf("grant_types_supported = %s", got)
		}
	})
}

func TestOpenID_XB38_XP38_PKCE(t *testing.T) {
	module(t, "38", func(t *testing.T, rp *relyingParty) {
		for _, c := range []*testkit.Client{rp.c, rp.Spa()} { // confidential and public
			rp.c = c
			code := rp.authenticate("code_challenge", testkit.Challenge(c.Verifier), "code_challenge_method", "S256")
			rp.tokens(rp.Exchange(c, c.CodeForm(code)...), code, "nonce-1")
		}
	})
}
