package idtoken_test

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

func TestSign_OI_62_OI_64_OI_65_OI_66_OI_69_OI_71_Claims(t *testing.T) {
	s, keys := newService(t, feature.OpenID{})
	r := request(client)
	r.Nonce, r.Family.SID, r.Family.ACR, r.Family.AMR = `n-0S6_WzA2Mj "é\`, "the session", "urn:loa:2", []string{"pwd", "otp"}
	_, claims := read(t, keys, sign(t, s, r), "RS256")
	sum := sha256.Sum256([]byte(r.AccessToken))
	want := map[string]any{
		"iss": issuer, "sub": "users:alice", "aud": "web", "iat": float64(r.Time.Unix()), "exp": float64(r.Time.Unix() + 3600),
		"auth_time": float64(r.Family.AuthTime.Unix()), "nonce": r.Nonce, "acr": "urn:loa:2", "amr": []any{"pwd", "otp"}, "sid": "the session",
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	if !reflect.DeepEqual(claims, want) {
		t.Errorf("Sign() has the claims %v, want %v", claims, want)
	}
}

// Claims without a value are absent: acr and sid are never made up.
func TestSign_OI_42_OI_43_OI_66_AbsentClaims(t *testing.T) {
	s, keys := newService(t, feature.OpenID{})
	r := request(client)
	r.Family.AuthTime = time.Time{}
	_, claims := read(t, keys, sign(t, s, r), "RS256")
	if got, want := slices.Sorted(maps.Keys(claims)), []string{"at_hash", "aud", "exp", "iat", "iss", "sub"}; !slices.Equal(got, want) {
		t.Errorf("Sign() without nonce, session and authentication has the claims %q, want %q", got, want)
	}
}

func TestSign_OI_70_OI_72_OI_73_OI_150_OI_151_Algorithms(t *testing.T) {
	s, keys := newService(t, feature.OpenID{})
	for alg, c := range map[string]*oauth.Client{
		"RS256": client,
		"ES256": {ID: "web", OpenID: &oauth.ClientOpenID{IDTokenAlg: "ES256"}},
		"EdDSA": {ID: "web", OpenID: &oauth.ClientOpenID{IDTokenAlg: "EdDSA"}},
	} {
		r := request(c)
		header, claims := read(t, keys, sign(t, s, r), alg)
		if typ := header.ExtraHeaders["typ"]; typ != "JWT" || header.JSONWebKey != nil || len(header.ExtraHeaders) != 1 {
			t.Errorf("%s: the header is %+v, want alg, kid, and typ JWT", alg, header)
		}
		sum := sha256.Sum256([]byte(r.AccessToken))
		want := sum[:16]
		if alg == "EdDSA" {
			long := sha512.Sum512([]byte(r.AccessToken))
			want = long[:32]
		}
		if claims["at_hash"] != base64.RawURLEncoding.EncodeToString(want) {
			t.Errorf("%s: at_hash is %v, which isn't the left half of the hash of the access token", alg, claims["at_hash"])
		}
	}
}

func TestSign_OI_151_OI_155_NoKeyForTheAlgorithm(t *testing.T) {
	s, _ := newService(t, feature.OpenID{}, ecKey(t), rsaKey())
	c := &oauth.Client{ID: "web", OpenID: &oauth.ClientOpenID{IDTokenAlg: "PS256"}}
	_, err := s.Sign(context.Background(), request(c))
	wantError(t, "Sign() with PS256 and an RS256 key", err, "`passport keys add --alg PS256`")
	for _, alg := range []string{"PS256", "none", "HS256", ""} {
		wantError(t, "CheckAlg("+alg+")", s.CheckAlg(alg), `the keys have ["ES256" "RS256"]`)
	}
	if err := s.CheckAlg("ES256"); err != nil {
		t.Errorf("CheckAlg(ES256) = %v", err)
	}
}

// An ID token can be a credential, for example in Kubernetes. It does not outlive what
// the user agreed to.
func TestSign_OI_65_Lifetime(t *testing.T) {
	for _, tt := range []struct {
		name           string
		server, client time.Duration
		family         time.Duration
		want           time.Duration
	}{
		{"the default", 0, 0, 24 * time.Hour, time.Hour},
		{"the server's", 10 * time.Minute, 0, 24 * time.Hour, 10 * time.Minute},
		{"the client's", 10 * time.Minute, 2 * time.Hour, 24 * time.Hour, 2 * time.Hour},
		{"the family's", 0, 0, 20 * time.Minute, 20 * time.Minute},
	} {
		s, keys := newService(t, feature.OpenID{IDTokenTTL: tt.server})
		r := request(&oauth.Client{ID: "web", OpenID: &oauth.ClientOpenID{IDTokenTTL: tt.client}})
		r.Time = r.Time.Truncate(time.Second)
		r.Family.ExpiresAt = r.Time.Add(tt.family)
		_, claims := read(t, keys, sign(t, s, r), "RS256")
		if got := claims["exp"].(float64) - claims["iat"].(float64); got != tt.want.Seconds() {
			t.Errorf("%s: the ID token lives for %v s, want %v", tt.name, got, tt.want)
		}
	}
}

func TestSign_OI_67_OI_68_OI_69_ClaimsOfScopes(t *testing.T) {
	settings := claimsOf(func(c openid.Claims) openid.Claims {
		c.Name, c.Email, c.EmailVerified, c.Extra = "Alice", "alice@example.com", true, map[string]any{"groups": []string{"staff"}}
		return c
	})
	settings.ExtraClaims = []openid.ExtraClaim{{Name: "groups", Scope: "groups"}}
	s, keys := newService(t, settings)
	r := request(client)
	r.Scopes = []string{"openid", "profile", "groups"}
	if _, claims := read(t, keys, sign(t, s, r), "RS256"); claims["name"] != nil || claims["groups"] != nil {
		t.Errorf("the ID token of a client without ClaimsInIDToken has %v, want no personal claims", claims)
	}
	r.Client = &oauth.Client{ID: "web", OpenID: &oauth.ClientOpenID{ClaimsInIDToken: true}}
	_, claims := read(t, keys, sign(t, s, r), "RS256")
	if claims["name"] != "Alice" || !reflect.DeepEqual(claims["groups"], []any{"staff"}) || claims["email"] != nil || claims["sub"] != "users:alice" {
		t.Errorf("the ID token of a client with ClaimsInIDToken has %v, want the claims of the granted scopes", claims)
	}
	r.Scopes = []string{"openid", "email"}
	settings.UserClaims = func(context.Context, *oauth.User, *oauth.Client, []string) (openid.Claims, error) {
		return openid.Claims{Email: strings.Repeat("a", 20000) + "@example.com"}, nil
	}
	s, _ = newService(t, settings)
	_, err := s.Sign(context.Background(), r)
	wantError(t, "Sign() with claims of 20,000 bytes", err, "return fewer claims")
}

// The sub of a user has 1 to 255 characters of ASCII.
func TestSign_OI_63_Subject(t *testing.T) {
	s, keys := newService(t, feature.OpenID{})
	digest := strings.Repeat("-aZ_09b", 7)[:43]
	for _, id := range []string{"é", strings.Repeat("a", 250), "a\tb", digest} {
		r := request(client)
		r.Family.User.ID = id
		_, claims := read(t, keys, sign(t, s, r), "RS256")
		sum := sha256.Sum256([]byte(id))
		if want := "users:" + base64.RawURLEncoding.EncodeToString(sum[:]); claims["sub"] != want {
			t.Errorf("the sub of %.20q is %v, want %v", id, claims["sub"], want)
		}
	}
	for _, id := range []string{"42", strings.Repeat("a", 249), "a b~", digest[1:], digest + "a", digest[1:] + "."} {
		if got := oauth.ForUser(oauth.UserRef{Provider: "users", ID: id}).Claim(""); got != "users:"+id {
			t.Errorf("the sub of %.20q is %v, want it unchanged", id, got)
		}
	}
	// No account can choose an ID that gives it the sub of another account.
	victim := oauth.ForUser(oauth.UserRef{Provider: "users", ID: "José"}).Claim("")
	if got := oauth.ForUser(oauth.UserRef{Provider: "users", ID: strings.TrimPrefix(victim, "users:")}).Claim(""); got == victim {
		t.Errorf("an account with the digest of another account's ID has its sub %s", got)
	}
}
