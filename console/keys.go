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

// Laravel Passport has RSA keys only, so --length alone means RSA.
const (
	defaultAlg    = "ES256"
	algWithLength = "RS256"
)

// keyOptions are the options of a new key.
type keyOptions struct {
	alg    string
	length int
	force  bool
	sure   confirmation
}

func (o *keyOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.force, "force", false, "replace existing keys, which invalidates every token that they signed")
	o.sure.flag(cmd)
	f.StringVar(&o.alg, "alg", "", "sign tokens with `ALGORITHM`: ES256, EdDSA, RS256 or PS256 (default ES256, RS256 with --length)")
	f.IntVar(&o.length, "length", 0, "size of an RSA key in `BITS`, 2048 to 8192 (default 3072)")
}

// algorithm returns the algorithm of the first key of a server.
func (o *keyOptions) algorithm() string { return cmp.Or(o.chosen(), defaultAlg) }

// chosen returns the algorithm that the options name, or "".
func (o *keyOptions) chosen() string {
	if o.alg == "" && o.length != 0 {
		return algWithLength
	}
	return spelledAlg(o.alg)
}

// spelledAlg returns the name of an algorithm as its RFC spells it.
func spelledAlg(name string) string {
	if alg := strings.ToUpper(name); alg != "EDDSA" {
		return alg
	}
	return "EdDSA" // RFC 8037 §3.1
}

// slowKey is the length from which generating a key may take many seconds.
const slowKey = 4096

// progress says that generating the key takes long, if it does, until the caller
// calls stop. A terminal counts the seconds.
func (o *keyOptions) progress(out *screen) (stop func()) {
	if o.length <= slowKey {
		return func() {}
	}
	text := fmt.Sprintf("Generating an RSA key of %d bits (may take a minute)", o.length)
	if out.redraws {
		return (&progress{out: out}).during(text)
	}
	out.Printf("%s…\n", text)
	return func() {}
}

// write creates the keys in a folder. It returns [fs.ErrExist] for keys that it keeps.
// Before it replaces keys it asks, on a terminal. It never replaces the keys of Laravel.
func (o *keyOptions) write(a *asker, out *screen, folder string) error {
	if o.force {
		if err := refuseLaravelKeys(folder); err != nil {
			return err
		}
	}
	if err := o.confirm(a, folder); err != nil {
		return err
	}
	defer o.progress(out)()
	return passport.WriteKeys(folder, o.algorithm(), o.length, o.force)
}

func (p *program) keys() *cobra.Command {
	var o keyOptions
	var folder string
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Generate the keys that sign access tokens",
		Long: `Generates the key pair that signs access tokens, and writes it to oauth-private.key and
oauth-public.key in the folder of the setting keys_dir.

The private key can sign any token. Keep it out of repositories and images.`,
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
					return errors.New("the keys are in the database (keys_secret): the first start of the server generates them, and `passport keys rotate` replaces them")
				}
				folder = s.KeysDir
			}
			err := o.write(ask(cmd), p.stderr, folder)
			if errors.Is(err, fs.ErrExist) {
				if err := refuseLaravelKeys(folder); err != nil {
					return err
				}
				if _, err := passport.LoadKeys(folder); errors.Is(err, fs.ErrNotExist) {
					return err // it says which file of the pair is missing
				}
				return fmt.Errorf("%s has keys already: --force replaces them, and invalidates every token that they signed", folder)
			} else if err != nil {
				return err
			}
			success(cmd.OutOrStdout(), "Created the %s keys in %s. A server loads them when it starts.", o.algorithm(), folder)
			return nil
		},
	}
	o.flags(cmd)
	cmd.AddCommand(p.rotateKeys(), p.addKey())
	cmd.Flags().StringVar(&folder, "keys-dir", "", "write to `FOLDER` (default the setting keys_dir)")
	return cmd
}
