package laravel_test

import (
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

// code returns an imported code. Its content has further members.
func (o *old) code(clientID string, more map[string]any) string {
	o.T.Helper()
	id, at, until := o.id(), time.Now().Add(-time.Minute), time.Now().Add(9*time.Minute)
	f := &oauth.Family{ID: oauth.ImportedFamilyID(id), User: testkit.Ref("1"), ClientID: clientID, CreatedAt: at, ExpiresAt: at.Add(365 * 24 * time.Hour)}
	o.load(&oauth.ImportBatch{
		Families: []*oauth.Family{f},
		Codes:    []*oauth.Code{{Digest: oauth.ImportedDigest(oauth.SpendCode, id), Family: f, Scopes: []string{"read"}, ExpiresAt: until}},
	})
	content := map[string]any{
		"client_id": clientID, "redirect_uri": "https://app.example/cb", "auth_code_id": id, "scopes": []string{"read"}, "user_id": 1,
		"expire_time": until.Unix(), "code_challenge": nil, "code_challenge_method": nil,
	}
	maps.Copy(content, more)
	return encrypted(o.T, content)
}

func (o *old) redeem(clientID, code string, pairs ...string) *testkit.Response {
	o.T.Helper()
	return o.form(clientID, append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", "https://app.example/cb"}, pairs...)...)
}

func TestCode_LP_2_IsRedeemedOnce(t *testing.T) {
	s256 := map[string]any{"code_challenge": testkit.Challenge(verifier), "code_challenge_method": "S256"}
	plain := map[string]any{"code_challenge": verifier, "code_challenge_method": "plain"}
	unnamed := map[string]any{"code_challenge": verifier}
	for _, c := range []struct {
		name, clientID string
		content        map[string]any
		verifier       string
	}{
		{"a confidential client without PKCE", "4", nil, ""},
		{"a confidential client with S256", "4", s256, verifier},
		{"a confidential client with plain", "4", plain, verifier},
		{"a public client with S256", "5", s256, verifier},
		{"a public client with plain", "5", plain, verifier},
		{"a public client with a challenge without a method", "5", unnamed, verifier},
	} {
		o := newOld(t)
		code := o.code(c.clientID, c.content)
		pairs := []string{}
		if c.verifier != "" {
			o.redeem(c.clientID, code).WantJSONError(400, "invalid_grant")
			o.redeem(c.clientID, code, "code_verifier", verifier+"x").WantJSONError(400, "invalid_grant")
			o.redeem(c.clientID, code, "code_verifier", testkit.Challenge(verifier)).WantJSONError(400, "invalid_grant")
			pairs = append(pairs, "code_verifier", c.verifier)
		} else {
			o.redeem(c.clientID, code, "code_verifier", verifier).WantJSONError(400, "invalid_request")
		}
		o.redeem(c.clientID, code, append(pairs, "redirect_uri", "https://app.example/other")...).WantJSONError(400, "invalid_grant")
		got := o.redeem(c.clientID, code, pairs...)
		if got.Status != http.StatusOK || got.JSON()["scope"] != "read" || got.JSON()["refresh_token"] == nil {
			t.Fatalf("%s: the redemption = %s, want tokens", c.name, got)
		}
		access := testkit.AsText(got.JSON()["access_token"])
		o.WantAdmits(access, true, c.name)
		o.redeem(c.clientID, code, pairs...).WantJSONError(400, "invalid_grant")
		o.WantAdmits(access, false, c.name+", after a replay")
	}
}

func TestCode_LP_2_Refused(t *testing.T) {
	o := newOld(t)
	code := o.code("4", nil)
	p := o.imported("4", "read")
	o.redeem("5", code).WantJSONError(400, "invalid_grant")
	for name, value := range map[string]string{
		"a refresh token":                        p.refresh,
		"the bare ID of a token":                 p.id,
		"an expired code":                        o.code("4", map[string]any{"expire_time": time.Now().Add(-time.Second).Unix()}),
		"a code of another user":                 o.code("4", map[string]any{"user_id": 2}),
		"a code without a row":                   encrypted(t, map[string]any{"client_id": "4", "redirect_uri": "https://app.example/cb", "auth_code_id": p.id, "scopes": []string{"read"}, "user_id": 1, "expire_time": time.Now().Add(time.Hour).Unix()}),
		"a code with an unknown method":          o.code("4", map[string]any{"code_challenge": verifier, "code_challenge_method": "S512"}),
		"a code without a redirect URI, with it": o.code("4", map[string]any{"redirect_uri": nil}),
	} {
		if got := o.redeem("4", value); got.Status != 400 || got.JSON()["error"] != "invalid_grant" {
			t.Errorf("%s: the redemption = %s, want 400 invalid_grant", name, got)
		}
	}
	o.redeem("5", o.code("5", nil)).WantJSONError(400, "invalid_grant") // a public client without PKCE
	if got := o.form("4", "grant_type", "authorization_code", "code", o.code("4", map[string]any{"redirect_uri": nil})); got.Status != http.StatusOK {
		t.Errorf("a code of a request without redirect_uri = %s, want tokens", got)
	}
	star := o.redeem("4", o.code("4", map[string]any{"scopes": []string{"*", "read", "gone"}}))
	if star.Status != http.StatusOK || star.JSON()["scope"] != "read" {
		t.Errorf("a code with * and an unknown scope = %s, want tokens with the scope read", star)
	}
}

// Of 16 redemptions at once, one gets tokens.
func TestCode_LP_2_Race(t *testing.T) {
	o := newOld(t)
	code := o.code("4", nil)
	var won atomic.Int64
	testkit.Parallel(16, func() int {
		got := o.redeem("4", code)
		if got.Status == http.StatusOK {
			won.Add(1)
		}
		return got.Status
	})
	if won.Load() != 1 {
		t.Errorf("%d of 16 redemptions got tokens, want 1", won.Load())
	}
}
