package main_test

import (
	"strings"
	"testing"
)

// The home page leads signed-in users to their account. Others see a name and a link to
// sign in. Only a new server on loopback shows commands.
func TestServe_PG_10_HomePage(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	b := newBrowser(t)
	b.get(s.url)
	b.shows("Passport is running", "passport user create", "passport client", "Sign in", s.url)

	command(t, "correct-horse\n", "user", "create", "--email", "ada@example.com", "--name", "Ada <b>Lovelace</b>", "--password-stdin")
	b.get(s.url)
	b.shows(strings.TrimPrefix(s.url, "http://"), "Sign in")
	lacks(t, b, "passport user create", "Passport is running")

	if !strings.Contains(b.body, "/sign-in?return_to=%2Faccount") {
		t.Errorf("the page has no link to sign in:\n%s", b.body)
	}
	b.get(s.url + "/sign-in")
	b.submit("Sign in", "email", "ada@example.com", "password", "correct-horse")
	for range 2 {
		if b.url.Path != "/account" {
			t.Fatalf("a signed-in browser is at %s, want /account:\n%s", b.url, b.text())
		}
		b.shows("Connected apps", "Ada <b>Lovelace</b>", "ada@example.com", "Sign out")
		lacks(t, b, "<b>", `/sign-in?`, "passport user create")
		b.get(s.url)
	}
	b.get(s.url + "/sign-out")
	b.submit("Sign out")
	b.get(s.url)
	b.shows("Sign in")
}

func TestServe_PG_10_HomePageOfAPublicServer(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve", "--issuer", "https://auth.example.com")
	b := newBrowser(t)
	b.get(s.url)
	b.shows("auth.example.com", "Sign in")
	lacks(t, b, "passport user create", "passport client")
}

func lacks(t *testing.T, b *browser, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(b.body, text) {
			t.Errorf("the page at %s has %q:\n%s", b.url, text, b.text())
		}
	}
}
