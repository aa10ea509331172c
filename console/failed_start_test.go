package console_test

import (
	"bytes"
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// A signal during the start doesn't hide a wrong setting.
func TestServe_SignalHidesNoFault(t *testing.T) {
	t.Chdir(t.TempDir())
	cmd := console.New(console.Options{
		Env:  []string{},
		Open: func(string, string) (*sql.DB, error) { return nil, errNoDatabase },
	})
	var stderr bytes.Buffer
	cmd.SetOut(&stderr)
	cmd.SetErr(&stderr)
	cmd.SetArgs([]string{"serve", "--listen", "127.0.0.1:0", "--database-url", "postgres://u:p@ss@127.0.0.1:1/db"})
	ctx, signal := context.WithCancel(t.Context())
	signal()
	if status := console.Run(ctx, cmd); status != 1 || !strings.Contains(stderr.String(), "passport: ") || !strings.Contains(stderr.String(), "@ as %40") {
		t.Errorf("serve with a malformed URL ended with status %d and printed\n%s\nwant 1 and how to write the URL", status, stderr.String())
	}
}
