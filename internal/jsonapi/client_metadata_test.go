package jsonapi_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// described is a full request about a client with metadata.
func described() map[string]any {
	return map[string]any{
		"name": "App", "redirect": "https://example.com/cb", "client_uri": "https://example.com", "policy_uri": "https://example.com/privacy",
		"tos_uri": "http://127.0.0.1:8080/terms", "contacts": []string{"dev@example.com", "ops@example.com", "dev@example.com"},
	}
}

// metadataOf returns the stored client with its metadata.
func metadataOf(s *testkit.Server, id string) (*oauth.Client, *oauth.ClientMetadata) {
	c, err := s.Client(s.T.Context(), id)
	s.Works(err)
	m, err := s.ClientMetadata(s.T.Context(), id)
	s.Works(err)
	return c, m
}

// PA-0: the owner of a client sets its metadata when it is created, and later. Missing
// fields keep their values; empty ones remove them.
func TestClientsAPI_PA_0_Metadata(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	created := b.Ask("POST", "/oauth/clients", described())
	if created.Status != 201 || created.JSON()["client_uri"] != "https://example.com" {
		t.Fatalf("POST = %d %s, want 201 with client_uri", created.Status, created.Body)
	}
	id := created.JSON()["id"].(string)
	want := &oauth.ClientMetadata{
		ClientURI: "https://example.com", PolicyURI: "https://example.com/privacy", TOSURI: "http://127.0.0.1:8080/terms",
		Contacts: []string{"dev@example.com", "ops@example.com"},
	}
	check := func(what string, version, shown int64) {
		t.Helper()
		c, m := metadataOf(s, id)
		if !reflect.DeepEqual(m, want) || c.Version != version || c.ConsentVersion != shown {
			t.Errorf("after %s the metadata is %+v, Version %d and ConsentVersion %d; want %+v, %d and %d", what, m, c.Version, c.ConsentVersion, want, version, shown)
		}
	}
	check("POST", 1, 0)

	put := func(fields map[string]any) map[string]any {
		t.Helper()
		sent := map[string]any{"name": "App", "redirect": "https://example.com/cb"}
		maps.Copy(sent, fields)
		a := b.Ask("PUT", "/oauth/clients/"+id, sent)
		if a.Status != 200 {
			t.Fatalf("PUT %v = %d %s, want 200", sent, a.Status, a.Body)
		}
		return a.JSON()
	}
	if got := put(nil); got["client_uri"] != "https://example.com" || len(got["contacts"].([]any)) != 2 {
		t.Errorf("PUT without metadata = %v, want the metadata as before", got)
	}
	check("PUT without metadata", 2, 0)
	want.Contacts = []string{"new@example.com"}
	put(map[string]any{"contacts": want.Contacts})
	check("a change of the contacts, which no page shows", 3, 0)
	want.ClientURI, want.Contacts = "https://example.com/app", nil
	if got := put(map[string]any{"name": "Renamed", "client_uri": want.ClientURI, "contacts": []string{}}); got["name"] != "Renamed" || got["client_uri"] != want.ClientURI {
		t.Errorf("PUT with a new name and home page = %v, want both", got)
	}
	check("one change of name and home page", 4, 1)
	want.ClientURI, want.PolicyURI, want.TOSURI = "", "", ""
	put(map[string]any{"name": "Renamed", "client_uri": "", "policy_uri": nil, "tos_uri": " "})
	check("the removal", 5, 2)

	want.TOSURI, want.Contacts = "https://example.com/terms", []string{"a", "b"}
	form := httptest.NewRequest("POST", testkit.Issuer+"/oauth/clients/"+id,
		strings.NewReader("_method=PUT&name=Renamed&redirect=https://example.com/cb&tos_uri=https://example.com/terms&contacts[]=a&contacts[]=b"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := b.Sent(form); a.Status != 200 {
		t.Errorf("a form = %d %s, want 200", a.Status, a.Body)
	}
	check("a form", 6, 3)
}

// PA-0: only the operator verifies a client. An owner who changes what the operator has
// checked loses that: the name, the redirect URIs and the home page.
func TestClientsAPI_PA_0_VerifiedIsTheOperators(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	fields := described()
	fields["verified"], fields["logo"], fields["logo_uri"] = true, "x", "https://example.com/logo.png"
	id := b.Ask("POST", "/oauth/clients", fields).JSON()["id"].(string)
	fields["client_uri"] = "https://example.com/other"
	b.Ask("PUT", "/oauth/clients/"+id, fields)
	c, m := metadataOf(s, id)
	if m.Verified || m.Logo != "" || m.LogoURI != "" || m.ClientURI != "https://example.com/other" {
		t.Errorf("after requests with verified, logo and logo_uri the metadata is %+v, want none of these", m)
	}

	m.Verified, m.LogoURI = true, "https://example.com/logo.png"
	s.Works(s.UpdateClientMetadata(t.Context(), c, m, nil))
	before := c.ConsentVersion
	for _, change := range []map[string]any{
		{"name": "App", "redirect": "https://example.com/cb"},
		{"name": "App", "redirect": "https://example.com/cb", "verified": false, "contacts": []string{"x"}},
		{"name": "App", "redirect": "https://example.com/cb", "verified": nil, "client_uri": "https://example.com/other", "policy_uri": ""},
	} {
		a := b.Ask("PUT", "/oauth/clients/"+id, change)
		if _, m = metadataOf(s, id); a.JSON()["verified"] != true || !m.Verified || m.LogoURI == "" {
			t.Errorf("PUT %v = %s, and the metadata is %+v; want it verified and with its logo_uri as before", change, a.Body, m)
		}
	}
	if c, _ = metadataOf(s, id); c.ConsentVersion != before+1 {
		t.Errorf("ConsentVersion = %d, want %d: one of the changes is on the consent page", c.ConsentVersion, before+1)
	}
	for what, change := range map[string]map[string]any{
		"the home page":     {"name": "App", "redirect": "https://example.com/cb", "client_uri": "https://bank.example"},
		"no home page":      {"name": "App", "redirect": "https://example.com/cb", "client_uri": ""},
		"the name":          {"name": "The Bank", "redirect": "https://example.com/cb"},
		"the redirect URIs": {"name": "App", "redirect": "https://example.com/cb,https://example.org/cb"},
	} {
		id := b.Ask("POST", "/oauth/clients", described()).JSON()["id"].(string)
		b.Ask("PUT", "/oauth/clients/"+id, map[string]any{"name": "App", "redirect": "https://example.com/cb"})
		c, m := metadataOf(s, id)
		m.Verified = true
		s.Works(s.UpdateClientMetadata(t.Context(), c, m, nil))
		a := b.Ask("PUT", "/oauth/clients/"+id, change)
		if _, m := metadataOf(s, id); a.Status != 200 || m.Verified || a.JSON()["verified"] != nil {
			t.Errorf("after a change of %s: %d %s, verified %t; want 200, and not verified any longer", what, a.Status, a.Body, m.Verified)
		}
	}
}

func TestClientsAPI_PA_0_InvalidMetadata(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	id := b.Create("App", "https://example.com/cb")["id"].(string)
	const link = "The %s field must be an https URL, or http on a loopback address."
	for _, test := range []struct {
		field string
		value any
		want  []string // field and message
	}{
		{"client_uri", "http://example.com", []string{"client_uri", fmt.Sprintf(link, "client uri")}},
		{"policy_uri", "javascript:alert(1)", []string{"policy_uri", fmt.Sprintf(link, "policy uri")}},
		{"tos_uri", "/terms", []string{"tos_uri", fmt.Sprintf(link, "tos uri")}},
		{"tos_uri", "https://u:p@example.com/", []string{"tos_uri", fmt.Sprintf(link, "tos uri")}},
		{"client_uri", "https://example.com/" + strings.Repeat("x", 2048), []string{"client_uri", "The client uri field must not be greater than 2048 bytes."}},
		{"client_uri", 7, []string{"client_uri", "The client uri field must be a string."}},
		{"client_uri", []string{"https://example.com"}, []string{"client_uri", "The client uri field must be a string."}},
		{"contacts", "dev@example.com", []string{"contacts", "The contacts field must be an array."}},
		{"contacts", map[string]string{"a": "b"}, []string{"contacts", "The contacts field must be an array."}},
		{"contacts", slices.Repeat([]string{"a"}, 11), []string{"contacts", "The contacts field must not have more than 10 items."}},
		{"contacts", []any{"a", 7}, []string{"contacts.1", "The contacts.1 field must be a string."}},
		{"contacts", []any{""}, []string{"contacts.0", "The contacts.0 field must be a string."}},
		{"contacts", []any{"a\u202eb"}, []string{"contacts.0", "The contacts.0 field must be text without control and format characters, of at most 255 bytes."}},
		{"contacts", []any{strings.Repeat("é", 128)}, []string{"contacts.0", "The contacts.0 field must be text without control and format characters, of at most 255 bytes."}},
	} {
		fields := map[string]any{"name": "New", "redirect": "https://example.com/cb", test.field: test.value}
		b.Ask("POST", "/oauth/clients", fields).WantInvalid(test.want[1], test.want...)
		b.Ask("PUT", "/oauth/clients/"+id, fields).WantInvalid(test.want[1], test.want...)
	}
	b.Ask("POST", "/oauth/clients", map[string]any{"client_uri": 7}).WantInvalid("The name field is required. (and 2 more errors)",
		"name", "The name field is required.", "redirect", "The redirect field is required.", "client_uri", "The client uri field must be a string.")
	if got := b.Ask("GET", "/oauth/clients").List(); len(got) != 1 || got[0]["name"] != "App" {
		t.Errorf("the clients after invalid requests are %v, want one, unchanged", got)
	}

	plain := s.Restart(func(c *passport.Config) { c.Store = struct{ oauth.Store }{c.Store} }) // without powers
	const none = "This server does not store the client uri field."
	b.At(plain).Ask("PUT", "/oauth/clients/"+id, map[string]any{"name": "New", "redirect": "https://example.com/cb", "client_uri": "https://example.com"}).
		WantInvalid(none, "client_uri", none)
	if a := b.At(plain).Ask("PUT", "/oauth/clients/"+id, map[string]any{"name": "New", "redirect": "https://example.com/cb"}); a.Status != 200 {
		t.Errorf("PUT without metadata, to a store without the power = %d %s, want 200", a.Status, a.Body)
	}
}

// PA-0: the operator verifies a client while its owner changes it. Neither change undoes
// the other, and the client is verified only if the operator saw the new name.
func TestClientsAPI_PA_0_VerifyingRacesTheOwner(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	for round := range 20 {
		id := b.Ask("POST", "/oauth/clients", described()).JSON()["id"].(string)
		policy := fmt.Sprintf("https://example.com/%d", round)
		var wg sync.WaitGroup
		seen := ""
		wg.Go(func() {
			for {
				c, err := s.Client(t.Context(), id)
				s.Works(err)
				seen = c.Name
				m, err := s.ClientMetadata(t.Context(), id)
				s.Works(err)
				m.Verified = true
				if s.UpdateClientMetadata(t.Context(), c, m, nil) == nil {
					return
				}
			}
		})
		fields := described()
		fields["name"], fields["policy_uri"] = "Renamed", policy
		a := b.Ask("PUT", "/oauth/clients/"+id, fields)
		wg.Wait()
		if c, m := metadataOf(s, id); a.Status != 200 || c.Name != "Renamed" || m.PolicyURI != policy || m.Verified != (seen == "Renamed") || c.Version != 3 {
			t.Fatalf("PUT = %d, and the client is %+v with the metadata %+v; want the changes of both, and a verified client only if the operator saw the new name", a.Status, c, m)
		}
	}
}
