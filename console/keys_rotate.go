package console

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/oauth"
)

func (p *program) rotateKeys() *cobra.Command {
	var o keyOptions
	var folder, replaced string
	publish := duration(time.Hour)
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Replace the signing key without a restart",
		Long: `Adds a new key to oauth-private.key. The server publishes it at once and signs with it after an
hour. It removes the old key when the last token that it signed has ended. Users stay signed in.

Each algorithm has its own schedule. Without --alg, the command replaces the key that signs
access tokens by a key of the same algorithm. To change that algorithm, name both: --alg EdDSA
--replace ES256.

The times are in the file, and a running server reads it every minute. If you run several
servers, copy the file to each of them within the hour, or keep the keys in the database
(keys_secret).`,
		Example: "  passport keys rotate\n  passport keys rotate --publish 24h\n  passport keys rotate --alg EdDSA --replace ES256",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.read(nil)
			if err != nil {
				return err
			}
			if s.PrivateKey != "" {
				return errors.New("the key is in PASSPORT_PRIVATE_KEY, which no command can change: add a new key there, before or after the old one (docs/deploying.md)")
			}
			if err := named("--keys-dir", checkPath(folder, folderName)); err != nil {
				return err
			}
			if folder, err = s.folderToChange(folder); err != nil {
				return err
			}
			stop := sync.OnceFunc(o.progress(p.stderr))
			defer stop()
			p.reads = !s.keysInDatabase()
			r := passport.Rotation{Alg: o.chosen(), Bits: o.length, Replaces: spelledAlg(replaced), Publish: time.Duration(publish)}
			if p.Server == nil && !s.keysInDatabase() && s.withoutDatabase() {
				if r.Overlap, err = s.longestLife(cmd.Context()); err != nil {
					return err
				}
				done, err := passport.RotateKeyFiles(folder, r)
				stop()
				return reportRotation(cmd, done, err, withoutClients)
			}
			return p.withServer(cmd.Context(), func(ctx context.Context, server *passport.Server, in *opened) error {
				if r.Overlap, err = server.LongestLife(ctx); err != nil {
					return err
				}
				if in != nil && s.keysInDatabase() && !cmd.Flags().Changed("keys-dir") {
					done, err := in.stored().Rotate(ctx, r)
					if errors.Is(err, oauth.ErrNotFound) {
						return errors.New("the database has no keys yet: the first start of the server generates them")
					}
					stop()
					return reportRotation(cmd, done, err, "Servers read the database every minute.")
				}
				done, err := passport.RotateKeyFiles(folder, r)
				stop()
				return reportRotation(cmd, done, err, "Servers read the file every minute. Copy it to each of them before the new key signs.")
			})
		},
	}
	cmd.Flags().StringVar(&o.alg, "alg", "", "replace the key of `ALGORITHM`: ES256, EdDSA, RS256 or PS256 (default that of the key that signs access tokens, RS256 with --length)")
	cmd.Flags().StringVar(&replaced, "replace", "", "replace the key of another `ALGORITHM` than that of the new key")
	cmd.Flags().IntVar(&o.length, "length", 0, "size of an RSA key in `BITS`, 2048 to 8192 (default 3072)")
	cmd.Flags().Var(&publish, "publish", "`DURATION` between the publication of the new key and its first use: long enough to copy it to every server")
	cmd.Flags().StringVar(&folder, "keys-dir", "", "`FOLDER` of the keys (default the setting keys_dir)")
	return cmd
}

// withoutClients is the advice of `keys rotate` if it found no database.
const withoutClients = `There is no database here, so the old key stays for the longest lifetime in the settings. If a
client has a longer lifetime, change the time after Retire-After: in oauth-private.key.

Servers read the file every minute. Copy it to each of them before the new key signs.`

// longestLife returns the longest lifetime in the settings.
func (s *settings) longestLife(ctx context.Context) (time.Duration, error) {
	s.settleLocalIssuer()
	if err := s.check(); err != nil {
		return 0, err
	}
	keys, err := s.generatedKeys()
	if err != nil {
		return 0, err
	}
	c := withoutPersonalClient(s.Config)
	c.Store, c.Keys, c.Logger = noClients{}, keys, slog.New(slog.DiscardHandler)
	c.Users = new(account.Accounts)
	server, err := passport.New(c)
	if err != nil {
		return 0, inSettings(err)
	}
	return server.LongestLife(ctx)
}

// noClients is a store without clients.
type noClients struct{ noStore }

// Clients implements [oauth.ClientStore].
func (noClients) Clients(context.Context) iter.Seq2[*oauth.Client, error] {
	return func(func(*oauth.Client, error) bool) {}
}

func reportRotation(cmd *cobra.Command, done *passport.Rotated, err error, next string) error {
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	success(out, "The new key %s signs from %s.", bold(done.KeyID), done.UseFrom.Format(time.RFC3339))
	fmt.Fprintf(out, "The current key ends at %s.\n", done.Retires.Format(time.RFC3339))
	for _, id := range done.Retired {
		fmt.Fprintf(out, "The key %s was removed, because its time was over.\n", id)
	}
	fmt.Fprintln(out, "\n"+next)
	return nil
}
