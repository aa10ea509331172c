package console

import (
	"context"
	"crypto/rsa"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/textfile"
)

// laravelOptions are the options of `import laravel`.
type laravelOptions struct {
	from, keys, env, verify, prefix, timezone, provider, usersTable string
	appKeys, redirects                                              []string
	dryRun, switches, markConsumed, asJSON                          bool

	variables laravelimport.Env
	database  string // the URL of the Laravel database
	publicKey string // the file with the public key in keys; empty if there is none
}

func (p *program) importLaravel() *cobra.Command {
	var o laravelOptions
	cmd := &cobra.Command{
		Use:   "laravel",
		Short: "Import clients, tokens and consents from Laravel Passport",
		Long: `Imports the clients, access tokens, refresh tokens, personal access tokens, codes and consents of
Laravel Passport 9 to 13. They keep working, and users don't have to sign in again. The import reads one
snapshot of the Laravel database and changes nothing there. You can repeat it until the switch: each
import adds what is new and ends what Laravel has revoked. A repeated import takes --timezone, --prefix,
--user-provider, --users-table and --allow-redirect from the last one.

The Laravel database and the database of this server must be different databases or schemas. Create
the tables of this server first, with passport migrate.

See the guide: https://github.com/go-passport/passport/blob/main/docs/moving-from-laravel-passport.md`,
		Example: `  passport import laravel --env /var/www/app/.env --keys /var/www/app/storage --dry-run
  passport import laravel --from mysql://reader@db.internal/app --env .env --keys storage
  passport import laravel --env .env --keys storage --switch`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.fromLaravel(cmd, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "read the Laravel database at `URL`: sqlite:FILE, postgres://… or mysql://… (default: DB_CONNECTION and others in --env)")
	f.StringVar(&o.env, "env", "", "read APP_KEY, APP_PREVIOUS_KEYS, APP_TIMEZONE and the database in the `FILE` .env of Laravel")
	f.StringVar(&o.keys, "keys", "", "read oauth-public.key or oauth-private.key in the folder `DIR` of Laravel (default: PASSPORT_PUBLIC_KEY in --env)")
	f.StringArrayVar(&o.appKeys, "app-key", nil, "the `KEY` of the application (APP_KEY), with base64: in front; repeat it for older keys")
	f.StringVar(&o.verify, "verify", "", "check the keys against values that Laravel issued, in `FILE`: a refresh token, an access token or an encrypted cookie on each line")
	f.StringVar(&o.prefix, "prefix", "", "the `PREFIX` of the table names of Laravel")
	f.StringVar(&o.timezone, "timezone", "", "the time `ZONE` of Laravel (app.timezone) (default APP_TIMEZONE in --env, or UTC)")
	f.StringVar(&o.provider, "user-provider", "", "the `NAME` of Laravel's user provider that is the default provider of this server (default users)")
	f.StringArrayVar(&o.redirects, "allow-redirect", nil, "also import redirect URIs with the scheme or the text `SCHEME|URI`; repeat it for others")
	f.StringVar(&o.usersTable, "users-table", "", "also import the accounts in the table `NAME` of Laravel, with their passwords")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what an import would do, and write nothing")
	f.BoolVar(&o.switches, "switch", false, "this is the last import: Laravel no longer issues tokens")
	f.BoolVar(&o.markConsumed, "mark-consumed", false, "import nothing; revoke in the tables of Laravel what was used or revoked here, before you roll back")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) fromLaravel(cmd *cobra.Command, o *laravelOptions) error {
	if o.markConsumed && (o.dryRun || o.switches || o.usersTable != "") {
		return usage(cmd, errors.New("--mark-consumed imports nothing: leave out --dry-run, --switch and --users-table"))
	}
	if err := o.readEnv(); err != nil {
		return err
	}
	from, err := o.source()
	if err != nil {
		return err
	}
	s, err := p.read(nil)
	if err != nil {
		return err
	}
	if sameDatabase(s.DatabaseURL, o.database) {
		return errOwnDatabase
	}
	if o.dryRun {
		p.reads = true
	}
	return interruptible(cmd.Context(), func(ctx context.Context) error {
		return from.Hide(p.withClients(ctx, s, func(ctx context.Context, in *opened) error { return p.fromDatabase(ctx, cmd, o, from, in) }))
	})
}

// interruptible runs a function until a signal ends its context. The function then still
// restores indexes. A second signal ends the program at once.
func interruptible(ctx context.Context, run func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	err := run(ctx)
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

var errInterrupted = errors.New("interrupted before the end: run the same command again, and it continues")

// fromDatabase imports from a Laravel database into an open one.
func (p *program) fromDatabase(ctx context.Context, cmd *cobra.Command, o *laravelOptions, from dburl.URL, in *opened) error {
	c, err := p.laravelConfig(ctx, o, from, in)
	if err != nil {
		return err
	}
	defer c.Source.DB.Close()
	if c.Source.IsIn(ctx, in.db, p.database.Dialect) {
		return errOwnDatabase
	}
	if err := in.hasTables(ctx); err != nil {
		return err
	}
	if o.markConsumed {
		return p.markConsumed(ctx, cmd, c, from)
	}
	return p.importFrom(ctx, cmd, o, c, in)
}

// readEnv reads the file .env.
func (o *laravelOptions) readEnv() error {
	if o.env == "" {
		return nil
	}
	text, err := readText(o.env)
	if err != nil {
		return fmt.Errorf("--env: %w", err)
	}
	o.variables, err = laravelimport.ParseEnv(text)
	return named("--env", err)
}

// source returns the URL of the Laravel database.
func (o *laravelOptions) source() (dburl.URL, error) {
	origin, advice := "--from", "name its file with --from"
	if o.database = o.from; o.from == "" {
		if o.env == "" {
			return dburl.URL{}, errors.New("the Laravel database is missing: name it with --from, or the file .env of Laravel with --env")
		}
		var err error
		if o.database, err = o.variables.DatabaseURL(filepath.Dir(o.env)); err != nil {
			return dburl.URL{}, named("--env", err)
		}
		origin, advice = "--env", "correct DB_DATABASE, or name its file with --from"
	}
	u, err := dburl.Read(o.database)
	if err != nil {
		return u, named(origin, err)
	}
	if file, ok := dburl.File(o.database); ok {
		if info, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
			return u, fmt.Errorf("%s: no Laravel database at %s%s: %s", origin, safe(o.database), here(), advice)
		}
	}
	return u, existing(o.database)
}

var errOwnDatabase = errors.New("--from is the database of this server: name another database or schema with --database-url, because both have tables with the name oauth_clients")

// sameDatabase reports whether two URLs name the same file or have the same text. Two
// spellings of one server are found by [laravelimport.Source.IsIn], which asks it.
func sameDatabase(a, b string) bool {
	fileA, isFileA := dburl.File(a)
	fileB, isFileB := dburl.File(b)
	if isFileA && isFileB {
		infoA, errA := os.Stat(fileA)
		infoB, errB := os.Stat(fileB)
		return filepath.Clean(fileA) == filepath.Clean(fileB) || errA == nil && errB == nil && os.SameFile(infoA, infoB)
	}
	return a == b
}

// laravelConfig opens the Laravel database to read, and reads the keys.
func (p *program) laravelConfig(ctx context.Context, o *laravelOptions, from dburl.URL, in *opened) (c laravelimport.Config, err error) {
	c = laravelimport.Config{
		SourceName: from.String(), Target: in.store, UserProvider: o.provider, AllowRedirect: o.redirects,
		Redirects: redirect.Rules{HTTP: strings.HasPrefix(in.settings.Issuer, "http:"), Schemes: in.settings.AllowedRedirectSchemes, URIs: in.settings.AllowedRedirectURIs},
		FamilyTTL: in.settings.FamilyTTL,
		DryRun:    o.dryRun, Switch: o.switches,
	}
	if c.Keys, err = o.readKeys(); err != nil {
		return c, err
	}
	if c.Samples, err = o.samples(); err != nil {
		return c, err
	}
	zone, err := o.zone()
	if err != nil {
		return c, err
	}
	db, err := p.openLaravel(ctx, from.ReadOnly())
	c.Source = laravelimport.Source{DB: db, Dialect: from.Dialect, Prefix: o.prefix, Location: zone}
	return c, err
}

func (p *program) openLaravel(ctx context.Context, u dburl.URL) (*sql.DB, error) {
	db, err := p.Open(u.Driver, u.DSN())
	if err != nil {
		return nil, unusableLaravel(u, err)
	}
	first, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := db.PingContext(first); err != nil {
		return nil, errors.Join(unusableLaravel(u, err), db.Close())
	}
	return db, nil
}

// unusableLaravel returns what is wrong with the Laravel database, and what to do.
func unusableLaravel(u dburl.URL, err error) error {
	switch sqliteCode(err) {
	case readOnly, cannotOpen:
		return fmt.Errorf("can't open the Laravel database %s: this user must have permission to read the file, and to enter its folder", u)
	case notDatabase:
		return fmt.Errorf("%s is not an SQLite database: name the file of the Laravel database with --from", u)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return fmt.Errorf("the Laravel database %s doesn't respond (%w): is it running, and is this its address?", u, deepest(err))
	}
	return fmt.Errorf("the Laravel database %s refuses the connection (%w): check the user, the password and the database in --from, or the DB variables in --env", u, deepest(err))
}

// zone returns the time zone of Laravel, or nil if it was not given.
func (o *laravelOptions) zone() (*time.Location, error) {
	name, origin := o.timezone, "--timezone"
	if name == "" {
		var err error
		if name, err = o.variables.TimeZone(); err != nil {
			return nil, named("--env", err)
		}
		origin = "--env: APP_TIMEZONE"
	}
	if name == "" {
		return nil, nil //nolint:nilnil // the importer knows the zone of the last import
	}
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local { // Local is another zone on another host
		return nil, fmt.Errorf("%s is not the name of a time zone: give the value of app.timezone in Laravel, such as Europe/Paris, with --timezone", origin)
	}
	return zone, nil
}

// publicKeyFile is the name of the file with the public key of Laravel.
const publicKeyFile = "oauth-public.key"

// readKeys reads the application keys, and the key that verifies access tokens.
func (o *laravelOptions) readKeys() (keys laravelimport.Keys, err error) {
	for _, text := range o.appKeys {
		key, err := laravelimport.ParseAppKey(text)
		if err != nil {
			return keys, named("--app-key", err)
		}
		keys.App = append(keys.App, key)
	}
	inEnv, err := o.variables.Keys()
	if err != nil {
		return keys, named("--env", err)
	}
	if keys.App = append(keys.App, inEnv...); len(keys.App) == 0 && o.env != "" {
		return keys, named("--env", laravelimport.ErrNoAppKey)
	}
	if o.keys == "" {
		keys.Public, err = o.variables.PublicKey()
		return keys, named("--env", err)
	}
	keys.Public, err = o.readPublicKey()
	return keys, err
}

// readPublicKey reads the key in the folder of --keys.
func (o *laravelOptions) readPublicKey() (*rsa.PublicKey, error) {
	var found []*rsa.PublicKey
	for _, name := range []string{publicKeyFile, "oauth-private.key"} {
		text, err := readText(filepath.Join(o.keys, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, named("--keys", err)
		}
		key, err := laravelimport.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("--keys: %s: %w", name, err)
		}
		found = append(found, key)
		if name == publicKeyFile {
			o.publicKey = filepath.Join(o.keys, name)
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("--keys: the folder %s has neither oauth-public.key nor oauth-private.key: name the folder storage of Laravel", o.keys)
	case len(found) == 2 && !found[0].Equal(found[1]):
		return nil, errors.New("--keys: oauth-public.key and oauth-private.key are not a pair: copy both from the same server")
	}
	return found[0], nil
}

// readText reads a text file of at most [textfile]'s limit.
func readText(name string) (string, error) {
	data, err := textfile.ReadBounded(name)
	return textfile.Decode(data), err
}

// samples reads the values that the keys must fit.
func (o *laravelOptions) samples() (samples []string, err error) {
	if o.verify == "" {
		return nil, nil
	}
	text, err := readText(o.verify)
	if err != nil {
		return nil, named("--verify", err)
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			samples = append(samples, line)
		}
	}
	return samples, nil
}

func (p *program) importFrom(ctx context.Context, cmd *cobra.Command, o *laravelOptions, c laravelimport.Config, in *opened) error {
	c.UsersTable, c.Accounts = o.usersTable, importedAccounts{in.accounts}
	c.PrepareAccounts = func(ctx context.Context) error {
		if err := in.prepareAccounts(ctx); err != nil || o.dryRun {
			return err
		}
		return in.connectAccounts()
	}
	line := &progress{out: p.stderr}
	c.Progress = func(tokens int) { line.show("%s access tokens read…", grouped(tokens)) }
	stop := line.clear
	c.Phase = func(what string) {
		stop()
		stop = line.during(what)
	}
	report, err := laravelimport.Run(ctx, c)
	stop()
	if err != nil {
		return err
	}
	if o.asJSON {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	again := func(more ...string) string { return commandLine(cmd, more...) }
	importReport{report, in.settings, o.publicKey, again}.show(screenOf(cmd.OutOrStdout()))
	return nil
}

func (p *program) markConsumed(ctx context.Context, cmd *cobra.Command, c laravelimport.Config, from dburl.URL) error {
	db, err := p.openLaravel(ctx, from.Foreign())
	if err != nil {
		return err
	}
	defer db.Close()
	line := &progress{out: p.stderr}
	marked, err := laravelimport.MarkConsumed(ctx, c, db, func(tokens int) { line.show("%s access tokens read…", grouped(tokens)) })
	line.clear()
	if err != nil {
		return err
	}
	success(cmd.OutOrStdout(), "Revoked in the tables of Laravel: %s, %s, %s and %s.", plural(marked.AccessTokens, "access token", "access tokens"),
		plural(marked.RefreshTokens, "refresh token", "refresh tokens"), plural(marked.Codes, "code", "codes"), plural(marked.Clients, "client", "clients"))
	return nil
}
