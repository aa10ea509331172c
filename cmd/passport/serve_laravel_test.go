package main_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// A server on a database with an import warns at its start, once, of what is missing: the
// table [laravel], or the switch.
func TestServe_LP_3_WarnsOfAnImport(t *testing.T) {
	manifest := installation(t)
	from := []string{"import", "laravel", "--env", "laravel.env", "--keys", "laravel-storage"}
	const (
		noTable    = "this server refuses each token of Laravel: add the table [laravel] with public_key and app_keys to passport.toml"
		early      = "this server refuses each token of Laravel, and issues tokens to imported clients although Laravel still does: add the table [laravel]"
		unreadable = "guards refuse each token of Laravel with 503 while they can't read its database: check laravel.from"
		noSwitch   = "imported clients get no tokens from this server until the switch: to switch, run `passport import laravel … --switch`"
	)
	key, _ := manifest["config"].(map[string]any)["APP_KEY"].(string)
	table := "[laravel]\npublic_key = \"laravel-storage/oauth-public.key\"\napp_keys = [\"" + key + "\"]\n"
	check := func(when, settings string, want ...string) {
		t.Helper()
		if err := os.WriteFile("passport.toml", []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		s := start(t, nil, "serve")
		s.stop(t)
		text := s.log.String()
		for _, warning := range []string{noTable, early, unreadable, noSwitch} {
			n := 0
			if slices.Contains(want, warning) {
				n = 1
			}
			if got := strings.Count(text, warning); got != n {
				t.Errorf("%s the server logs %q %d times, want %d:\n%s", when, warning, got, n, text)
			}
		}
		if len(want) > 0 && !strings.Contains(text, "level=WARN") {
			t.Errorf("%s the log has no warning:\n%s", when, text)
		}
	}
	succeed(t, "migrate")
	check("without an import", "")
	succeed(t, from...)
	check("without the table [laravel]", "", early)
	check("before the switch", table, noSwitch)
	check("with another database as laravel.from", table+"from = \"sqlite:nothing.sqlite\"\n", unreadable, noSwitch)
	check("with the database of Laravel", table+"from = \"sqlite:laravel.sqlite\"\n", noSwitch)
	write(t, "passport.toml", table+"from = \"sqlite:storage/passport.sqlite\"\n")
	if status, said := tried(t, nil, "serve", "--listen", "127.0.0.1:0"); status != 1 || !strings.Contains(said, "laravel.from is the database of this server") {
		t.Errorf("serve with its own database as laravel.from = %d and printed\n%s\nwant 1, and to name another database", status, said)
	}
	check("with the table turned off", "[laravel]\nenabled = false\n")
	succeed(t, append(from, "--switch")...)
	check("after the switch", table)
	check("after the switch, without the table,", "", noTable)
}
