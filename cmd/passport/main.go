// Command passport is an OAuth 2.0 server in one binary. `passport serve --demo` runs a
// tour, and `passport --help` lists the commands. Package console describes them.
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

// logOthers sends the lines of the MySQL driver, and of packages with the standard log,
// to our log. They would write to standard error in another form.
func logOthers(logger *slog.Logger) {
	slog.SetDefault(logger)
	_ = mysql.SetLogger(driverLog{logger}) // only nil is an error
}

// driverLog is a [mysql.Logger]. The driver writes a line for each lost connection. We
// log it at Info, because the pool opens another one and a failed request is logged as an
// error.
type driverLog struct{ *slog.Logger }

// Print implements [mysql.Logger].
func (l driverLog) Print(v ...any) { l.Info("the MySQL driver reports", "err", fmt.Sprint(v...)) }
