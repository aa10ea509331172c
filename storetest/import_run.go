package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-passport/passport/oauth"
)

// beginImport begins an import, and returns the context of its writes.
func (w *world) beginImport(s oauth.ImportStore) context.Context {
	w.Helper()
	last, err := s.LastImport(w.Context())
	w.must(err)
	ctx, err := s.BeginImport(w.Context(), last, map[string]string{"note": "begun"})
	w.must(err)
	return ctx
}

// importsApart checks that an import can't write after another one has begun.
func importsApart(w *world) {
	s := w.imports()
	first := w.beginImport(s)
	b := importedPair("shop", 1)
	b.Clients = []*oauth.ImportedClient{importedClientOf("shop")}
	b.Unowned = []*oauth.ImportedRefreshToken{unowned(2)}
	w.must(s.Import(first, b))
	second := w.beginImport(s)
	family := b.Families[0]
	for what, write := range map[string]func(context.Context) error{
		"Import()": func(ctx context.Context) error { return s.Import(ctx, importedPair("shop", 3)) },
		"Import(client)": func(ctx context.Context) error {
			return s.Import(ctx, &oauth.ImportBatch{Clients: []*oauth.ImportedClient{importedClientOf("other")}})
		},
		"EndUnseen()":     func(ctx context.Context) error { _, err := s.EndUnseen(ctx, now.Add(day)); return err },
		"SpendImported()": func(ctx context.Context) error { return s.SpendImported(ctx, []string{family.ID}, now) },
		"SetImportNote()": func(ctx context.Context) error { return s.SetImportNote(ctx, oauth.ImportSwitched, "now") },
		"RevokeToken()":   func(ctx context.Context) error { return w.store.RevokeToken(ctx, b.AccessTokens[0].ID, now, nil) },
		"Withdraw()":      func(ctx context.Context) error { return w.store.Withdraw(ctx, family.User, "shop", now, nil) },
		"RevokeClient()":  func(ctx context.Context) error { return w.store.RevokeClient(ctx, "shop", now, nil) },
	} {
		if err := write(first); !errors.Is(err, oauth.ErrImportOvertaken) {
			w.Errorf("%s of an import after another one has begun = %v, want ErrImportOvertaken", what, err)
		}
	}
	if !w.token(b.AccessTokens[0].ID).Live(now) {
		w.Error("an import has ended a token after another import has begun")
	}
	refresh, err := w.store.RefreshToken(w.Context(), b.RefreshTokens[0].Digest)
	if err != nil || !refresh.SpentAt.IsZero() {
		w.Errorf("RefreshToken() = %+v, %v, want it unspent", refresh, err)
	}
	_, err = w.store.AccessToken(w.Context(), hexID(3))
	w.refused("AccessToken() of an import after another one has begun", err, oauth.ErrNotFound)
	_, err = s.ImportedClient(w.Context(), "other")
	w.refused("ImportedClient() of an import after another one has begun", err, oauth.ErrNotFound)
	_, err = s.ImportNote(w.Context(), oauth.ImportSwitched)
	w.refused("ImportNote() of an import after another one has begun", err, oauth.ErrNotFound)

	w.must(s.Import(second, importedPair("shop", 3)))
	w.must(w.store.RevokeToken(w.Context(), hexID(3), now, nil)) // a server is not an import
}

// importsBeginOnce checks that imports which read the other server at the same time can't
// both begin.
func importsBeginOnce(w *world) {
	s := w.imports()
	for round := range w.rounds {
		last, err := s.LastImport(w.Context())
		w.must(err)
		errs := make([]error, rivals)
		atOnce(rivals, func(n int) {
			_, errs[n] = s.BeginImport(w.Context(), last, map[string]string{"note": fmt.Sprint(round, ".", n)})
		})
		won := -1
		for n, err := range errs {
			switch {
			case err == nil && won < 0:
				won = n
			case err == nil:
				w.Fatalf("round %d: BeginImport() succeeded twice after the same import %q", round, last)
			case !errors.Is(err, oauth.ErrConflict):
				w.Fatalf("round %d: BeginImport() = %v, want nil or ErrConflict", round, err)
			}
		}
		if won < 0 {
			w.Fatalf("round %d: no import began", round)
		}
		if note, err := s.ImportNote(w.Context(), "note"); err != nil || note != fmt.Sprint(round, ".", won) {
			w.Errorf("ImportNote() = %q, %v, want that of the import that has begun", note, err)
		}
	}
}

// importOvertaken checks that an import which is writing has stopped when the next one has
// begun.
func importOvertaken(w *world) {
	s := w.imports()
	w.imported(s, "shop", 0)
	ctx := w.beginImport(s)
	var writers sync.WaitGroup
	for n := range rivals {
		writers.Go(func() {
			for k := range 20 {
				switch err := s.Import(ctx, importedPair("shop", 1000*n+k+1)); {
				case errors.Is(err, oauth.ErrImportOvertaken):
					return
				case err != nil && !errors.Is(err, oauth.ErrUnavailable): // so many writers may wait too long
					w.Errorf("Import() = %v", err)
				}
			}
		})
	}
	defer writers.Wait()
	for begun := false; !begun; {
		last, err := s.LastImport(w.Context())
		w.must(err)
		_, err = s.BeginImport(w.Context(), last, nil)
		if begun = err == nil; !begun && !errors.Is(err, oauth.ErrUnavailable) {
			w.Fatalf("BeginImport() while another import writes = %v", err)
		}
	}
	before := len(w.tokensOf(user("alice")))
	writers.Wait()
	if after := len(w.tokensOf(user("alice"))); after != before {
		w.Errorf("the import that began first has stored %d tokens after the next one began, want none", after-before)
	}
}

func importNotes(w *world) {
	s := w.imports()
	_, err := s.ImportNote(w.Context(), oauth.ImportSwitched)
	w.refused("ImportNote() that was never set", err, oauth.ErrNotFound)
	for _, value := range []string{"2026-11-30T12:00:00Z", "名前"} {
		w.must(s.SetImportNote(w.Context(), oauth.ImportSwitched, value))
		if got, err := s.ImportNote(w.Context(), oauth.ImportSwitched); err != nil || got != value {
			w.Errorf("ImportNote() = %q, %v, want %q", got, err, value)
		}
	}
}
