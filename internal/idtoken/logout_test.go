package idtoken_test

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/oauth"
)

func withAlg(alg string) *oauth.Client {
	return &oauth.Client{ID: "web", OpenID: &oauth.ClientOpenID{IDTokenAlg: alg}}
}

func TestSignLogout_BL_05_BL_06(t *testing.T) {
	s, keys := newService(t, feature.OpenID{})
	now := time.Now()
	seen := map[any]bool{}
	for _, tt := range []struct {
		l    idtoken.Logout
		alg  string
		want map[string]any
	}{
		{idtoken.Logout{Client: client, Subject: "users:alice", SID: "s"}, "RS256", map[string]any{"sub": "users:alice", "sid": "s"}},
		{idtoken.Logout{Client: withAlg("ES256"), Subject: "users:alice"}, "ES256", map[string]any{"sub": "users:alice"}},
		{idtoken.Logout{Client: withAlg("EdDSA"), SID: "s"}, "EdDSA", map[string]any{"sid": "s"}},
	} {
		tt.l.Time = now
		token, err := s.SignLogout(tt.l)
		if err != nil {
			t.Fatal(err)
		}
		header, claims := read(t, keys, token, tt.alg)
		if header.ExtraHeaders["typ"] != "logout+jwt" {
			t.Errorf("the typ of a logout token is %v, want logout+jwt", header.ExtraHeaders["typ"])
		}
		if id := claims["jti"]; id == "" || id == nil || seen[id] {
			t.Errorf("the jti is %v, want a new one", id)
		}
		seen[claims["jti"]] = true
		delete(claims, "jti")
		want := map[string]any{
			"iss": issuer, "aud": "web", "iat": float64(now.Unix()), "exp": float64(now.Unix() + 120),
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}
		maps.Copy(want, tt.want)
		if !reflect.DeepEqual(claims, want) {
			t.Errorf("SignLogout() has the claims %v, want %v", claims, want)
		}
	}
	_, err := s.SignLogout(idtoken.Logout{Client: client, Time: now})
	wantError(t, "SignLogout() without user and session", err, "neither a user nor a session")
}
