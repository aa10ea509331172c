package laravelimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Names of the notes of imports.
const (
	keysNote    = "laravel.app_keys"
	firstNote   = "laravel.first"
	reportNote  = "laravel.report"
	optionsNote = "laravel.options"
	foundNote   = "laravel.users_found" // when the last import with users began
)

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
		return fmt.Errorf("the switch was at %s, and this server issues tokens since then: an import now would bring back what it has revoked; to start over, import into an empty database", at.UTC().Format(time.RFC3339))
	}
	return err
}

// begin begins to write: from now on, an import that began before can't write any more.
func (i *importer) begin(ctx context.Context) (context.Context, error) {
	if i.DryRun {
		return ctx, nil
	}
	notes, err := i.notes()
	if err != nil {
		return nil, err
	}
	ctx, err = i.store.BeginImport(ctx, i.last, notes)
	switch {
	case errors.Is(err, oauth.ErrConflict):
		return nil, errTogether
	case errors.Is(err, oauth.ErrUnavailable):
		return nil, fmt.Errorf("can't begin (if another import is storing what it has sorted, wait for its end, and run this one again): %w", err)
	case err != nil:
		return nil, err
	}
	return ctx, i.mayImport(ctx) // the import before may have switched since
}

var (
	errOvertaken = errors.New("another import has begun, so this one has stopped: it imports everything, also what this one has not reached")
	errTogether  = errors.New("another import has begun at the same time: run one import at a time, and this one again if it is still needed")
)

// repeated reports whether an earlier import has begun to write. It sets the time of the
// first one.
func (i *importer) repeated(ctx context.Context) (bool, error) {
	i.build.first = i.report.At
	text, err := i.store.ImportNote(ctx, firstNote)
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		i.build.first, err = time.Parse(time.RFC3339Nano, text)
	}
	if err != nil {
		return false, fmt.Errorf("read when the first import was: %w", err)
	}
	return true, nil
}

// notes are what the target knows before anything else is written: which options and keys
// the import has, when it began, and when the first one was.
func (i *importer) notes() (map[string]string, error) {
	options, err := json.Marshal(i.options())
	if err != nil {
		return nil, fmt.Errorf("note the options of the import: %w", err)
	}
	notes := map[string]string{firstNote: i.build.first.Format(time.RFC3339Nano), keysNote: i.fingerprints(), optionsNote: string(options)}
	if i.UsersTable != "" {
		notes[foundNote] = i.foundAt.Format(time.RFC3339Nano)
	}
	return notes, nil
}

// fingerprints returns the text of keysNote.
func (i *importer) fingerprints() string {
	prints := make([]string, 0, len(i.Keys.App))
	for _, k := range i.Keys.App {
		prints = append(prints, k.fingerprint())
	}
	slices.Sort(prints)
	return strings.Join(prints, " ")
}

// sameKeys refuses other keys than those of the last import: one of them is wrong.
func sameKeys(ctx context.Context, store oauth.ImportStore, keys Keys) error {
	before, err := store.ImportNote(ctx, keysNote)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the note of the last import: %w", err)
	}
	for _, k := range keys.App {
		if slices.Contains(strings.Fields(before), k.fingerprint()) {
			return nil
		}
	}
	return fmt.Errorf("%w: the last import had another one; if the application has a new key since then, give both with --app-key", errAppKey)
}

// inEarlierImport ends what the report says of keys that an earlier import has checked.
const inEarlierImport = ", in an earlier import"

// checkedBefore sets what has proved the keys in the last import, if they are the same.
func (i *importer) checkedBefore(ctx context.Context) error {
	if i.report.CheckedBy != "" {
		return nil
	}
	last, err := Last(ctx, i.store)
	if errors.Is(err, oauth.ErrNotFound) || errors.Is(err, ErrUnfinished) || err == nil && last.CheckedBy == "" {
		return nil
	}
	keys := ""
	if err == nil {
		keys, err = i.store.ImportNote(ctx, keysNote)
	}
	if err != nil {
		return fmt.Errorf("read what the last import has checked: %w", err)
	}
	if keys == i.fingerprints() {
		i.report.CheckedBy = strings.TrimSuffix(last.CheckedBy, inEarlierImport) + inEarlierImport
	}
	return nil
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
