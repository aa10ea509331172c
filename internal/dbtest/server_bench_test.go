//go:build unix

package dbtest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/oauth"
)

// BenchmarkToken and BenchmarkGuard measure requests over a real database, one at a
// time and 64 concurrently. They compare the server with the ceiling of
// docs/performance.md: a handler that parses the form, compares one digest, signs one
// ES256 token, does the same write, and returns the same JSON.
func BenchmarkToken(b *testing.B) {
	for _, d := range dbtest.Dialects {
		b.Run(d.Name, func(b *testing.B) {
			s := newOAuthServer(b, benchStore(b, d), withoutLog)
			ceiling := newCeiling(b, s)
			for _, what := range []struct {
				name string
				form func(n int) string
			}{
				{"client_credentials", func(int) string { return "grant_type=client_credentials" }},
				{"authorization_code", func(n int) string {
					return "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&code_verifier=" + oauthVerifier + "&code=" + benchCode(n)
				}},
				{"refresh_token", func(n int) string { return "grant_type=refresh_token&refresh_token=" + benchCode(n) }},
			} {
				for name, handler := range map[string]http.Handler{"ceiling": ceiling, "server": s} {
					for _, workers := range []int{1, 64} {
						b.Run(fmt.Sprintf("%s/%d/%s", what.name, workers, name), func(b *testing.B) {
							first := s.prepare(b, what.name, b.N)
							c := s.web
							if what.name == "client_credentials" {
								c = s.own
							}
							concurrently(b, workers, func(n int) {
								r := httptest.NewRequest("POST", oauthIssuer+"/oauth/token", strings.NewReader(what.form(first+n)))
								r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
								r.SetBasicAuth(c.id, c.secret)
								w := httptest.NewRecorder()
								if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
									b.Errorf("status %d %s, want 200", w.Code, w.Body)
								}
							})
						})
					}
				}
			}
		})
	}
}

func BenchmarkGuard(b *testing.B) {
	for _, d := range dbtest.Dialects {
		b.Run(d.Name, func(b *testing.B) {
			s := newOAuthServer(b, benchStore(b, d), withoutLog)
			tok := s.ok(s.redeem(s.code()))
			protected := s.Guard()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			for _, workers := range []int{1, 64} {
				b.Run(fmt.Sprint(workers), func(b *testing.B) {
					concurrently(b, workers, func(int) {
						r := httptest.NewRequest("GET", "https://api.example.com/", nil)
						r.Header.Set("Authorization", "Bearer "+tok.Access)
						w := httptest.NewRecorder()
						if protected.ServeHTTP(w, r); w.Code != http.StatusOK {
							b.Errorf("status %d %s, want 200", w.Code, w.Body)
						}
					})
				})
			}
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func withoutLog(c *passport.Config) { c.Logger = slog.New(slog.DiscardHandler) }

// concurrently calls do with each number below b.N, in workers goroutines. It also
// reports the CPU time of this process, which varies less on a busy machine. That does
// not include the CPU time of a database server.
func concurrently(b *testing.B, workers int, do func(n int)) {
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	defer func() { b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op") }()
	if workers == 1 {
		for n := range b.N {
			do(n)
		}
		return
	}
	var next atomic.Int64
	b.SetParallelism(workers / 2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			do(int(next.Add(1) - 1))
		}
	})
}

var prepared atomic.Int64

func benchCode(n int) string { return fmt.Sprintf("%052d", n) }

// prepare stores count codes or refresh tokens, and returns the number of the first
// one.
func (s *oauthServer) prepare(b *testing.B, grantType string, count int) (first int) {
	if grantType == "client_credentials" {
		return 0
	}
	now := time.Now().UTC()
	first = int(prepared.Add(int64(count))) - count
	client := &oauth.Client{ID: s.web.id}
	for n := range count {
		id := benchCode(first + n)
		f := &oauth.Family{ID: id[16:], User: alice, ClientID: s.web.id, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)}
		if grantType == "refresh_token" {
			must(b, s.store.Issue(b.Context(), &oauth.Issuance{
				Time: now, NewFamily: f, AccessToken: &oauth.AccessToken{ID: id[16:], Client: client, Family: f, IssuedAt: now, ExpiresAt: now.Add(time.Hour)},
				RefreshToken: &oauth.RefreshToken{Digest: oauth.DigestOf(id), AccessTokenID: id[16:], Family: f, Scopes: []string{"read"}, ExpiresAt: now.Add(time.Hour)},
			}))
			continue
		}
		sum := sha256.Sum256([]byte(oauthVerifier))
		must(b, s.store.IssueCode(b.Context(), &oauth.CodeIssuance{Family: f, Code: &oauth.Code{
			Digest: oauth.DigestOf(id), Family: f, Scopes: []string{"read"}, RedirectURI: "https://app.example.com/cb",
			CodeChallenge: base64.RawURLEncoding.EncodeToString(sum[:]), ExpiresAt: now.Add(time.Hour),
		}}))
	}
	return first
}

// newCeiling returns the ceiling over the same store.
func newCeiling(b *testing.B, s *oauthServer) http.Handler {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(b, err)
	secrets := map[string]oauth.Digest{s.web.id: oauth.DigestOf(s.web.secret), s.own.id: oauth.DigestOf(s.own.secret)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		id, secret, _ := r.BasicAuth()
		if err := r.ParseForm(); err != nil || !secrets[id].Matches(secret) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		f := &oauth.Family{ID: "family", User: alice, ClientID: id, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
		i := &oauth.Issuance{Time: now, AccessToken: &oauth.AccessToken{ID: rand.Text(), Client: &oauth.Client{ID: id}, Scopes: []string{"read"}, Audience: []string{oauthIssuer}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}}
		refresh := ""
		for purpose, value := range map[oauth.Purpose]string{oauth.SpendCode: r.PostForm.Get("code"), oauth.SpendRefreshToken: r.PostForm.Get("refresh_token")} {
			if value != "" {
				refresh = rand.Text() + rand.Text()
				i.AccessToken.Family, i.Spends = f, oauth.Spend{Purpose: purpose, ID: string(oauth.DigestOf(value))}
				i.RefreshToken = &oauth.RefreshToken{Digest: oauth.DigestOf(refresh), AccessTokenID: i.AccessToken.ID, Family: f, Scopes: []string{"read"}, ExpiresAt: now.Add(time.Hour)}
			}
		}
		payload, err1 := json.Marshal(map[string]any{"iss": oauthIssuer, "sub": "users:alice", "client_id": id, "jti": i.AccessToken.ID, "iat": now.Unix(), "exp": now.Unix() + 3600, "aud": oauthIssuer, "scope": "read"})
		input := "eyJhbGciOiJFUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(payload)
		sum := sha256.Sum256([]byte(input))
		signature, err2 := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err := s.store.Issue(r.Context(), i); err != nil || err1 != nil || err2 != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": input + "." + base64.RawURLEncoding.EncodeToString(signature), "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh})
	})
}
