package brand

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// colour is a colour in sRGB.
type colour [3]uint8

// The colours of the style sheet that a colour of the brand must stand out from.
var (
	defaultAccent = colour{0x2f, 0x4b, 0xd0}
	white         = colour{0xff, 0xff, 0xff}
	black         = colour{}
	ground        = colour{0xf3, 0xf4, 0xf7} // behind text in the light scheme; also for the sunken areas
	darkCard      = colour{0x18, 0x1c, 0x25} // behind text in the dark scheme
	darkText      = colour{0x10, 0x13, 0x1a} // on the accent of the dark scheme
)

// minContrast is the contrast of text with its background (WCAG 2.2, 1.4.3).
// wanted is that of the colours that this package derives for the dark scheme.
const (
	minContrast    = 4.5
	wantedContrast = 7
)

// parse reads #rgb or #rrggbb.
func parse(s string) (c colour, err error) {
	digits, ok := strings.CutPrefix(s, "#")
	if len(digits) == 3 {
		digits = strings.Repeat(digits[:1], 2) + strings.Repeat(digits[1:2], 2) + strings.Repeat(digits[2:], 2)
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if !ok || err != nil || len(digits) != 6 {
		return c, fmt.Errorf("want a color such as %s", defaultAccent)
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// checkAccent returns why a colour cannot be the accent of the pages, or nil.
func checkAccent(s string) error {
	c, err := parse(s)
	if err != nil {
		return err
	}
	if got := contrast(c, white); got < minContrast {
		return fmt.Errorf("its contrast with the white text of a button is %.1f:1, want at least %.1f:1 (WCAG 2.2); use a darker color, such as %s",
			math.Floor(got*10)/10, minContrast, until(c, black, white, minContrast))
	}
	return nil
}

// CSS returns the rules with the accent for both schemes, or "" without an accent.
// The dark scheme has a lighter accent with dark text.
func (b Brand) CSS() string {
	c, err := parse(b.Accent)
	if b.Accent == "" || err != nil {
		return ""
	}
	light := variables(c, mixed(c, black, 0.25), white, mixed(c, white, 0.9), until(c, black, ground, minContrast))
	accent := until(until(mixed(c, white, 0.4), white, darkCard, wantedContrast), white, darkText, wantedContrast)
	dark := variables(accent, mixed(accent, white, 0.3), darkText, mixed(c, darkCard, 0.75), accent)
	return "\n:root { " + light + " }\n@media (prefers-color-scheme: dark) { :root { " + dark + " } }\n"
}

func variables(accent, strong, on, soft, link colour) string {
	return fmt.Sprintf("--accent: %s; --accent-strong: %s; --on-accent: %s; --accent-soft: %s; --link: %s;", accent, strong, on, soft, link)
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// mixed returns the colour between two, share of the way.
func mixed(from, to colour, share float64) (c colour) {
	for i := range c {
		c[i] = uint8(math.Round(float64(from[i]) + (float64(to[i])-float64(from[i]))*share))
	}
	return c
}

// until returns the colour nearest to c, on the way to another, that has the
// contrast with a background.
func until(c, to, background colour, want float64) colour {
	for share := 0.0; share < 1; share += 0.02 {
		if next := mixed(c, to, share); contrast(next, background) >= want {
			return next
		}
	}
	return to
}

// contrast returns the contrast ratio of two colours (WCAG 2.2, 1.4.3).
func contrast(a, b colour) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c colour) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}
