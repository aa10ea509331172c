package console

import (
	"cmp"
	"embed"
	"html/template"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/page"
)

//go:embed views
var views embed.FS

// pages are the pages of the binary itself.
type pages struct {
	site, home                    string // the name at the top, empty without a brand; the path of the home page
	look                          *page.Look
	welcome, problem, foreignHost *template.Template
}

// unbranded are the pages of a server without a brand.
var unbranded = newPages(brand.Brand{}, "", "")

// newPages returns the pages for a brand. prefix is the issuer's path; the logos are
// served below the path base. It panics for a broken page: all pages are embedded, so
// tests find it.
func newPages(b brand.Brand, prefix, base string) *pages {
	look, nowhere := page.Branded(b, base), b
	nowhere.Logo, nowhere.LogoDark = nil, nil // a foreign host doesn't serve them
	parse := func(look *page.Look, name string) *template.Template {
		t, err := look.Parse(views, "views/"+name)
		if err != nil {
			panic(err)
		}
		return t
	}
	return &pages{b.Name, prefix + "/", look, parse(look, "welcome.html"), parse(look, "problem.html"), parse(page.Branded(nowhere, base), "foreign_host.html")}
}

// pages returns the pages of the binary with the brand of the settings.
func (s *settings) pages() *pages {
	prefix := ""
	if issuer, err := url.Parse(s.Issuer); err == nil {
		prefix = strings.TrimSuffix(issuer.Path, "/")
	}
	return newPages(brand.Brand(s.Brand), prefix, prefix+strings.TrimSuffix(cmp.Or(s.Path, "/oauth"), "/"))
}

// plain is the data of a page about a request.
type plain struct{ Site, Issuer, RequestID string }
