package demo

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/go-passport/passport/internal/page"
)

//go:embed views
var views embed.FS

// document is a page in the common look with a style sheet of its own, whose
// hash the page's policy names beside that of the common one.
type document struct {
	page   *template.Template
	style  template.HTML
	source string // in the policy
}

// styled is what the data of every page embeds.
type styled struct{ CSS template.HTML }

func (s *styled) wear(css template.HTML) { s.CSS = css }

// parse panics for a page that is broken: all are embedded, and so the same at
// every start.
func parse(name string, mark template.HTML, styles ...string) document {
	t, err := page.Parse(views, "views/"+name)
	if err != nil {
		panic(err)
	}
	var css strings.Builder
	for _, style := range styles {
		text, err := views.ReadFile("views/" + style)
		if err != nil {
			panic(err)
		}
		css.Write(text)
	}
	sum := sha256.Sum256([]byte(css.String()))
	return document{
		page:   t.Funcs(template.FuncMap{"mark": func() template.HTML { return mark }}),
		style:  template.HTML("<style>" + css.String() + "</style>"), //nolint:gosec // a constant of ours
		source: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
}

// render answers with the page. Nothing is written when the template fails.
func (d document) render(w http.ResponseWriter, status int, data interface{ wear(template.HTML) }) error {
	data.wear(d.style)
	body, err := page.Body(d.page, data)
	if err != nil {
		return err
	}
	page.Headers(w)
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "style-src ", "style-src "+d.source+" ", 1))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
