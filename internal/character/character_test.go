package character_test

import (
	"encoding/json"
	"testing"

	"github.com/go-passport/passport/internal/character"
)

func TestControl_FR_11(t *testing.T) {
	for _, r := range "\x00\t\n\r\x1b\x7f\u0080\u0085\u009b\u009f\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0001\U000e007f" {
		if !character.Control(r) {
			t.Errorf("Control(%U) = false, want true: it controls a terminal or a page", r)
		}
	}
	for _, r := range " ~é\u00a0\u200c\u200d\ufe0f名👩\u0301" {
		if character.Control(r) {
			t.Errorf("Control(%U) = true, want false: names need it", r)
		}
	}
}

func TestEscape_FR_11_SameJSON(t *testing.T) {
	const name = "a\u0085b\u009b31m\u202ec\U000e0041d\x7fé👩\u200d🚀"
	plain, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	escaped := character.Escape(string(plain), "")
	if character.HasControl(escaped) {
		t.Errorf("Escape(%q) = %q, want no control character", plain, escaped)
	}
	var got string
	if err := json.Unmarshal([]byte(escaped), &got); err != nil || got != name {
		t.Errorf("the escaped JSON %q reads as %q, %v, want %q", escaped, got, err, name)
	}
	if got := character.Escape("a\n\tb\u0085", "\n\t"); got != "a\n\tb\\u0085" {
		t.Errorf("Escape keeps %q, want the line end and the tab", got)
	}
}
