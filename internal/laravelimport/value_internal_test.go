package laravelimport

import (
	"testing"
	"time"
)

// The fast reader of times agrees with package time about every text that it accepts, and
// leaves the others to it.
func TestPlainTime_AgreesWithTime(t *testing.T) {
	for _, text := range []string{
		"2026-06-01 12:34:56", "2024-02-29 00:00:00", "1970-01-01 00:00:00", "9999-12-31 23:59:59", "2026-02-30 00:00:00", "2026-13-01 00:00:00",
		"2026-00-10 00:00:00", "2026-06-01 24:00:00", "2026-06-01 12:60:00", "2026-06-01 12:00:61", "2026-06-01T12:34:56", "2026-06-01 12:34:5x",
		"2026-06-01 12:34:56.5", "2026-06-01", "", "0000-00-00 00:00:00",
	} {
		want, err := time.Parse(time.DateTime, text)
		got, ok := plainTime(text)
		if ok && (err != nil || !got.Equal(want)) {
			t.Errorf("plainTime(%q) = %v, want %v, %v", text, got, want, err)
		}
		if len(text) == len(time.DateTime) && ok != (err == nil) {
			t.Errorf("plainTime(%q) reports %v, want %v: %v", text, ok, err == nil, err)
		}
	}
}

// A time in SQLite is text or a number of seconds, whatever the type of its column is.
func TestMoment_ReadsWhatSQLiteStores(t *testing.T) {
	want := time.Date(2026, 6, 1, 12, 34, 56, 0, time.UTC)
	for _, stored := range []any{"2026-06-01 12:34:56", "1780317296", int64(1780317296), []byte("2026-06-01T12:34:56Z"), want} {
		var got time.Time
		if err := (moment{&got, time.UTC}).Scan(stored); err != nil || !got.Equal(want) {
			t.Errorf("Scan(%v) = %v, %v, want %v", stored, got, err, want)
		}
	}
}
