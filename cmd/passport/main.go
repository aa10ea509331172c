// Command passport is an OAuth 2.0 server in one binary. `passport serve --demo`
// shows it; `passport --help` lists the rest, which package console describes.
package main

import (
	"context"
	"os"
	"runtime/debug"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/go-passport/passport/console"
)

// garbage is how much of it, in percent of what is alive, makes Go collect. What is
// alive here are a few megabytes, so that by default a busy server collects all the
// time, for a fifth of its CPU. The variable GOGC says otherwise, and GOMEMLIMIT
// bounds the whole.
const garbage = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	os.Exit(console.Run(context.Background(), console.New(console.Options{})))
}
