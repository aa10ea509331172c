package main_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// clientState returns the state of a client.
func clientState(t *testing.T, id string) string {
	t.Helper()
	var list []struct {
		ID    string `json:"client_id"`
		State string `json:"state"`
	}
	if err := json.Unmarshal([]byte(command(t, "", "client", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.ID == id {
			return c.State
		}
	}
	t.Fatalf("there is no client %s", id)
	return ""
}

// What can't be undone is confirmed on a terminal: a client is revoked only after its
// name was typed, and the command says how many tokens end.
func TestTerminal_PG_11_RevokeAClient(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	c := made(t, nil, "--client", "--name", "Nightly export")
	for range 3 {
		if status, _ := token(t, s, c); status != 200 {
			t.Fatalf("token = %d, want 200", status)
		}
	}
	for _, response := range []string{"", "Hourly export", "yes", "y"} {
		term := atTerminal(t, "client", "revoke", c.ID)
		term.answer("Type the name to revoke", response)
		screen := term.end(1)
		for _, want := range []string{"Nightly export (" + c.ID + ")\n", "3 live access tokens", "nothing was changed"} {
			if !strings.Contains(screen, want) {
				t.Errorf("after %q the command printed\n%s\nwant %q", response, screen, want)
			}
		}
		if state := clientState(t, c.ID); state != "active" {
			t.Fatalf("after the response %q the client is %s, want active", response, state)
		}
	}
	term := atTerminal(t, "client", "revoke", c.ID)
	term.hangUp()
	term.end(1)
	if state := clientState(t, c.ID); state != "active" {
		t.Fatalf("after the end of the input the client is %s, want active", state)
	}
	term = atTerminal(t, "client", "delete", c.ID)
	term.answer("Type the name to revoke", "Nightly export")
	if screen := term.end(0); !strings.Contains(screen, `Revoked the client "Nightly export" (`+c.ID+`) and its tokens.`) || clientState(t, c.ID) != "revoked" {
		t.Errorf("the client is %s, and the command printed\n%s", clientState(t, c.ID), screen)
	}

	byID := made(t, nil, "--client", "--name", "名前")
	term = atTerminal(t, "client", "revoke", byID.ID)
	term.answer("Type the name to revoke", byID.ID)
	term.end(0)
	withYes := made(t, nil, "--client", "--name", "x")
	if screen := atTerminal(t, "client", "revoke", withYes.ID, "--yes").end(0); strings.Contains(screen, "Type") || clientState(t, withYes.ID) != "revoked" {
		t.Errorf("with --yes the command printed\n%s", screen)
	}
}

func TestTerminal_PG_11_RevokeTokens(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	c := made(t, nil, "--client", "--name", "Nightly export")
	token(t, s, c)
	const question = "End all of its tokens? [y/N]"
	for _, response := range []string{"", "n", "NO"} {
		term := atTerminal(t, "client", "revoke-tokens", c.ID)
		term.answer(question, response)
		if screen := term.end(1); !strings.Contains(screen, "1 live access token") || !strings.Contains(screen, "nothing was changed") {
			t.Errorf("after %q the command printed\n%s", response, screen)
		}
	}
	term := atTerminal(t, "client", "revoke-tokens", c.ID)
	term.answer(question, "perhaps")
	term.answer("  Want y or n.\n"+question, "Y")
	if screen := term.end(0); !strings.Contains(screen, "Ended all tokens") {
		t.Errorf("the command printed\n%s", screen)
	}
}

func TestTerminal_PG_11_EndTheOldSecret(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	c := made(t, nil, "--client", "--name", "Nightly export")
	const question = `End the old secret of "Nightly export" at once? [y/N]`
	term := atTerminal(t, "client", "rotate-secret", c.ID, "--keep", "0")
	term.answer(question, "")
	if screen := term.end(1); strings.Contains(screen, "Client secret") {
		t.Errorf("without a confirmation the command printed\n%s", screen)
	}
	term = atTerminal(t, "client", "rotate-secret", c.ID, "--keep", "0")
	term.answer(question, "y")
	if screen := term.end(0); !strings.Contains(screen, "Client secret") {
		t.Errorf("the command printed\n%s", screen)
	}
	for _, args := range [][]string{{}, {"--keep", "1h"}, {"--keep", "0", "--yes"}} {
		if screen := atTerminal(t, append([]string{"client", "rotate-secret", c.ID}, args...)...).end(0); strings.Contains(screen, "[y/N]") {
			t.Errorf("rotate-secret %v asks:\n%s", args, screen)
		}
	}
}

// Keys are replaced only after the name of their folder was typed.
func TestTerminal_PG_11_ReplaceKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "install")
	key := func() string {
		t.Helper()
		text, err := os.ReadFile("storage/oauth-private.key")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := key()
	const question = "Type the name of the folder to replace its keys"
	for _, args := range [][]string{{"keys", "--force"}, {"install", "--force"}, {"keys", "--force", "--keys-dir", "storage"}} {
		term := atTerminal(t, args...)
		term.answer(question, "yes")
		if screen := term.end(1); !strings.Contains(screen, "invalidates every token that they signed") || key() != before {
			t.Errorf("passport %v replaced the keys, or printed\n%s", args, screen)
		}
	}
	term := atTerminal(t, "keys", "--force")
	term.answer(question, "storage")
	term.end(0)
	if key() == before {
		t.Error("after the confirmation the keys are the old ones")
	}
	before = key()
	if atTerminal(t, "keys", "--force", "--yes").end(0); key() == before {
		t.Error("with --yes the keys are the old ones")
	}
	before = key()
	if command(t, "", "keys", "--force"); key() == before {
		t.Error("in a script, --force alone keeps the old keys")
	}
	if screen := atTerminal(t, "keys", "--force", "--keys-dir", t.TempDir()).end(0); strings.Contains(screen, "Type") {
		t.Errorf("where there are no keys, the command asks:\n%s", screen)
	}
}

func TestTerminal_PG_11_ReplacePages(t *testing.T) {
	t.Chdir(t.TempDir())
	if screen := atTerminal(t, "views", "pages", "--force").end(0); strings.Contains(screen, "[y/N]") {
		t.Errorf("where there are no pages, the command asks:\n%s", screen)
	}
	write(t, "pages/consent.html", "mine")
	const question = "Replace all pages in pages with the built-in ones, and lose your changes? [y/N]"
	term := atTerminal(t, "views", "pages", "--force")
	term.answer(question, "n")
	term.end(1)
	if text, err := os.ReadFile("pages/consent.html"); err != nil || string(text) != "mine" {
		t.Errorf("without a confirmation the page reads %q, %v", text, err)
	}
	term = atTerminal(t, "views", "pages", "--force")
	term.answer(question, "yes")
	term.end(0)
	if text, err := os.ReadFile("pages/consent.html"); err != nil || string(text) == "mine" {
		t.Errorf("after the confirmation the page reads %q, %v", text, err)
	}
}
