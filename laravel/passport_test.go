package laravel_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
)

// appKey is an APP_KEY.
const appKey = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// oldKey is the RSA key of the old server.
var oldKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func publicPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// old is an installation of Laravel Passport that was imported into a server.
type old struct {
	*testkit.Server
	imports oauth.ImportStore
	last    int
}

// newOld returns a server with the clients "4" (confidential), "5" (public) and "3"
// (client credentials) of the old server, and the users 1 and 2.
func newOld(t *testing.T, change ...func(*passport.Config)) *old {
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

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

const oldHeader = `{"typ":"JWT","alg":"RS256"}`

func jwt(t testing.TB, key *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	return jwtWith(t, key, oldHeader, claims)
}

func jwtWith(t testing.TB, key *rsa.PrivateKey, header string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := b64([]byte(header)) + "." + b64(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(signature)
}

func refreshToken(t testing.TB, clientID, id string, scopes []string) string {
	t.Helper()
	if scopes == nil {
		scopes = []string{}
	}
	return encrypted(t, map[string]any{"client_id": clientID, "refresh_token_id": id, "access_token_id": id, "scopes": scopes, "user_id": 1, "expire_time": time.Now().Add(24 * time.Hour).Unix()})
}

// encrypted encrypts content as the old server does.
func encrypted(t testing.TB, content map[string]any) string {
	t.Helper()
	plain, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	password, err := base64.StdEncoding.DecodeString(appKey[len("base64:"):])
	if err != nil {
		t.Fatal(err)
	}
	out := append([]byte{0xde, 0xf5, 0x02, 0x00}, make([]byte, 48)...)
	rand.Read(out[4:])
	salt, iv := out[4:36], out[36:52]
	digest := sha256.Sum256(password)
	key := func(stretched []byte, info string) []byte {
		k, err := hkdf.Key(sha256.New, stretched, salt, "DefusePHP|V2|KeyFor"+info, 32)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	stretched, err := pbkdf2.Key(sha256.New, string(digest[:]), salt, 100_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key(stretched, "Encryption"))
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCTR(block, iv).XORKeyStream(plain, plain)
	out = append(out, plain...)
	mac := hmac.New(sha256.New, key(stretched, "Authentication"))
	mac.Write(out)
	return hex.EncodeToString(mac.Sum(out))
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
