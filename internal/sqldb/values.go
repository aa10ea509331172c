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
func (m Micros) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m.T = time.Time{}
	case int64:
		*m.T = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("scan time: it is a %T", v)
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
func (t Text) Scan(v any) error {
	s, _, err := characters(v)
	if err != nil {
		return fmt.Errorf("scan text: %w", err)
	}
	*t.S = s
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
func (s Span) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*s.D = 0
	case int64:
		*s.D = time.Duration(v) * time.Microsecond
	default:
		return fmt.Errorf("scan span of time: it is a %T", v)
	}
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
func (l List) Scan(v any) error {
	s, null, err := characters(v)
	switch {
	case err != nil:
		return fmt.Errorf("scan list: %w", err)
	case null:
		*l.L = nil
	default:
		*l.L = append([]string{}, strings.Fields(s)...)
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
func (a Attributes) Scan(v any) error {
	*a.M = nil
	s, null, err := characters(v)
	if err == nil && !null {
		err = json.Unmarshal([]byte(s), a.M)
	}
	if err != nil {
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
func (b Bool) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*b.B = false
	case int64:
		*b.B = v != 0
	default:
		return fmt.Errorf("scan flag: it is a %T", v)
	}
	return nil
}

// characters reads a column of text, which drivers return in two types.
func characters(v any) (s string, null bool, err error) {
	switch v := v.(type) {
	case nil:
		return "", true, nil
	case string:
		return v, false, nil
	case []byte:
		return string(v), false, nil
	}
	return "", false, fmt.Errorf("it is a %T", v)
}
