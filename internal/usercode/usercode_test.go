package usercode_test

import (
	"math"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/usercode"
)

func TestUserCode_DV_03_B13_Random(t *testing.T) {
	if bits := usercode.Length * math.Log2(float64(len(usercode.Alphabet))); bits < 34 {
		t.Errorf("a user code has %.1f bits, want at least 34", bits)
	}
	seen, used := map[string]bool{}, map[rune]int{}
	for range 2000 {
		code := usercode.New()
		if len(code) != usercode.Length || strings.Trim(code, usercode.Alphabet) != "" || seen[code] {
			t.Fatalf("New() = %q, want %d new characters of %s", code, usercode.Length, usercode.Alphabet)
		}
		seen[code] = true
		for _, r := range code {
			used[r]++
		}
	}
	for _, r := range usercode.Alphabet {
		if n := used[r]; n < 600 || n > 1000 { // 800 are expected, and 27 the standard deviation
			t.Errorf("%c occurs %d times in 16,000 characters, want about 800", r, n)
		}
	}
}

func TestUserCode_DV_03_Normalize(t *testing.T) {
	for typed, want := range map[string]string{
		"WDJB-MJHT": "WDJBMJHT", "wdjbmjht": "WDJBMJHT", " wdjb mjht\n": "WDJBMJHT", "w.d.j.b—m_j/h t": "WDJBMJHT",
		"WDJB\u200bMJHT\ufeff": "WDJBMJHT", // invisible characters of a copied text
		"ＷＤＪＢ－ＭＪＨＴ":            "WDJBMJHT", // full width
		"WDJВ-МJНТ":            "WDJBMJHT", // four letters are Cyrillic
		"8562-1IUB":            "BSGZLLVB", // look-alikes
		"":                     "", "WDJB": "", "WDJB-MJHTB": "", "WDJB-MJHA": "", "WDJB-MJH0": "", "WDJB+MJHT": "", "\xff\xfeWDJBMJH": "", strings.Repeat(" ", 93) + "WDJBMJHT": "",
	} {
		got, ok := usercode.Normalize(typed)
		if ok != (want != "") || ok && got != want {
			t.Errorf("Normalize(%q) = %q, %v, want %q", typed, got, ok, want)
		}
	}
	for shown, code := range map[string]string{"WDJB-MJHT": "WDJBMJHT", "x": "x"} {
		if got := usercode.Shown(code); got != shown {
			t.Errorf("Shown(%q) = %q, want %q", code, got, shown)
		}
	}
}

// A normalized code is made of the alphabet, and normalizing it again, in any spelling,
// changes nothing.
func FuzzNormalize(f *testing.F) {
	for _, typed := range []string{"WDJB-MJHT", "wdjb mjht", "ＷＤＪＢ", "В856-ιι", "\xff", "ı-ſ-K-\u212a", strings.Repeat("-", 99)} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := usercode.Normalize(typed)
		if !ok {
			return
		}
		if len(code) != usercode.Length || strings.Trim(code, usercode.Alphabet) != "" {
			t.Fatalf("Normalize(%q) = %q, want %d characters of the alphabet", typed, code, usercode.Length)
		}
		for _, spelling := range []string{code, strings.ToLower(code), usercode.Shown(code), " " + usercode.Shown(strings.ToLower(code)) + "\n"} {
			if again, ok := usercode.Normalize(spelling); !ok || again != code {
				t.Fatalf("Normalize(%q) = %q, %v, want %q", spelling, again, ok, code)
			}
		}
	})
}
