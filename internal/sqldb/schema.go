package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// Intact returns nil if the database has every table and column that the files of a set
// create, and otherwise an error that says what to do. It also accepts tables that
// another tool created from these files. It changes nothing. If nothing is missing, it
// takes one statement that reads no row.
func (db *DB) Intact(ctx context.Context, set string, files fs.FS) error {
	names, err := migrationNames(files)
	if err != nil {
		return err
	}
	var want schema
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		want.add(string(content))
	}
	lost := db.Each(ctx, want.probe(), func(Row) error { return nil })
	if lost == nil || errors.Is(lost, oauth.ErrUnavailable) {
		return lost
	}
	switch missing := db.Migrated(ctx, set, files); {
	case errors.Is(missing, oauth.ErrUnavailable):
		return missing
	case missing != nil:
		return fmt.Errorf("%w (%w)", missing, lost)
	}
	return incomplete{fmt.Errorf("the migrations of %q were applied, but a table or a column that they created is missing: restore it from a backup (%w)", set, lost)}
}

// incomplete is the error of a database that lacks a migration, a table or a column.
type incomplete struct{ error }

func (e incomplete) Unwrap() error { return e.error }

// Incomplete reports whether an error says that the database lacks a migration, a
// table or a column, and what to do.
func Incomplete(err error) bool {
	_, ok := errors.AsType[incomplete](err)
	return ok
}

// schema holds the tables that migrations create, and their columns as table.column.
type schema struct{ tables, columns []string }

var (
	createTable = regexp.MustCompile(`(?s)^CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*)\)`)
	addColumn   = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN (?:IF NOT EXISTS )?(\w+)`)
	columnLine  = regexp.MustCompile(`^(\w+) \w`)
	keyLine     = regexp.MustCompile(`^(PRIMARY KEY|UNIQUE|KEY|INDEX|CONSTRAINT|FOREIGN KEY|CHECK)\b`)
)

// add reads a file in goose's format. It supports the statements of our migrations,
// which only add tables and columns, with one column per line.
func (s *schema) add(content string) {
	for _, statement := range upStatements(content) {
		statement = strings.TrimSpace(statement)
		if found := addColumn.FindStringSubmatch(statement); found != nil {
			s.columns = append(s.columns, found[1]+"."+found[2])
			continue
		}
		found := createTable.FindStringSubmatch(statement)
		if found == nil {
			continue
		}
		s.tables = append(s.tables, found[1])
		for line := range strings.Lines(found[2]) {
			line = strings.TrimSpace(line)
			if column := columnLine.FindStringSubmatch(line); column != nil && !keyLine.MatchString(line) {
				s.columns = append(s.columns, found[1]+"."+column[1])
			}
		}
	}
}

// probe returns a SELECT that returns no row, and fails if a table or a column is
// missing: a database resolves the names of a statement before it runs it.
func (s *schema) probe() string {
	parts := make([]string, 0, len(s.tables))
	for _, table := range s.tables {
		columns := slices.DeleteFunc(slices.Clone(s.columns), func(c string) bool { return !strings.HasPrefix(c, table+".") })
		parts = append(parts, `EXISTS (SELECT `+strings.Join(columns, `, `)+` FROM `+table+` WHERE 1 = 0)`)
	}
	return `SELECT n.one FROM (SELECT 1 AS one) n WHERE ` + strings.Join(parts, ` OR `)
}
