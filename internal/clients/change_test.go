package clients_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// UpdateClient updates its argument to the stored client.
func TestUpdateClient_FR_01_ReturnsTheNumber(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web().Client
	for i, change := range []func(){func() { c.Name = "Renamed" }, func() { c.FamilyTTL = time.Hour }, func() { c.RedirectURIs[0] += "2" }} {
		change()
		c.ConsentVersion = 99
		s.Works(s.UpdateClient(t.Context(), c))
		stored, err := s.Store.Client(t.Context(), c.ID)
		s.Works(err)
		if want := []int64{1, 1, 2}[i]; stored.ConsentVersion != want || c.ConsentVersion != want {
			t.Errorf("update %d: ConsentVersion %d stored, %d returned, want %d", i+1, stored.ConsentVersion, c.ConsentVersion, want)
		}
	}
}

// A suspension succeeds even if other processes change the client at the same time.
func TestManageClient_ConcurrentChanges(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	stale, err := s.Client(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SuspendClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	stale.Name = "Renamed"
	if err := s.UpdateClient(t.Context(), stale); err == nil {
		t.Error("UpdateClient() stored a stale record, which would resume a suspended client")
	}
	fresh, _ := s.Client(t.Context(), c.ID)
	fresh.Name = "Renamed"
	version := fresh.Version
	if err := s.UpdateClient(t.Context(), fresh); err != nil || fresh.Version != version+1 || fresh.UpdatedAt.IsZero() {
		t.Errorf("UpdateClient() = %v with the record %+v, want the change stored", err, fresh)
	}
	stored, _ := s.Client(t.Context(), c.ID)
	if stored.Name != "Renamed" || stored.SuspendedAt.IsZero() || stored.Version != fresh.Version {
		t.Errorf("the stored client is %+v, want the change and the suspension", stored)
	}
	for name, change := range map[string]func(*oauth.Client){
		"no name":       func(c *oauth.Client) { c.Name = "" },
		"no redirect":   func(c *oauth.Client) { c.RedirectURIs = nil },
		"plain http":    func(c *oauth.Client) { c.RedirectURIs = []string{"http://app.example.com/cb"} },
		"unknown grant": func(c *oauth.Client) { c.GrantTypes = []string{"magic"} },
		"unknown scope": func(c *oauth.Client) { c.Scopes = []string{"fly"} },
		"another kind":  func(c *oauth.Client) { c.AuthMethod = oauth.AuthNone },
		"a short life":  func(c *oauth.Client) { c.AccessTokenTTL = 1 },
	} {
		changed := *stored
		if change(&changed); s.UpdateClient(t.Context(), &changed) == nil {
			t.Errorf("%s: UpdateClient() = nil, want an error", name)
		}
	}
}

// Both secrets are valid for keepOld, then only the new one.
func TestRotateSecret_BothValidForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Machine()
		fresh, err := s.RotateSecret(t.Context(), c.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		renewed := &testkit.Client{Client: c.Client, Secret: fresh, Verifier: ""}
		s.MachineToken(c)
		s.MachineToken(renewed)
		time.Sleep(time.Hour)
		s.Exchange(c, "grant_type", "client_credentials").WantJSONError(401, "invalid_client")
		s.MachineToken(renewed)
		if _, err := s.RotateSecret(t.Context(), c.ID, 0); err != nil {
			t.Fatal(err)
		}
		s.Exchange(renewed, "grant_type", "client_credentials").WantJSONError(401, "invalid_client")
		for name, id := range map[string]string{"a public client": s.Spa().ID, "an unknown client": "unknown"} {
			if secret, err := s.RotateSecret(t.Context(), id, 0); err == nil || secret != "" {
				t.Errorf("RotateSecret() of %s = %v, want an error", name, err)
			}
		}
		if strings.Contains(s.Log.String(), fresh) {
			t.Error("the log contains the secret")
		}
	})
}

// Registered redirect URIs and origins stay valid in a spelling that is refused
// today. New ones in such a spelling are refused.
func TestUpdateClient_KeepsRegisteredSpellings(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web().Client
	stored := *c
	stored.ID, stored.RedirectURIs, stored.AllowedOrigins = "old", []string{"https://App.example.com/cb"}, []string{"http://127.1:3000"}
	s.Works(s.Store.CreateClient(t.Context(), &stored, nil))
	old, err := s.Client(t.Context(), "old")
	s.Works(err)
	old.Name = "Renamed"
	s.Works(s.UpdateClient(t.Context(), old))
	for says, change := range map[string]func(c *oauth.Client){
		"write app.example.com": func(c *oauth.Client) { c.RedirectURIs = append(c.RedirectURIs, "https://APP.example.com/cb") },
		"four decimal numbers":  func(c *oauth.Client) { c.AllowedOrigins = append(c.AllowedOrigins, "http://127.1:4000") },
	} {
		changed, err := s.Client(t.Context(), "old")
		s.Works(err)
		change(changed)
		if err := s.UpdateClient(t.Context(), changed); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("UpdateClient with a new address = %v, want an error with %q", err, says)
		}
	}
}

// A change of a client keeps what would be refused in a new one: a grant that is off, a
// provider that isn't configured, a scope and a redirect URI that the settings had once, or
// an import has brought. Adding more of it is refused.
func TestUpdateClient_LP_2_KeepsWhatANewClientCannotHave(t *testing.T) {
	s := testkit.NewServer(t)
	stored := *s.Web().Client
	stored.ID, stored.Provider, stored.GrantTypes = "imported", "admins", append(stored.GrantTypes, "password")
	stored.Scopes, stored.RedirectURIs = []string{"gone"}, []string{"http://app.example.com/cb", "myapp://cb"}
	s.Works(s.Store.CreateClient(t.Context(), &stored, nil))
	read := func() *oauth.Client {
		c, err := s.Client(t.Context(), "imported")
		s.Works(err)
		return c
	}
	c := read()
	c.Name = "Renamed"
	s.Works(s.UpdateClient(t.Context(), c))
	for says, change := range map[string]func(c *oauth.Client){
		`the grant "implicit"`:          func(c *oauth.Client) { c.GrantTypes = append(c.GrantTypes, "implicit") },
		`the user provider "staff"`:     func(c *oauth.Client) { c.Provider = "staff" },
		`the scope "other"`:             func(c *oauth.Client) { c.Scopes = append(c.Scopes, "other") },
		`"http://other.example.com/cb"`: func(c *oauth.Client) { c.RedirectURIs = append(c.RedirectURIs, "http://other.example.com/cb") },
	} {
		c := read()
		change(c)
		if err := s.UpdateClient(t.Context(), c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("UpdateClient that adds what a new client can't have = %v, want an error with %s", err, says)
		}
	}
}
