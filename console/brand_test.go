package console_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

const logo = `<svg xmlns="http://www.w3.org/2000/svg"/>`

// PA-0: the table [brand] and PASSPORT_BRAND_… set the brand, and faults have their
// names.
func TestSettings_PA_0_Brand(t *testing.T) {
	tests := []struct {
		name, file string
		env        []string
		want       string // in the error; empty for none
	}{
		{"all in the file", "[brand]\nname = \"The Shop\"\nlogo = \"logo.svg\"\naccent = \"#0b6e4f\"\nhome_url = \"https://example.com\"", nil, ""},
		{"dotted names", "brand.name = \"The Shop\"", nil, ""},
		{"in the environment", "", []string{"PASSPORT_BRAND_NAME=The Shop", "PASSPORT_BRAND_LOGO=logo.svg"}, ""},
		{"the environment overrides the file", "[brand]\naccent = \"#fff\"", []string{"PASSPORT_BRAND_ACCENT=#0b6e4f"}, ""},
		{"a light accent", "[brand]\naccent = \"#ffd400\"", nil, `brand.accent "#ffd400": its contrast with the white text of a button is 1.4:1`},
		{"a dark logo alone", "[brand]\nlogo_dark = \"logo.svg\"", nil, "brand.logo_dark is set without brand.logo: set brand.logo, too"},
		{"a logo that is not an image", "[brand]\nlogo = \"passport.toml\"", nil, "brand.logo: want an SVG or PNG file"},
		{"a missing logo", "[brand]\nlogo = \"none.svg\"", nil, "passport.toml: brand.logo: can't read the file: no such file or directory"},
		{"a URL as the logo", "", []string{"PASSPORT_BRAND_LOGO=https://example.com/logo.svg"}, "PASSPORT_BRAND_LOGO: want the name of a file, not a URL"},
		{"an unknown setting", "[brand]\nnam = \"x\"", nil, `passport.toml: unknown setting "brand.nam"; did you mean brand.name?`},
		{"a setting after the table", "[brand]\nname = \"x\"\nissuer = \"https://auth.example.com\"", nil, "passport.toml: issuer is in the table [brand]: move it above the line [brand]"},
		{"a text in place of the table", "brand = \"The Shop\"", nil, "passport.toml: brand is a table: write [brand], and its settings below"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "logo.svg", logo)
			write(t, "passport.toml", test.file)
			got := run(t, console.Options{Env: append([]string{}, test.env...)}, "user", "list")
			if test.want == "" {
				test.want = "no database at sqlite:storage/passport.sqlite" // the settings are valid
			}
			if !strings.Contains(got.stderr, test.want) {
				t.Errorf("stderr is\n%s\nwant %s", got.stderr, test.want)
			}
		})
	}
}
