package sqldb

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Storable reports whether an ID can be stored, and so be found: valid UTF-8
// without NUL, at most 255 bytes. Databases answer others with an error and not
// with no rows, so whoever reads by an ID asks this first.
func Storable(id string) bool {
	return len(id) <= 255 && utf8.ValidString(id) && strings.IndexByte(id, 0) < 0
}

// At is a time as it is stored: Unix microseconds.
func At(t time.Time) int64 { return t.UnixMicro() }

// When is a time as it is stored; the zero time is NULL.
func When(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Micros scans what [At] and [When] store, into a time in UTC.
type Micros struct{ T *time.Time }

// Scan implements [database/sql.Scanner].
func (m Micros) Scan(v any) error { return scan(m, v) }

func (m Micros) set(v value) error {
	switch v.kind {
	case isNull:
		*m.T = time.Time{}
	case isNumber:
		*m.T = time.UnixMicro(v.number).UTC()
	default:
		return v.not("time")
	}
	return nil
}

// Optional is a text as it is stored; an empty one is NULL, which is never equal
// to another.
func Optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Text scans what [Optional] stores.
type Text struct{ S *string }

// Scan implements [database/sql.Scanner].
func (t Text) Scan(v any) error { return scan(t, v) }

func (t Text) set(v value) error {
	if v.kind == isNumber {
		return v.not("text")
	}
	*t.S = v.text
	return nil
}

// Length is a span of time as it is stored: microseconds; none is NULL.
func Length(d time.Duration) any {
	if d == 0 {
		return nil
	}
	return d.Microseconds()
}

// Span scans what [Length] stores.
type Span struct{ D *time.Duration }

// Scan implements [database/sql.Scanner].
func (s Span) Scan(v any) error { return scan(s, v) }

func (s Span) set(v value) error {
	if v.kind == isText {
		return v.not("span of time")
	}
	*s.D = time.Duration(v.number) * time.Microsecond
	return nil
}

// Number scans a number; NULL is 0.
type Number struct{ N *int64 }

// Scan implements [database/sql.Scanner].
func (n Number) Scan(v any) error { return scan(n, v) }

func (n Number) set(v value) error {
	if v.kind == isText {
		return v.not("number")
	}
	*n.N = v.number
	return nil
}

// Joined is a list as it is stored: delimited by spaces. A nil list is NULL and
// an empty one is not, for a client that may ask for no scope is not a client
// that may ask for all.
func Joined(l []string) any {
	if l == nil {
		return nil
	}
	return strings.Join(l, " ")
}

// List scans what [Joined] stores.
type List struct{ L *[]string }

// Scan implements [database/sql.Scanner].
func (l List) Scan(v any) error { return scan(l, v) }

func (l List) set(v value) error {
	switch v.kind {
	case isNull:
		*l.L = nil
	case isText:
		*l.L = strings.Fields(v.text)
	default:
		return v.not("list")
	}
	return nil
}

// Encoded is a map as it is stored: JSON, which no query looks into. A nil map
// is NULL.
func Encoded(m map[string]string) (any, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(m)
	return string(b), err
}

// Attributes scans what [Encoded] stores.
type Attributes struct{ M *map[string]string }

// Scan implements [database/sql.Scanner].
func (a Attributes) Scan(v any) error { return scan(a, v) }

func (a Attributes) set(v value) error {
	*a.M = nil
	switch v.kind {
	case isNull:
		return nil
	case isNumber:
		return v.not("attributes")
	}
	if err := json.Unmarshal([]byte(v.text), a.M); err != nil {
		return fmt.Errorf("scan attributes: %w", err)
	}
	return nil
}

// Flag is a boolean as it is stored: 1 or 0, in every dialect.
func Flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Bool scans what [Flag] stores; NULL is false.
type Bool struct{ B *bool }

// Scan implements [database/sql.Scanner].
func (b Bool) Scan(v any) error { return scan(b, v) }

func (b Bool) set(v value) error {
	if v.kind == isText {
		return v.not("flag")
	}
	*b.B = v.number != 0
	return nil
}

// value is what a column of ours holds.
type value struct {
	kind   kind
	text   string
	number int64
}

type kind int

const (
	isNull kind = iota
	isText
	isNumber
)

// A setter takes a value from wherever it was read.
type setter interface{ set(v value) error }

// scan gives a setter what a driver has read.
func scan(into setter, v any) error {
	read, err := valueOf(v)
	if err != nil {
		return fmt.Errorf("scan into a %T: %w", into, err)
	}
	return into.set(read)
}

// valueOf is what a driver has read: it returns texts in two types.
func valueOf(v any) (value, error) {
	switch v := v.(type) {
	case nil:
		return value{}, nil
	case string:
		return value{kind: isText, text: v}, nil
	case []byte:
		return value{kind: isText, text: string(v)}, nil
	case int64:
		return value{kind: isNumber, number: v}, nil
	}
	return value{}, fmt.Errorf("it is a %T", v)
}

// not says that a value is none of what is scanned.
func (v value) not(what string) error { return fmt.Errorf("scan %s: it is a %T", what, v.driver()) }

// driver is the value as a driver returns it.
func (v value) driver() any {
	switch v.kind {
	case isText:
		return v.text
	case isNumber:
		return v.number
	}
	return nil
}
