package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// addedBits is the default length of a further RSA key (OpenID Connect Core §15.1 asks
// for RS256, and RFC 7518 §3.3 for 2048 bits).
const addedBits = 2048

func (p *program) addKey() *cobra.Command {
	var o keyOptions
	var folder string
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Add a key of another algorithm",
		Long: `Adds a key of an algorithm that the server has no key of. The server publishes it at once. The
first key goes on signing access tokens. ` + "`passport keys rotate --alg`" + ` replaces each key by itself.

If the keys are in the environment, the command prints the new key: add it to
PASSPORT_PRIVATE_KEY, after the others.`,
		Example: "  passport keys add --alg RS256\n  passport keys add --alg RS256 --length 3072",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			alg := o.chosen()
			if alg == "" {
				return usage(cmd, errors.New("--alg is missing: name the algorithm of the new key, such as --alg RS256"))
			}
			s, err := p.read(nil)
			if err != nil {
				return err
			}
			if err := named("--keys-dir", checkPath(folder, folderName)); err != nil {
				return err
			}
			if o.length == 0 && (alg == "RS256" || alg == "PS256") {
				o.length = addedBits
			}
			stop := sync.OnceFunc(o.progress(p.stderr))
			defer stop()
			switch {
			case folder != "":
			case s.PrivateKey != "":
				return printKey(cmd, s, alg, o.length)
			case s.keysInDatabase():
				return p.withServer(cmd.Context(), func(ctx context.Context, _ *passport.Server, in *opened) error {
					id, err := in.stored().Add(ctx, alg, o.length)
					if errors.Is(err, oauth.ErrNotFound) {
						return errors.New("the database has no keys yet: the first start of the server generates them")
					}
					stop()
					return reportAdded(cmd, id, alg, err, "Servers read the database every minute.")
				})
			}
			if folder, err = s.folderToChange(folder); err != nil {
				return err
			}
			id, err := passport.AddKeyToFiles(folder, alg, o.length)
			stop()
			return reportAdded(cmd, id, alg, err, "Servers read the file every minute. Copy it to each of them.")
		},
	}
	cmd.Flags().StringVar(&o.alg, "alg", "", "add a key of `ALGORITHM`: ES256, EdDSA, RS256 or PS256 (RS256 with --length)")
	cmd.Flags().IntVar(&o.length, "length", 0, "size of an RSA key in `BITS`, 2048 to 8192 (default 2048)")
	cmd.Flags().StringVar(&folder, "keys-dir", "", "`FOLDER` of the keys (default the setting keys_dir)")
	return cmd
}

func reportAdded(cmd *cobra.Command, id, alg string, err error, next string) error {
	if err != nil {
		return err
	}
	success(cmd.OutOrStdout(), "Added the %s key %s. It signs no access tokens.", alg, bold(id))
	fmt.Fprintln(cmd.OutOrStdout(), "\n"+next)
	return nil
}

// printKey prints a new key for keys in the environment, which no command can change.
func printKey(cmd *cobra.Command, s *settings, alg string, bits int) error {
	if _, err := s.loadKeys(nil); err != nil {
		return err
	}
	out, id, err := passport.AddKey([]byte(s.PrivateKey), alg, bits)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Add this %s key %s to PASSPORT_PRIVATE_KEY, after the other keys:\n", alg, id)
	fmt.Fprint(cmd.OutOrStdout(), lastBlock(string(out)))
	return nil
}

// lastBlock returns the last block of a PEM text, with the lines above it.
func lastBlock(text string) string {
	begin := strings.LastIndex(text, "-----BEGIN ")
	if end := strings.LastIndex(text[:begin], "-----\n"); end >= 0 {
		return text[end+len("-----\n"):]
	}
	return text
}
