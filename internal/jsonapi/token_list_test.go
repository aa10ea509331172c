package jsonapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A user has 300 connections to a client with 62 KB of redirect URIs. No list of
// tokens repeats them.
func TestTokensAPI_FR_05_ManyConnectionsToALargeClient(t *testing.T) {
	s := testkit.NewServer(t)
	c := &oauth.Client{ID: "large", Name: "Large", AuthMethod: oauth.AuthNone, GrantTypes: oauth.DefaultGrantTypes(), CreatedAt: time.Now()}
	for n := range 31 {
		c.RedirectURIs = append(c.RedirectURIs, fmt.Sprintf("https://app.example/%d/%s", n, strings.Repeat("a", 2000)))
	}
	testkit.Check(t, s.Store.CreateClient(t.Context(), c, nil))
	now := time.Now()
	for n := range 300 {
		for _, personal := range []bool{false, true} {
			f := &oauth.Family{
				ID: fmt.Sprint("family ", n, personal), User: testkit.Ref("alice"), ClientID: c.ID, Personal: personal, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			}
			token := &oauth.AccessToken{ID: fmt.Sprint("token ", n, personal), Client: c, Family: f, Scopes: []string{"read"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
			testkit.Check(t, s.Store.Issue(t.Context(), &oauth.Issuance{Time: now, NewFamily: f, AccessToken: token}))
		}
	}
	b := s.Browser().SignIn("alice")
	for _, path := range []string{"/oauth/tokens", "/oauth/personal-access-tokens"} {
		got := b.Ask("GET", path)
		if n := len(got.List()); n != 300 {
			t.Errorf("GET %s lists %d tokens, want 300", path, n)
		}
		if strings.Contains(got.Body, "app.example") || len(got.Body) > 300*1000 {
			t.Errorf("GET %s has %d bytes, want less than 1000 for each token, and no redirect URI", path, len(got.Body))
		}
	}
}
