package storable_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/storable"
)

func TestName_FR_11(t *testing.T) {
	for _, text := range []string{"a", "Tea & Co.", "名前", "é", "e\u0301", "👩\u200d🚀", "می\u200cخواهم", "❤\ufe0f", strings.Repeat("a", 255)} {
		if !storable.Name(text) {
			t.Errorf("Name(%q) = false, want true", text)
		}
	}
	for _, text := range []string{
		"", strings.Repeat("a", 256), "\xff", "a\x00", "a\nb", "a\x1b[31m", "a\x7f", "a\u0085b", "a\u009b31m", "a\u202eb", "a\u2066b",
		"a\u200bb", "a\u200eb", "a\u2028b", "a\ufeffb", "a\u00adb", "a\U000e0041b",
	} {
		if storable.Name(text) {
			t.Errorf("Name(%q) = true, want false", text)
		}
	}
	if !storable.Text("a\u2028b") || storable.Text("a\nb") || storable.Text("a\x7f") {
		t.Error("want Text to accept U+2028 and to refuse ASCII control characters")
	}
}
