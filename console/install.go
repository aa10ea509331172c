package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
)

func (p *program) install() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Set up a server: settings, tables and keys",
		Long: `Sets up a server: writes passport.toml with every setting explained, makes the tables in
the database, and makes the signing keys. What is there already stays as it is, so it may be
run as often as one likes.`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			name, _ := p.file()
			if err := report(out, writeSettings(name), "Wrote the settings to "+name+".", "Kept the settings in "+name+"."); err != nil {
				return err
			}
			s, err := p.read(nil)
			if err != nil {
				return err
			}
			s.MigrateOnStart = true
			err = p.withSettings(cmd.Context(), s, func(context.Context, *opened) error {
				fmt.Fprintf(out, "The tables in %s are up to date.\n", safe(s.DatabaseURL))
				return nil
			})
			if err != nil {
				return err
			}
			if s.PrivateKey == "" {
				made := "Made the signing keys in " + s.KeysDir + "."
				if err := report(out, passport.WriteKeys(s.KeysDir, defaultAlg, 0, force), made, "Kept the signing keys in "+s.KeysDir+"."); err != nil {
					return err
				}
			}
			fmt.Fprint(out, "\nNext: make an account with `passport user create`, register an application with\n`passport client`, and start the server with `passport serve`.\n")
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the signing keys that are there: every token that they signed ends")
	return cmd
}

// report says what was made, or that it was there already.
func report(out io.Writer, err error, made, kept string) error {
	switch {
	case err == nil:
		fmt.Fprintln(out, made)
	case errors.Is(err, fs.ErrExist):
		fmt.Fprintln(out, kept)
	default:
		return err
	}
	return nil
}

// writeSettings writes a file that explains every setting and sets none; it is
// fs.ErrExist when the file is there.
func writeSettings(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // it may hold a password one day
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if err != nil {
		return fmt.Errorf("the settings file %s cannot be written: %w", name, reason(err))
	}
	_, err = f.WriteString(settingsFile())
	return errors.Join(err, f.Close())
}

// settingsFile is passport.toml with everything explained and commented out.
func settingsFile() string {
	var b strings.Builder
	b.WriteString(`# Settings of Passport. Every line that is commented out shows an example or the default.
# The environment beats this file: access_token_ttl is PASSPORT_ACCESS_TOKEN_TTL there.
# Durations are written "90s", "15m", "1h" or "30d".
`)
	for _, s := range all {
		b.WriteString("\n# " + strings.ReplaceAll(s.help, "\n", "\n# ") + "\n")
		if s.key == "scopes" {
			b.WriteString("# [[scopes]]\n# id = \"check-status\"\n# description = \"Check order status\"\n#\n# [[scopes]]\n# id = \"place-orders\"\n# description = \"Place orders\"\n")
			continue
		}
		b.WriteString("# " + s.key + " = " + s.sample + "\n")
	}
	return b.String()
}
