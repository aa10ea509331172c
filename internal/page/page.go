// Package page is what the HTML pages of this project share: their look, the
// headers that confine them, and the cleaning of text that other people wrote.
//
// A page is a template that defines "title" and "main", and if it likes "head",
// "foot" and "width" (" wide"); [Parse] puts it into the common layout, whose
// data needs a field Site, the name shown at the top. [Render] writes it.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the style sheet and the layout
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
)

// CSS is the style sheet of every page. It stands inside the page, in [Style].
//
//go:embed page.css
var CSS string

//go:embed layout.html
var layout string

// Style is the style element that holds [CSS], the only one that [Headers]
// lets a browser apply: the policy names its hash.
var Style = template.HTML("<style>" + CSS + "</style>") //nolint:gosec // a constant of ours

// Mark is the sign of this software, for the tile of a site.
const Mark template.HTML = `<svg viewBox="0 0 24 24" focusable="false"><circle cx="7.5" cy="12" r="4.5"/><path d="M12 12h10v4.5M17.5 12v3.5"/></svg>`

var styleSource = func() string {
	sum := sha256.Sum256([]byte(CSS))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// Parse returns the page that a file describes, set in the layout. The file may
// use what the layout may: style, mark, and text (see [Text]).
func Parse(files fs.FS, name string) (*template.Template, error) {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	t, err := template.New("layout").Funcs(template.FuncMap{
		"style": func() template.HTML { return Style },
		"mark":  func() template.HTML { return Mark },
		"text":  func(limit int, s string) string { return Text(s, limit) },
	}).Parse(layout)
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	if t, err = t.Parse(string(source)); err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	if t.Lookup("main") == nil {
		return nil, fmt.Errorf("page %s does not define %q", name, "main")
	}
	return t, nil
}

// Render answers with a page. Nothing is written when the template fails.
// formAction is as for [Headers].
func Render(w http.ResponseWriter, status int, t *template.Template, data any, formAction ...string) error {
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "layout", data); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	Headers(w, formAction...)
	w.WriteHeader(status)
	// A browser that has gone, after a second click for one, is no fault of ours.
	_, _ = w.Write(body.Bytes())
	return nil
}

// Headers sets what every HTML answer carries: a policy under which the page
// runs no script, loads nothing, and is framed by nobody, and sends its forms
// to this origin and to the sources in formAction only; no referrer, no copy in
// a cache. What follows a form is a page or an address of our own: Chromium
// applies form-action to the whole chain of redirects.
func Headers(w http.ResponseWriter, formAction ...string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'",
		"style-src " + styleSource,
		"img-src data:", // the icon in the layout
		"form-action " + strings.Join(append([]string{"'self'"}, formAction...), " "),
		"frame-ancestors 'none'",
		"base-uri 'none'",
	}, "; "))
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	Private(w)
}

// Private sets what an answer needs whose address or body holds a secret, a
// redirect above all: it is not stored and its address is told to nobody.
func Private(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}
