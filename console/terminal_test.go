package console_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

func TestWidth_PG_11(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "Order": 5, "東京": 4, "ｶﾅ": 2, "한글": 4, "…": 1, "e\u0301": 1, "é": 1, "🚀": 2, "🇩🇪": 2,
		"👩\u200d👩\u200d👧": 2, "α": 1, "“x”": 3, "שלום": 4,
	} {
		if got := console.Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCut_PG_11(t *testing.T) {
	for _, test := range []struct {
		text    string
		columns int
		want    string
	}{
		{"Order", 5, "Order"}, {"Orders", 5, "Orde…"}, {"東京の注文", 5, "東京…"}, {"東京の注文", 6, "東京…"},
		{"a👩\u200d👩\u200d👧b", 3, "a…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, {"", 3, ""},
	} {
		got := console.Cut(test.text, test.columns)
		if got != test.want || console.Width(got) > test.columns {
			t.Errorf("Cut(%q, %d) = %q of %d columns, want %q", test.text, test.columns, got, console.Width(got), test.want)
		}
	}
}

// Only the styles of the program reach the terminal. A control sequence in a text is
// escaped, wherever the text comes from.
func TestScreen_FR_11_TextsDoNotSteer(t *testing.T) {
	const evil = "a\x1b[8m\u202eb"
	const escaped = `a\u001b[8m\u202eb`
	for _, colored := range []bool{false, true} {
		got := console.Printed(colored, "%s %v %s", evil, errors.New(evil), evil)
		if colored {
			got = strings.Replace(strings.Replace(got, "\x1b[1m", "", 1), "\x1b[22m", "", 1)
		}
		if want := escaped + " " + escaped + " " + escaped; got != want {
			t.Errorf("with colors %t the screen shows %q, want %q", colored, got, want)
		}
	}
}
