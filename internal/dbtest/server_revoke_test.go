package dbtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
)

// form sends a form from a client to an endpoint.
func (s *oauthServer) form(c oauthClient, endpoint string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest("POST", oauthIssuer+endpoint, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.id, c.secret)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// active reports whether introspection returns that a token is active.
func (s *oauthServer) active(c oauthClient, token string) bool {
	s.t.Helper()
	w := s.form(c, "/oauth/introspect", "token", token)
	var response struct {
		Active bool `json:"active"`
	}
	if w.Code != http.StatusOK && w.Code != http.StatusUnauthorized || json.Unmarshal(w.Body.Bytes(), &response) != nil {
		s.t.Errorf("introspection = %d %s, want 200 or 401 with JSON", w.Code, w.Body)
	}
	return response.Active
}

// revoke revokes a token and checks the response, which is the same for every token.
func (s *oauthServer) revoke(c oauthClient, token string) {
	s.t.Helper()
	if w := s.form(c, "/oauth/revoke", "token", token); w.Code != http.StatusOK || w.Body.Len() != 0 {
		s.t.Errorf("revocation = %d %q, want 200 and no body", w.Code, w.Body)
	}
}

// personal returns a new opaque personal access token of alice.
func (s *oauthServer) personal() string {
	s.t.Helper()
	created, err := s.CreateToken(s.t.Context(), alice, "My script", "read")
	must(s.t, err)
	return created.AccessToken
}

// 64 goroutines revoke and refresh one family, on each database. No issued token works
// afterwards, whichever request comes first. In every other round a single goroutine
// refreshes repeatedly: if many did, the server would detect a replay and revoke the
// family itself.
func TestServer_RV_06_RV_07_RevokeRacesRefresh(t *testing.T) {
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		api := s.register(passport.Registration{Name: "api", Audience: oauthIssuer})
		const rounds, most = 8, 100
		refreshed := 0
		for round := 0; round < rounds || refreshed == 0 && round < most; round++ {
			first := s.ok(s.redeem(s.code()))
			issued := s.race(api, round, first)
			refreshed += len(issued)
			for _, tok := range append(issued, first) {
				if s.admits(tok.Access) {
					t.Error("the guard admits an access token of a revoked family")
				}
				if s.active(api, tok.Access) || s.active(s.web, tok.Refresh) {
					t.Error("introspection returns active for a token of a revoked family")
				}
				if r := s.refresh(tok.Refresh); r.Error != "invalid_grant" {
					t.Errorf("refresh with a token of a revoked family = %d %s, want invalid_grant", r.status, r.body)
				}
			}
		}
		if refreshed == 0 {
			t.Errorf("in %d rounds no refresh came before a revocation, so the test proves nothing", most)
		}
		s.wantBlameless()
	})
}

// race refreshes and revokes a family concurrently, and returns the issued tokens. In
// later rounds the revocations come later, after more introspections.
func (s *oauthServer) race(api oauthClient, round int, first *reply) (issued []*reply) {
	var mu sync.Mutex
	var start, done sync.WaitGroup
	start.Add(1)
	follow := func(steps int) {
		for tok := first; steps > 0; steps-- {
			next := s.refresh(tok.Refresh)
			if next.status != http.StatusOK {
				if next.Error != "invalid_grant" {
					s.t.Errorf("refresh = %d %s, want tokens or invalid_grant", next.status, next.body)
				}
				return
			}
			mu.Lock()
			issued = append(issued, next)
			mu.Unlock()
			tok = next
		}
	}
	for i := range concurrency {
		done.Go(func() {
			start.Wait()
			switch {
			case round%2 == 0 && i%2 == 0: // all refresh the same token once
				follow(1)
				return
			case round%2 == 1 && i == 0:
				follow(64)
				return
			}
			for range round / 2 {
				s.active(api, first.Access)
			}
			s.revoke(s.web, []string{first.Access, first.Refresh}[i/2%2])
		})
	}
	start.Done()
	done.Wait()
	return issued
}
