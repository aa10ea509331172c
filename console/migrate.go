package console

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/sqlstore"
)

func (p *program) migrate() *cobra.Command {
	var print bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Create or update the tables in the database",
		Long: `Creates the tables in the database, or updates them. You can run it at any time, also on several
machines at once: one works, and the others wait for it. It fails if a table or a column is
missing afterwards.`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.waits(cmd)
			s, err := p.read(nil)
			if err != nil {
				return err
			}
			if print {
				return printMigrations(cmd.OutOrStdout(), s)
			}
			s.MigrateOnStart, s.access = true, makes
			return p.withSettings(cmd.Context(), s, func(ctx context.Context, in *opened) error {
				if err := in.hasTables(ctx); err != nil {
					return err
				}
				success(cmd.OutOrStdout(), "The tables in %s are up to date.", safe(s.DatabaseURL))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&print, "print", false, "print the SQL, in goose's format, and change nothing")
	return cmd
}

// printMigrations prints the SQL of the migrations, for another tool or a database
// administrator.
func printMigrations(w io.Writer, s *settings) error {
	_, _, dialect, err := dburl.Parse(s.DatabaseURL)
	if err != nil {
		return err
	}
	if err := printFiles(w, "passport", sqlstore.Migrations(dialect)); err != nil {
		return err
	}
	return printFiles(w, "account", account.Migrations(dialect))
}

func printFiles(w io.Writer, set string, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "-- %s: %s\n%s\n", set, name, content); err != nil {
			return err
		}
	}
	return nil
}
