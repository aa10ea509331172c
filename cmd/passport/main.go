// Command passport is an OAuth 2.0 server in one binary. `passport serve --demo`
// shows it; `passport --help` lists the rest, which package console describes.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/go-passport/passport/console"
)

func main() {
	tuneMemory()
	os.Exit(console.Run(context.Background(), console.New(options())))
}

func options() console.Options { return console.Options{Logs: logOthers} }

// logOthers has everything that would write to standard error in another form use the
// log: the MySQL driver, and packages that use the standard log.
func logOthers(logger *slog.Logger) {
	slog.SetDefault(logger)
	_ = mysql.SetLogger(driverLog{logger}) // only nil is an error
}

// driverLog is a [mysql.Logger]. The driver writes a line for each connection that it
// lost. That is at Info: the pool opens another, and a request that fails is logged as an
// error.
type driverLog struct{ *slog.Logger }

// Print implements [mysql.Logger].
func (l driverLog) Print(v ...any) { l.Info("the MySQL driver reports", "err", fmt.Sprint(v...)) }
