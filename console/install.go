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
		Long: `Sets up a server: writes passport.toml, which explains every setting, and creates the tables in the
database and the signing keys. It keeps what exists, so you can run it again at any time.`,
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
				success(out, "The tables in %s are up to date.", safe(s.DatabaseURL))
				return nil
			})
			if err != nil {
				return err
			}
			if err := s.installKeys(cmd, keys); err != nil {
				return err
			}
			writeNext(out, "\nNext: create an account with `passport user create`, register an application with\n`passport client`, and start the server with `passport serve`.\n")
			return nil
		},
	}
	cmd.Flags().StringVar(&clientIDs, "client-ids", "", "the `FORMAT` of the IDs of new clients: uuid, or integer for sequential numbers (default uuid)")
	keys.flags(cmd)
	return cmd
}

// installSettings writes the settings file, and asks for the format of client IDs
// first. It keeps a file that exists, and refuses another format than the file has.
func (p *program) installSettings(cmd *cobra.Command, wanted string) error {
	ids := question{
		text: "Client ID format", option: "--client-ids",
		choices: []string{string(passport.UUIDs), string(passport.Integers)}, fallback: string(passport.UUIDs),
	}
	a := ask(cmd)
	if err := a.given(cmp.Or(wanted, ids.fallback), ids); err != nil {
		return err
	}
	if set := strings.ToLower(p.lookup("PASSPORT_CLIENT_IDS")); set != "" {
		if wanted != "" && wanted != set {
			return fmt.Errorf("nothing was changed: PASSPORT_CLIENT_IDS is %q in the environment, which overrides the file; set it to %q", safeurl.Text(set), wanted)
		}
		wanted, ids.option = set, "PASSPORT_CLIENT_IDS"
	}
	name, _, err := p.file()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		if err := a.fill(&wanted, ids); err != nil {
			return err
		}
		err := writeSettings(name, passport.IDFormat(wanted))
		if err == nil {
			success(cmd.OutOrStdout(), "Wrote the settings to %s.", name)
		}
		if !errors.Is(err, fs.ErrExist) { // another process wrote it just now
			return err
		}
	}
	s, err := p.read(nil)
	if err != nil {
		return err
	}
	if have := cmp.Or(s.ClientIDs, passport.UUIDs); wanted != "" && wanted != string(have) {
		return fmt.Errorf("nothing was changed: %s has client_ids = %q; to change that, write client_ids = %q there. Existing clients keep their IDs",
			name, have, wanted)
	}
	success(cmd.OutOrStdout(), "Kept the settings in %s.", name)
	return nil
}

// installKeys creates the signing keys, or checks those that exist.
func (s *settings) installKeys(cmd *cobra.Command, keys keyOptions) error {
	out := cmd.OutOrStdout()
	if s.keysInDatabase() {
		success(out, "The signing keys are in the database. The first start of the server creates them.")
		return nil
	}
	if s.PrivateKey != "" {
		if _, err := s.loadKeys(slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
		success(out, "The setting private_key has the signing keys.")
		return nil
	}
	err := keys.write(ask(cmd), screenOf(cmd.ErrOrStderr()), s.KeysDir)
	if errors.Is(err, fs.ErrExist) {
		if _, err := passport.LoadKeys(s.KeysDir); err != nil {
			return err
		}
	}
	if hasLaravelKeys(s.KeysDir) {
		screenOf(cmd.ErrOrStderr()).Printf("%s %s. The folder is %s.\n", yellow("Warning:"), keysOfLaravel, s.KeysDir)
	}
	return report(out, err, "Created the signing keys in "+s.KeysDir+".", "Kept the signing keys in "+s.KeysDir+".")
}

// report prints that something was created, or kept because it exists.
func report(out io.Writer, err error, created, kept string) error {
	switch {
	case err == nil:
		success(out, "%s", created)
	case errors.Is(err, fs.ErrExist):
		success(out, "%s", kept)
	default:
		return err
	}
	return nil
}

// writeSettings writes a file that explains every setting. It sets only client_ids, if
// that is not the default. It returns fs.ErrExist if the file exists.
func writeSettings(name string, ids passport.IDFormat) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // it may have a password later
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if err != nil {
		return fmt.Errorf("can't write the settings file %s: %w", name, reason(err))
	}
	_, err = f.WriteString(settingsFile(ids))
	return errors.Join(err, f.Close())
}

// settingsFile returns passport.toml, with every setting explained and commented out,
// except client_ids if that is not the default.
func settingsFile(ids passport.IDFormat) string {
	var b strings.Builder
	b.WriteString(`# Settings of Passport. Each line that is commented out shows the default or an example.
# A variable of the environment overrides this file: PASSPORT_ACCESS_TOKEN_TTL, for example,
# overrides access_token_ttl. Write durations as "90s", "15m", "1h" or "30d".
`)
	begun := ""
	for _, s := range all {
		table, key := s.table()
		if table != "" && table != begun {
			b.WriteString("\n# Tables come last: a line after [" + table + "] belongs to it.\n# [" + table + "]\n")
			begun = table
		}
		b.WriteString("\n# " + strings.ReplaceAll(s.help, "\n", "\n# ") + "\n")
		if s.key == "scopes" {
			b.WriteString("# [[scopes]]\n# id = \"check-status\"\n# description = \"Check order status\"\n#\n# [[scopes]]\n# id = \"place-orders\"\n# description = \"Place orders\"\n# group = \"Orders\"\n# can_change = true\n# sensitive = false\n# optional = false\n")
			continue
		}
		if s.key == "client_ids" && ids != passport.UUIDs {
			fmt.Fprintf(&b, "%s = %q\n", s.key, ids)
			continue
		}
		b.WriteString("# " + key + " = " + s.sample + "\n")
	}
	return b.String()
}
