package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// runNote is the name of the note with the ID of the last import. A number follows, which
// grows with each write of that import: a condition must change its row.
const runNote = "sqlstore.run"

const nextRun = `UPDATE oauth_import_notes SET value = ? WHERE name = ? AND value LIKE ?`

// LastImport implements [oauth.ImportStore].
func (s *Store) LastImport(ctx context.Context) (string, error) {
	value, err := s.ImportNote(ctx, runNote)
	if errors.Is(err, oauth.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the last import: %w", err)
	}
	id, _, _ := strings.Cut(value, " ")
	return id, nil
}

// BeginImport implements [oauth.ImportStore].
func (s *Store) BeginImport(ctx context.Context, last string, notes map[string]string) (context.Context, error) {
	id := rand.Text()
	begun := id + " 0"
	err := s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		if err := begin(ctx, tx, last, begun); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(notes)) {
			if err := setNote(ctx, tx, name, notes[name]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("begin an import: %w", err)
	}
	writes := new(atomic.Int64)
	next := func() []any { return []any{id + " " + strconv.FormatInt(writes.Add(1), 10), runNote, id + " %"} }
	return s.db.While(ctx, nextRun, next, oauth.ErrImportOvertaken), nil
}

// begin replaces the last import by the one that begins.
func begin(ctx context.Context, tx *sqldb.Tx, last, begun string) error {
	if last == "" {
		inserted, err := tx.Insert(ctx, insertNote, runNote, begun)
		if err == nil && !inserted {
			err = oauth.ErrConflict
		}
		return err
	}
	n, err := tx.Exec(ctx, nextRun, begun, runNote, last+" %")
	if err == nil && n == 0 {
		err = oauth.ErrConflict
	}
	return err
}

const (
	selectNote = `SELECT n.value FROM oauth_import_notes n WHERE n.name = ?`
	insertNote = `INSERT INTO oauth_import_notes (name, value) VALUES (?, ?)`
	updateNote = `UPDATE oauth_import_notes SET value = ? WHERE name = ?`
)

// ImportNote implements [oauth.ImportStore].
func (s *Store) ImportNote(ctx context.Context, name string) (value string, err error) {
	if !storable(name) {
		return "", oauth.ErrNotFound
	}
	err = s.db.Row(ctx, selectNote, func(row sqldb.Row) error { return row.Scan(&value) }, name)
	return value, err
}

// SetImportNote implements [oauth.ImportStore].
func (s *Store) SetImportNote(ctx context.Context, name, value string) error {
	if err := setNote(ctx, s.db, name, value); err != nil {
		return fmt.Errorf("save note: %w", err)
	}
	return nil
}

// noteWriter is a database or a transaction.
type noteWriter interface {
	Insert(ctx context.Context, q string, args ...any) (bool, error)
	Exec(ctx context.Context, q string, args ...any) (int64, error)
}

func setNote(ctx context.Context, in noteWriter, name, value string) error {
	if !storable(name) {
		return errors.New("the name of a note cannot be stored")
	}
	inserted, err := in.Insert(ctx, insertNote, name, value)
	if err == nil && !inserted {
		_, err = in.Exec(ctx, updateNote, value, name)
	}
	return err
}
