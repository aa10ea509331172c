package jsonapi_test

import (
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// Every method that takes a name refuses control and format characters.
func TestNames_FR_11_ControlCharacters(t *testing.T) {
	const message = "The name field must be text without control and format characters, of at most 255 bytes."
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	id := b.Create("A good name", "https://app.example.com/cb")["id"].(string)
	for _, name := range []string{"a\u0085b", "a\u009b31mb", "a\u202eb", "a\u2066b", "a\u200bb", "a\x1b[31mb", "a\x7fb", "a\u2028b"} {
		body := map[string]any{"name": name, "redirect": "https://app.example.com/cb"}
		b.Ask("POST", "/oauth/clients", body).WantInvalid(message, "name", message)
		b.Ask("PUT", "/oauth/clients/"+id, body).WantInvalid(message, "name", message)
		b.Ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": name}).WantInvalid(message, "name", message)

		uris := []string{"https://app.example.com/cb"}
		if _, err := s.CreateClient(t.Context(), passport.Registration{Name: name, RedirectURIs: uris}); err == nil {
			t.Errorf("CreateClient() with the name %q = nil, want an error", name)
		}
		if _, err := s.CreateClient(t.Context(), passport.Registration{ID: name, Name: "A good name", RedirectURIs: uris}); err == nil {
			t.Errorf("CreateClient() with the ID %q = nil, want an error", name)
		}
		c, err := s.Client(t.Context(), id)
		s.Works(err)
		c.Name = name
		if err := s.UpdateClient(t.Context(), c); err == nil {
			t.Errorf("UpdateClient() with the name %q = nil, want an error", name)
		}
		if _, err := s.CreatePersonalToken(t.Context(), passport.PersonalToken{User: testkit.Ref("alice"), Name: name}); err == nil {
			t.Errorf("CreatePersonalToken() with the name %q = nil, want an error", name)
		}
	}
	for _, name := range []string{"👩\u200d🚀", "می\u200cخواهم"} {
		b.Create(name, "https://app.example.com/cb")
	}
}
