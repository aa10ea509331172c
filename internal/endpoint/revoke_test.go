package endpoint_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const revoke = "/oauth/revoke"

// wantRevoked fails unless the response to a revocation is 200 with an empty body.
func wantRevoked(t *testing.T, s *testkit.Server, c *testkit.Client, what string, pairs ...string) {
	t.Helper()
	a := s.Do(s.FormRequest(c, revoke, pairs...))
	if a.Status != http.StatusOK || a.Body != "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("revoking %s = %d %q with Cache-Control %q, want 200, an empty body and no-store", what, a.Status, a.Body, a.Header.Get("Cache-Control"))
	}
}

// Every kind of client can revoke its own tokens (RFC 7009 §2), with immediate effect.
func TestRevoke_RV_01_RV_06_RV_07_EveryKindOfClient(t *testing.T) {
	for kind, register := range map[string]func(*testkit.Server) *testkit.Client{
		"a confidential client": (*testkit.Server).Web, "an app in a browser": (*testkit.Server).Spa, "an app on a device": (*testkit.Server).Native,
	} {
		for _, which := range []string{"access", "refresh"} {
			t.Run(kind+" revokes its "+which+" token", func(t *testing.T) {
				s := testkit.NewServer(t, testkit.WithAudit)
				c, other := register(s), s.Web()
				tok, kept, elsewhere := s.GrantTokens(c, "prompt", "consent"), s.GrantTokens(c, "prompt", "consent"), s.GrantTokens(other, "prompt", "consent")
				token := map[string]string{"access": tok.Access, "refresh": tok.Refresh}[which]
				since := s.Events.Len()
				wantRevoked(t, s, c, "the token", "token", token)
				s.WantAdmits(tok.Access, false, "an access token after its revocation")
				s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
				s.WantAdmits(kept.Access, true, "the access token of another consent to the same client")
				s.WantAdmits(elsewhere.Access, true, "the access token of another client")
				if got := s.Events.Names(since); len(got) != 1 || got[0] != "Revoked client" {
					t.Errorf("events = %q, want one Revoked event of the client", got)
				}
				s.WantAudit("token.revoked", 1)
				wantRevoked(t, s, c, "the token again", "token", token)
				s.WantAudit("token.revoked", 1)
			})
		}
	}
}

func TestRevoke_OwnTokenOfAClient(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	token, kept := s.MachineToken(c), s.MachineToken(c)
	wantRevoked(t, s, c, "a client's own token", "token", token)
	for what, tok := range map[string]string{"the revoked token": token, "another token of the client": kept} {
		a := s.Call(s.GuardClient(), "Authorization", "Bearer "+tok)
		if want := map[bool]int{true: 401, false: 200}[tok == token]; a.Status != want {
			t.Errorf("a guard responds to %s with %d, want %d", what, a.Status, want)
		}
	}
}

// Revoking an unknown or invalid token is not an error (RFC 7009 §2.2).
func TestRevoke_RV_02_NothingToRevoke(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c, "prompt", "consent")
	forged := tok.Access[:len(tok.Access)-8] + "AAAAAAAA"
	for what, token := range map[string]string{
		"an unknown token": "unknown", "a forged JWT": forged, "not a JWT": "a.b.c", "a token with a NUL escape": "%00", "a long token": strings.Repeat("x", 8000),
		"an unknown opaque token": "passport_pat_" + strings.Repeat("x", 43), "a JWT without a signature": tok.Access[:strings.LastIndexByte(tok.Access, '.')+1],
	} {
		wantRevoked(t, s, c, what, "token", token)
	}
	s.WantAdmits(tok.Access, true, "a token that was not sent")
	s.WantBlameless()
}

// A wrong or unknown hint does not hide a token (RFC 7009 §2.1).
func TestRevoke_RV_03_RV_04_Hints(t *testing.T) {
	for _, hint := range []string{"access_token", "refresh_token", "id_token", "nonsense"} {
		s := testkit.NewServer(t)
		c := s.Web()
		for _, which := range []string{"access", "refresh"} {
			tok := s.GrantTokens(c, "prompt", "consent")
			wantRevoked(t, s, c, which+" token with the hint "+hint, "token", map[string]string{"access": tok.Access, "refresh": tok.Refresh}[which], "token_type_hint", hint)
			s.WantAdmits(tok.Access, false, "after a revocation of its "+which+" token with the hint "+hint)
		}
	}
}

// A client cannot revoke another client's token, and cannot find out that it exists. The
// log has a line about it.
func TestRevoke_RV_05_TokensOfOtherClients(t *testing.T) {
	s := testkit.NewServer(t)
	mine, other := s.Web(), s.Spa()
	tok := s.GrantTokens(mine, "prompt", "consent")
	for _, token := range []string{tok.Access, tok.Refresh} {
		wantRevoked(t, s, other, "another client's token", "token", token)
	}
	s.WantAdmits(tok.Access, true, "a token that another client sent")
	s.Refresh(mine, tok.Refresh).Tokens()
	s.WantLog("token not revoked: it was issued to another client", other.ID, mine.ID)
	s.WantNoSecrets(tok.Access, tok.Refresh)
}

// Revoking a replaced refresh token ends the connection: the client may have lost the
// response with the new one.
func TestRevoke_ReplacedRefreshToken(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	first := s.GrantTokens(c, "prompt", "consent")
	next := s.Refresh(c, first.Refresh).Tokens()
	wantRevoked(t, s, c, "a replaced refresh token", "token", first.Refresh)
	s.WantAdmits(next.Access, false, "the next access token")
}

func TestRevoke_PersonalTokenOfAConfiguredClient(t *testing.T) {
	s := testkit.NewServer(t)
	personal := s.Personal("read")
	wantRevoked(t, s, s.Web(), "a personal access token of another client", "token", personal.AccessToken)
	s.WantAdmits(personal.AccessToken, true, "a personal access token that another client sent")
}

// If the store is unavailable, the client gets an error and must assume that the token
// still works (RFC 7009 §2.2.1).
func TestRevoke_RV_08_UnavailableStore(t *testing.T) {
	for _, verb := range []string{"Client", "AccessToken", "RevokeFamily"} {
		var w testkit.WatchedStore
		s := testkit.NewServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
		c := s.Web()
		tok := s.GrantTokens(c, "prompt", "consent")
		w.Failing(verb, oauth.ErrUnavailable)
		a := s.Do(s.FormRequest(c, revoke, "token", tok.Access))
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("with a failing %s the response is %d with Retry-After %q, want 503 with Retry-After", verb, a.Status, a.Header.Get("Retry-After"))
		}
		w.Failing("", nil)
		s.WantAdmits(tok.Access, true, "a token whose revocation failed")
	}
}

func TestRevoke_RV_09_ScriptsAndMethods(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Spa()
	const own, foreign = "https://app.example.com", "https://evil.example"
	for origin, want := range map[string]string{own: own, foreign: "", "null": ""} {
		r := s.FormRequest(c, revoke, "token", s.GrantTokens(c, "prompt", "consent").Access)
		r.Header.Set("Origin", origin)
		if got := s.Do(r).Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("Access-Control-Allow-Origin for the origin %s = %q, want %q", origin, got, want)
		}
	}
	preflight := httptest.NewRequest(http.MethodOptions, s.Config.Issuer+revoke, nil)
	preflight.Header.Set("Origin", own)
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	if a := s.Do(preflight); a.Status != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Origin") != own {
		t.Errorf("the preflight = %d allowing %q, want 204 and %s", a.Status, a.Header.Get("Access-Control-Allow-Origin"), own)
	}
	if a := s.Get(revoke + "?token=x&callback=f"); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" || strings.Contains(a.Body, "f(") {
		t.Errorf("GET = %d with Allow %q and %q, want 405, POST and no access for scripts", a.Status, a.Header.Get("Allow"), a.Body)
	}
}

func TestRevoke_RV_10_Refusals(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	s.Do(s.FormRequest(c, revoke)).WantJSONError(400, "invalid_request")
	s.Do(s.FormRequest(c, revoke, "token", "")).WantJSONError(400, "invalid_request")
	wrong := *c
	wrong.Secret = "wrong"
	s.Do(s.FormRequest(&wrong, revoke, "token", "x")).WantJSONError(401, "invalid_client")
	r := s.FormRequest(c, revoke, "token", "x")
	r.Header.Del("Authorization")
	s.Do(r).WantJSONError(401, "invalid_client")
	s.Suspend(c)
	s.Do(s.FormRequest(c, revoke, "token", "x")).WantJSONError(401, "invalid_client")
}

// Concurrent revocations all succeed, and end the family once. A concurrent refresh leaves
// no valid token.
func TestRevoke_Concurrent(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithAudit)
	c := s.Web()
	tok := s.GrantTokens(c, "prompt", "consent")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var issued []string
	for i := range 64 {
		wg.Go(func() {
			if i%4 == 0 {
				if a := s.Refresh(c, tok.Refresh); a.Status == http.StatusOK {
					mu.Lock()
					issued = append(issued, a.Tokens().Access)
					mu.Unlock()
				}
				return
			}
			wantRevoked(t, s, c, fmt.Sprint("the token, request ", i), "token", []string{tok.Access, tok.Refresh}[i%2])
		})
	}
	wg.Wait()
	for _, access := range append(issued, tok.Access) {
		s.WantAdmits(access, false, "after 48 revocations")
	}
}
