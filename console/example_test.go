package console_test

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/memstore"
)

// An application with its own command line mounts the commands that manage its server.
func ExampleNew() {
	newServer := func(context.Context) (*passport.Server, error) {
		keys, err := passport.GenerateKeys()
		if err != nil {
			return nil, err
		}
		return passport.New(passport.Config{Issuer: "https://shop.example.com", Store: new(memstore.Store), Keys: keys})
	}
	shop := &cobra.Command{Use: "shop"}
	shop.AddCommand(console.New(console.Options{Server: newServer}))

	shop.SetArgs([]string{"passport", "client", "list"})
	shop.SetOut(os.Stdout)
	if err := shop.Execute(); err != nil {
		fmt.Println(err)
	}
	// Output: There are no clients yet: `passport client` registers one.
}
