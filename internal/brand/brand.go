// Package brand holds the operator's identity on the pages: name, logo, colour and
// links.
package brand

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/safeurl"
)

// Brand is the identity, with the fields of passport.Brand, which documents them.
type Brand struct {
	Name           string
	Logo, LogoDark []byte
	Accent         string

	HomeURL, PrivacyURL, TermsURL, SupportURL string
}

// Limits of the texts, in characters and bytes.
const (
	maxName = 60
	maxURL  = 2048
)

// Faults returns the faults of a brand. They begin with "Brand." and the field.
func (b Brand) Faults() (found []error) {
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Errorf("Brand."+format, args...))
		}
	}
	add(strings.TrimSpace(b.Name) != b.Name || !utf8.ValidString(b.Name) || strings.ContainsFunc(b.Name, unseen),
		"Name %q: remove spaces around it, and characters that are invisible", safeurl.Name(b.Name))
	add(utf8.RuneCountInString(b.Name) > maxName, "Name has %d characters: want at most %d", utf8.RuneCountInString(b.Name), maxName)
	for _, logo := range []struct {
		field   string
		content []byte
	}{{"Logo", b.Logo}, {"LogoDark", b.LogoDark}} {
		if len(logo.content) > 0 {
			_, err := kindOf(logo.content)
			add(err != nil, "%s: %w", logo.field, err)
		}
	}
	add(len(b.LogoDark) > 0 && len(b.Logo) == 0, "LogoDark is set without Brand.Logo: set Brand.Logo, too; Brand.LogoDark replaces it in the dark scheme")
	if b.Accent != "" {
		if err := checkAccent(b.Accent); err != nil {
			add(true, "Accent %q: %w", safeurl.Name(b.Accent), err)
		}
	}
	for _, link := range b.urls() {
		add(link.url != "" && !IsLink(link.url), "%s %q: want an https URL, or http on a loopback address", link.field, safeurl.Text(link.url))
	}
	return found
}

func unseen(r rune) bool {
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
}

type field struct{ field, url, text string }

func (b Brand) urls() []field {
	return []field{
		{"HomeURL", b.HomeURL, ""}, {"PrivacyURL", b.PrivacyURL, "Privacy"},
		{"TermsURL", b.TermsURL, "Terms"}, {"SupportURL", b.SupportURL, "Help"},
	}
}

// IsLink reports whether a page may link to a URL: an https URL, or an http URL
// on the user's own machine.
func IsLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURL && u.Hostname() != "" && u.User == nil && u.Opaque == "" && !strings.ContainsFunc(s, unseen) &&
		(u.Scheme == "https" || u.Scheme == "http" && loopback.Name(u.Hostname()))
}

// Shown is a brand as the layout of the pages shows it: the result of the template
// function brand. Its zero value is that of a server without a brand.
type Shown struct {
	Logo, LogoDark string       // the paths of the images; empty for none
	Initial        string       // the letter of the tile without a logo; empty without a name
	Icon           template.URL // of the browser's tab; empty for the built-in one
	HomeURL        string
	Links          []Link // at the end of each page
}

// Link is a link to a page of the operator.
type Link struct{ URL, Text string }

// Shown returns the brand for the layout. base is the path below which
// [Brand.Logos] are served.
func (b Brand) Shown(base string) Shown {
	s := Shown{HomeURL: b.HomeURL}
	for _, logo := range b.Logos() {
		if logo.dark {
			s.LogoDark = base + logo.Path
		} else {
			s.Logo = base + logo.Path
		}
	}
	first, _ := utf8.DecodeRuneInString(b.Name)
	if b.Name != "" {
		s.Initial = string(unicode.ToUpper(first))
	}
	switch {
	case s.Logo != "":
		s.Icon = template.URL(s.Logo) //nolint:gosec // our own path
	case s.Initial != "":
		s.Icon = b.tile(s.Initial)
	}
	for _, link := range b.urls() {
		if link.text != "" && link.url != "" {
			s.Links = append(s.Links, Link{link.url, link.text})
		}
	}
	return s
}

// tile returns an image of a letter on the accent colour, as a data URL.
func (b Brand) tile(letter string) template.URL {
	accent := defaultAccent
	if c, err := parse(b.Accent); err == nil {
		accent = c
	}
	svg := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="` + accent.String() +
		`"/><text x="16" y="22" text-anchor="middle" font-family="sans-serif" font-size="18" font-weight="bold" fill="#fff">` + template.HTMLEscapeString(letter) + `</text></svg>`
	return template.URL("data:image/svg+xml," + url.PathEscape(svg)) //nolint:gosec // a letter, escaped
}
