package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/safeurl"
)

func (p *program) install() *cobra.Command {
	var keys keyOptions
	var clientIDs string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Set up a server: settings, tables and keys",
		Long: `Sets up a server: writes passport.toml with every setting explained, makes the tables in
the database, and makes the signing keys. What is there already stays as it is, so it may be
run as often as one likes.`,
		Example: "  passport install\n  passport install --client-ids integer --length 4096",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.waits(cmd)
			out := cmd.OutOrStdout()
			if err := p.installSettings(cmd, clientIDs); err != nil {
				return err
			}
			s, err := p.read(nil)
			if err != nil {
				return err
			}
			s.MigrateOnStart, s.access = true, makes
			err = p.withSettings(cmd.Context(), s, func(ctx context.Context, in *opened) error {
				if err := in.store.Check(ctx); err != nil {
					return unusable(s, err)
				}
				fmt.Fprintf(out, "The tables in %s are up to date.\n", safe(s.DatabaseURL))
				return nil
			})
			if err != nil {
				return err
			}
			if err := s.installKeys(out, keys); err != nil {
				return err
			}
			fmt.Fprint(out, "\nNext: make an account with `passport user create`, register an application with\n`passport client`, and start the server with `passport serve`.\n")
			return nil
		},
	}
	cmd.Flags().StringVar(&clientIDs, "client-ids", "", "call new clients by `KIND`: uuid, or integer for numbers that count up (default uuid)")
	keys.flags(cmd)
	return cmd
}

// installSettings writes the settings file, after it has asked what it cannot
// know. A file that is there stays as it is, also if another answer is wanted now.
func (p *program) installSettings(cmd *cobra.Command, wanted string) error {
	ids := question{
		text: "IDs of new clients", option: "--client-ids",
		choices: []string{string(passport.UUIDs), string(passport.Integers)}, fallback: string(passport.UUIDs),
	}
	a := ask(cmd)
	if err := a.allowed(cmp.Or(wanted, ids.fallback), ids); err != nil {
		return err
	}
	if set := strings.ToLower(p.lookup("PASSPORT_CLIENT_IDS")); set != "" {
		if wanted != "" && wanted != set {
			return fmt.Errorf("nothing was changed: PASSPORT_CLIENT_IDS is %q in the environment, which beats every file; set it to %q", safeurl.Text(set), wanted)
		}
		wanted, ids.option = set, "PASSPORT_CLIENT_IDS"
	}
	name, _, err := p.file()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		if err := a.answer(&wanted, ids); err != nil {
			return err
		}
		err := writeSettings(name, passport.IDFormat(wanted))
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), "Wrote the settings to "+name+".")
		}
		if !errors.Is(err, fs.ErrExist) { // by another who installs just now
			return err
		}
	}
	s, err := p.read(nil)
	if err != nil {
		return err
	}
	if have := cmp.Or(s.ClientIDs, passport.UUIDs); wanted != "" && wanted != string(have) {
		return fmt.Errorf("nothing was changed: in %s, which is there already, new clients are called by %q; write client_ids = %q there to change that. Clients that exist keep their IDs",
			name, have, wanted)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Kept the settings in "+name+".")
	return nil
}

// installKeys makes the signing keys where none are, and tries those that stay.
func (s *settings) installKeys(out io.Writer, keys keyOptions) error {
	if s.keysInDatabase() {
		fmt.Fprintln(out, "The signing keys are kept in the database, where the first start makes them.")
		return nil
	}
	if s.PrivateKey != "" {
		if _, err := s.loadKeys(slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
		fmt.Fprintln(out, "The signing keys are those of the setting private_key.")
		return nil
	}
	err := keys.write(s.KeysDir)
	if errors.Is(err, fs.ErrExist) {
		if _, err := passport.LoadKeys(s.KeysDir); err != nil {
			return err
		}
	}
	return report(out, err, "Made the signing keys in "+s.KeysDir+".", "Kept the signing keys in "+s.KeysDir+".")
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

// writeSettings writes a file that explains every setting and sets none but
// client_ids, if those are not the default; it is fs.ErrExist when the file is
// there.
func writeSettings(name string, ids passport.IDFormat) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // it may hold a password one day
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if err != nil {
		return fmt.Errorf("the settings file %s cannot be written: %w", name, reason(err))
	}
	_, err = f.WriteString(settingsFile(ids))
	return errors.Join(err, f.Close())
}

// settingsFile is passport.toml with everything explained and commented out, but
// for client_ids where they are not the default.
func settingsFile(ids passport.IDFormat) string {
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
		if s.key == "client_ids" && ids != passport.UUIDs {
			fmt.Fprintf(&b, "%s = %q\n", s.key, ids)
			continue
		}
		b.WriteString("# " + s.key + " = " + s.sample + "\n")
	}
	return b.String()
}
