package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-passport/passport"
)

func TestCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := passport.WriteKeys("storage", "", 0, false); err != nil {
		t.Fatal(err)
	}
	out := run(t, "passport", "client", "--name", "Nightly import", "--client", "--scopes", "check-status")
	if !strings.Contains(out, "Client secret") {
		t.Errorf("`client` prints\n%s\nwant the secret", out)
	}
	if out := run(t, "passport", "client", "list"); !strings.Contains(out, "Nightly import") {
		t.Errorf("`client list` prints\n%s\nwant the new client", out)
	}
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := newCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("shop %s: %v\n%s", strings.Join(args, " "), err, &out)
	}
	return out.String()
}
