package sqldb

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Storable reports whether an ID can be stored: valid UTF-8 without NUL, at most 255
// bytes. Check an ID before a query by it: for any other ID, databases return an error
// instead of an empty result.
func Storable(id string) bool {
	return len(id) <= 255 && utf8.ValidString(id) && strings.IndexByte(id, 0) < 0
}

// At returns a time in its stored form: Unix microseconds.
func At(t time.Time) int64 { return t.UnixMicro() }

// When returns a time in its stored form; NULL for the zero time.
func When(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Micros scans a time that [At] or [When] stored, in UTC.
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

// Optional returns a text in its stored form; NULL for an empty text. NULL never
// equals another NULL, so a unique index ignores it.
func Optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Text scans a text that [Optional] stored.
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

// Length returns a duration in its stored form: microseconds; NULL for 0.
func Length(d time.Duration) any {
	if d == 0 {
		return nil
	}
	return d.Microseconds()
}

// Span scans a duration that [Length] stored.
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

// Joined returns a list in its stored form: separated by spaces. A nil list is NULL,
// but an empty list is not: a client that may request no scope differs from a client
// that may request all.
func Joined(l []string) any {
	if l == nil {
		return nil
	}
	return strings.Join(l, " ")
}

// List scans a list that [Joined] stored.
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

// Encoded returns a map in its stored form: JSON, which no query inspects. A nil
// map is NULL.
func Encoded(m map[string]string) (any, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(m)
	return string(b), err
}

// Attributes scans a map that [Encoded] stored.
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

// Flag returns a boolean in its stored form: 1 or 0, in every dialect.
func Flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Bool scans a boolean that [Flag] stored; NULL is false.
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

// value is the value of a column.
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

// setter receives a value from any source.
type setter interface{ set(v value) error }

// scan passes a value that a driver has read to a setter.
func scan(into setter, v any) error {
	read, err := valueOf(v)
	if err != nil {
		return fmt.Errorf("scan into a %T: %w", into, err)
	}
	return into.set(read)
}

// valueOf converts a value that a driver has read. Drivers return texts as string
// or []byte.
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
	return value{}, fmt.Errorf("unexpected type %T", v)
}

// not returns the error for a value of another type.
func (v value) not(what string) error {
	return fmt.Errorf("scan %s: unexpected type %T", what, v.driver())
}

// driver returns the value as a driver returns it.
func (v value) driver() any {
	switch v.kind {
	case isText:
		return v.text
	case isNumber:
		return v.number
	}
	return nil
}
