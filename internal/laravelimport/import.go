package laravelimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Config are the settings of an import.
type Config struct {
	Source     Source
	SourceName string      // the URL of the source, without its password
	Target     oauth.Store // an [oauth.ImportStore]

	Keys    Keys
	Samples []string // values that the installation issued, which must fit the keys

	UserProvider  string        // Laravel's provider that is Config.Users here. Default: users
	AllowRedirect []string      // schemes, and whole redirect URIs, that the target admits too
	FamilyTTL     time.Duration // of the server. Default: a year

	// UsersTable is a table of users to import as accounts; empty for none. CheckAccount
	// reports what is wrong with an account, and ImportAccount stores it.
	UsersTable    string
	CheckAccount  func(Account) error
	ImportAccount func(context.Context, Account) error

	DryRun   bool
	Switch   bool // this is the last import: from now on this server alone issues tokens
	Progress func(tokens int)
	Phase    func(what string) // is called before work that can take minutes, such as "creating indexes"
	Now      func() time.Time  // default: time.Now
}

// importer runs one import.
type importer struct {
	Config
	store  oauth.ImportStore
	source *Snapshot
	build  *builder
	report *Report

	usersHave columnTypes // the columns of UsersTable
}

// Run imports everything in one snapshot of the source. If it fails, run it again: a
// repeated import continues where the first one failed.
func Run(ctx context.Context, c Config) (report *Report, err error) {
	store, ok := oauth.StoreAs[oauth.ImportStore](c.Target)
	if !ok {
		return nil, errors.New("the store can't import: want sqlstore")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.UserProvider == "" {
		c.UserProvider = defaultProvider
	}
	if c.FamilyTTL == 0 {
		c.FamilyTTL = 365 * 24 * time.Hour
	}
	if c.Progress == nil {
		c.Progress = func(int) {}
	}
	if c.Phase == nil {
		c.Phase = func(string) {}
	}
	now := c.Now().UTC().Truncate(time.Microsecond)
	i := &importer{Config: c, store: store, report: &Report{Source: c.SourceName, DryRun: c.DryRun, At: now}}
	i.build = &builder{
		mapping: mapping{userProvider: c.UserProvider, allowed: c.AllowRedirect, now: now}, familyTTL: c.FamilyTTL, clients: map[string]*known{}, report: i.report,
	}
	if err := checkAllowed(c.AllowRedirect); err != nil {
		return nil, err
	}
	if err := i.mayImport(ctx); err != nil {
		return nil, err
	}
	if i.source, err = c.Source.Open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.source.Close()) }()
	if err := i.run(ctx); err != nil {
		return nil, err
	}
	i.report.sort()
	return i.report, nil
}

// Switched returns when the switch was, or the zero time before it.
func Switched(ctx context.Context, store oauth.ImportStore) (time.Time, error) {
	text, err := store.ImportNote(ctx, oauth.ImportSwitched)
	if errors.Is(err, oauth.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the switch was: %w", err)
	}
	return time.Parse(time.RFC3339Nano, text)
}

// mayImport refuses an import after the switch: Laravel's rows would end or revive what
// this server has changed since.
func (i *importer) mayImport(ctx context.Context) error {
	at, err := Switched(ctx, i.store)
	if err == nil && !at.IsZero() {
		return fmt.Errorf("the switch was at %s, and this server issues tokens since then: an import now would bring back what it has revoked", at.UTC().Format(time.RFC3339))
	}
	return err
}

func (i *importer) run(ctx context.Context) error {
	i.report.NewestCreatedAt, i.report.Version = i.source.NewestCreatedAt, i.source.version()
	var err error
	if i.report.CheckedBy, err = i.source.check(ctx, i.Keys, i.Samples); err != nil {
		return err
	}
	if err := i.sameKeys(ctx); err != nil {
		return err
	}
	clients, err := i.clients(ctx)
	if err != nil {
		return err
	}
	if err := i.sameSource(ctx); err != nil {
		return err
	}
	if err := i.personalClient(ctx, clients); err != nil {
		return err
	}
	if i.UsersTable != "" {
		if i.usersHave, err = i.source.usersColumns(ctx, i.UsersTable); err != nil {
			return err
		}
	}
	// Nothing has been written up to here: every fault above leaves the target as it was.
	repeated, err := i.repeated(ctx)
	if err != nil {
		return err
	}
	if err := i.during(ctx, func(ctx context.Context) error { return i.write(ctx, clients) }); err != nil {
		return err
	}
	if repeated && !i.DryRun { // after the target has its indexes again
		i.Phase("comparing the tokens of earlier imports with Laravel")
		if err := i.mayImport(ctx); err != nil { // another import may have switched meanwhile
			return err
		}
		if err := i.reconcile(ctx); err != nil {
			return err
		}
	}
	if err := i.accounts(ctx); err != nil {
		return err
	}
	i.propose()
	return i.finish(ctx)
}

// during lets the target prepare for many writes.
func (i *importer) during(ctx context.Context, write func(context.Context) error) error {
	bulk, ok := oauth.StoreAs[interface {
		DuringImport(ctx context.Context, run func(context.Context) error) error
	}](i.Target)
	if !ok || i.DryRun {
		return write(ctx)
	}
	return bulk.DuringImport(ctx, write)
}

// version returns the versions of Laravel Passport that have these tables.
func (s *Snapshot) version() string {
	if s.has(clientsTable, "redirect_uris") {
		return "13"
	}
	return "9 to 12"
}

// Names of the notes of imports.
const (
	keysNote   = "laravel.app_keys"
	firstNote  = "laravel.first"
	reportNote = "laravel.report"
)

// sameKeys refuses an import with other keys than the one before: one of them is wrong.
func (i *importer) sameKeys(ctx context.Context) error {
	before, err := i.store.ImportNote(ctx, keysNote)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the note of the last import: %w", err)
	}
	for _, k := range i.Keys.App {
		if slices.Contains(strings.Fields(before), k.fingerprint()) {
			return nil
		}
	}
	return fmt.Errorf("%w: the last import had another one; if the application has a new key since then, give both with --app-key", errAppKey)
}

// sameSource refuses a source that has none of the clients of the import before. It is
// the database of another application, or an empty one, and would end every token.
func (i *importer) sameSource(ctx context.Context) error {
	if repeated, err := i.repeated(ctx); err != nil || !repeated {
		return err
	}
	imported := 0
	for c, err := range i.Target.Clients(ctx) {
		if err != nil {
			return fmt.Errorf("list clients: %w", err)
		}
		if !c.RevokedAt.IsZero() {
			continue
		}
		_, err := i.store.ImportedClient(ctx, c.ID)
		switch {
		case errors.Is(err, oauth.ErrNotFound):
		case err != nil:
			return fmt.Errorf("find imported client: %w", err)
		case i.build.clients[c.ID] != nil:
			return nil
		default:
			imported++
		}
	}
	if imported > 0 {
		return fmt.Errorf("the Laravel database has none of the %d clients of the last import, so this import would end all their tokens: check --from; to import another application, use an empty database", imported)
	}
	return nil
}

const clientBatch = 200

func (i *importer) write(ctx context.Context, clients []*oauth.ImportedClient) error {
	var err error
	if !i.DryRun {
		err = i.noteBeginning(ctx)
	}
	if err == nil {
		err = i.writeClients(ctx, clients)
	}
	if err == nil {
		err = i.writeTokens(ctx)
	}
	if err == nil {
		err = i.writeCodes(ctx)
	}
	if err != nil {
		return err
	}
	// Once more, with the time until which each client has ciphertexts.
	for _, c := range clients {
		c.CiphertextsUntil = i.build.clients[c.Client.ID].until
	}
	err = i.writeClients(ctx, clients)
	i.Phase("sorting what was read, and creating indexes") // which the target does next
	return err
}

// writeTokens reads a page while the page before it is written: the two databases, or two
// cores, work at the same time.
func (i *importer) writeTokens(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan *oauth.ImportBatch, 1)
	var writing sync.WaitGroup
	writing.Go(func() {
		for batch := range batches {
			if err := i.save(ctx, batch); err != nil {
				cancel(err) // which stops the reader
				return
			}
		}
	})
	done := 0
	err := i.source.eachTokenPage(ctx, func(rows []*accessRow, orphans []refreshRow) error {
		batch := &oauth.ImportBatch{}
		i.build.tokens(batch, rows, orphans)
		select {
		case batches <- batch:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		done += len(rows)
		i.Progress(done)
		return nil
	})
	close(batches)
	writing.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (i *importer) writeCodes(ctx context.Context) error {
	batch := &oauth.ImportBatch{}
	err := i.source.eachCode(ctx, i.report.At, func(row *codeRow) error {
		i.build.code(batch, row)
		if len(batch.Codes) < tokenPage {
			return nil
		}
		full := batch
		batch = &oauth.ImportBatch{}
		return i.save(ctx, full)
	})
	if err != nil {
		return err
	}
	return i.save(ctx, batch)
}

func (i *importer) writeClients(ctx context.Context, clients []*oauth.ImportedClient) error {
	for page := range slices.Chunk(clients, clientBatch) {
		if err := i.save(ctx, &oauth.ImportBatch{Clients: page}); err != nil {
			return err
		}
	}
	return nil
}

// save stores one batch, unless this is a dry run.
func (i *importer) save(ctx context.Context, batch *oauth.ImportBatch) error {
	if i.DryRun {
		return ctx.Err()
	}
	if err := i.store.Import(ctx, batch); err != nil {
		return fmt.Errorf("store imported records: %w (run the import again: it continues)", err)
	}
	return nil
}

// propose sets the settings that keep the IDs as Laravel's clients know them.
func (i *importer) propose() {
	i.report.Settings.NumericUserIDs = i.report.users > 0 && i.report.numericUsers == i.report.users
}

// finish notes the import in the target, and the switch.
func (i *importer) finish(ctx context.Context) error {
	if i.DryRun {
		return nil
	}
	i.report.Switched = i.Switch
	i.report.sort()
	text, err := json.Marshal(i.report)
	if err != nil {
		return fmt.Errorf("note the import: %w", err)
	}
	err = i.store.SetImportNote(ctx, reportNote, string(text))
	if err == nil && i.Switch {
		err = i.store.SetImportNote(ctx, oauth.ImportSwitched, i.report.At.Format(time.RFC3339Nano))
	}
	if err != nil {
		return fmt.Errorf("note the import: %w", err)
	}
	return nil
}

// ErrUnfinished is the error of [Last] if the first import was interrupted.
var ErrUnfinished = errors.New("the import was interrupted before its end: run it again, and it continues")

// Last returns the report of the last import, [ErrUnfinished], or [oauth.ErrNotFound].
func Last(ctx context.Context, store oauth.ImportStore) (*Report, error) {
	text, err := store.ImportNote(ctx, reportNote)
	if errors.Is(err, oauth.ErrNotFound) {
		if _, begun := store.ImportNote(ctx, firstNote); begun == nil {
			return nil, ErrUnfinished
		}
	}
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("read the report of the last import (%s bytes): %w", strconv.Itoa(len(text)), err)
	}
	return r, nil
}
