package dbtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// paused is a target that waits before it stores its first tokens.
type paused struct {
	*sqlstore.Store
	waits, goOn chan struct{}
	once        sync.Once
}

func newPaused(s *sqlstore.Store) *paused {
	return &paused{Store: s, waits: make(chan struct{}), goOn: make(chan struct{})}
}

func (p *paused) wait(save saveBatch) saveBatch {
	return func(ctx context.Context, b *oauth.ImportBatch) error {
		if len(b.AccessTokens) > 0 {
			p.once.Do(func() { close(p.waits); <-p.goOn })
		}
		return save(ctx, b)
	}
}

func (p *paused) DuringImport(ctx context.Context, phase func(string), write func(saveBatch) error) error {
	return p.Store.DuringImport(ctx, phase, func(save saveBatch) error { return write(p.wait(save)) })
}

// An import that is writing stops when another one begins, also one with --switch. It ends
// no token that the other one has brought, and leaves nothing behind.
func TestLaravelImport_LP_3_Together(t *testing.T) {
	for when, repeated := range map[string]bool{"the first import": false, "a repeated import": true} {
		t.Run(when, func(t *testing.T) {
			everyStore(t, func(t *testing.T, d sqldb.Dialect) {
				t.Parallel()
				i := &imported{T: t, store: target(t, d), at: madeAt, m: readManifest(t)}
				i.config = fromLaravel(t, d, "", i.store)
				i.laravel, i.config.Now = i.config.Source.DB, func() time.Time { return i.at }
				if repeated {
					i.run()
				}
				token, refresh := i.jti("rotated_new"), i.refreshID("rotated_new")
				i.sql("UPDATE oauth_access_tokens SET revoked = TRUE WHERE id = '" + token + "'") // as the first of the two sees it
				i.sql("UPDATE oauth_refresh_tokens SET revoked = TRUE WHERE id = '" + refresh + "'")
				slow := newPaused(i.store)
				first := i.config
				first.Target = slow
				ended := make(chan error)
				go func() {
					_, err := laravelimport.Run(t.Context(), first)
					ended <- err
				}()
				<-slow.waits
				i.sql("UPDATE oauth_access_tokens SET revoked = FALSE WHERE id = '" + token + "'")
				i.sql("UPDATE oauth_refresh_tokens SET revoked = FALSE WHERE id = '" + refresh + "'")
				i.config.Switch = true
				i.run()
				close(slow.goOn)
				if err := <-ended; err == nil || !strings.Contains(err.Error(), "another import has begun") {
					t.Errorf("the import that began first = %v, want that it stops because another one has begun", err)
				}
				if !i.live(token) || !i.refreshes("rotated_new") {
					t.Error("a token that the import with --switch has brought is not alive after the end of the import that began first")
				}
				if at, err := laravelimport.Switched(t.Context(), i.store); err != nil || at.IsZero() {
					t.Errorf("Switched() = %v, %v, want the time of the switch", at, err)
				}
				if note, err := i.store.ImportNote(t.Context(), "sqlstore.indexes"); err == nil && note != "" || err != nil && !errors.Is(err, oauth.ErrNotFound) {
					t.Errorf("the note of dropped indexes = %q, %v, want none", note, err)
				}
			})
		})
	}
}

// Of two imports that read Laravel at the same time, the second to begin stops: its snapshot
// can be older than what the other one has written.
func TestLaravelImport_LP_3_OlderSnapshot(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	last, err := i.store.LastImport(t.Context())
	must(t, err)
	started := i.config
	started.Target = &reader{Store: i.store, then: func() { i.run() }}
	if _, err := laravelimport.Run(t.Context(), started); err == nil || !strings.Contains(err.Error(), "at the same time") {
		t.Errorf("Run() while another import began and ended = %v, want a refusal", err)
	}
	if now, err := i.store.LastImport(t.Context()); err != nil || now == last {
		t.Errorf("LastImport() = %q, %v, want the import that went on", now, err)
	}
}

// reader is a target where another import runs while this one reads the source.
type reader struct {
	*sqlstore.Store
	then func()
	once sync.Once
}

func (r *reader) ImportedClient(ctx context.Context, id string) (*oauth.ImportedClient, error) {
	r.once.Do(r.then)
	return r.Store.ImportedClient(ctx, id)
}

// overtakenAccounts are accounts of an import during which another one begins.
type overtakenAccounts struct {
	namedAccounts
}

func (a *overtakenAccounts) Import(ctx context.Context, account laravelimport.Account) (laravelimport.AccountState, error) {
	_, _ = a.namedAccounts.Import(ctx, account)
	return laravelimport.AccountState{}, fmt.Errorf("import account: %w", oauth.ErrImportOvertaken)
}

// An import that is overtaken while it imports accounts stops at the next account. The
// accounts have no fault.
func TestLaravelImport_LP_3_OvertakenAtAccounts(t *testing.T) {
	store := target(t, sqldb.SQLite)
	config, accounts := fromLaravel(t, sqldb.SQLite, "", store), &overtakenAccounts{}
	config.UsersTable, config.Accounts = "users", accounts
	_, err := laravelimport.Run(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "another import has begun") || len(accounts.ids) != 1 {
		t.Errorf("Run() = %v after %d accounts, want that it stops at the first account because another import has begun", err, len(accounts.ids))
	}
}
