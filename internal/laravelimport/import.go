package laravelimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// Config are the settings of an import. [Options] says which ones an import takes from
// the one before if they are empty.
type Config struct {
	Source     Source
	SourceName string      // the URL of the source, without its password
	Target     oauth.Store // an [oauth.ImportStore]

	Keys    Keys
	Samples []string // values that the installation issued, which must fit the keys

	UserProvider  string         // Laravel's provider that is Config.Users here. Default: users
	AllowRedirect []string       // schemes, and whole http redirect URIs, that the target admits too
	Redirects     redirect.Rules // of the server's settings; the next import doesn't take them over
	FamilyTTL     time.Duration  // of the server. Default: a year

	// UsersTable is a table of users to import into Accounts; empty for none. If there is
	// one, PrepareAccounts is called before all writes.
	UsersTable      string
	PrepareAccounts func(context.Context) error
	Accounts        Accounts

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

	users   columnTypes // the columns of UsersTable
	foundAt time.Time   // of the accounts; see laterThanBefore
	last    string      // the ID of the import before this one
	put     func(context.Context, *oauth.ImportBatch) error
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
	i := &importer{Config: c, store: store, put: store.Import, report: &Report{Source: c.SourceName, DryRun: c.DryRun, At: now}}
	// The snapshot must be newer than the import before: else this one could end what that
	// one has brought.
	if i.last, err = store.LastImport(ctx); err != nil {
		return nil, err
	}
	if err := i.mayImport(ctx); err != nil {
		return nil, err
	}
	if i.report.Taken, err = i.takeOptions(ctx, store); err != nil {
		return nil, err
	}
	i.report.Options = i.options()
	if err := checkAllowed(i.AllowRedirect); err != nil {
		return nil, err
	}
	i.build = &builder{
		mapping: mapping{userProvider: i.UserProvider, redirects: i.admitted(), now: now}, familyTTL: i.FamilyTTL, clients: map[string]*known{}, report: i.report,
	}
	if i.source, err = i.Source.Open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.source.Close()) }()
	err = i.run(ctx)
	if errors.Is(err, oauth.ErrImportOvertaken) {
		return nil, errOvertaken
	}
	if err != nil {
		return nil, err
	}
	i.report.sort()
	return i.report, nil
}

// admitted returns which redirect URIs the import admits.
func (i *importer) admitted() redirect.Rules {
	r := i.Redirects
	r.Schemes, r.URIs = slices.Concat(r.Schemes, i.AllowRedirect), slices.Concat(r.URIs, i.AllowRedirect)
	return r
}

func (i *importer) run(ctx context.Context) error {
	i.report.NewestCreatedAt, i.report.Version = i.source.NewestCreatedAt, i.source.version()
	var err error
	if i.report.CheckedBy, err = i.source.check(ctx, i.Keys, i.Samples); err != nil {
		return err
	}
	if err := sameKeys(ctx, i.store, i.Keys); err != nil {
		return err
	}
	if err := i.checkedBefore(ctx); err != nil {
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
	if err := i.checkUsers(ctx); err != nil {
		return err
	}
	// Nothing has been written up to here: every fault above leaves the target as it was.
	repeated, err := i.repeated(ctx)
	if err != nil {
		return err
	}
	if ctx, err = i.begin(ctx); err != nil {
		return err
	}
	if err := i.during(ctx, func() error { return i.write(ctx, clients) }); err != nil {
		return err
	}
	if repeated && !i.DryRun { // after the target has its indexes again
		i.Phase("comparing the tokens of earlier imports with Laravel")
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
func (i *importer) during(ctx context.Context, write func() error) error {
	bulk, ok := oauth.StoreAs[oauth.BulkImportStore](i.Target)
	if !ok || i.DryRun {
		return write()
	}
	defer func(before func(context.Context, *oauth.ImportBatch) error) { i.put = before }(i.put)
	return bulk.DuringImport(ctx, i.Phase, func(save func(context.Context, *oauth.ImportBatch) error) error {
		i.put = save
		return write()
	})
}

// Version13 is [Report.Version] of Laravel Passport 13.
const Version13 = "13"

// version returns the versions of Laravel Passport that have these tables.
func (s *Snapshot) version() string {
	if s.has(clientsTable, "redirect_uris") {
		return Version13
	}
	return "9 to 12"
}

const clientBatch = 200

func (i *importer) write(ctx context.Context, clients []*oauth.ImportedClient) error {
	err := i.writeClients(ctx, clients)
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
	return i.writeClients(ctx, clients)
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
	if err := i.put(ctx, batch); err != nil {
		return fmt.Errorf("store imported records: %w (run the import again: it continues)", err)
	}
	return nil
}

// propose sets the settings that keep the IDs as Laravel's clients know them, and their
// redirect URIs.
func (i *importer) propose() {
	for _, v := range i.AllowRedirect {
		switch isURI := strings.Contains(v, ":"); {
		case isURI && !i.Redirects.HTTP && !slices.Contains(i.Redirects.URIs, v):
			i.report.Settings.AllowedRedirectURIs = append(i.report.Settings.AllowedRedirectURIs, v)
		case !isURI && !slices.Contains(i.Redirects.Schemes, v):
			i.report.Settings.AllowedRedirectSchemes = append(i.report.Settings.AllowedRedirectSchemes, v)
		}
	}
	i.report.Settings.NumericUserIDs = i.report.users > 0 && i.report.numericUsers == i.report.users
}
