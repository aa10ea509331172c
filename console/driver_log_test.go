package console_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// What a driver logs is in the log of serve, in its form, without the password. The
// other commands have no log.
func TestOptions_OP_04_LogOfDrivers(t *testing.T) {
	t.Chdir(t.TempDir())
	const password = "wzgqvwk"
	for _, test := range []struct {
		args []string
		says string // empty for nothing
	}{
		{[]string{"serve", "--listen", "127.0.0.1:0"}, `level=INFO msg="a driver reports" err="lost mysql://u:xxxxx@127.0.0.1:1/db with xxxxx"`},
		{[]string{"client", "list"}, ""},
		{[]string{"migrate"}, ""},
	} {
		var out bytes.Buffer
		var log *slog.Logger
		const url = "mysql://u:" + password + "@127.0.0.1:1/db"
		cmd := console.New(console.Options{
			Env:  []string{"PASSPORT_DATABASE_URL=" + url},
			Logs: func(l *slog.Logger) { log = l },
			Open: func(string, string) (*sql.DB, error) {
				if log == nil {
					t.Fatalf("%v opens a database before it passes on its log", test.args)
				}
				log.Info("a driver reports", "err", "lost "+url+" with "+password)
				return nil, errors.New("not opened")
			},
		})
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(test.args)
		if status := console.Run(t.Context(), cmd); status != 1 {
			t.Errorf("%v ends with status %d, want 1", test.args, status)
		}
		if text := out.String(); strings.Contains(text, password) || !strings.Contains(text, test.says) || test.says == "" && strings.Contains(text, "a driver reports") {
			t.Errorf("%v writes\n%s\nwant a line of the driver: %q", test.args, text, test.says)
		}
	}
}
