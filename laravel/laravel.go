// Package laravel keeps what Laravel Passport has issued working: access tokens, refresh
// tokens, authorization codes and client secrets that were imported.
//
//	passport.Config{
//		Features: []passport.Feature{laravel.Compat{PublicKeys: []string{publicKey}, AppKeys: []string{appKey}}},
//	}
//
// Only applications that import this package link bcrypt and the ciphers of Laravel.
package laravel

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// Compat is the feature that accepts what Laravel Passport has issued, for Config.Features.
// Everything that it accepts was imported, except while DB is set. The store must be an
// [oauth.ImportStore]; sqlstore and memstore are.
//
// Until the switch, which is the import with --switch, Laravel alone issues and revokes the
// tokens of the imported clients: this server issues nothing to them. Clients that were
// registered at this server aren't affected.
type Compat struct {
	// PublicKeys are the RSA keys that verify the access tokens of Laravel Passport: the
	// text of oauth-public.key, in PEM. A private key works, too. They never sign, and a key
	// of this server is refused. Without keys, no access token of Laravel is accepted.
	PublicKeys []string

	// AppKeys are the values of APP_KEY, as in the file .env: they open refresh tokens and
	// codes. Several work, the current one first. Without keys, none is opened.
	AppKeys []string

	// DB is the database of Laravel, for guards that run beside it: until the switch,
	// Laravel's own rows decide about access tokens. Compat only reads. After the switch it
	// isn't used. Nil: the rows of the last import decide.
	DB *sql.DB

	// Dialect is the kind of DB. Required with DB.
	Dialect sqlstore.Dialect

	// TablePrefix is the prefix of the tables in DB. Default: none.
	TablePrefix string
}

// Format implements [fmt.Formatter]. It shows no key.
func (c Compat) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "laravel.Compat(%d public keys, %d app keys)", len(c.PublicKeys), len(c.AppKeys))
}

// LogValue implements [slog.LogValuer]. It shows no key.
func (c Compat) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// Part implements passport.Feature.
func (c Compat) Part(s feature.Server) feature.Part {
	f := newForeign(slow)
	part := feature.Part{Name: "laravel.Compat", Foreign: f, Store: f.use}
	fault := func(format string, args ...any) {
		part.Faults = append(part.Faults, feature.Fault("Features: laravel.Compat."+format, args...)...)
	}
	for i, text := range c.PublicKeys {
		keys, err := parseKeys(text)
		switch {
		case err != nil:
			fault("PublicKeys[%d]: %w", i, err)
		case s.HasKey != nil && slices.ContainsFunc(keys, func(k *rsa.PublicKey) bool { return s.HasKey(k) }):
			fault("PublicKeys[%d] is also a key of this server, and a key of Laravel Passport must not sign here: give this server another key file or folder (keys_dir) than Laravel's, and create its keys there with `passport keys`", i)
		}
		f.keys = append(f.keys, keys...)
	}
	for i, text := range c.AppKeys {
		key, err := parseAppKey(text)
		if err != nil {
			fault("AppKeys[%d]: %w", i, err)
		}
		f.appKeys = append(f.appKeys, key)
	}
	if len(c.PublicKeys) == 0 && len(c.AppKeys) == 0 {
		fault("PublicKeys and AppKeys are empty: set both")
	}
	switch {
	case c.DB == nil:
	case c.Dialect.Name == "":
		fault("Dialect is missing: set the kind of DB, such as sqlstore.MySQL")
	case !isPrefix(c.TablePrefix):
		fault("TablePrefix: want letters, digits and underscores")
	default:
		f.table = newTable(c.DB, c.Dialect, c.TablePrefix)
	}
	return part
}

// Routes implements passport.Feature. Compat has no endpoints.
func (Compat) Routes(*rooms.Rooms) []wire.Endpoint { return nil }

// foreign is the feature of one server.
type foreign struct {
	keys    []*rsa.PublicKey
	appKeys [][]byte
	table   *table // nil without DB

	slow *derivations
	salt []byte // of digest

	reader   oauth.TokenReader
	imports  oauth.ImportStore
	switched atomic.Bool // see before
	asked    atomic.Bool // MayDecide has asked once whether the switch has happened
}

func newForeign(slow *derivations) *foreign {
	f := &foreign{slow: slow, salt: make([]byte, sha256.Size)}
	_, _ = rand.Read(f.salt) // Read never fails
	return f
}

// digest returns the key of a derivation from its kind and input: at most one of the parts
// varies in length. Without the salt, the input can't be guessed from the digest. Each
// server has its own salt, so servers in one process share no derivation.
func (f *foreign) digest(kind string, parts ...[]byte) (d digest) {
	h := hmac.New(sha256.New, f.salt)
	h.Write([]byte(kind + "\x00"))
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(d[:0])
	return d
}

// use sets the store.
func (f *foreign) use(store oauth.Store) error {
	imports, ok := oauth.StoreAs[oauth.ImportStore](store)
	if !ok {
		return errors.New("the feature laravel.Compat needs a store that is an oauth.ImportStore: use sqlstore or memstore. If the store wraps another one, give it the method Unwrap() oauth.Store")
	}
	f.reader, f.imports = oauth.ReadOnly(store), imports
	return nil
}
