package dbtest_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/sqldb"
)

// What --allow-redirect admits, the proposed settings admit too: the server starts with them.
func TestLaravelImport_LP_1_AllowRedirectFitsTheSettings(t *testing.T) {
	for value, want := range map[string]string{
		"cursor":                                "",
		"http://intranet.example.com/callback":  "",
		"http://Intranet.example.com/callback":  "", // Laravel sends it as it is registered
		"http://intranet.example.com/cb?a=b":    "",
		"Cursor":                                "lower case",
		"HTTP://intranet.example.com/callback":  "capital letters in its scheme",
		"http://u:secret@intranet.example.com/": "has a user name",
	} {
		config := fromLaravel(t, sqldb.SQLite, "", target(t, sqldb.SQLite))
		config.DryRun, config.AllowRedirect = true, []string{value}
		report, err := laravelimport.Run(t.Context(), config)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Run() with --allow-redirect %s = %v, want an error with %q and without a password", value, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("Run() with --allow-redirect %s = %v", value, err)
			continue
		}
		s := policy.Settings{AllowedRedirectSchemes: report.Settings.AllowedRedirectSchemes, AllowedRedirectURIs: report.Settings.AllowedRedirectURIs}
		for _, fault := range s.Faults() {
			if strings.Contains(fault.Error(), "AllowedRedirect") {
				t.Errorf("--allow-redirect %s proposes settings with which the server does not start: %v", value, fault)
			}
		}
	}
}

// A redirect URI that is left out is named without its password: the target keeps the report.
func TestLaravelImport_LP_1_NotesHaveNoPassword(t *testing.T) {
	store := target(t, sqldb.SQLite)
	config := fromLaravel(t, sqldb.SQLite, "", store)
	run(t, config.Source.DB, "UPDATE oauth_clients SET redirect = redirect || ',https://app:geheim@app.example.com/cb?key=geheim' WHERE id = 4")
	report, err := laravelimport.Run(t.Context(), config)
	must(t, err)
	said := strings.Join(report.Notes, "\n")
	stored, err := store.ImportNote(t.Context(), "laravel.report")
	must(t, err)
	if strings.Contains(said+stored, "geheim") || !strings.Contains(said, "app.example.com/cb") || !strings.Contains(said, "has a user name") {
		t.Errorf("the report and the notes of an import with a password in a redirect URI have it, or don't name the URI:\n%s\n%s", said, stored)
	}
}
