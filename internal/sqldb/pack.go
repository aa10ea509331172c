package sqldb

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Row is a row of a result.
type Row interface {
	// Scan copies the columns, as [sql.Rows.Scan] does.
	Scan(dest ...any) error
}

func (t *text) row(rows *sql.Rows) Row {
	if t.packed {
		return &packedRow{rows: rows}
	}
	return plainRow{rows}
}

// plainRow is a row as the driver returns it.
type plainRow struct{ *sql.Rows }

// pack makes a SELECT return all columns as one JSON array. An SQLite driver calls the
// engine several times per column, and one of our records with its client and family
// has forty columns. Packing them in the engine and unpacking them here costs half as
// much.
//
// The packed column has a short name because drivers copy it; the default name is the
// whole column list. pack does not change a query with a single column, or one that is
// not a plain SELECT.
func pack(q string) (_ string, packed bool) {
	const verb, next = "SELECT ", " FROM "
	if !strings.HasPrefix(q, verb) {
		return q, false
	}
	list, commas, depth := q[len(verb):], 0, 0
	for i := range len(list) {
		switch list[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				commas++
			}
		case ' ', '\n':
			if depth > 0 || len(list)-i < len(next) || strings.ReplaceAll(list[i:i+len(next)], "\n", " ") != next {
				continue
			}
			if commas == 0 {
				return q, false
			}
			return verb + "json_array(" + list[:i] + ") AS packed" + list[i:], true
		}
	}
	return q, false
}

// packedRow is a row whose only column holds all columns.
type packedRow struct {
	rows *sql.Rows
	text string
}

// Scan implements [Row].
func (r *packedRow) Scan(dest ...any) error {
	if err := r.rows.Scan(&r.text); err != nil {
		return err
	}
	return unpack(r.text, dest)
}

var errPacked = errors.New("read a packed row: not an array of strings and numbers")

// unpack scans the elements of a JSON array: strings, numbers and null.
func unpack(array string, dest []any) error {
	n := 0
	err := elements(array, func(v value) error {
		if n == len(dest) {
			return errPacked
		}
		n++
		return assign(dest[n-1], v)
	})
	if err == nil && n < len(dest) {
		return errPacked
	}
	return err
}

// elements calls take for each element.
func elements(array string, take func(value) error) error {
	rest, ok := strings.CutPrefix(array, "[")
	for i := 0; ok; i++ {
		v, after, err := element(rest)
		if err == nil {
			err = take(v)
		}
		if err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
		if after == "]" {
			return nil
		}
		rest, ok = strings.CutPrefix(after, ",")
	}
	return errPacked
}

// element reads the first element.
func element(s string) (v value, rest string, err error) {
	if rest, ok := strings.CutPrefix(s, "null"); ok {
		return v, rest, nil
	}
	if rest, ok := strings.CutPrefix(s, `"`); ok {
		return quoted(rest)
	}
	end := strings.IndexAny(s, ",]")
	if end < 0 {
		return v, "", errPacked
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	return value{kind: isNumber, number: n}, s[end:], err
}

// quoted reads a string whose opening quote has been read.
func quoted(s string) (v value, rest string, err error) {
	v.kind = isText
	end := strings.IndexAny(s, `"\`)
	if end >= 0 && s[end] == '"' {
		v.text = s[:end]
		return v, s[end+1:], nil
	}
	var b strings.Builder
	for end >= 0 && s[end] != '"' {
		b.WriteString(s[:end])
		r, size := escaped(s[end:])
		if size == 0 {
			return v, "", errPacked
		}
		b.WriteRune(r)
		s = s[end+size:]
		end = strings.IndexAny(s, `"\`)
	}
	if end < 0 {
		return v, "", errPacked
	}
	b.WriteString(s[:end])
	v.text = b.String()
	return v, s[end+1:], nil
}

// escaped reads an escape sequence as SQLite writes it. SQLite does not escape
// non-ASCII characters. The size is zero if there is no valid sequence.
func escaped(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	if s[1] == 'u' {
		if len(s) < 6 {
			return 0, 0
		}
		n, err := strconv.ParseUint(s[2:6], 16, 16)
		if err != nil || n >= utf8.RuneSelf {
			return 0, 0
		}
		return rune(n), 6
	}
	i := strings.IndexByte(`"\/bfnrt`, s[1])
	if i < 0 {
		return 0, 0
	}
	return rune("\"\\/\b\f\n\r\t"[i]), 2
}

// assign stores a value as [sql.Rows.Scan] does. It supports the types that our records
// use.
func assign(into any, v value) error {
	switch into := into.(type) {
	case setter:
		return into.set(v)
	case *sql.NullString:
		*into = sql.NullString{String: v.text, Valid: v.kind == isText}
		if v.kind != isNumber {
			return nil
		}
	case sql.Scanner:
		return into.Scan(v.driver())
	case *string:
		if *into = v.text; v.kind == isText {
			return nil
		}
	case *int64:
		if *into = v.number; v.kind == isNumber {
			return nil
		}
	default:
		return assignKind(reflect.ValueOf(into), v)
	}
	return fmt.Errorf("cannot scan a %T into a %T", v.driver(), into)
}

// assignKind stores into a named string or integer type.
func assignKind(into reflect.Value, v value) error {
	if into.Kind() == reflect.Pointer {
		switch into := into.Elem(); {
		case into.Kind() == reflect.String && v.kind == isText:
			into.SetString(v.text)
			return nil
		case into.CanInt() && v.kind == isNumber && !into.OverflowInt(v.number):
			into.SetInt(v.number)
			return nil
		}
	}
	return fmt.Errorf("cannot scan a %T into a %s", v.driver(), into.Type())
}
