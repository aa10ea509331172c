package laravelimport

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// Source is the database of a Laravel application.
type Source struct {
	DB       *sql.DB
	Dialect  sqldb.Dialect
	Prefix   string         // of the table names; empty for most applications
	Location *time.Location // the time zone of Laravel (app.timezone). Default: UTC
}

// prefixForm allows only prefixes that need no escaping in an identifier.
var prefixForm = regexp.MustCompile(`^[A-Za-z0-9_]{0,64}$`)

// Snapshot is a read transaction on a source. It is not safe for concurrent use.
type Snapshot struct {
	tx     *sql.Tx
	reader interface {
		QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	} // tx
	source  Source
	columns map[string]columnTypes // by table, without prefix
	probes  map[string]columnTypes // the same of tables that are not Passport's

	lists map[string][]string // the scopes of tokens, by their text

	// NewestCreatedAt is the newest created_at of an access token, or zero. Compared
	// with the current time, it shows a wrong time zone.
	NewestCreatedAt time.Time
}

// columnTypes are the database types of a table's columns, by name.
type columnTypes map[string]string

func (c columnTypes) has(name string) bool {
	_, ok := c[name]
	return ok
}

// zone returns the zone of a column with times: wall, or nil if the column has instants.
// PostgreSQL stores an instant in timestamptz. MySQL does too in a timestamp, but shows it
// in the time zone of the session, so it is a wall clock for Laravel.
func (c columnTypes) zone(name string, wall *time.Location) *time.Location {
	if c[name] == "TIMESTAMPTZ" {
		return nil
	}
	return wall
}

// The tables of Passport, without prefix.
const (
	clientsTable  = "oauth_clients"
	accessTable   = "oauth_access_tokens"
	refreshTable  = "oauth_refresh_tokens"
	codesTable    = "oauth_auth_codes"
	personalTable = "oauth_personal_access_clients" // up to version 12
)

// required are the columns that versions 9 to 13 have. Version 8 has no provider.
var required = map[string][]string{
	clientsTable: {"id", "name", "secret", "provider", "revoked", "created_at", "updated_at"},
	accessTable:  {"id", "user_id", "client_id", "name", "scopes", "revoked", "created_at", "expires_at"},
	refreshTable: {"id", "access_token_id", "revoked", "expires_at"},
	codesTable:   {"id", "user_id", "client_id", "scopes", "revoked", "expires_at"},
}

// Open begins the read transaction and checks the tables. Its error lists everything
// that is missing.
func (s Source) Open(ctx context.Context) (*Snapshot, error) {
	if !prefixForm.MatchString(s.Prefix) {
		return nil, errors.New("the table prefix is not valid: want at most 64 letters, digits and underscores")
	}
	if s.Location == nil {
		s.Location = time.UTC
	}
	if err := s.DB.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("connect to the Laravel database: %w", err)
	}
	columns, err := s.inspect(ctx)
	if err != nil {
		return nil, err
	}
	probes := map[string]columnTypes{}
	for _, table := range []string{"users", "sessions"} {
		probes[table], _ = s.columnsOf(ctx, table) // often missing
	}
	tx, err := s.DB.BeginTx(ctx, s.isolation())
	if err != nil {
		return nil, fmt.Errorf("begin a read transaction in the Laravel database: %w", err)
	}
	if s.Dialect.Name == sqldb.SQLite.Name { // random rows: keep the inner pages of the trees of large tables
		if _, err := tx.ExecContext(ctx, `PRAGMA cache_size = -16384`); err != nil { // KiB
			return nil, errors.Join(fmt.Errorf("prepare to read the Laravel database: %w", err), tx.Rollback())
		}
	}
	snap := &Snapshot{tx: tx, reader: tx, source: s, columns: columns, probes: probes, lists: map[string][]string{}}
	if snap.NewestCreatedAt, err = snap.newest(ctx); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return snap, nil
}

// isolation returns the options of a snapshot. In SQLite each transaction is one, and
// the connection is read-only anyway.
func (s Source) isolation() *sql.TxOptions {
	if s.Dialect.Name == sqldb.SQLite.Name {
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// Close ends the read transaction.
func (s *Snapshot) Close() error {
	if err := s.tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// endTransaction makes each query read what is there at its time. In SQLite without a
// write-ahead log, a read transaction keeps every writer out.
func (s *Snapshot) endTransaction() error {
	s.reader = s.source.DB
	return s.tx.Rollback()
}

// inspect returns the columns of each table. The transaction has not begun: a missing
// table would end it on PostgreSQL.
func (s Source) inspect(ctx context.Context) (map[string]columnTypes, error) {
	all := map[string]columnTypes{}
	var faults []error
	var missing []string
	var firstMissing error
	for _, table := range []string{clientsTable, accessTable, refreshTable, codesTable} {
		found, err := s.columnsOf(ctx, table)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			missing, firstMissing = append(missing, s.Prefix+table), cmp.Or(firstMissing, err)
			continue
		}
		all[table] = found
		if table == clientsTable && found.has("auth_method") {
			return nil, errors.New("the database of --from has the tables of Passport for Go, not those of Laravel: name the database of the Laravel application; the target must be another database or schema")
		}
		for _, column := range required[table] {
			if !found.has(column) {
				faults = append(faults, missingColumn(s.Prefix+table, column))
			}
		}
	}
	if missing != nil {
		faults = append(faults, fmt.Errorf("%w: check the URL, the schema and --prefix, and that the user has permission to SELECT", noTable(firstMissing, missing...)))
	}
	faults = append(faults, formFaults(all[clientsTable])...)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if found, err := s.columnsOf(ctx, personalTable); err == nil {
		all[personalTable] = found
	}
	return all, nil
}

// noTable is the fault of tables that a query could not read.
func noTable(err error, tables ...string) error {
	word := "table"
	if len(tables) > 1 {
		word = "tables"
	}
	return fmt.Errorf("the Laravel database has no %s %s that this user can read (%w)", word, strings.Join(tables, ", "), err)
}

func missingColumn(table, column string) error {
	if column == "provider" {
		return fmt.Errorf("the table %s has no column provider: it is from Laravel Passport 8 or older; update the application to Passport 9 or later first", table)
	}
	return fmt.Errorf("the table %s has no column %s: want the tables of Laravel Passport 9 to 13", table, column)
}

// formFaults checks the columns that differ between the versions.
func formFaults(clients columnTypes) (faults []error) {
	if clients == nil {
		return nil
	}
	if !clients.has("redirect") && !clients.has("redirect_uris") {
		faults = append(faults, errors.New("the table of clients has neither a column redirect nor redirect_uris: want the tables of Laravel Passport 9 to 13"))
	}
	if !clients.has("grant_types") && !(clients.has("personal_access_client") && clients.has("password_client")) {
		faults = append(faults, errors.New("the table of clients has neither a column grant_types nor personal_access_client and password_client: want the tables of Laravel Passport 9 to 13"))
	}
	return faults
}

// Readable returns why guards can't read the tables of Laravel, or nil.
func (s Source) Readable(ctx context.Context) error {
	var missing []string
	var last error
	for _, table := range []string{clientsTable, accessTable} {
		if _, err := s.columnsOf(ctx, table); err != nil {
			missing, last = append(missing, s.Prefix+table), err
		}
	}
	if last != nil {
		return noTable(last, missing...)
	}
	return nil
}

func (s Source) columnsOf(ctx context.Context, table string) (columnTypes, error) {
	rows, err := s.DB.QueryContext(ctx, "SELECT * FROM "+s.quoted(table)+" WHERE 1 = 0") //nolint:gosec // prefixForm has checked the name
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	found := columnTypes{}
	for _, t := range types {
		found[t.Name()] = t.DatabaseTypeName()
	}
	return found, rows.Err()
}

// quoted returns the identifier of a table. The prefix has no character to escape.
func (s Source) quoted(table string) string {
	mark := `"`
	if s.Dialect.Name == sqldb.MySQL.Name {
		mark = "`"
	}
	return mark + s.Prefix + table + mark
}

// bind replaces ? with $1, $2 … for PostgreSQL.
func (s Source) bind(q string) string {
	if s.Dialect.Name != sqldb.Postgres.Name {
		return q
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(q, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// each runs a SELECT in the snapshot and calls scan for each row.
func (s *Snapshot) each(ctx context.Context, q string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := s.reader.QueryContext(ctx, s.source.bind(q), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// newest reads the newest created_at. The column has no index, so this reads the whole
// table once; the pages after it find the table in memory.
func (s *Snapshot) newest(ctx context.Context) (at time.Time, err error) {
	q := `SELECT MAX(created_at) FROM ` + s.source.quoted(accessTable)
	err = s.each(ctx, q, func(rows *sql.Rows) error {
		return rows.Scan(moment{&at, s.zone(accessTable, "created_at")})
	})
	if err != nil {
		return at, fmt.Errorf("read the newest created_at: %w", err)
	}
	return at, nil
}

// has reports whether a table has a column.
func (s *Snapshot) has(table, column string) bool { return s.columns[table].has(column) }

// zone returns the zone of a column with times, or nil if it has instants.
func (s *Snapshot) zone(table, column string) *time.Location {
	return s.columns[table].zone(column, s.source.Location)
}

// orNull returns a column's name, or NULL if the table does not have it.
func (s *Snapshot) orNull(table, column string) string {
	if s.has(table, column) {
		return column
	}
	return "NULL"
}
