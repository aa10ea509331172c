package uuid_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/uuid"
)

// form matches the text of a UUID of version 7 and variant 10 (RFC 9562 §4,
// §5.7).
var form = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func millis(t *testing.T, id string) int64 {
	t.Helper()
	ms, err := strconv.ParseInt(strings.ReplaceAll(id[:13], "-", ""), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

func TestNewV7_Form(t *testing.T) {
	for range 1000 {
		if id := uuid.NewV7(); !form.MatchString(id) {
			t.Fatalf("NewV7() = %s, want a UUID of version 7", id)
		}
	}
}

func TestNewV7_SortsByTime(t *testing.T) {
	previous := ""
	for range 100_000 {
		id := uuid.NewV7()
		if id <= previous {
			t.Fatalf("NewV7() = %s after %s, want ascending UUIDs", id, previous)
		}
		previous = id
	}
	if d := time.Since(time.UnixMilli(millis(t, previous))); d < -time.Second || d > time.Second {
		t.Errorf("the time in %s is off by %v", previous, d)
	}
}

func TestNewV7_ManyGoroutines(t *testing.T) {
	const goroutines, each = 16, 2000
	all := make([][]string, goroutines)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			for range each {
				all[i] = append(all[i], uuid.NewV7())
			}
		})
	}
	wg.Wait()
	for i := range all {
		if !slices.IsSorted(all[i]) {
			t.Errorf("goroutine %d got IDs out of order", i)
		}
	}
	ids := slices.Sorted(slices.Values(slices.Concat(all...)))
	if n := len(slices.Compact(ids)); n != goroutines*each {
		t.Errorf("%d of %d IDs are different, want all", n, goroutines*each)
	}
}

// In a synctest bubble the clock starts in the year 2000 and moves only by
// sleeping. For NewV7, entering the bubble is like setting the clock back by
// years.
func TestNewV7_FollowsTheClock(t *testing.T) {
	uuid.NewV7()
	synctest.Test(t, func(t *testing.T) {
		first, second := uuid.NewV7(), uuid.NewV7()
		if got, want := millis(t, first), time.Now().UnixMilli(); got != want {
			t.Errorf("the time in an ID is %d, want %d", got, want)
		}
		time.Sleep(3 * time.Millisecond)
		third := uuid.NewV7()
		if !slices.IsSorted([]string{first, second, third}) {
			t.Errorf("out of order: %s, %s, %s", first, second, third)
		}
		if got := millis(t, third) - millis(t, first); got != 3 {
			t.Errorf("3 ms later the time in an ID is %d ms later", got)
		}
	})
}

func BenchmarkNewV7(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		uuid.NewV7()
	}
}

// NewV8 returns the same UUID for the same secret (RFC 9562 §5.8).
func TestNewV8(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for i := range 1000 {
		id := uuid.NewV8("secret " + strconv.Itoa(i))
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("NewV8() = %q, want a new UUID of version 8 for each secret", id)
		}
		seen[id] = true
	}
	if uuid.NewV8("secret 7") != uuid.NewV8("secret 7") {
		t.Error("NewV8() returned two UUIDs for one secret")
	}
}
