package console

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"strings"
	"sync"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/page"
)

//go:embed views
var views embed.FS

// ownPages are the pages of the binary itself, which the views of the operator may
// replace.
var ownPages = page.Group{
	Folder: "server", Files: views, Pages: []string{"welcome", "problem", "foreign_host"},
	Samples: func(name string) []any {
		switch name {
		case "welcome":
			full := welcomeView{Site: "auth.example.com", Issuer: "https://auth.example.com", SignIn: "/sign-in", Metadata: "/.well-known/oauth-authorization-server", New: true}
			little := full
			little.New = false
			return []any{&full, &little}
		case "problem":
			full := problemView{Site: "auth.example.com", Title: "A title", Text: "A text.", Home: "/", RequestID: "request"}
			little := full
			little.RequestID = ""
			return []any{full, little}
		}
		return []any{plain{"auth.example.com", "https://auth.example.com", "request"}}
	},
}

// groups are the groups of pages of the binary, or of an application that has the
// commands.
func (p *program) groups() []page.Group {
	all := []page.Group{account.Pages(), dashboard.Pages()}
	if p.Server == nil {
		all = append(all, ownPages)
	}
	return all
}

// checkGroups returns the faults of the pages in the folders of a set of views.
func checkGroups(views fs.FS, groups ...page.Group) error {
	var found []error
	for _, g := range groups {
		found = append(found, g.Check(views)...)
	}
	return errors.Join(found...)
}

// pages are the parsed pages of the binary itself.
type pages struct {
	site, home                    string // the name at the top, empty without a brand; the path of the home page
	look                          *page.Look
	welcome, problem, foreignHost *template.Template
}

// unbranded returns the built-in pages of a server without a brand. They are embedded,
// so tests find a broken one. Few commands need them.
var unbranded = sync.OnceValue(func() *pages {
	p, err := newPages(nil, brand.Brand{}, "", "")
	if err != nil {
		panic(err)
	}
	return p
})

// newPages returns the pages for a brand. prefix is the issuer's path; the logos are
// served below the path base.
func newPages(views fs.FS, b brand.Brand, prefix, base string) (*pages, error) {
	nowhere := b
	nowhere.Logo, nowhere.LogoDark = nil, nil // a foreign host doesn't serve them
	look, err := page.LookOf(views, b, base)
	if err != nil {
		return nil, err
	}
	elsewhere, err := page.LookOf(views, nowhere, base)
	if err != nil {
		return nil, err
	}
	p := &pages{site: b.Name, home: prefix + "/", look: look}
	for _, parsed := range []struct {
		to   **template.Template
		look *page.Look
		name string
	}{{&p.welcome, look, "welcome"}, {&p.problem, look, "problem"}, {&p.foreignHost, elsewhere, "foreign_host"}} {
		if *parsed.to, err = ownPages.Parse(parsed.look, views, parsed.name); err != nil {
			return nil, fmt.Errorf("views: %w", err)
		}
	}
	return p, nil
}

// pages returns the pages of the binary with the brand and the views of the settings.
func (s *settings) pages() *pages {
	prefix := ""
	if issuer, err := url.Parse(s.Issuer); err == nil {
		prefix = strings.TrimSuffix(issuer.Path, "/")
	}
	p, err := newPages(s.Views, brand.Brand(s.Brand), prefix, prefix+strings.TrimSuffix(cmp.Or(s.Path, "/oauth"), "/"))
	if err != nil { // settings.check has found the pages valid; a file has changed since
		return unbranded()
	}
	return p
}

// plain is the data of a page about a request.
type plain struct{ Site, Issuer, RequestID string }
