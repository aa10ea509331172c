package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// lookup is a record that somebody waits for, and its rows, for him to scan.
type lookup struct {
	key  string
	rows []columns
}

// Lookup is [DB.Row] for a query that ends, but for an ORDER BY, in "column = ?", its
// only placeholder. Those who ask at the same time share a statement: each is asked
// after all of its callers have come, so none is told what was true before. Each scans
// for himself.
func (db *DB) Lookup(ctx context.Context, q string, scan func(Row) error, key string) error {
	t, m := db.text(q, selects), db.lookingUp()
	if t.lookups.line(nil, m) {
		defer t.lookups.handOver(m)
		return db.row(ctx, t, scan, key)
	}
	if err := ctx.Err(); err != nil {
		return &gaveUp{err, err}
	}
	limited, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	w := newWaiter(lookup{key: key})
	err := t.lookups.join(limited, w, m, func() { db.leadLookups(limited, q, t, w) })
	switch {
	case errors.Is(err, errAlone):
		return db.row(limited, t, scan, key)
	case errors.Is(err, errLeft):
		return failure(ctx, fmt.Errorf("wait for those who asked before: %w", limited.Err()))
	case err != nil:
		return err
	}
	for _, row := range w.what.rows {
		if err := scan(row); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) lookingUp() manners { return manners{leaders: db.dialect.lookups, impatient: true} }

// leadLookups asks for all that is waited for, in the time that its leader has left:
// nobody has come before him.
func (db *DB) leadLookups(limited context.Context, q string, t *text, w *waiter[lookup]) {
	taken := t.lookups.take(w)
	defer t.lookups.handOver(db.lookingUp())
	deadline, _ := limited.Deadline()
	own, cancel := context.WithDeadline(context.WithoutCancel(limited), deadline)
	defer cancel()
	found, keys := map[string][]columns{}, []any{}
	for _, w := range taken {
		if _, there := found[w.what.key]; !there {
			found[w.what.key] = nil
			keys = append(keys, w.what.key)
		}
	}
	err := db.Each(own, among(q, len(keys)), func(row Row) error {
		all, err := row.(interface{ columns() (columns, error) }).columns()
		if err == nil {
			found[all[0].text] = append(found[all[0].text], all[1:])
		}
		return err
	}, padded(keys)...)
	for _, w := range taken {
		switch rows := found[w.what.key]; {
		case errors.Is(err, oauth.ErrUnavailable):
			w.answer(err)
		case err != nil: // a row is at fault, and nobody knows whose
			w.answer(errAlone)
		case rows == nil:
			w.answer(oauth.ErrNotFound)
		default:
			w.what.rows = rows
			w.answer(nil)
		}
	}
}

// among writes "SELECT … WHERE column = ?" as one for so many keys, which answers the
// key before the other columns. There are few such texts, for each is prepared.
func among(q string, keys int) string {
	head, tail, _ := strings.Cut(q, " = ?")
	column := head[strings.LastIndexAny(head, " \n")+1:]
	return "SELECT " + column + ", " + strings.TrimPrefix(head, "SELECT ") + " IN (?" + strings.Repeat(", ?", roundUp(keys)-1) + ")" + tail
}

// padded repeats the last key as often as among has it.
func padded(keys []any) []any {
	for n := roundUp(len(keys)); len(keys) < n; {
		keys = append(keys, keys[len(keys)-1])
	}
	return keys
}

// roundUp returns the next power of four.
func roundUp(n int) int {
	for size := 1; ; size *= 4 {
		if size >= n {
			return size
		}
	}
}

// columns is a row that was read, to be scanned as often as somebody wants it.
type columns []value

// Scan implements [Row].
func (c columns) Scan(dest ...any) error {
	if len(dest) != len(c) {
		return fmt.Errorf("scan %d columns into %d", len(c), len(dest))
	}
	for i, into := range dest {
		if err := assign(into, c[i]); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

// columns reads a row as the driver answers it.
func (r plainRow) columns() (columns, error) {
	names, err := r.Columns()
	if err != nil {
		return nil, err
	}
	read, into := make([]any, len(names)), make([]any, len(names))
	for i := range read {
		into[i] = &read[i]
	}
	if err := r.Scan(into...); err != nil {
		return nil, err
	}
	all := make(columns, len(read))
	for i, v := range read {
		if all[i], err = valueOf(v); err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
	}
	return all, nil
}

// columns reads a row that was packed.
func (r *packedRow) columns() (all columns, err error) {
	if err := r.rows.Scan(&r.text); err != nil {
		return nil, err
	}
	err = elements(r.text, func(v value) error {
		all = append(all, v)
		return nil
	})
	return all, err
}
