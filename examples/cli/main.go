// Command cli is an application with a command line. It has Passport's commands as
// subcommands: `shop passport client list`.
package main

import (
	"context"
	"database/sql"
	"os"

	"github.com/spf13/cobra"
	_ "modernc.org/sqlite"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/sqlstore"
)

// newServer returns the application's server. A command calls it when it needs the
// server.
func newServer(ctx context.Context) (*passport.Server, error) {
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("shop.db"))
	if err != nil {
		return nil, err
	}
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	keys, err := passport.LoadKeys("storage")
	if err != nil {
		return nil, err
	}
	return passport.New(passport.Config{Issuer: shop.Issuer, Store: store, Keys: keys, Users: shop.Users, Scopes: shop.Scopes})
}

func newCommand() *cobra.Command {
	root := &cobra.Command{Use: "shop", Short: "The shop", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(console.New(console.Options{Server: newServer}))
	return root
}

func main() { os.Exit(console.Run(context.Background(), newCommand())) }
