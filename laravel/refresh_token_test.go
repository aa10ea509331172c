package laravel_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
)

func TestRefreshToken_LP_2_IsRedeemedOnce(t *testing.T) {
	for _, clientID := range []string{"4", "5"} {
		o := newOld(t)
		p := o.imported(clientID, "read", "write")
		first := o.refresh(clientID, p.refresh)
		if first.Status != http.StatusOK || first.JSON()["scope"] != "read write" {
			t.Fatalf("the first refresh of client %s = %s, want tokens with the old scopes", clientID, first)
		}
		o.WantAdmits(testkit.AsText(first.JSON()["access_token"]), true, "the new token")
		o.WantAdmits(p.access, false, "the old access token after a refresh, which ends it as at Laravel")
		if again := o.refresh(clientID, p.refresh); again.JSON()["refresh_token"] != first.JSON()["refresh_token"] {
			t.Errorf("a retry = %s, want the same refresh token", again)
		}
		next := o.refresh(clientID, testkit.AsText(first.JSON()["refresh_token"]))
		if next.Status != http.StatusOK {
			t.Fatalf("the second refresh = %s", next)
		}
		o.refresh(clientID, p.refresh).WantJSONError(400, "invalid_grant")
		o.WantAdmits(testkit.AsText(next.JSON()["access_token"]), false, "after a replay")
		o.refresh(clientID, testkit.AsText(next.JSON()["refresh_token"])).WantJSONError(400, "invalid_grant")
	}
}

// The log says what to do about a refresh token that was made with a forgotten key.
func TestRefreshToken_LP_2_ForgottenKey(t *testing.T) {
	o := newOld(t, func(c *passport.Config) {
		last := len(c.Features) - 1
		compat, ok := c.Features[last].(laravel.Compat)
		if !ok {
			t.Fatalf("the last feature is %T, want laravel.Compat", c.Features[last])
		}
		compat.AppKeys = []string{"base64:" + base64.StdEncoding.EncodeToString(make([]byte, 32))}
		c.Features[last] = compat
	})
	o.refresh("4", o.imported("4", "read").refresh).WantJSONError(400, "invalid_grant")
	o.WantLog("no APP_KEY opens it", "APP_PREVIOUS_KEYS", "laravel.Compat.AppKeys")
}

// 64 requests redeem one refresh token: they get one successor.
func TestRefreshToken_LP_2_OneSuccessor(t *testing.T) {
	o := newOld(t)
	p := o.imported("5", "read")
	var mu sync.Mutex
	tokens := map[any]bool{}
	testkit.Parallel(16, func() int {
		got := o.refresh("5", p.refresh)
		mu.Lock()
		defer mu.Unlock()
		if got.Status == http.StatusOK {
			tokens[got.JSON()["refresh_token"]] = true
		}
		return got.Status
	})
	if len(tokens) != 1 {
		t.Errorf("concurrent refreshes got %d different refresh tokens, want 1", len(tokens))
	}
}

// A refresh token names its client, and only it redeems the token; the scopes are those
// in the token.
func TestRefreshToken_LP_2_Refused(t *testing.T) {
	o := newOld(t)
	p := o.imported("5", "read")
	o.refresh("4", p.refresh).WantJSONError(400, "invalid_grant")
	o.refresh("5", p.refresh, "scope", "write").WantJSONError(400, "invalid_scope")
	code := o.code("4", nil)
	flipped := []byte(p.refresh)
	flipped[200] ^= 1
	for name, value := range map[string]string{
		"the bare ID":              p.id,
		"the digest of the row":    string(oauth.ImportedDigest(oauth.SpendRefreshToken, p.id)),
		"the ID of the family":     oauth.ImportedFamilyID(p.id),
		"a changed ciphertext":     string(flipped),
		"a cut ciphertext":         p.refresh[:len(p.refresh)-2],
		"a ciphertext of zeros":    "def50200" + strings.Repeat("0", 900),
		"an access token":          p.access,
		"a code":                   code,
		"a token without a row":    refreshToken(t, "5", strings.Repeat("b", 80), []string{"read"}),
		"a token of another user":  encrypted(t, map[string]any{"client_id": "5", "refresh_token_id": p.id, "access_token_id": p.id, "scopes": []string{}, "user_id": 2, "expire_time": time.Now().Add(time.Hour).Unix()}),
		"an expired token":         encrypted(t, map[string]any{"client_id": "5", "refresh_token_id": p.id, "access_token_id": p.id, "scopes": []string{}, "user_id": 1, "expire_time": time.Now().Add(-time.Hour).Unix()}),
		"a token without a client": encrypted(t, map[string]any{"refresh_token_id": p.id, "access_token_id": p.id, "scopes": []string{}, "user_id": 1, "expire_time": time.Now().Add(time.Hour).Unix()}),
		"a token and code in one":  encrypted(t, map[string]any{"client_id": "5", "auth_code_id": p.id, "refresh_token_id": p.id, "access_token_id": p.id, "scopes": []string{}, "user_id": 1, "expire_time": time.Now().Add(time.Hour).Unix()}),
	} {
		if got := o.refresh("5", value); got.Status != 400 || got.JSON()["error"] != "invalid_grant" {
			t.Errorf("%s: the refresh = %s, want 400 invalid_grant", name, got)
		}
	}
	upper := o.refresh("5", strings.ToUpper(p.refresh))
	if upper.Status != http.StatusOK {
		t.Errorf("after all refusals, the refresh with the token in upper case = %s, want 200", upper)
	}
}

// Scopes that were narrowed by a refresh of the old server stay narrowed, and the user ID
// may be text, as in version 13.
func TestRefreshToken_LP_2_ScopesOfTheCiphertext(t *testing.T) {
	o := newOld(t)
	p := o.imported("4", "read", "write")
	token := encrypted(t, map[string]any{"client_id": "4", "refresh_token_id": p.id, "access_token_id": p.id, "scopes": []string{"write"}, "user_id": "1", "expire_time": time.Now().Add(time.Hour).Unix()})
	if got := o.refresh("4", token); got.Status != http.StatusOK || got.JSON()["scope"] != "write" {
		t.Errorf("the refresh = %s, want the scope write", got)
	}
}

// Laravel admits any text as the name of a scope. What no scope can be here is left out:
// "not admin" must not become the scope admin.
func TestRefreshToken_LP_2_OddScopes(t *testing.T) {
	o := newOld(t)
	for _, kept := range []bool{true, false} {
		p := o.issued("4", "read")
		if kept {
			o.load(p.batch)
		} else {
			o.load(&oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{{Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, p.id), AccessTokenID: p.id, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}}})
		}
		got := o.refresh("4", refreshToken(t, "4", p.id, []string{"not admin", "read", "a\nb", strings.Repeat("s", 300), ""}))
		if got.Status != http.StatusOK || got.JSON()["scope"] != "read" {
			t.Errorf("the refresh with the access token kept=%v = %s, want the scope read alone", kept, got)
		}
	}
}

// A token whose access token was purged at the old server begins its family when it is
// used. A replay finds the family, also after it has ended and was purged.
func TestRefreshToken_LP_2_WithoutAnOwner(t *testing.T) {
	o := newOld(t)
	id := o.id()
	until := time.Now().Add(24 * time.Hour)
	kept := &oauth.ImportedRefreshToken{Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, id), AccessTokenID: o.id(), CreatedAt: time.Now().Add(-time.Minute), ExpiresAt: until}
	o.load(&oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{kept}})
	token := refreshToken(t, "5", id, []string{"read"})
	first := o.refresh("5", token)
	if first.Status != http.StatusOK || first.JSON()["scope"] != "read" {
		t.Fatalf("the refresh = %s, want tokens", first)
	}
	access := testkit.AsText(first.JSON()["access_token"])
	o.WantAdmits(access, true, "the new token")
	if again := o.refresh("5", token); again.JSON()["refresh_token"] != first.JSON()["refresh_token"] {
		t.Errorf("a retry = %s, want the same refresh token", again)
	}
	next := o.refresh("5", testkit.AsText(first.JSON()["refresh_token"]))
	if next.Status != http.StatusOK {
		t.Fatalf("the second refresh = %s", next)
	}
	o.refresh("5", token).WantJSONError(400, "invalid_grant")
	o.WantAdmits(access, false, "after a replay")
	for {
		n, err := o.Store.Purge(t.Context(), oauth.EndedBefore(time.Now().Add(2*time.Hour)), 1000)
		o.Works(err)
		if n == 0 {
			break
		}
	}
	if _, err := o.Store.RefreshToken(t.Context(), kept.Digest); !testkit.IsNotFound(err) {
		t.Fatalf("RefreshToken() after the purge = %v, want ErrNotFound", err)
	}
	o.load(&oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{kept}})
	o.refresh("5", token).WantJSONError(400, "invalid_grant")
}

// A revocation of all tokens of a user reaches a token without an owner, also if the token
// was imported again since.
func TestRefreshToken_LP_2_WithoutAnOwnerEnds(t *testing.T) {
	o := newOld(t)
	id := o.id()
	kept := &oauth.ImportedRefreshToken{Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, id), AccessTokenID: o.id(), CreatedAt: time.Now().Add(-time.Minute), ExpiresAt: time.Now().Add(24 * time.Hour)}
	o.load(&oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{kept}})
	o.Works(o.RevokeUser(t.Context(), testkit.Ref("1")))
	kept.CreatedAt = time.Now().Add(time.Minute)
	o.load(&oauth.ImportBatch{Unowned: []*oauth.ImportedRefreshToken{kept}})
	o.refresh("5", refreshToken(t, "5", id, []string{"read"})).WantJSONError(400, "invalid_grant")
}

// Guesses at ciphertexts count like wrong secrets, and cost nothing for a client without
// imported tokens.
func TestRefreshToken_LP_2_GuessesAreThrottled(t *testing.T) {
	o := newOld(t)
	guess := "def50200" + strings.Repeat("0", 900)
	statuses := []int{}
	for range 12 {
		statuses = append(statuses, o.refresh("5", guess).Status)
	}
	if statuses[0] != 400 || statuses[11] != http.StatusTooManyRequests || !slices.IsSorted(statuses) {
		t.Errorf("12 guesses got %v, want 400 and then 429", statuses)
	}
	spa := o.Spa()
	for range 12 {
		if got := o.Exchange(spa, "grant_type", "refresh_token", "refresh_token", guess); got.Status != 400 {
			t.Fatalf("a client of this server gets %s, want 400: nothing is derived for it", got)
		}
	}
}
