package console

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/laravel"
)

// laravelSettings are the settings of the table [laravel].
type laravelSettings struct {
	Enabled     bool
	PublicKey   keyText
	AppKeys     []string
	From        string
	TablePrefix string
}

// laravelNames gives the fields of [laravel.Compat] the names of the settings.
var laravelNames = strings.NewReplacer(
	"laravel.Compat.PublicKeys and AppKeys are empty: set both", "laravel.public_key and laravel.app_keys are empty: set both",
	"laravel.Compat.PublicKeys[0]", "laravel.public_key", "laravel.Compat.AppKeys", "laravel.app_keys",
	"laravel.Compat.TablePrefix", "laravel.table_prefix", "laravel.Compat", "laravel",
)

// feature returns the feature without the database of Laravel.
func (l laravelSettings) feature() passport.Feature {
	f := laravel.Compat{AppKeys: l.AppKeys, TablePrefix: l.TablePrefix}
	if l.PublicKey != "" {
		f.PublicKeys = []string{string(l.PublicKey)}
	}
	return f
}

// check returns the fault of the URL of Laravel's database.
func (l laravelSettings) check() error {
	if !l.Enabled || l.From == "" {
		return nil
	}
	if _, err := dburl.Read(l.From); err != nil {
		return fmt.Errorf("laravel.from: %w", err)
	}
	return nil
}

// openLaravelTables opens the database of Laravel for a server, if the settings name it.
func (p *program) openLaravelTables(in *opened) error {
	s := in.settings
	for i, f := range s.Features {
		compat, ok := f.(laravel.Compat)
		if !ok || s.Laravel.From == "" {
			continue
		}
		u, err := dburl.Read(s.Laravel.From)
		if err != nil {
			return fmt.Errorf("laravel.from: %w", err)
		}
		u = u.ReadOnly()
		if in.laravel, err = p.Open(u.Driver, u.DSN()); err != nil {
			return fmt.Errorf("can't open the database of Laravel %s: %w", u, err)
		}
		setPool(in.laravel, u.Dialect)
		compat.DB, compat.Dialect = in.laravel, u.Dialect
		s.Features[i] = compat
	}
	return nil
}

// keyText is a key in PEM. The setting has the text or names a file.
type keyText string

// longestKeyFile is the size of the largest file with keys.
const longestKeyFile = 64 << 10

func putKeyText(field *keyText, value any) error {
	s, ok := asText(value)
	switch {
	case !ok:
		return errors.New("want a key in PEM, or " + fileName)
	case s == "" || strings.Contains(s, "-----BEGIN"):
		*field = keyText(s)
		return nil
	}
	if err := checkPath(s, fileName); err != nil {
		return err
	}
	content, err := readBounded(s, longestKeyFile)
	if err != nil {
		return fmt.Errorf("can't read the file: %w", reason(err))
	}
	*field = keyText(content)
	return nil
}
