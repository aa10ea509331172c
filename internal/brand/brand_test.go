package brand_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/brand"
)

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>`

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is the head of a PNG file that claims to have many pixels.
func bomb() []byte {
	head := append([]byte("IHDR"), 0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(head))
}

func TestFaults_PA_0(t *testing.T) {
	full := brand.Brand{
		Name: "The Shop", Logo: []byte(svg), LogoDark: pngOf(t, 1024, 1024), Accent: "#0b6e4f",
		HomeURL: "https://example.com", PrivacyURL: "https://example.com/privacy?lang=en", TermsURL: "http://localhost:8080/terms", SupportURL: "http://[::1]/help",
	}
	for name, b := range map[string]brand.Brand{
		"none": {}, "all fields": full, "a short accent": {Accent: "#06c"}, "a name in Arabic": {Name: "متجر"},
		"an SVG file with a declaration": {Logo: []byte("<?xml version=\"1.0\"?>\n<!-- a logo -->\n" + svg)},
	} {
		if found := b.Faults(); len(found) > 0 {
			t.Errorf("%s: Faults() = %v, want none", name, found)
		}
	}
	for want, b := range map[string]brand.Brand{
		`Brand.Name "A\u200b": remove spaces around it, and characters that are invisible`:                             {Name: "A\u200b"},
		`Brand.Name " A": remove spaces around it, and characters that are invisible`:                                  {Name: " A"},
		`Brand.Name has 61 characters: want at most 60`:                                                                {Name: strings.Repeat("A", 61)},
		`Brand.Logo: want an SVG or PNG file`:                                                                          {Logo: []byte("GIF89a")},
		`Brand.Logo: want an SVG or PNG file `:                                                                         {Logo: []byte("<html></html>")},
		`Brand.Logo: the svg element lacks its namespace: write xmlns="http://www.w3.org/2000/svg"`:                    {Logo: []byte("<svg/>")},
		`Brand.Logo: the SVG file is not well-formed XML: export it again`:                                             {Logo: []byte(svg[:60])},
		`Brand.Logo: the PNG file is damaged: export it again`:                                                         {Logo: []byte("\x89PNG\r\n\x1a\n")},
		`Brand.Logo: the image has 65536×65536 pixels: want at most 1024×1024`:                                         {Logo: bomb()},
		`Brand.Logo: the image has 1025×1 pixels: want at most 1024×1024`:                                              {Logo: pngOf(t, 1025, 1)},
		`Brand.Logo: the file has 524289 bytes: want at most 524288`:                                                   {Logo: []byte(svg + strings.Repeat(" ", 512<<10+1-len(svg)))},
		`Brand.LogoDark is set without Brand.Logo: set Brand.Logo, too; Brand.LogoDark replaces it in the dark scheme`: {LogoDark: []byte(svg)},
		`Brand.Accent "blue": want a color such as #2f4bd0`:                                                            {Accent: "blue"},
		`Brand.Accent "#12345g": want a color such as #2f4bd0`:                                                         {Accent: "#12345g"},
		`Brand.HomeURL "http://example.com": want an https URL, or http on a loopback address`:                         {HomeURL: "http://example.com"},
		`Brand.PrivacyURL "javascript:…": want an https URL, or http on a loopback address`:                            {PrivacyURL: "javascript:alert(1)"},
		`Brand.TermsURL "/terms": want an https URL, or http on a loopback address`:                                    {TermsURL: "/terms"},
		`Brand.SupportURL "https://…@example.com": want an https URL, or http on a loopback address`:                   {SupportURL: "https://user:password@example.com"},
		`Brand.Accent "#ffd400": its contrast with the white text of a button is 1.4:1, want at least 4.5:1 `:          {Accent: "#ffd400"},
	} {
		if found := b.Faults(); len(found) != 1 || !strings.HasPrefix(found[0].Error(), strings.TrimSpace(want)) {
			t.Errorf("Faults() = %v, want %s", found, want)
		}
	}
}

var variable = regexp.MustCompile(`(--[a-z-]+): #([0-9a-f]{6})`)

// Each accepted accent has enough contrast with its text in both schemes, and the
// colour that an error suggests is accepted.
func TestAccent_PA_0_ContrastInBothSchemes(t *testing.T) {
	suggested := regexp.MustCompile(`such as (#[0-9a-f]{6})`)
	accepted := 0
	for _, r := range []int{0, 51, 85, 119, 170, 221, 255} {
		for _, g := range []int{0, 51, 85, 119, 170, 221, 255} {
			for _, b := range []int{0, 51, 85, 119, 170, 221, 255} {
				of := brand.Brand{Accent: fmt.Sprintf("#%02x%02x%02x", r, g, b)}
				if found := of.Faults(); len(found) > 0 {
					of.Accent = suggested.FindStringSubmatch(found[0].Error())[1]
				}
				if found := of.Faults(); len(found) > 0 {
					t.Errorf("the suggested accent %s is refused: %v", of.Accent, found)
				}
				accepted++
				checkScheme(t, of.Accent, of.CSS())
			}
		}
	}
	if accepted != 343 {
		t.Errorf("checked %d accents, want 343", accepted)
	}
}

func checkScheme(t *testing.T, accent, css string) {
	t.Helper()
	light, dark, ok := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatalf("CSS() = %q, want rules for both schemes", css)
	}
	for scheme, rules := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]string{"white": "ffffff", "ground": "f3f4f7"}
		if scheme == "dark" {
			colours = map[string]string{"white": "181c25", "ground": "0f1218"} // of the card and around it
		}
		for _, m := range variable.FindAllStringSubmatch(rules, -1) {
			colours[m[1]] = m[2]
		}
		for _, pair := range [][2]string{
			{"--on-accent", "--accent"}, {"--on-accent", "--accent-strong"}, {"--accent-strong", "--accent-soft"}, {"--link", "white"}, {"--link", "ground"},
		} {
			if got := contrast(t, colours[pair[0]], colours[pair[1]]); got < 4.5 {
				t.Errorf("accent %s, %s: the contrast of %s with %s is %.2f, want at least 4.5", accent, scheme, pair[0], pair[1], got)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(hex string) float64 {
		var rgb [3]int
		if _, err := fmt.Sscanf(hex, "%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			t.Fatalf("%q is not a colour: %v", hex, err)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			s := float64(rgb[i]) / 255
			if s <= 0.04045 {
				sum += weight * s / 12.92
			} else {
				sum += weight * math.Pow((s+0.055)/1.055, 2.4)
			}
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestLogos_PA_0(t *testing.T) {
	picture := pngOf(t, 2, 2)
	logos := brand.Brand{Logo: []byte(svg), LogoDark: picture}.Logos()
	if len(logos) != 2 {
		t.Fatalf("Logos() = %d logos, want 2", len(logos))
	}
	for i, want := range []struct{ path, mediaType, body string }{
		{`^/logo-[A-Za-z0-9_-]{16}\.svg$`, "image/svg+xml", svg}, {`^/logo-dark-[A-Za-z0-9_-]{16}\.png$`, "image/png", string(picture)},
	} {
		if !regexp.MustCompile(want.path).MatchString(logos[i].Path) {
			t.Errorf("the path is %s, want %s", logos[i].Path, want.path)
		}
		for _, method := range []string{"GET", "HEAD", "POST"} {
			w := httptest.NewRecorder()
			logos[i].ServeHTTP(w, httptest.NewRequest(method, "/", nil))
			status, body := 200, want.body
			switch method {
			case "HEAD":
				body = ""
			case "POST":
				status, body = 405, ""
			}
			if w.Code != status || w.Body.String() != body {
				t.Errorf("%s %s = %d with %d bytes, want %d with %d", method, logos[i].Path, w.Code, w.Body.Len(), status, len(body))
			}
			if method == "POST" {
				continue
			}
			for header, value := range map[string]string{
				"Content-Type": want.mediaType, "Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff",
				"Cache-Control": "public, max-age=31536000, immutable",
			} {
				if got := w.Header().Get(header); got != value {
					t.Errorf("%s %s: %s is %q, want %q", method, logos[i].Path, header, got, value)
				}
			}
		}
	}
	changed := brand.Brand{Logo: []byte(svg + "\n")}.Logos()
	if changed[0].Path == logos[0].Path {
		t.Error("another logo has the same path, so browsers would show the old one")
	}
}

func TestShown_PA_0(t *testing.T) {
	got := brand.Brand{Name: "éclair", SupportURL: "https://example.com/help", PrivacyURL: "https://example.com/p"}.Shown("/oauth")
	if got.Initial != "É" || got.Logo != "" || got.HomeURL != "" || !strings.HasPrefix(string(got.Icon), "data:image/svg+xml,") {
		t.Errorf("Shown() = %+v, want a letter in place of the logo", got)
	}
	if len(got.Links) != 2 || got.Links[0].Text != "Privacy" || got.Links[1].Text != "Help" {
		t.Errorf("Links = %v, want Privacy and Help", got.Links)
	}
	if none := (brand.Brand{}).Shown("/oauth"); none.Initial+none.Logo+string(none.Icon) != "" || none.Links != nil {
		t.Errorf("Shown() of no brand = %+v, want nothing", none)
	}
	if (brand.Brand{}).CSS() != "" {
		t.Error("CSS() of no brand has rules, want none")
	}
}
