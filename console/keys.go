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

func (p *program) keys() *cobra.Command {
	var force bool
	var alg, dir string
	var length int
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make the keys that sign access tokens",
		Long: `Makes the key pair that signs access tokens, and writes it to oauth-private.key and
oauth-public.key in the folder of the setting keys_dir.

Whoever has the private key can make tokens: it belongs into no repository and no image.`,
		Example: "  passport keys\n  passport keys --alg RS256 --length 3072",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("length") && !cmd.Flags().Changed("alg") {
				alg = algWithLength
			}
			if dir == "" {
				s, err := p.read(nil)
				if err != nil {
					return err
				}
				dir = s.KeysDir
			}
			alg = strings.ToUpper(cmp.Or(alg, defaultAlg))
			if alg == "EDDSA" {
				alg = "EdDSA" // as RFC 8037 §3.1 spells it
			}
			if err := passport.WriteKeys(dir, alg, length, force); errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("there are keys in %s already: --force replaces them, and ends every token that they signed", dir)
			} else if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Made a key for %s in %s. A server signs with it from its next start on.\n", alg, dir)
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the keys that are there: every token that they signed ends")
	cmd.Flags().StringVar(&alg, "alg", "", "sign tokens with `ALGORITHM`: ES256, EdDSA, RS256 or PS256 (default ES256, RS256 with --length)")
	cmd.Flags().IntVar(&length, "length", 0, "make an RSA key of that many `BITS`, 2048 to 8192 (default 3072)")
	cmd.Flags().StringVar(&dir, "keys-dir", "", "write to `FOLDER` (default the setting keys_dir)")
	return cmd
}
