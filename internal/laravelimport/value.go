package laravelimport

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// moment scans a date and time, which drivers return as text or as a [time.Time]. It takes
// the wall clock and puts it into the zone of the application. NULL is the zero time.
type moment struct {
	into *time.Time
	zone *time.Location // nil: the value is an instant
}

// layouts are the forms in which the databases return a date and time.
var layouts = []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02"}

// Scan implements [sql.Scanner].
func (m moment) Scan(v any) error {
	*m.into = time.Time{}
	switch v := v.(type) {
	case nil:
		return nil
	case time.Time:
		*m.into = m.inZone(v)
		return nil
	case int64:
		*m.into = time.Unix(v, 0).UTC()
		return nil
	case []byte:
		return m.parse(string(v))
	case string:
		return m.parse(v)
	}
	return fmt.Errorf("want a date and time, not a %T", v)
}

func (m moment) parse(text string) error {
	if text == "" || strings.HasPrefix(text, "0000-00-00") { // MySQL's date of nothing
		return nil
	}
	if at, ok := plainTime(text); ok {
		*m.into = m.inZone(at)
		return nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		*m.into = time.Unix(seconds, 0).UTC()
		return nil
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			*m.into = m.inZone(at)
			return nil
		}
	}
	return fmt.Errorf("%.40q is not a date and time", text)
}

// plainTime reads the form in which Laravel stores times, 2006-01-02 15:04:05. [time.Parse]
// takes ten times as long, and millions of tokens have three times each.
func plainTime(text string) (at time.Time, ok bool) {
	const form = "0000-00-00 00:00:00"
	if len(text) != len(form) {
		return at, false
	}
	var parts [6]int
	n := 0
	for i := range len(form) {
		switch c := text[i]; {
		case form[i] != '0':
			if c != form[i] {
				return at, false
			}
			n++
		case c < '0' || c > '9':
			return at, false
		default:
			parts[n] = 10*parts[n] + int(c-'0')
		}
	}
	at = time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], 0, time.UTC)
	valid := at.Month() == time.Month(parts[1]) && at.Day() == parts[2] && at.Hour() == parts[3] && at.Minute() == parts[4] && at.Second() == parts[5]
	return at, valid
}

func (m moment) inZone(wall time.Time) time.Time {
	if m.zone == nil {
		return wall.UTC().Truncate(time.Microsecond)
	}
	return time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), m.zone).UTC().Truncate(time.Microsecond)
}

// id scans the key of a row: a number, a UUID or text. NULL is empty.
type id struct{ into *string }

// Scan implements [sql.Scanner].
func (i id) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*i.into = ""
	case int64:
		*i.into = strconv.FormatInt(v, 10)
	case uint64:
		*i.into = strconv.FormatUint(v, 10)
	case []byte:
		*i.into = strings.TrimRight(string(v), " ") // char(80) and char(36) on PostgreSQL
	case string:
		*i.into = strings.TrimRight(v, " ")
	default:
		return fmt.Errorf("want a number or a text, not a %T", v)
	}
	return nil
}

// text scans a text. NULL is empty.
type text struct{ into *string }

// Scan implements [sql.Scanner].
func (t text) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t.into = ""
	case []byte:
		*t.into = string(v)
	case string:
		*t.into = v
	default:
		return fmt.Errorf("want a text, not a %T", v)
	}
	return nil
}

// flag scans a boolean, which some databases return as a number. NULL is false.
type flag struct{ into *bool }

// Scan implements [sql.Scanner].
func (f flag) Scan(v any) (err error) {
	switch v := v.(type) {
	case nil:
		*f.into = false
	case bool:
		*f.into = v
	case int64:
		*f.into = v != 0
	case []byte:
		*f.into, err = parseFlag(string(v))
	case string:
		*f.into, err = parseFlag(v)
	default:
		return fmt.Errorf("want a boolean, not a %T", v)
	}
	return err
}

func parseFlag(s string) (bool, error) {
	switch s {
	case "1", "t", "true", "\x01":
		return true, nil
	case "0", "f", "false", "\x00", "":
		return false, nil
	}
	return false, fmt.Errorf("%.20q is not a boolean", s)
}

// list scans a JSON array of texts. Known is false for NULL and for JSON that is not an
// array of PHP, which Laravel treats the same. A JSON object is such an array, too.
type list struct {
	into  *[]string
	known *bool // may be nil
}

// Scan implements [sql.Scanner].
func (l list) Scan(v any) error {
	var s string
	if err := (text{&s}).Scan(v); err != nil {
		return err
	}
	items, ok := parseList(s)
	*l.into = items
	if l.known != nil {
		*l.known = ok
	}
	return nil
}

// parseList reads a JSON array of texts. Numbers are taken as they are written. PHP
// writes an array as an object if its keys have a gap.
func parseList(s string) (items []string, ok bool) {
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(s), &raw); err != nil {
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &members) != nil {
			return nil, false
		}
		for _, key := range slices.Sorted(maps.Keys(members)) {
			raw = append(raw, members[key])
		}
	} else if raw == nil {
		return nil, false
	}
	items = make([]string, 0, len(raw))
	for _, r := range raw {
		var item string
		if err := json.Unmarshal(r, &item); err != nil {
			item = string(r)
		}
		items = append(items, item)
	}
	return items, true
}
