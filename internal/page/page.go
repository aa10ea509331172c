// Package page holds the common parts of the HTML pages: their look, their security
// headers, and a filter for text from users and clients.
//
// A page is a template that defines "title" and "main", and optionally "head",
// "foot" and "width" (" wide"). [Parse] puts it into the common layout. The
// layout's data needs a field Site, the name at the top. [Render] writes the
// page. A custom [Look] replaces the layout and the style sheet.
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

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/textfile"
)

// CSS is the style sheet of every page. [Style] embeds it in the page.
//
//go:embed page.css
var CSS string

// Layout is the template of the common layout.
//
//go:embed layout.html
var Layout string

// Style is the style element with [CSS]. The policy of [Headers] allows it by
// its hash, and no other style.
var Style = styleElement(CSS)

// Mark is the logo of Passport, for the tile of a site.
const Mark template.HTML = `<svg viewBox="0 0 24 24" focusable="false"><circle cx="7.5" cy="12" r="4.5"/><path d="M12 12h10v4.5M17.5 12v3.5"/></svg>`

// The files in a set of views that define its look.
const (
	LayoutFile = "layout.html"
	StyleFile  = "style.css"
)

// Look is the common layout and style sheet of a set of pages.
type Look struct {
	layout, css string
	policy      []string
	brand       brand.Shown
}

// Ours is the look with [Layout] and [CSS], without a brand.
var Ours = Branded(brand.Brand{}, "")

// Branded returns the look with [Layout] and [CSS] for a brand. The brand's logos
// are served below the path base.
func Branded(b brand.Brand, base string) *Look {
	css := CSS + b.CSS()
	return &Look{Layout, css, []string{
		"default-src 'none'",
		"style-src " + styleSource(css),
		"img-src 'self' data:", // logos, and the icon in the layout
	}, b.Shown(base)}
}

// LookOf returns the look of a set of views. Our layout or style sheet replaces
// a missing file; nil views give the look of [Branded]. Pages in a custom look may
// show images and use fonts of the same origin. They still run no script and apply
// no style other than the look's style sheet.
func LookOf(views fs.FS, b brand.Brand, base string) (*Look, error) {
	if views == nil {
		return Branded(b, base), nil
	}
	layout, layoutErr := fileOr(views, LayoutFile, Layout)
	css, cssErr := fileOr(views, StyleFile, CSS)
	if err := errors.Join(layoutErr, cssErr); err != nil {
		return nil, err
	}
	css = Lines(css) + b.CSS()
	return &Look{layout, css, []string{
		"default-src 'none'",
		"style-src " + styleSource(css),
		"img-src 'self' data:",
		"font-src 'self'",
	}, b.Shown(base)}, nil
}

func fileOr(files fs.FS, name, otherwise string) (string, error) {
	text, err := readFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return otherwise, nil
	}
	return textfile.Decode(text), err
}

// readFile reads a file of a set of views, which has to be a regular file.
func readFile(files fs.FS, name string) ([]byte, error) {
	if info, err := fs.Stat(files, name); err == nil {
		if err := textfile.Regular(name, info.Mode()); err != nil {
			return nil, err
		}
	}
	return fs.ReadFile(files, name)
}

// Lines normalizes line ends as a browser does before it hashes a style sheet.
func Lines(s string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s) }

func styleElement(css string) template.HTML {
	return template.HTML("<style>" + css + "</style>") //nolint:gosec // comes from a file, never from a request
}

func styleSource(css string) string {
	sum := sha256.Sum256([]byte(css))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Parse returns the page in a file, in our look.
func Parse(files fs.FS, name string) (*template.Template, error) { return Ours.Parse(files, name) }

// Parse returns the page in a file, set in the layout. The file may use the
// same functions as the layout: style, mark, brand (see [brand.Shown]), and text
// (see [Text]).
func (l *Look) Parse(files fs.FS, name string) (*template.Template, error) {
	source, err := readFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	t, err := template.New(LayoutFile).Funcs(template.FuncMap{
		"style": func() template.HTML { return styleElement(l.css) },
		"mark":  func() template.HTML { return Mark },
		"brand": func() brand.Shown { return l.brand },
		"text":  func(limit int, s string) string { return Text(s, limit) },
	}).Parse(l.layout)
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	if _, err = t.New(name).Parse(textfile.Decode(source)); err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	if t.Lookup("main") == nil {
		return nil, fmt.Errorf(`page %s does not define "main": put its content between {{define "main"}} and {{end}}`, name)
	}
	return t, nil
}

// Render writes a page in our look. If the template fails, Render writes
// nothing. formAction is as in [Headers].
func Render(w http.ResponseWriter, status int, t *template.Template, data any, formAction ...string) error {
	return Ours.Render(w, status, t, data, formAction...)
}

// Render writes a page of [Look.Parse]. If the template fails, Render writes
// nothing. formAction is as in [Headers].
func (l *Look) Render(w http.ResponseWriter, status int, t *template.Template, data any, formAction ...string) error {
	body, err := Body(t, data)
	if err != nil {
		return err
	}
	l.headers(w, formAction)
	send(w, status, body)
	return nil
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	// The browser may have closed the connection, for example after a second
	// click. That is not an error.
	_, _ = w.Write(body)
}

// Body returns the HTML of a page.
func Body(t *template.Template, data any) ([]byte, error) {
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, LayoutFile, data); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return body.Bytes(), nil
}

// Headers sets the headers of every HTML response. Under their policy the page
// runs no script, loads nothing from elsewhere, and cannot be framed. Its forms
// go only to this origin and to the sources in formAction. There is no
// referrer, and no cache stores the page. Chromium applies form-action to the
// whole chain of redirects, so a form must lead to a page of the same origin, or
// to an allowed source.
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

// Private sets the headers of a response whose URL or body contains a secret,
// in particular a redirect. Caches do not store it, and browsers do not send
// its URL as the referrer.
func Private(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}
