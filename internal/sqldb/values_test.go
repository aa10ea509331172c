package sqldb_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

func TestStorable(t *testing.T) {
	for id, want := range map[string]bool{
		"": true, "a": true, "名前": true, " ": true, strings.Repeat("a", 255): true,
		strings.Repeat("a", 256): false, strings.Repeat("é", 128): false, "\x00": false, "a\x00": false, "\xff": false, "a\xc3": false,
	} {
		if got := sqldb.Storable(id); got != want {
			t.Errorf("Storable(%.20q) = %v, want %v", id, got, want)
		}
	}
}

// stored returns a value in the forms that drivers return.
func stored(v any) []any {
	if text, ok := v.(string); ok {
		return []any{text, []byte(text)}
	}
	return []any{v}
}

func TestValues_RoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	for _, v := range stored(sqldb.When(at)) {
		var got time.Time
		if err := (sqldb.Micros{T: &got}).Scan(v); err != nil || got != at.UTC().Truncate(time.Microsecond) {
			t.Errorf("Micros.Scan() of a stored time = %v, %v, want %v in UTC, cut to microseconds", got, err, at)
		}
	}
	got := at
	if err := (sqldb.Micros{T: &got}).Scan(sqldb.When(time.Time{})); err != nil || !got.IsZero() {
		t.Errorf("Micros.Scan() of the zero time = %v, %v, want it zero", got, err)
	}
	for _, list := range [][]string{nil, {}, {"a"}, {"a", "b"}} {
		for _, v := range stored(sqldb.Joined(list)) {
			got := []string{"old"}
			if err := (sqldb.List{L: &got}).Scan(v); err != nil || !slices.Equal(got, list) || (got == nil) != (list == nil) {
				t.Errorf("List.Scan() of the list %#v = %#v, %v, want the same list", list, got, err)
			}
		}
	}
	for _, m := range []map[string]string{nil, {}, {"a": "b", "": `"<&>"`}} {
		encoded, err := sqldb.Encoded(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range stored(encoded) {
			got := map[string]string{"old": "old"}
			if err := (sqldb.Attributes{M: &got}).Scan(v); err != nil || !maps.Equal(got, m) || (got == nil) != (m == nil) {
				t.Errorf("Attributes.Scan() of the map %#v = %#v, %v, want the same map", m, got, err)
			}
		}
	}
	for v, want := range map[any]int64{nil: 0, int64(0): 0, int64(7): 7} {
		got := int64(9)
		if err := (sqldb.Number{N: &got}).Scan(v); err != nil || got != want {
			t.Errorf("Number.Scan(%v) = %d, %v, want %d", v, got, err, want)
		}
	}
	for _, b := range []bool{false, true} {
		got := !b
		if err := (sqldb.Bool{B: &got}).Scan(sqldb.Flag(b)); err != nil || got != b {
			t.Errorf("Bool.Scan() of the flag %v = %v, %v, want the same", b, got, err)
		}
	}
}

func TestValues_WrongColumn(t *testing.T) {
	var at time.Time
	var list []string
	var attributes map[string]string
	var flag bool
	var number int64
	for name, err := range map[string]error{
		"time":       (sqldb.Micros{T: &at}).Scan("noon"),
		"list":       (sqldb.List{L: &list}).Scan(int64(1)),
		"attributes": (sqldb.Attributes{M: &attributes}).Scan("{"),
		"flag":       (sqldb.Bool{B: &flag}).Scan("yes"),
		"number":     (sqldb.Number{N: &number}).Scan("7"),
	} {
		if err == nil {
			t.Errorf("Scan() of a %s from a column of another type = nil, want an error", name)
		}
	}
}
