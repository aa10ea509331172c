package logline_test

import (
	"strconv"
	"testing"

	"github.com/go-passport/passport/internal/logline"
)

func TestOnce_FR_32_EachKeyOnceUpToALimit(t *testing.T) {
	var once logline.Once
	first := 0
	for range 2 {
		for i := range 5000 {
			if once.First(strconv.Itoa(i)) {
				first++
			}
		}
	}
	if first != 1000 {
		t.Errorf("5000 keys, each twice, are first %d times, want 1000", first)
	}
}
