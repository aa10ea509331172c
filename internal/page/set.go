package page

import (
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/views"
)

// Names are the pages that a set of views may have, in addition to its look.
var Names = []string{"consent", "redirect", "decided", "error", "device", "logout", "logged_out"}

// FormPost is a page that a set of views can't replace: it runs the server's script, and
// an error in it would lose the response of a request. It has the look of the set.
const FormPost = "form_post"

// Renamed maps file names of earlier versions to the current ones.
var Renamed = map[string]string{"leaving.html": "redirect.html", "answered.html": "decided.html"}

// FileNames returns the names of the files that a set of views may have.
func FileNames() (names []string) {
	for _, name := range Names {
		names = append(names, name+".html")
	}
	return append(names, LayoutFile, StyleFile)
}

// Set is a set of views: an application's pages, and the built-in page for each
// that it lacks.
type Set struct {
	own, builtin *parsed
	devices      bool // the application's consent page shows which device asks
}

// parsed are parsed pages by name, and their common look.
type parsed struct {
	look  *Look
	pages map[string]*template.Template
}

// NewSet parses an application's views. Nil files give the built-in views. The logos
// of the brand are served below the path base.
func NewSet(files fs.FS, b brand.Brand, base string) (*Set, error) {
	builtin, err := parseAll(builtinFiles{}, Branded(b, base))
	if err != nil || files == nil {
		return &Set{builtin, builtin, true}, err
	}
	own, err := parseOwn(files, b, base)
	return &Set{own, builtin, err == nil && own.showsRequester()}, err
}

// showsRequester reports whether the consent page shows the code of a device. A page
// that was written before there were devices doesn't, and the user could not check
// which device asks (RFC 8628 §5.4).
func (p *parsed) showsRequester() bool {
	body, err := Body(p.pages["consent"], sampleDevice)
	return err == nil && strings.Contains(string(body), sampleDevice.Requester.UserCode)
}

// parseOwn parses an application's views. On an error it also returns the pages
// that are valid.
func parseOwn(files fs.FS, b brand.Brand, base string) (*parsed, error) {
	look, err := LookOf(files, b, base)
	if err != nil {
		return nil, err
	}
	return parseAll(withBuiltin{files}, look)
}

// parseAll parses each view. The error lists all invalid views.
func parseAll(files fs.FS, look *Look) (*parsed, error) {
	p := &parsed{look, map[string]*template.Template{}}
	var faults []error
	for _, name := range Names {
		t, err := look.Parse(files, name+".html")
		if err != nil {
			faults = append(faults, err)
		}
		p.pages[name] = t
	}
	t, err := look.Parse(builtinFiles{}, FormPost+".html")
	p.pages[FormPost] = t
	return p, errors.Join(append(faults, err)...)
}

// View is a page to show.
type View struct {
	Name       string   // one of [Names]
	Data       any      // for the template
	FormAction []string // further targets of the page's form; see [Headers]

	// Script lets the page run scripts of this origin, and lets the browser name the
	// origin of the page to the target of its form.
	Script bool
}

// Show writes a page. If the application's view fails at run time, Show logs
// the error and writes the built-in page, so that the user can still decide. It also
// writes the built-in consent page for a device, if the application's page does not show
// which device asks.
func (s *Set) Show(w http.ResponseWriter, r *http.Request, log *slog.Logger, status int, v View) {
	id := reqinfo.From(r.Context()).ID
	own := s.own
	if p, ok := v.Data.(views.ConsentPage); ok && p.Requester != nil && !s.devices {
		own = s.builtin
	}
	err := own.render(w, status, v)
	if err == nil {
		return
	}
	log.ErrorContext(r.Context(), "page not shown; showing the built-in page instead", "page", v.Name, "request_id", id, "err", err)
	if err := s.builtin.render(w, status, v); err != nil {
		log.ErrorContext(r.Context(), "page not shown", "page", v.Name, "request_id", id, "err", err)
	}
}

func (p *parsed) render(w http.ResponseWriter, status int, v View) error {
	body, err := Body(p.pages[v.Name], v.Data)
	if err != nil {
		return err
	}
	p.look.headers(w, v.FormAction)
	if v.Script {
		w.Header().Set("Content-Security-Policy", w.Header().Get("Content-Security-Policy")+"; script-src 'self'")
		w.Header().Set("Referrer-Policy", "origin")
	}
	send(w, status, body)
	return nil
}

// builtinFiles are the built-in views, under the file names of an application's
// views.
type builtinFiles struct{}

// Open implements [fs.FS].
func (builtinFiles) Open(name string) (fs.File, error) { return views.Files.Open(name) }

// ReadFile implements [fs.ReadFileFS].
func (builtinFiles) ReadFile(name string) ([]byte, error) {
	switch name {
	case LayoutFile:
		return []byte(Layout), nil
	case StyleFile:
		return []byte(CSS), nil
	}
	return views.Files.ReadFile(name)
}

// withBuiltin are an application's views, with built-in views in place of
// missing files.
type withBuiltin struct{ fs.FS }

// Stat implements [fs.StatFS]. It finds only the application's files.
func (f withBuiltin) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }

// ReadFile implements [fs.ReadFileFS].
func (f withBuiltin) ReadFile(name string) ([]byte, error) {
	text, err := readFile(f.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		return builtinFiles{}.ReadFile(name)
	}
	return text, err
}

// Href returns the href attribute of a link to a registered redirect URI or to
// the application's sign-in page. The target stays unchanged: the template
// would refuse its scheme or encode it again.
func Href(target string) template.HTMLAttr { return attribute("href", target) }

// Action returns the action attribute of a form whose target is a registered redirect
// URI, unchanged.
func Action(target string) template.HTMLAttr { return attribute("action", target) }

func attribute(name, url string) template.HTMLAttr {
	return template.HTMLAttr(name + `="` + template.HTMLEscapeString(url) + `"`) //nolint:gosec // escaped
}
