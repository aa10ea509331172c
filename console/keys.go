package console

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
)

// Passport's own command knew RSA alone, so a length means that.
const (
	defaultAlg    = "ES256"
	algWithLength = "RS256"
)

// keyOptions say what key is made.
type keyOptions struct {
	alg    string
	length int
	force  bool
}

func (o *keyOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.force, "force", false, "replace the keys that are there: every token that they signed ends")
	f.StringVar(&o.alg, "alg", "", "sign tokens with `ALGORITHM`: ES256, EdDSA, RS256 or PS256 (default ES256, RS256 with --length)")
	f.IntVar(&o.length, "length", 0, "make an RSA key of that many `BITS`, 2048 to 8192 (default 3072)")
}

// algorithm is the one that is meant, as its RFC spells it.
func (o *keyOptions) algorithm() string {
	switch alg := strings.ToUpper(o.alg); {
	case alg == "EDDSA":
		return "EdDSA" // RFC 8037 §3.1
	case alg == "" && o.length != 0:
		return algWithLength
	default:
		return cmp.Or(alg, defaultAlg)
	}
}

// write makes the keys in a folder; it is [fs.ErrExist] for those that stay.
func (o *keyOptions) write(folder string) error {
	return passport.WriteKeys(folder, o.algorithm(), o.length, o.force)
}

func (p *program) keys() *cobra.Command {
	var o keyOptions
	var folder string
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make the keys that sign access tokens",
		Long: `Makes the key pair that signs access tokens, and writes it to oauth-private.key and
oauth-public.key in the folder of the setting keys_dir.

Whoever has the private key can make tokens: it belongs into no repository and no image.`,
		Example: "  passport keys\n  passport keys --alg RS256 --length 3072",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := named("--keys-dir", checkPath(folder, folderName)); err != nil {
				return err
			}
			if folder == "" {
				s, err := p.read(nil)
				if err != nil {
					return err
				}
				if s.keysInDatabase() {
					return errors.New("the keys are kept in the database (keys_secret), where the first start makes them; `passport keys rotate` replaces them")
				}
				folder = s.KeysDir
			}
			if err := o.write(folder); errors.Is(err, fs.ErrExist) {
				if _, err := passport.LoadKeys(folder); errors.Is(err, fs.ErrNotExist) {
					return err // half of a pair, and what to do
				}
				return fmt.Errorf("there are keys in %s already: --force replaces them, and ends every token that they signed", folder)
			} else if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Made a key for %s in %s. A server signs with it from its next start on.\n", o.algorithm(), folder)
			return nil
		},
	}
	o.flags(cmd)
	cmd.AddCommand(p.rotateKeys())
	cmd.Flags().StringVar(&folder, "keys-dir", "", "write to `FOLDER` (default the setting keys_dir)")
	return cmd
}
