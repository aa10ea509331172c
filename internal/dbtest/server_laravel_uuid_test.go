package dbtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
)

// The IDs of an installation with UUIDs, as version 13 makes it.
const (
	uuidClient = "0193a1b2-c3d4-7000-8000-000000000001"
	uuidUser   = "0193a1b2-c3d4-7000-8000-00000000000a"
	uuidToken  = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0011223344556677"
	uuidSecret = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF3hJ5kM7n"
)

// openLaravel13 returns an installation with UUIDs and hashed secrets: a client with a
// token pair of a user, and a token of the client itself.
func openLaravel13(t *testing.T, d sqldb.Dialect) laravelimport.Source {
	t.Helper()
	db := dbtest.Open(t, d)
	createLaravel(t, db, d, "", laravel13Tables)
	hash, err := bcrypt.GenerateFromPassword([]byte(uuidSecret), bcrypt.MinCost)
	must(t, err)
	at := func(d time.Duration) string { return time.Now().UTC().Add(d).Format("2006-01-02 15:04:05") }
	insertLaravel(t, db, d, "oauth_clients", map[string]any{
		"id": uuidClient, "name": "Hashed", "secret": strings.Replace(string(hash), "$2a$", "$2y$", 1), "redirect_uris": `["https://app.example/cb"]`,
		"grant_types": `["authorization_code","refresh_token","client_credentials"]`, "revoked": false, "created_at": at(-time.Hour), "updated_at": at(-time.Hour),
	})
	access := map[string]any{
		"id": uuidToken, "user_id": uuidUser, "client_id": uuidClient, "scopes": `["place-orders"]`, "revoked": false,
		"created_at": at(-time.Hour), "updated_at": at(-time.Hour), "expires_at": at(24 * time.Hour),
	}
	insertLaravel(t, db, d, "oauth_access_tokens", access)
	access["id"], access["user_id"] = strings.Replace(uuidToken, "0011", "ff11", 1), nil
	insertLaravel(t, db, d, "oauth_access_tokens", access)
	insertLaravel(t, db, d, "oauth_refresh_tokens", map[string]any{"id": uuidToken, "access_token_id": uuidToken, "revoked": false, "expires_at": at(24 * time.Hour)})
	return laravelimport.Source{DB: db, Dialect: d}
}

// An installation with UUIDs and hashed secrets: user IDs are texts in its ciphertexts,
// and the subject of a client's token is the client.
func TestServer_LP_4_UUIDsAndHashedSecrets(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			store := target(t, d)
			source := openLaravel13(t, d)
			key, err := laravelimport.ParseAppKey(testkit.LaravelAppKey)
			must(t, err)
			_, err = laravelimport.Run(t.Context(), laravelimport.Config{Source: source, Target: store, Keys: laravelimport.Keys{App: []laravelimport.AppKey{key}}})
			must(t, err)
			compat := laravel.Compat{
				PublicKeys: []string{testkit.PublicPEM(t, &testkit.LaravelKey().PublicKey)}, AppKeys: []string{testkit.LaravelAppKey},
				DB: source.DB, Dialect: d,
			}
			users := func(c *passport.Config) { c.Users = testkit.NewAccounts(uuidUser) }
			s := laravelServer(t, store, compat, users)

			now := float64(time.Now().UnixMicro()) / 1e6
			claims := map[string]any{"aud": uuidClient, "jti": uuidToken, "iat": now - 3600, "nbf": now - 3600, "exp": now + 3600, "sub": uuidUser, "scopes": []string{"place-orders"}}
			token := testkit.LaravelJWT(t, testkit.LaravelKey(), testkit.LaravelHeader, claims)
			claims["jti"], claims["sub"] = strings.Replace(uuidToken, "0011", "ff11", 1), uuidClient
			machine := testkit.LaravelJWT(t, testkit.LaravelKey(), testkit.LaravelHeader, claims)
			check := func(when string) {
				t.Helper()
				if got := guardStatus(s.Guard(), token); got != http.StatusOK {
					t.Errorf("%s the token of a user gets %d, want 200", when, got)
				}
				if got := guardStatus(s.GuardClient(), machine); got != http.StatusOK {
					t.Errorf("%s the token of a client gets %d, want 200", when, got)
				}
				if got := guardStatus(s.Guard(), machine); got/100 != 4 {
					t.Errorf("%s the token of a client gets %d at an API for users, want a refusal", when, got)
				}
			}
			check("before the switch")
			must(t, store.SetImportNote(t.Context(), "switched", time.Now().Format(time.RFC3339Nano)))
			check("after the switch")

			refresh := testkit.LaravelCiphertext(t, map[string]any{
				"client_id": uuidClient, "refresh_token_id": uuidToken, "access_token_id": uuidToken, "scopes": []string{"place-orders"}, "user_id": uuidUser, "expire_time": time.Now().Add(time.Hour).Unix(),
			})
			form := testkit.Set(url.Values{}, "grant_type", "refresh_token", "refresh_token", refresh, "client_id", uuidClient, "client_secret", uuidSecret)
			status, body := tokenRequest(t, s, form)
			if status != http.StatusOK {
				t.Fatalf("a refresh with a hashed secret = %d %v, want tokens", status, body)
			}
			if got := guardStatus(s.Guard(), fmt.Sprint(body["access_token"])); got != http.StatusOK {
				t.Errorf("the new access token gets %d, want 200", got)
			}
			left, err := store.ImportStatus(t.Context(), time.Now())
			if err != nil || left.HashedSecrets != 0 || left.RefreshTokens != 0 {
				t.Errorf("ImportStatus() after the first refresh = %+v, %v, want no hashed secret and no refresh token left", left, err)
			}
		})
	}
}
