package console

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/page"
)

//go:embed views
var views embed.FS

var (
	welcomePage = mustParse("views/welcome.html")
	oopsPage    = mustParse("views/oops.html")

	foreignHostPage = mustParse("views/foreign_host.html")
)

// mustParse panics for a broken page. All pages are embedded, so tests find it.
func mustParse(name string) *template.Template {
	t, err := page.Parse(views, name)
	if err != nil {
		panic(err)
	}
	return t
}

// welcome is the page at the root, which says that Passport is running.
type welcome struct{ Issuer string }

// Site is the name at the top of the page.
func (welcome) Site() string { return "Passport" }

// ServeHTTP implements http.Handler.
func (p welcome) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if err := page.Render(w, http.StatusOK, welcomePage, p); err != nil {
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
	}
}

// oops responds to a request whose handler panicked: with a page for people or JSON for
// programs. Both have the request ID, which finds the line in the log.
func oops(w http.ResponseWriter, r *http.Request, requestID string) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		if page.Render(w, http.StatusInternalServerError, oopsPage, struct{ Site, RequestID string }{"Passport", requestID}) == nil {
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "{\"error\":\"server_error\",\"request_id\":%q}\n", requestID)
}

// Metadata is the path of the server's metadata (RFC 8414 §3.1).
func (p welcome) Metadata() string {
	u, err := url.Parse(p.Issuer)
	if err != nil {
		return "/.well-known/oauth-authorization-server"
	}
	return "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
}
