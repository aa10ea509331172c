//go:build unix

package passport_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

// The cost of a request compared to a ceiling: the smallest handler with the same
// guarantees. It parses the form, compares one digest, signs one ES256 token, makes
// the same write, and responds with the same JSON; it checks nothing and reads
// nothing. docs/performance.md explains the numbers. Introspection and revocation
// have a ceiling that reads: see [newReadCeiling].

// costs starts a measurement. The returned function reports the process's CPU time
// per operation: on a busy machine that is more precise than the clock.
func costs(b *testing.B) (report func()) {
	b.ReportAllocs()
	before := cpuTime(b)
	return func() { b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op") }
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bench is a server with a client of each kind, called without a network.
type bench struct {
	handler http.Handler
	server  *passport.Server
	store   oauth.Store
	web     *testkit.Client
	scopes  []string // of new codes
}

func newBench(b *testing.B, change ...func(*passport.Config)) *bench {
	b.Helper()
	config := testkit.PlainConfig(b)
	for _, f := range change {
		f(&config)
	}
	s, err := passport.New(config)
	if err != nil {
		b.Fatal(err)
	}
	created, err := s.CreateClient(b.Context(), passport.Registration{
		Name: "web", RedirectURIs: []string{"https://app.example.com/cb"}, GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"},
	})
	if err != nil {
		b.Fatal(err)
	}
	return &bench{s, s, config.Store, &testkit.Client{Client: created.Client, Secret: created.Secret, Verifier: strings.Repeat("verifier-", 6)}, []string{"read"}}
}

// sink is a ResponseWriter that keeps the body.
type sink struct {
	header http.Header
	status int
	body   []byte
}

func (w *sink) Header() http.Header { return w.header }
func (w *sink) WriteHeader(status int) {
	w.status = status
}

func (w *sink) Write(p []byte) (int, error) {
	w.body = append(w.body, p...)
	return len(p), nil
}

var (
	tokenPath      = &url.URL{Scheme: "https", Host: "auth.example.com", Path: "/oauth/token"}
	introspectPath = &url.URL{Scheme: "https", Host: "auth.example.com", Path: "/oauth/introspect"}
	revokePath     = &url.URL{Scheme: "https", Host: "auth.example.com", Path: "/oauth/revoke"}
)

// post sends an encoded form and returns the response body.
func (n *bench) post(b *testing.B, authorization, form string) []byte {
	return n.postTo(b, tokenPath, authorization, form)
}

func (n *bench) postTo(b *testing.B, target *url.URL, authorization, form string) []byte {
	r := &http.Request{
		Method: "POST", URL: target, Host: target.Host, RemoteAddr: "192.0.2.1:1234", Body: io.NopCloser(strings.NewReader(form)),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {authorization}},
	}
	w := &sink{header: http.Header{}, status: http.StatusOK}
	n.handler.ServeHTTP(w, r)
	if w.status != http.StatusOK {
		b.Fatalf("response = %d %s, want 200", w.status, w.body)
	}
	return w.body
}

// begin stores count codes of alice and returns them.
func (n *bench) begin(b *testing.B, count int) []string {
	codes := make([]string, count)
	now := time.Now().UTC()
	for i := range codes {
		codes[i] = rand.Text() + rand.Text()
		f := &oauth.Family{ID: "family-" + codes[i][:20], User: testkit.Ref("alice"), ClientID: n.web.ID, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)}
		k := &oauth.Code{
			Digest: oauth.DigestOf(codes[i]), Family: f, Scopes: n.scopes, RedirectURI: n.web.RedirectURIs[0],
			CodeChallenge: testkit.Challenge(n.web.Verifier), ExpiresAt: now.Add(24 * time.Hour),
		}
		if err := n.store.IssueCode(b.Context(), &oauth.CodeIssuance{Family: f, Code: k}); err != nil {
			b.Fatal(err)
		}
	}
	return codes
}

func (n *bench) codeBody(code string) string {
	return "grant_type=authorization_code&code=" + code + "&redirect_uri=" + url.QueryEscape(n.web.RedirectURIs[0]) + "&code_verifier=" + n.web.Verifier
}

func (n *bench) clientCredentials(b *testing.B) {
	header := testkit.Basic(n.web.ID, n.web.Secret)
	defer costs(b)()
	for b.Loop() {
		n.post(b, header, "grant_type=client_credentials&scope=read")
	}
}

func (n *bench) authorizationCode(b *testing.B) {
	header, codes := testkit.Basic(n.web.ID, n.web.Secret), n.begin(b, b.N)
	b.ResetTimer()
	defer costs(b)()
	for i := range b.N {
		n.post(b, header, n.codeBody(codes[i]))
	}
}

// refresh redeems a refresh token, then its successor, and so on.
func (n *bench) refresh(b *testing.B) {
	header := testkit.Basic(n.web.ID, n.web.Secret)
	var last testkit.Tokens
	decode(b, n.post(b, header, n.codeBody(n.begin(b, 1)[0])), &last)
	defer costs(b)()
	for b.Loop() {
		decode(b, n.post(b, header, "grant_type=refresh_token&refresh_token="+last.Refresh), &last)
	}
}

func decode(b *testing.B, body []byte, into *testkit.Tokens) {
	if err := json.Unmarshal(body, into); err != nil {
		b.Fatal(err)
	}
}

// retry sends the same spent refresh token in every request, within its grace.
func (n *bench) retry(b *testing.B) {
	header := testkit.Basic(n.web.ID, n.web.Secret)
	var last testkit.Tokens
	decode(b, n.post(b, header, n.codeBody(n.begin(b, 1)[0])), &last)
	n.post(b, header, "grant_type=refresh_token&refresh_token="+last.Refresh)
	defer costs(b)()
	for b.Loop() {
		n.post(b, header, "grant_type=refresh_token&refresh_token="+last.Refresh)
	}
}

func BenchmarkToken_ClientCredentials(b *testing.B) { eachKey(b, (*bench).clientCredentials) }
func BenchmarkToken_AuthorizationCode(b *testing.B) { eachKey(b, (*bench).authorizationCode) }
func BenchmarkToken_Refresh(b *testing.B)           { eachKey(b, (*bench).refresh) }

// BenchmarkToken_RefreshRetry is a retry of a refresh: it reads once more and writes
// nothing.
func BenchmarkToken_RefreshRetry(b *testing.B) {
	newBench(b, func(c *passport.Config) { c.RefreshTokenGrace = time.Minute }).retry(b)
}

// eachKey runs a benchmark with a key of each type, the ceiling first.
func eachKey(b *testing.B, run func(*bench, *testing.B)) {
	b.Run("ceiling", func(b *testing.B) {
		n := newBench(b)
		n.handler = newCeiling(b, n)
		run(n, b)
	})
	keys := testkit.EveryKey(b)
	for _, alg := range []string{"ES256", "EdDSA", "RS256", "PS256"} {
		b.Run(alg, func(b *testing.B) {
			run(newBench(b, keys[alg]), b)
		})
	}
}

// BenchmarkToken_Refused is a request with a wrong secret, as from an attacker. Each
// guess has another address, because the throttle would refuse most guesses from
// one.
func BenchmarkToken_Refused(b *testing.B) {
	n := newBench(b)
	header := testkit.Basic(n.web.ID, "wrong")
	defer costs(b)()
	for i := 0; b.Loop(); i++ {
		r := &http.Request{
			Method: "POST", URL: tokenPath, RemoteAddr: fmt.Sprintf("[2001:db8:%x:%x::1]:1234", i>>16, i&0xffff), Body: io.NopCloser(strings.NewReader("grant_type=client_credentials")),
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {header}},
		}
		w := &sink{header: http.Header{}}
		if n.handler.ServeHTTP(w, r); w.status != http.StatusUnauthorized {
			b.Fatalf("status = %d, want 401", w.status)
		}
	}
}

// BenchmarkGuard is a guarded request of a user and of a client, with the same token
// each time and a key of each type, and a request that is refused.
func BenchmarkGuard(b *testing.B) {
	keys := testkit.EveryKey(b)
	for _, alg := range []string{"ES256", "EdDSA", "RS256", "PS256"} {
		n := newBench(b, keys[alg])
		var user, own testkit.Tokens
		decode(b, n.post(b, testkit.Basic(n.web.ID, n.web.Secret), n.codeBody(n.begin(b, 1)[0])), &user)
		decode(b, n.post(b, testkit.Basic(n.web.ID, n.web.Secret), "grant_type=client_credentials"), &own)
		b.Run(alg+"/user", func(b *testing.B) { n.guard(b, user.Access, http.StatusOK) })
		b.Run(alg+"/client", func(b *testing.B) { n.guard(b, own.Access, http.StatusOK) })
		b.Run(alg+"/forged", func(b *testing.B) { n.guard(b, forged(user.Access), http.StatusUnauthorized) })
	}
}

// forged returns a token with another first character in its signature. The last
// ones may be padding.
func forged(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	other := "A"
	if token[at:at+1] == other {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

func (n *bench) guard(b *testing.B, token string, want int) {
	protected := n.server.GuardAny()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	target := &url.URL{Scheme: "https", Host: "api.example.com", Path: "/orders"}
	defer costs(b)()
	for b.Loop() {
		r := &http.Request{Method: "GET", URL: target, RemoteAddr: "192.0.2.1:1234", Header: http.Header{"Authorization": {"Bearer " + token}}}
		w := &sink{header: http.Header{}, status: http.StatusOK}
		if protected.ServeHTTP(w, r); w.status != want {
			b.Fatalf("status = %d, want %d", w.status, want)
		}
	}
}

// BenchmarkIntrospect is an API that introspects the same token each time.
func BenchmarkIntrospect(b *testing.B) {
	key := testkit.NewECKey(b)
	n := newBench(b, testkit.WithKeys(b, key))
	api, err := n.server.CreateClient(b.Context(), passport.Registration{Name: "api", Audience: testkit.Issuer})
	if err != nil {
		b.Fatal(err)
	}
	personal, err := n.server.CreateToken(b.Context(), testkit.Ref("alice"), "My script", "read")
	if err != nil {
		b.Fatal(err)
	}
	header := testkit.Basic(api.Client.ID, api.Secret)
	for _, what := range []struct {
		name, token string
		active      bool
	}{{"JWT", n.issued(b, 1)[0].Access, true}, {"opaque", personal.AccessToken, true}, {"unknown", rand.Text() + rand.Text(), false}} {
		eachHandler(b, what.name, n, newReadCeiling(n, key), func(b *testing.B, n *bench) {
			defer costs(b)()
			for b.Loop() {
				if body := n.postTo(b, introspectPath, header, "token="+what.token); strings.Contains(string(body), `"active":true`) != what.active {
					b.Fatalf("response = %s, want active %t", body, what.active)
				}
			}
		})
	}
}

// BenchmarkRevoke is a client that revokes a token of another family each time. The
// server has not cached any of the JWTs, so it verifies each signature.
func BenchmarkRevoke(b *testing.B) {
	key := testkit.NewECKey(b)
	n := newBench(b, testkit.WithKeys(b, key))
	header := testkit.Basic(n.web.ID, n.web.Secret)
	for _, name := range []string{"JWT", "refresh", "unknown"} {
		eachHandler(b, name, n, newReadCeiling(n, key), func(b *testing.B, n *bench) {
			issued := make([]testkit.Tokens, b.N)
			if name != "unknown" {
				issued = n.issued(b, b.N)
			}
			b.ResetTimer()
			defer costs(b)()
			for _, tok := range issued {
				token := map[string]string{"JWT": tok.Access, "refresh": tok.Refresh, "unknown": "unknown"}[name]
				n.postTo(b, revokePath, header, "token="+token)
			}
		})
	}
}

// eachHandler runs a benchmark with the ceiling, then with the server.
func eachHandler(b *testing.B, name string, n *bench, ceiling http.Handler, run func(*testing.B, *bench)) {
	for _, of := range []struct {
		name    string
		handler http.Handler
	}{{"ceiling", ceiling}, {"server", n.server}} {
		b.Run(name+"/"+of.name, func(b *testing.B) {
			asked := *n
			asked.handler = of.handler
			run(b, &asked)
		})
	}
}

// issued returns tokens of count new families.
func (n *bench) issued(b *testing.B, count int) []testkit.Tokens {
	issued, issuer := make([]testkit.Tokens, count), *n
	issuer.handler = n.server
	for i, code := range n.begin(b, count) {
		decode(b, issuer.post(b, testkit.Basic(n.web.ID, n.web.Secret), n.codeBody(code)), &issued[i])
	}
	return issued
}

// newReadCeiling returns the ceiling of introspection and revocation over the same
// store. It reads the client and the token, verifies each signature once, and ends the
// family or writes the same JSON. It takes one request at a time.
func newReadCeiling(n *bench, key *ecdsa.PrivateKey) http.Handler {
	seen := map[[sha256.Size]byte]string{}
	idOf := func(token string) string { // the jti of a JWT
		digest := sha256.Sum256([]byte(token))
		id, ok := seen[digest]
		if !ok {
			id = verifiedBy(key, token)
			seen[digest] = id
		}
		return id
	}
	find := func(ctx context.Context, token string) (found tokens.Found, err error) {
		switch {
		case strings.Count(token, ".") == 2:
			found.Access, err = n.store.AccessToken(ctx, idOf(token))
		case strings.HasPrefix(token, "passport_pat_"):
			found.Access, err = n.store.OpaqueToken(ctx, oauth.DigestOf(token))
		default:
			found.Refresh, err = n.store.RefreshToken(ctx, oauth.DigestOf(token))
		}
		return found, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		id, secret, _ := r.BasicAuth()
		client, err := n.store.Client(r.Context(), id)
		if r.ParseForm() != nil || err != nil || !client.Secrets[0].Digest.Matches(secret) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		found, err := find(r.Context(), r.PostForm.Get("token"))
		access, family := found.Access, found.Family()
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case r.URL.Path == revokePath.Path && err == nil:
			if n.store.RevokeFamily(r.Context(), family.ID, now, nil) != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		case r.URL.Path == revokePath.Path:
		case err != nil || !access.Live(now):
			writeCeiling(w, map[string]bool{"active": false})
		default:
			writeCeiling(w, described{
				true, strings.Join(access.Scopes, " "), access.Client.ID, "users:" + family.User.ID, access.Audience[0],
				testkit.Issuer, access.ID, "Bearer", access.IssuedAt.Unix(), access.ExpiresAt.Unix(),
			})
		}
	})
}

// described is the ceiling's response for an active token.
type described struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope"`
	ClientID  string `json:"client_id"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	ID        string `json:"jti"`
	TokenType string `json:"token_type"`
	IssuedAt  int64  `json:"iat"`
	Expires   int64  `json:"exp"`
}

func writeCeiling(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// verifiedBy returns the ID of a compact token that was signed with ES256, or panics.
func verifiedBy(key *ecdsa.PrivateKey, token string) string {
	parts := strings.Split(token, ".")
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, err1 := base64.RawURLEncoding.DecodeString(parts[2])
	payload, err2 := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		ID string `json:"jti"`
	}
	if err := errors.Join(err1, err2, json.Unmarshal(payload, &claims)); err != nil {
		panic(err)
	}
	if !ecdsa.Verify(&key.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		panic("the signature is not valid")
	}
	return claims.ID
}

// newCeiling returns the ceiling over the same store.
func newCeiling(b *testing.B, n *bench) http.Handler {
	return newCeilingWith(n, testkit.NewECKey(b), "read", nil)
}

// newCeilingWith is newCeiling with a key, a scope, and further members of the response.
func newCeilingWith(n *bench, key *ecdsa.PrivateKey, scope string, more func(now time.Time) map[string]any) http.Handler {
	var last atomic.Int64
	client := &oauth.Client{ID: n.web.ID}
	secret := oauth.DigestOf(n.web.Secret)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		_, sent, _ := r.BasicAuth()
		if err := r.ParseForm(); err != nil || !secret.Matches(sent) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		id := fmt.Sprintf("%036d", last.Add(1))
		i := &oauth.Issuance{Time: now, AccessToken: &oauth.AccessToken{ID: id, Client: client, Scopes: strings.Fields(scope), Audience: []string{testkit.Issuer}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}}
		refresh := spend(i, r.PostForm)
		token := signedBy(key, map[string]any{"iss": testkit.Issuer, "sub": "users:alice", "client_id": n.web.ID, "jti": id, "iat": now.Unix(), "exp": now.Unix() + 3600, "aud": testkit.Issuer, "scope": scope})
		response := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh, "scope": scope}
		if more != nil {
			maps.Copy(response, more(now))
		}
		if err := n.store.Issue(r.Context(), i); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(response)
	})
}

// spend adds the code or refresh token that the request uses up, and its
// replacement.
func spend(i *oauth.Issuance, form url.Values) (refresh string) {
	for purpose, value := range map[oauth.Purpose]string{oauth.SpendCode: form.Get("code"), oauth.SpendRefreshToken: form.Get("refresh_token")} {
		if value == "" {
			continue
		}
		refresh = rand.Text() + rand.Text()
		f := &oauth.Family{ID: "family", User: testkit.Ref("alice"), ClientID: i.AccessToken.Client.ID, CreatedAt: i.Time, ExpiresAt: i.Time.Add(time.Hour)}
		i.AccessToken.Family = f
		i.Spends = oauth.Spend{Purpose: purpose, ID: string(oauth.DigestOf(value))}
		i.RefreshToken = &oauth.RefreshToken{Digest: oauth.DigestOf(refresh), AccessTokenID: i.AccessToken.ID, Family: f, Scopes: []string{"read"}, ExpiresAt: i.Time.Add(time.Hour)}
	}
	return refresh
}

// signedBy returns a compact token, signed with ES256.
func signedBy(key *ecdsa.PrivateKey, claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	input := "eyJhbGciOiJFUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(input))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}
