package console_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
)

// A name that an older version stored does not steer the terminal, and JSON has it
// unchanged.
func TestOutput_FR_11_NamesFromOldRows(t *testing.T) {
	const name = "a\u0085b\u009b31mc\u202ed\U000e0041e\x1b]0;f"
	store := new(memstore.Store)
	o, s := shop(t, func(c *passport.Config) { c.Store = store })
	made, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", RedirectURIs: []string{"https://app.example.com/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	c := made.Client
	c.Name, c.Attributes = name, map[string]string{"note": name}
	if err := store.UpdateClient(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	steers := func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) }
	for _, args := range [][]string{
		{"client", "list"}, {"client", "list", "--json"}, {"client", "rotate-secret", c.ID}, {"client", "update", c.ID, "--name", name},
		{"client", "suspend", "\u202e" + name}, {"client", "--client", "--name", name}, {"client", "\u009b31m"}, {"client", "suspend", c.ID},
	} {
		got := run(t, o, args...)
		if text := got.stdout + got.stderr; text == "" || strings.ContainsFunc(text, steers) {
			t.Errorf("passport %q prints %q, want a text without control characters", args, text)
		}
	}
	var listed []struct {
		Name string `json:"client_name"`
	}
	got := run(t, o, "client", "list", "--json")
	if err := json.Unmarshal([]byte(got.stdout), &listed); err != nil || len(listed) != 1 || listed[0].Name != name {
		t.Errorf("passport client list --json prints %q, want JSON with the name %q: %v", got.stdout, name, err)
	}
}
