package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// droppedNote is the name of the note with the indexes that an import has dropped.
const droppedNote = "sqlstore.indexes"

// bulkTables are the tables that an import fills.
var bulkTables = []string{"oauth_families", "oauth_access_tokens", "oauth_refresh_tokens", "oauth_consents"}

// index is an index that is not unique, and the statement that creates it.
type index struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

// indexesOf are the queries for the indexes of a table to drop: name and statement. They
// omit those that enforce a rule, and those with a condition IS NOT NULL. The latter are for
// rows that have ended, which are few, or begin with the family, so that their keys arrive in
// order. Other databases build indexes row by row.
var indexesOf = map[string]string{
	sqldb.SQLite.Name: `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql NOT LIKE 'CREATE UNIQUE%' AND sql NOT LIKE '%IS NOT NULL'`,
	sqldb.Postgres.Name: `SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass(?) AND NOT i.indisunique AND i.indisvalid AND COALESCE(pg_get_expr(i.indpred, i.indrelid), '') NOT LIKE '%IS NOT NULL)'`,
}

// saveBatch stores a batch like [Store.Import].
type saveBatch = func(context.Context, *oauth.ImportBatch) error

// DuringImport implements [oauth.BulkImportStore]. In a database without tokens, the import
// of millions of rows takes most of its time to insert random keys into tables and indexes.
// So DuringImport puts such rows aside and moves them in the order of their keys, and it
// drops the indexes that only make queries fast, and creates them again afterwards, which
// sorts their keys. A note keeps their statements: if the program is killed, the next import
// creates them.
func (s *Store) DuringImport(ctx context.Context, phase func(what string), write func(save func(context.Context, *oauth.ImportBatch) error) error) (err error) {
	db, d := s.db.SQL(), s.db.Dialect()
	if err := sqldb.Bulk(ctx, db, d); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sqldb.Durable(context.WithoutCancel(ctx), db, d)) }()
	fresh, err := s.withoutTokens(ctx)
	if err != nil {
		return fmt.Errorf("find out whether there are tokens: %w", err)
	}
	dropped, err := s.dropIndexes(ctx, fresh)
	switch {
	case err != nil:
		err = fmt.Errorf("drop indexes for an import: %w", err)
	case len(dropped) > 0:
		err = s.newStage(fresh).run(ctx, phase, write)
	default:
		err = write(s.Import)
	}
	if len(dropped) == 0 || errors.Is(err, oauth.ErrImportOvertaken) { // the import that began since creates them
		return err
	}
	phase("creating indexes")
	if createErr := s.createIndexes(context.WithoutCancel(ctx), dropped, err != nil); createErr != nil {
		err = errors.Join(err, fmt.Errorf("create the indexes after an import (run it again to repeat this): %w", createErr))
	}
	return err
}

// unfinished is the note about dropped indexes after a first import that failed: all of
// them were created again. The next import continues the first one, and may drop them too.
const unfinished = "[]"

// dropIndexes returns the indexes to create after the import. fresh means that the tables
// have no rows.
func (s *Store) dropIndexes(ctx context.Context, fresh bool) (dropped []index, err error) {
	note, err := s.ImportNote(ctx, droppedNote)
	switch {
	case err == nil && note != "" && note != unfinished:
		err := json.Unmarshal([]byte(note), &dropped)
		return dropped, err
	case err != nil && !errors.Is(err, oauth.ErrNotFound):
		return nil, err
	}
	q := indexesOf[s.db.Dialect().Name]
	if q == "" || !fresh && note != unfinished {
		return nil, nil
	}
	for _, table := range bulkTables {
		err := s.db.Each(ctx, q, func(row sqldb.Row) error {
			var i index
			err := row.Scan(&i.Name, &i.SQL)
			dropped = append(dropped, i)
			return err
		}, table)
		if err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(dropped)
	if err == nil {
		err = s.SetImportNote(ctx, droppedNote, string(text))
	}
	for _, i := range dropped {
		if err == nil {
			err = s.long(ctx, "DROP INDEX IF EXISTS "+i.Name)
		}
	}
	return dropped, err
}

// long runs a statement that may take minutes.
func (s *Store) long(ctx context.Context, statement string) error {
	return s.db.Long(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement)
		return err
	})
}

// withoutTokens reports whether the store has no token yet.
func (s *Store) withoutTokens(ctx context.Context) (bool, error) {
	for _, q := range []string{
		`SELECT f.id FROM oauth_families f LIMIT 1`, `SELECT t.id FROM oauth_access_tokens t LIMIT 1`,
		`SELECT r.digest FROM oauth_refresh_tokens r LIMIT 1`, `SELECT o.scope FROM oauth_consents o LIMIT 1`,
		`SELECT c.digest FROM oauth_auth_codes c LIMIT 1`, `SELECT u.digest FROM oauth_imported_refresh_tokens u LIMIT 1`,
	} {
		var id string
		err := s.db.Row(ctx, q, func(row sqldb.Row) error { return row.Scan(&id) })
		if err == nil || !errors.Is(err, oauth.ErrNotFound) {
			return false, err
		}
	}
	return true, nil
}

// createIndexes creates indexes after an import, which may have failed.
func (s *Store) createIndexes(ctx context.Context, dropped []index, failed bool) error {
	for _, i := range dropped {
		if err := s.long(ctx, strings.Replace(i.SQL, "CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", 1)); err != nil {
			return err
		}
	}
	if err := analyze(ctx, s.db.SQL(), s.db.Dialect()); err != nil {
		return err
	}
	note := ""
	if failed {
		note = unfinished
	}
	return s.SetImportNote(ctx, droppedNote, note)
}
