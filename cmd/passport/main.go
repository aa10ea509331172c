// Command passport is an OAuth 2.0 server in one binary. `passport serve --demo`
// shows it; `passport --help` lists the rest, which package console describes.
package main

import (
	"context"
	"os"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/go-passport/passport/console"
)

func main() {
	tuneMemory()
	os.Exit(console.Run(context.Background(), console.New(console.Options{})))
}
