package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// lookup is a look-up of one record. Its caller scans the rows.
type lookup struct {
	key  string
	rows []columns
}

// Lookup is like [DB.Row], for a query that ends in "column = ?", optionally with ORDER
// BY. That is its only placeholder. A record that joins a list has several rows; before
// scan gets them again after a conflict, forget drops those that it got before. A nil
// forget is for a scan that overwrites them.
//
// Concurrent look-ups share a SELECT, which starts after all of them were called. So no
// caller reads a state older than its call. Each caller scans its own rows.
func (db *DB) Lookup(ctx context.Context, q string, scan func(Row) error, forget func(), key string) error {
	t, p := db.text(q, selects), db.lookupPolicy()
	if t.lookups.leadOrWait(nil, p) {
		defer t.lookups.handOver(p)
		return db.row(ctx, selection{t, scan, []any{key}, forget})
	}
	if err := ctx.Err(); err != nil {
		return &gaveUp{err, err}
	}
	limited, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	w := newCall(lookup{key: key})
	err := t.lookups.do(limited, w, p, func() { db.leadLookups(limited, q, t, w) })
	switch {
	case errors.Is(err, errNotBatched):
		return db.row(limited, selection{t, scan, []any{key}, forget})
	case errors.Is(err, errCanceled):
		return failure(ctx, fmt.Errorf("wait for earlier look-ups: %w", limited.Err()))
	case err != nil:
		return err
	}
	for _, row := range w.input.rows {
		if err := scan(row); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) lookupPolicy() batchPolicy {
	return batchPolicy{leaders: db.dialect.lookups, impatient: true}
}

// leadLookups runs one SELECT for all waiting look-ups. Its time limit is the
// leader's, which has waited longest.
func (db *DB) leadLookups(limited context.Context, q string, t *text, w *call[lookup]) {
	taken := t.lookups.take(w)
	defer t.lookups.handOver(db.lookupPolicy())
	deadline, _ := limited.Deadline()
	own, cancel := context.WithDeadline(context.WithoutCancel(limited), deadline)
	defer cancel()
	found, keys := map[string][]columns{}, []any{}
	for _, w := range taken {
		if _, there := found[w.input.key]; !there {
			found[w.input.key] = nil
			keys = append(keys, w.input.key)
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
		switch rows := found[w.input.key]; {
		case errors.Is(err, oauth.ErrUnavailable):
			w.finish(err)
		case err != nil: // a row is invalid, and its key is unknown
			w.finish(errNotBatched)
		case rows == nil:
			w.finish(oauth.ErrNotFound)
		default:
			w.input.rows = rows
			w.finish(nil)
		}
	}
}

// among rewrites "SELECT … WHERE column = ?" for several keys. The first column of the
// result is the key. It rounds up the number of placeholders, because each distinct
// text is prepared.
func among(q string, keys int) string {
	head, tail, _ := strings.Cut(q, " = ?")
	column := head[strings.LastIndexAny(head, " \n")+1:]
	return "SELECT " + column + ", " + strings.TrimPrefix(head, "SELECT ") + " IN (?" + strings.Repeat(", ?", roundUp(keys)-1) + ")" + tail
}

// padded repeats the last key to fill the placeholders of among.
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

// columns is a row that was read. It can be scanned repeatedly.
type columns []value

// columns returns the row itself.
func (c columns) columns() (columns, error) { return c, nil }

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

// columns reads a row as the driver returns it.
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

// columns reads a packed row.
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
