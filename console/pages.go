package console

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/page"
)

//go:embed views
var views embed.FS

// pages are the pages of the binary itself.
type pages struct {
	site                       string // the name at the top; empty without a brand
	look                       *page.Look
	welcome, oops, foreignHost *template.Template
}

// unbranded are the pages of a server without a brand.
var unbranded = newPages(brand.Brand{}, "")

// newPages returns the pages for a brand, whose logos are served below the path base.
// It panics for a broken page: all pages are embedded, so tests find it.
func newPages(b brand.Brand, base string) *pages {
	look := page.Branded(b, base)
	parse := func(name string) *template.Template {
		t, err := look.Parse(views, "views/"+name)
		if err != nil {
			panic(err)
		}
		return t
	}
	return &pages{b.Name, look, parse("welcome.html"), parse("oops.html"), parse("foreign_host.html")}
}

// pages returns the pages of the binary with the brand of the settings.
func (s *settings) pages() *pages {
	base := cmp.Or(s.Path, "/oauth")
	if issuer, err := url.Parse(s.Issuer); err == nil {
		base = strings.TrimSuffix(issuer.Path, "/") + strings.TrimSuffix(base, "/")
	}
	return newPages(brand.Brand(s.Brand), base)
}

// plain is the data of a page about a request.
type plain struct{ Site, Issuer, RequestID string }

// respondOops responds to a request whose handler panicked: with a page for people or
// JSON for programs. Both have the request ID, which finds the line in the log.
func (p *pages) respondOops(w http.ResponseWriter, r *http.Request, requestID string) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		if p.look.Render(w, http.StatusInternalServerError, p.oops, plain{Site: cmp.Or(p.site, "Passport"), RequestID: requestID}) == nil {
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "{\"error\":\"server_error\",\"request_id\":%q}\n", requestID)
}
