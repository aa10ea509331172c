package sqldb

import (
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPack(t *testing.T) {
	for q, want := range map[string]string{
		"SELECT a, b FROM t WHERE c = ?":                        "SELECT json_array(a, b) AS packed FROM t WHERE c = ?",
		"SELECT a,\nb\nFROM t":                                  "SELECT json_array(a,\nb) AS packed\nFROM t",
		"SELECT a, (SELECT MIN(x.y, 1) FROM x), b FROM t":       "SELECT json_array(a, (SELECT MIN(x.y, 1) FROM x), b) AS packed FROM t",
		"SELECT a, COALESCE(b, (SELECT 1 FROM c)) FROM (SELECT": "SELECT json_array(a, COALESCE(b, (SELECT 1 FROM c))) AS packed FROM (SELECT",
		"SELECT a FROM t":                                       "",
		"SELECT COALESCE(a, b) FROM t":                          "",
		"SELECT 1":                                              "",
		"SELECT 1, 2":                                           "",
		"PRAGMA a":                                              "",
		"UPDATE t SET a = ?, b = ?":                             "",
	} {
		got, packed := pack(q)
		if want == "" {
			want = q
		}
		if got != want || packed != (got != q) {
			t.Errorf("pack(%q) = %q, %v, want %q", q, got, packed, want)
		}
	}
}

func TestUnpack(t *testing.T) {
	type name string
	var (
		text, empty string
		kind        name
		number      int64
		small       int
		version     int64
		null        sql.NullString
		at          time.Time
		list        []string
	)
	err := unpack(`["a\"\\\/\b\f\n\r\t\u0001é😀","","x",-9223372036854775808,7,9223372036854775807,null,1000001,"read write"]`,
		[]any{&text, &empty, &kind, &number, &small, &version, &null, Micros{T: &at}, List{L: &list}})
	if err != nil {
		t.Fatal(err)
	}
	if text != "a\"\\/\b\f\n\r\t\x01é😀" || empty != "" || kind != "x" || number != math.MinInt64 || small != 7 || version != math.MaxInt64 ||
		null.Valid || at.UnixMicro() != 1000001 || !reflect.DeepEqual(list, []string{"read", "write"}) {
		t.Errorf("unpack read %q %q %q %d %d %d %v %v %q", text, empty, kind, number, small, version, null, at, list)
	}
}

// A value that does not fit is an error. It never ends up in another column.
func TestUnpack_Refuses(t *testing.T) {
	var s string
	var n int64
	var i8 int8
	var f float64
	for array, into := range map[string][]any{
		``:                      {&s},
		`{}`:                    {&s},
		`["a"`:                  {&s},
		`["a]`:                  {&s},
		`["a\`:                  {&s},
		`["\x"]`:                {&s},
		`["\u00"]`:              {&s},
		`["\u00zz"]`:            {&s},
		`["\ud83d"]`:            {&s}, // SQLite escapes only ASCII
		`["a","b"]`:             {&s},
		`["a"]`:                 {&s, &n},
		`["a";1]`:               {&s, &n},
		`[1]`:                   {&s},
		`["1"]`:                 {&n},
		`[null]`:                {&s},
		`[300]`:                 {&i8},
		`[1.5]`:                 {&n},
		`[9223372036854775808]`: {&n},
		`[1]` + " ":             {&n},
		`[true]`:                {&n},
		`[1,]`:                  {&n, &n},
		`["1.5"]`:               {&f},
		`["a"] `:                {s}, // not a pointer
	} {
		if err := unpack(array, into); err == nil {
			t.Errorf("unpack(%s) into %d columns = nil, want an error", array, len(into))
		}
	}
	refuse := Micros{T: new(time.Time)}
	if err := unpack(`["x"]`, []any{refuse}); err == nil || errors.Is(err, errPacked) {
		t.Errorf("unpack of a text as a time = %v, want the error of Micros", err)
	}
}

// FuzzUnpack compares unpack with encoding/json: both read the same values from each
// array that unpack accepts.
func FuzzUnpack(f *testing.F) {
	f.Add("a", int64(1), `["a",1]`)
	f.Add("\x00\x1f\"\\/'\u2028\xff", int64(math.MinInt64), `["\u0000\"",-1]`)
	f.Add("", int64(0), `["a\\",0]`)
	f.Fuzz(func(t *testing.T, text string, number int64, raw string) {
		if utf8.ValidString(text) {
			written, err := json.Marshal([]any{text, number})
			if err != nil {
				t.Fatal(err)
			}
			// SQLite escapes only ASCII, encoding/json also U+2028 and U+2029.
			array := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(string(written))
			var s string
			var n int64
			if err := unpack(array, []any{&s, &n}); err != nil && !strings.Contains(text, `\u`) || err == nil && (s != text || n != number) {
				t.Fatalf("unpack(%s) = %q, %d, %v, want %q, %d", array, s, n, err, text, number)
			}
		}
		var s string
		var n int64
		if unpack(raw, []any{&s, &n}) != nil || !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' }) {
			return // SQLite escapes control characters, so unpack does not check
		}
		var want []any
		d := json.NewDecoder(strings.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			if _, leading := errors.AsType[*json.SyntaxError](err); leading && (strings.Contains(raw, "0") || strings.Contains(raw, "+")) {
				return // ParseInt accepts 007 and +7
			}
			t.Fatalf("unpack(%q) = nil, but encoding/json returns %v", raw, err)
		}
		if len(want) != 2 || want[0] != s {
			t.Fatalf("unpack(%q) = %q, %d, encoding/json reads %q", raw, s, n, want)
		}
	})
}
