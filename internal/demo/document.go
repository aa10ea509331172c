package demo

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/go-passport/passport/internal/page"
)

//go:embed views
var views embed.FS

// document is a page in the common design with a second style sheet. The policy of the
// page has the hash of that style sheet, too. It is parsed when it is first shown, because
// only the tour needs it.
type document func() parsedDocument

type parsedDocument struct {
	page   *template.Template
	style  template.HTML
	source string // in the policy
}

// styled is embedded in the data of every page.
type styled struct{ CSS template.HTML }

func (s *styled) wear(css template.HTML) { s.CSS = css }

func parse(name string, mark template.HTML, styles ...string) document {
	return sync.OnceValue(func() parsedDocument { return parsed(name, mark, styles) })
}

// parsed panics for a broken page. All pages are embedded, so tests find it.
func parsed(name string, mark template.HTML, styles []string) parsedDocument {
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
	return parsedDocument{
		page:   t.Funcs(template.FuncMap{"mark": func() template.HTML { return mark }}),
		style:  template.HTML("<style>" + css.String() + "</style>"), //nolint:gosec // a constant of ours
		source: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
}

// render responds with the page. It writes nothing if the template fails.
func (d document) render(w http.ResponseWriter, status int, data interface{ wear(template.HTML) }) error {
	p := d()
	data.wear(p.style)
	body, err := page.Body(p.page, data)
	if err != nil {
		return err
	}
	page.Headers(w)
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "style-src ", "style-src "+p.source+" ", 1))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
