package jsonapi_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A user at the limit of clients or tokens gets 422 in the format of Laravel Passport, and
// can create another one after a deletion.
func TestJSONAPI_Bounds_LimitsPerUser(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.MaxClientsPerUser, c.MaxPersonalTokensPerUser = 2, 2 })
	b := s.Browser().SignIn("alice")
	for _, test := range []struct{ path, kind string }{{"/oauth/clients", "clients"}, {"/oauth/personal-access-tokens", "personal access tokens"}} {
		create := func(b *testkit.Browser) *testkit.Response {
			return b.Ask("POST", test.path, map[string]any{"name": "x", "redirect": "https://app.example/cb"})
		}
		for range 2 {
			if got := create(b); got.Status != 200 && got.Status != 201 {
				t.Errorf("POST %s below the limit: %d %s", test.path, got.Status, got.Body)
			}
		}
		text := "You have reached the limit of " + test.kind + ". Delete one first."
		create(b).WantInvalid(text, "name", text)
		if got := create(s.Browser().SignIn("bob")); got.Status != 200 && got.Status != 201 {
			t.Errorf("POST %s of another user: %d %s", test.path, got.Status, got.Body)
		}
		b.Ask("DELETE", test.path+"/"+b.Ask("GET", test.path).IDsIn()[0]).Want(204, "")
		if got := create(b); got.Status != 200 && got.Status != 201 {
			t.Errorf("POST %s after a deletion: %d %s", test.path, got.Status, got.Body)
		}
	}
	if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", Owner: testkit.Ref("alice"), RedirectURIs: []string{"https://app.example/cb"}}); !errors.Is(err, oauth.ErrLimit) {
		t.Errorf("CreateClient() at the limit = %v, want ErrLimit", err)
	} else if want := "create client: the user alice has reached the limit of clients (MaxClientsPerUser is 2): revoke one, or raise the limit"; err.Error() != want {
		t.Errorf("CreateClient() at the limit = %v, want %s", err, want)
	}
	if _, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "x"); !errors.Is(err, oauth.ErrLimit) {
		t.Errorf("CreateToken() at the limit = %v, want ErrLimit", err)
	}
	for range 3 { // clients of the operator have no limit
		s.Register(passport.Registration{Name: "x", RedirectURIs: []string{"https://app.example/cb"}})
	}
}

// A user has 300 connections to a client with 62 KB of redirect URIs. No list of tokens
// contains the URIs.
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

// The lists have the last use of each token, if it is known. The other responses don't.
func TestTokensAPI_PA_2_PA_4_LastUsed(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	store, ok := oauth.StoreAs[oauth.LastUsedStore](s.Store)
	if !ok {
		t.Fatal("the store keeps no uses")
	}
	families := map[string]string{
		"/oauth/tokens":                 s.Row(s.GrantTokens(s.Web()).Access).Family.ID,
		"/oauth/personal-access-tokens": s.Personal("read").Token.Family.ID,
	}
	at := time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
	for path, family := range families {
		if got := b.Ask("GET", path); got.Status != 200 || strings.Contains(got.Body, "last_used") {
			t.Errorf("GET %s before a use: %s, want no last use", path, got)
		}
		testkit.Check(t, store.SaveUses(t.Context(), []oauth.Use{{FamilyID: family, At: at, Address: "192.0.2.7", Agent: "curl/8.5.0"}}))
		got := b.Ask("GET", path)
		if want := `"last_used_at":"2026-11-23T12:00:00.123456Z","last_used_address":"192.0.2.7","last_used_agent":"curl/8.5.0"`; !strings.Contains(got.Body, want) {
			t.Errorf("GET %s: %s, want %s", path, got, want)
		}
	}
}
