package dbtest_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
)

// oldServer issues, rotates and revokes tokens as Laravel does, in a copy of the
// installation in testdata.
type oldServer struct {
	i    *imported
	key  *rsa.PrivateKey
	mu   sync.Mutex
	live map[string]string // token by ID
	dead map[string]string
	fail error
}

func newOldServer(t *testing.T, i *imported) *oldServer {
	t.Helper()
	block, _ := pem.Decode([]byte(readText(t, "oauth-private.key")))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	return &oldServer{i: i, key: key.(*rsa.PrivateKey), live: map[string]string{}, dead: map[string]string{}}
}

// issue stores a token of the user 1 at client 4 with its refresh token, and signs it.
func (o *oldServer) issue() {
	random := make([]byte, 80)
	rand.Read(random)
	id, refresh := hex.EncodeToString(random[:40]), hex.EncodeToString(random[40:])
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"aud": "4", "jti": id, "iat": float64(now.UnixMicro()) / 1e6, "nbf": float64(now.UnixMicro()) / 1e6, "exp": float64(now.Add(time.Hour).UnixMicro()) / 1e6, "sub": "1", "scopes": []string{"place-orders"},
	})
	if err != nil {
		o.fail = err
		return
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, o.key, crypto.SHA256, sum[:])
	if err != nil {
		o.fail = err
		return
	}
	wall := func(at time.Time) string { return at.UTC().Format(time.DateTime) }
	o.exec(fmt.Sprintf(`INSERT INTO oauth_access_tokens (id, user_id, client_id, scopes, revoked, created_at, expires_at) VALUES ('%s', 1, 4, '["place-orders"]', FALSE, '%s', '%s')`, id, wall(now), wall(now.Add(time.Hour))))
	o.exec(fmt.Sprintf(`INSERT INTO oauth_refresh_tokens (id, access_token_id, revoked, expires_at) VALUES ('%s', '%s', FALSE, '%s')`, refresh, id, wall(now.Add(time.Hour))))
	o.live[id] = signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// end revokes a token and its refresh token, and sometimes purges both rows.
func (o *oldServer) end(purge bool) {
	for id, token := range o.live {
		o.exec(`UPDATE oauth_access_tokens SET revoked = TRUE WHERE id = '` + id + `'`)
		o.exec(`UPDATE oauth_refresh_tokens SET revoked = TRUE WHERE access_token_id = '` + id + `'`)
		if purge {
			o.exec(`DELETE FROM oauth_refresh_tokens WHERE access_token_id = '` + id + `'`)
			o.exec(`DELETE FROM oauth_access_tokens WHERE id = '` + id + `'`)
		}
		delete(o.live, id)
		o.dead[id] = token
		return
	}
}

func (o *oldServer) exec(q string) {
	if _, err := o.i.laravel.Exec(q); err != nil && o.fail == nil {
		o.fail = err
	}
}

// run writes until the function that it returns is called.
func (o *oldServer) run() (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			o.mu.Lock()
			o.issue()
			if n%3 == 2 {
				o.end(n%2 == 0)
			}
			o.mu.Unlock()
		}
	})
	return func() { close(done); running.Wait() }
}

// some returns a token that is live, and one that has ended, or "".
func (o *oldServer) some() (live, dead string) {
	for _, live = range o.live {
		break
	}
	for _, dead = range o.dead {
		break
	}
	return live, dead
}

// Laravel issues and revokes tokens during two imports, and guards beside it follow its
// rows at once. After the last import and the switch, exactly the tokens that were live in
// Laravel are live here.
func TestLaravelImport_Switch(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		i.config.Now = nil
		o := newOldServer(t, i)
		s := laravelServer(t, i.store, laravel.Compat{DB: i.laravel, Dialect: i.config.Source.Dialect})
		check := func(when, token string, want int) {
			t.Helper()
			if token == "" {
				return
			}
			if got := guardStatus(s.Guard(), token); got != want {
				t.Errorf("%s: the guard responds with %d, want %d", when, got, want)
			}
		}
		stop := o.run()
		for imports, ended := 0, 0; imports < 2 || ended < 2; imports++ {
			i.run()
			o.mu.Lock() // so that nothing changes between the look at the token and the guard's
			live, dead := o.some()
			check("a live token while Laravel writes", live, http.StatusOK)
			check("an ended token while Laravel writes", dead, http.StatusUnauthorized)
			must(t, o.fail)
			ended = len(o.dead)
			o.mu.Unlock()
		}
		stop() // Laravel's /oauth is stopped
		must(t, o.fail)
		if len(o.live) < 2 || len(o.dead) < 1 {
			t.Fatalf("Laravel has %d live and %d ended tokens: too few to prove anything", len(o.live), len(o.dead))
		}
		i.config.Switch = true
		i.run()
		must(t, i.laravel.Close()) // nothing depends on it any more

		for id, token := range o.live {
			check("the live token "+id[:10]+" after the switch", token, http.StatusOK)
		}
		for id, token := range o.dead {
			check("the ended token "+id[:10]+" after the switch", token, http.StatusUnauthorized)
		}
		answers := readAnswers(t)
		check("a token of the installation after the switch", answers.AccessTokens["code_full"].Token, http.StatusOK)
		form := answers.RefreshTokens["rotated_new"].form()
		status, tokens := tokenRequest(t, s, form)
		if status != http.StatusOK {
			t.Fatalf("a refresh token of Laravel after the switch = %d %v, want tokens", status, tokens)
		}
		check("the new access token", fmt.Sprint(tokens["access_token"]), http.StatusOK)
		if status, _ := tokenRequest(t, s, form); status != http.StatusBadRequest {
			t.Errorf("the same refresh token again = %d, want a refusal", status)
		}
		if _, err := laravelImport(t, i); err == nil || !strings.Contains(err.Error(), "the switch was at") {
			t.Errorf("an import after the switch = %v, want a refusal", err)
		}
	})
}

// What was revoked here stays refused although its row in Laravel lives: after a purge, after
// the last import, and after a purge that follows the switch.
func TestLaravelImport_LP_3_PurgesBetweenImports(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		i.config.Now = nil
		s := laravelServer(t, i.store, laravel.Compat{DB: i.laravel, Dialect: i.config.Source.Dialect})
		o, answers := newOldServer(t, i), readAnswers(t)
		o.issue() // for user 1, and not imported before that user's tokens are revoked
		must(t, o.fail)
		lateToken, _ := o.some()
		must(t, s.RevokeUser(t.Context(), testkit.Ref("1")))
		must(t, s.RevokeToken(t.Context(), i.jti("pkce_public")))
		must(t, s.RevokeToken(t.Context(), i.jti("cc_both")))

		purge := func() {
			t.Helper()
			_, err := s.Purge(t.Context(), oauth.PurgeBefore{Revoked: time.Now().Add(2 * time.Hour), Expired: time.Now()})
			must(t, err)
		}
		refused := func(when string, tokens map[string]string) {
			t.Helper()
			for name, token := range tokens {
				if got := guardStatus(s.Guard(), token); got != http.StatusUnauthorized {
					t.Errorf("%s the guard responds with %d to the token %s, want 401: it was revoked here", when, got, name)
				}
			}
			if i.live(i.jti("cc_both")) {
				t.Errorf("%s the token cc_both is live, want it ended: it was revoked here", when)
			}
			if got := guardStatus(s.Guard(), answers.AccessTokens["code_check"].Token); got != http.StatusOK {
				t.Errorf("%s the guard responds with %d to a token that was not revoked, want 200", when, got)
			}
		}
		tokens := map[string]string{"code_full": answers.AccessTokens["code_full"].Token, "pkce_public": answers.AccessTokens["pkce_public"].Token}
		purge()
		refused("after a purge before the switch,", tokens)
		i.config.Switch = true
		i.run()
		tokens["that was first imported after its user's revocation"] = lateToken
		refused("after the last import,", tokens)
		purge()
		for _, name := range []string{"code_full", "pkce_public", "cc_both"} {
			if _, err := i.store.AccessToken(t.Context(), i.jti(name)); !testkit.IsNotFound(err) {
				t.Errorf("AccessToken() of %s after a purge that follows the switch = %v, want ErrNotFound: it was revoked", name, err)
			}
		}
		refused("after a purge that follows the switch,", tokens)
		for _, name := range []string{"code_full", "pkce_public"} {
			if status, body := tokenRequest(t, s, answers.RefreshTokens[name].form()); status != http.StatusBadRequest {
				t.Errorf("after the switch a refresh with %s = %d %v, want 400: it was revoked here", name, status, body)
			}
		}
	})
}
