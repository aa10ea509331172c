package laravel_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
)

// appKey is the APP_KEY of the old server.
const appKey = testkit.LaravelAppKey

const oldHeader = testkit.LaravelHeader

func oldKey() *rsa.PrivateKey { return testkit.LaravelKey() }

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func publicPEM(t testing.TB, key *rsa.PublicKey) string {
	t.Helper()
	return testkit.PublicPEM(t, key)
}

func jwt(t testing.TB, key *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	return testkit.LaravelJWT(t, key, oldHeader, claims)
}

func encrypted(t testing.TB, content map[string]any) string {
	t.Helper()
	return testkit.LaravelCiphertext(t, content)
}

// old is an installation of Laravel Passport that was imported into a server.
type old struct {
	*testkit.Server
	imports oauth.ImportStore
	last    int
}

// newOld returns a server of newBeside after the switch.
func newOld(t *testing.T, change ...func(*passport.Config)) *old {
	t.Helper()
	o := newBeside(t, change...)
	o.doSwitch()
	return o
}

// doSwitch notes the switch.
func (o *old) doSwitch() {
	o.T.Helper()
	o.Works(o.imports.SetImportNote(o.T.Context(), oauth.ImportSwitched, time.Now().Format(time.RFC3339Nano)))
}

// newBeside returns a server beside the old server, with the clients "4" (confidential),
// "5" (public) and "3" (client credentials) of the old server, and the users 1 and 2.
func newBeside(t *testing.T, change ...func(*passport.Config)) *old {
	t.Helper()
	with := func(c *passport.Config) {
		c.Features = append(c.Features, laravel.Compat{PublicKeys: []string{publicPEM(t, &oldKey().PublicKey)}, AppKeys: []string{appKey}})
	}
	s := testkit.NewServer(t, append([]func(*passport.Config){with}, change...)...).WithAccounts("1", "2")
	imports, ok := oauth.StoreAs[oauth.ImportStore](s.Config.Store)
	if !ok {
		t.Fatal("the store is not an oauth.ImportStore")
	}
	o := &old{Server: s, imports: imports}
	until := time.Now().Add(24 * time.Hour)
	redirects, users := []string{"https://app.example/cb"}, []string{"authorization_code", "refresh_token"}
	secrets := []oauth.Secret{{Digest: oauth.DigestOf("secret-of-4"), CreatedAt: time.Now()}}
	o.load(&oauth.ImportBatch{Clients: []*oauth.ImportedClient{
		{Client: &oauth.Client{ID: "3", Name: "Machine", AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials"}, Secrets: secrets, CreatedAt: time.Now()}},
		{Client: &oauth.Client{ID: "4", Name: "Web", AuthMethod: oauth.AuthSecret, GrantTypes: users, RedirectURIs: redirects, Secrets: secrets, CreatedAt: time.Now()}, CiphertextsUntil: until},
		{Client: &oauth.Client{ID: "5", Name: "Phone", AuthMethod: oauth.AuthNone, GrantTypes: users, RedirectURIs: redirects, CreatedAt: time.Now()}, CiphertextsUntil: until},
	}})
	return o
}

func (o *old) load(b *oauth.ImportBatch) {
	o.T.Helper()
	if err := o.imports.Import(o.T.Context(), b); err != nil {
		o.T.Fatalf("Import() = %v", err)
	}
}

// id returns a new ID of the old server.
func (o *old) id() string {
	o.last++
	sum := sha256.Sum256([]byte{byte(o.last), byte(o.last >> 8)})
	return hex.EncodeToString(sum[:])[:40] + hex.EncodeToString(sum[:])[:40]
}

// pair is a token pair of the old server.
type pair struct {
	id              string // of the access token, and of the refresh token
	access, refresh string
	batch           *oauth.ImportBatch
}

// issued returns a pair that the old server issued to a client for user 1. It is not
// imported yet.
func (o *old) issued(clientID string, scopes ...string) pair {
	o.T.Helper()
	id, at, until := o.id(), time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	f := &oauth.Family{ID: oauth.ImportedFamilyID(id), User: testkit.Ref("1"), ClientID: clientID, CreatedAt: at, ExpiresAt: until.Add(365 * 24 * time.Hour)}
	return pair{
		id: id, access: jwt(o.T, oldKey(), claimsOf(id, clientID, "1", scopes)), refresh: refreshToken(o.T, clientID, id, scopes),
		batch: &oauth.ImportBatch{
			Families:      []*oauth.Family{f},
			AccessTokens:  []*oauth.AccessToken{{ID: id, Client: &oauth.Client{ID: clientID}, Family: f, Scopes: scopes, IssuedAt: at, ExpiresAt: until}},
			RefreshTokens: []*oauth.RefreshToken{{Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, id), AccessTokenID: id, Family: f, Scopes: scopes, ExpiresAt: until}},
		},
	}
}

// imported returns a pair that was imported.
func (o *old) imported(clientID string, scopes ...string) pair {
	o.T.Helper()
	p := o.issued(clientID, scopes...)
	o.load(p.batch)
	return p
}

func claimsOf(id, clientID, user string, scopes []string) map[string]any {
	if scopes == nil {
		scopes = []string{}
	}
	now := float64(time.Now().UnixMicro()) / 1e6
	return map[string]any{"aud": clientID, "jti": id, "iat": now - 3600, "nbf": now - 3600, "exp": now + 24*3600, "sub": user, "scopes": scopes}
}

func refreshToken(t testing.TB, clientID, id string, scopes []string) string {
	t.Helper()
	if scopes == nil {
		scopes = []string{}
	}
	return encrypted(t, map[string]any{"client_id": clientID, "refresh_token_id": id, "access_token_id": id, "scopes": scopes, "user_id": 1, "expire_time": time.Now().Add(24 * time.Hour).Unix()})
}

// form sends a token request of an imported client.
func (o *old) form(clientID string, pairs ...string) *testkit.Response {
	o.T.Helper()
	form := testkit.Set(url.Values{"client_id": {clientID}}, pairs...)
	if clientID != "5" && form.Get("client_secret") == "" {
		form.Set("client_secret", "secret-of-4")
	}
	return o.Send(form.Encode())
}

// post sends a form of an imported confidential client to another endpoint.
func (o *old) post(path, clientID string, pairs ...string) *testkit.Response {
	o.T.Helper()
	form := testkit.Set(url.Values{"client_id": {clientID}}, pairs...)
	if clientID != "5" {
		form.Set("client_secret", "secret-of-4")
	}
	r := httptest.NewRequest("POST", testkit.Issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return o.Do(r)
}

func (o *old) refresh(clientID, token string, pairs ...string) *testkit.Response {
	o.T.Helper()
	return o.form(clientID, append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

// admits reports the status of a guard for a token.
func (o *old) admits(token string, rules ...guard.Rule) int {
	o.T.Helper()
	return o.Call(o.Guard(rules...), "Authorization", "Bearer "+token).Status
}
