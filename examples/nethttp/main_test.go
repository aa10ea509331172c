package main

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/internal/try"
	"github.com/go-passport/passport/sqlstore"
)

func TestMounted(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := passport.WriteKeys("storage", "", 0, false); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	app, auth := application(t.Context(), db)
	t.Run("machines", func(t *testing.T) { try.Machines(t, app, auth) })
	t.Run("customers", func(t *testing.T) { try.Customers(t, app, auth, "/api/orders", "check-status") })
}

// The quick start of this example and the README's are the same.
func TestQuickStartMatchesTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(source), "\t// Here Passport begins.\n")
	lines, _, found := strings.Cut(after, "\t// Here it ends.\n")
	if !found {
		t.Fatal("main.go lacks the comments around the quick start")
	}
	snippet := strings.TrimPrefix(strings.ReplaceAll(lines, "\n\t", "\n"), "\t")
	if !strings.Contains(string(readme), "```go\n"+snippet+"```\n") {
		t.Errorf("README.md does not show the quick start of this example:\n%s", snippet)
	}
}
