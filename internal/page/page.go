// Package page is what the HTML pages of this project share: their look, the
// headers that confine them, and the cleaning of text that other people wrote.
//
// A page is a template that defines "title" and "main", and if it likes "head",
// "foot" and "width" (" wide"); [Parse] puts it into the common layout, whose
// data needs a field Site, the name shown at the top. [Render] writes it. A
// [Look] of somebody's own takes the place of layout and style sheet.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the style sheet and the layout
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"
)

// CSS is the style sheet of every page. It stands inside the page, in [Style].
//
//go:embed page.css
var CSS string

// Layout is the template that every page is set in.
//
//go:embed layout.html
var Layout string

// Style is the style element that holds [CSS], the only one that [Headers]
// lets a browser apply: the policy names its hash.
var Style = styleElement(CSS)

// Mark is the sign of this software, for the tile of a site.
const Mark template.HTML = `<svg viewBox="0 0 24 24" focusable="false"><circle cx="7.5" cy="12" r="4.5"/><path d="M12 12h10v4.5M17.5 12v3.5"/></svg>`

// The files of a set of views that make up its look.
const (
	LayoutFile = "layout.html"
	StyleFile  = "style.css"
)

// Look is what pages have in common: a layout and a style sheet.
type Look struct {
	layout, css string
	policy      []string
}

// Ours is the look with [Layout] and [CSS].
var Ours = &Look{Layout, CSS, []string{
	"default-src 'none'",
	"style-src " + styleSource(CSS),
	"img-src data:", // the icon in the layout
}}

// LookOf returns the look of a set of views, with our layout or style sheet where
// it has none; ours for nil. Pages in a look of somebody's own may show pictures
// and use fonts of their own origin; they run no script and apply no style but the
// given one either.
func LookOf(views fs.FS) (*Look, error) {
	if views == nil {
		return Ours, nil
	}
	layout, layoutErr := fileOr(views, LayoutFile, Layout)
	css, cssErr := fileOr(views, StyleFile, CSS)
	if err := errors.Join(layoutErr, cssErr); err != nil {
		return nil, err
	}
	css = Lines(css)
	return &Look{layout, css, []string{
		"default-src 'none'",
		"style-src " + styleSource(css),
		"img-src 'self' data:",
		"font-src 'self'",
	}}, nil
}

func fileOr(files fs.FS, name, otherwise string) (string, error) {
	text, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return otherwise, nil
	}
	return string(text), err
}

// Lines returns a text with the line ends that a browser gives it before it
// compares the hash of a style sheet.
func Lines(s string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s) }

func styleElement(css string) template.HTML {
	return template.HTML("<style>" + css + "</style>") //nolint:gosec // of a file, never of a request
}

func styleSource(css string) string {
	sum := sha256.Sum256([]byte(css))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Parse returns the page that a file describes, in our look.
func Parse(files fs.FS, name string) (*template.Template, error) { return Ours.Parse(files, name) }

// Parse returns the page that a file describes, set in the layout. The file may
// use what the layout may: style, mark, and text (see [Text]).
func (l *Look) Parse(files fs.FS, name string) (*template.Template, error) {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	t, err := template.New(LayoutFile).Funcs(template.FuncMap{
		"style": func() template.HTML { return styleElement(l.css) },
		"mark":  func() template.HTML { return Mark },
		"text":  func(limit int, s string) string { return Text(s, limit) },
	}).Parse(l.layout)
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	if _, err = t.New(name).Parse(string(source)); err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	if t.Lookup("main") == nil {
		return nil, fmt.Errorf(`page %s does not define "main": put what it shows between {{define "main"}} and {{end}}`, name)
	}
	return t, nil
}

// Render answers with a page in our look. Nothing is written when the template
// fails. formAction is as for [Headers].
func Render(w http.ResponseWriter, status int, t *template.Template, data any, formAction ...string) error {
	return Ours.Render(w, status, t, data, formAction...)
}

// Render answers with a page that [Look.Parse] returned. Nothing is written when
// the template fails. formAction is as for [Headers].
func (l *Look) Render(w http.ResponseWriter, status int, t *template.Template, data any, formAction ...string) error {
	body, err := Body(t, data)
	if err != nil {
		return err
	}
	l.headers(w, formAction)
	w.WriteHeader(status)
	// A browser that has gone, after a second click for one, is no fault of Ours.
	_, _ = w.Write(body)
	return nil
}

// Body returns the HTML of a page.
func Body(t *template.Template, data any) ([]byte, error) {
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, LayoutFile, data); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return body.Bytes(), nil
}

// Headers sets what every HTML answer carries: a policy under which the page
// runs no script, loads nothing, and is framed by nobody, and sends its forms
// to this origin and to the sources in formAction only; no referrer, no copy in
// a cache. What follows a form is a page or an address of our own: Chromium
// applies form-action to the whole chain of redirects.
func Headers(w http.ResponseWriter, formAction ...string) { Ours.headers(w, formAction) }

func (l *Look) headers(w http.ResponseWriter, formAction []string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.Join(append(slices.Clone(l.policy),
		"form-action "+strings.Join(append([]string{"'self'"}, formAction...), " "),
		"frame-ancestors 'none'",
		"base-uri 'none'",
	), "; "))
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
