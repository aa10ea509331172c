package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/page"
)

type data struct{ Site, Name string }

func parse(t *testing.T, source string) *template.Template {
	t.Helper()
	tmpl, err := page.Parse(fstest.MapFS{"p.html": {Data: []byte(source)}}, "p.html")
	if err != nil {
		t.Fatalf("Parse() = %v", err)
	}
	return tmpl
}

func render(t *testing.T, source string, d data, formAction ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := page.Render(w, http.StatusOK, parse(t, source), d, formAction...); err != nil {
		t.Fatalf("Render() = %v", err)
	}
	return w
}

func TestPage_AZ_25_AZ_26_UI_03_Headers(t *testing.T) {
	w := render(t, `{{define "main"}}<p>{{.Name}}</p>{{end}}`, data{"app.example.com", "x"})
	for name, want := range map[string]string{
		"X-Frame-Options":        "DENY",
		"Referrer-Policy":        "no-referrer",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"Content-Type":           "text/html; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	policy := directives(w)
	for name, want := range map[string]string{
		"default-src":     "'none'",
		"form-action":     "'self'",
		"frame-ancestors": "'none'",
		"base-uri":        "'none'",
		"img-src":         "'self' data:",
	} {
		if policy[name] != want {
			t.Errorf("Content-Security-Policy has %s %q, want %q", name, policy[name], want)
		}
	}
	if _, ok := policy["script-src"]; ok {
		t.Error("Content-Security-Policy has script-src, want none because the pages have no scripts")
	}
}

func TestPage_UI_03_FormActionListsTheClient(t *testing.T) {
	w := render(t, `{{define "main"}}{{end}}`, data{}, "https://client.example")
	if got, want := directives(w)["form-action"], "'self' https://client.example"; got != want {
		t.Errorf("form-action = %q, want %q", got, want)
	}
}

func TestPage_UI_03_StyleIsAllowedByItsHash(t *testing.T) {
	w := render(t, `{{define "main"}}{{end}}`, data{})
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	style, _, ok := strings.Cut(rest, "</style>")
	if !ok {
		t.Fatal("the page has no style element")
	}
	sum := sha256.Sum256([]byte(style))
	if got, want := directives(w)["style-src"], "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'"; got != want {
		t.Errorf("style-src = %q, want the hash of the page's style element: %q", got, want)
	}
	if strings.Contains(w.Body.String(), " style=") {
		t.Error("the layout has a style attribute, which the policy forbids")
	}
}

func TestPage_UI_04_TextIsEscaped(t *testing.T) {
	w := render(t, `{{define "main"}}<p title="{{.Name}}">{{.Name}}</p>{{end}}`, data{"<b>", `"><script>alert(1)</script>`})
	if body := w.Body.String(); strings.Contains(body, "<script") || strings.Contains(body, "<b>") {
		t.Errorf("Render() does not escape markup in data:\n%s", body)
	}
}

func TestPage_FailedTemplateWritesNothing(t *testing.T) {
	w := httptest.NewRecorder()
	err := page.Render(w, http.StatusOK, parse(t, `{{define "main"}}{{.Missing}}{{end}}`), data{})
	if err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("Render() = %v with %d bytes and headers %v, want an error and nothing written", err, w.Body.Len(), w.Header())
	}
}

func TestPage_ParseNamesTheFile(t *testing.T) {
	for name, source := range map[string]string{
		"no main": `{{define "title"}}x{{end}}`,
		"broken":  `{{define "main"}}{{if}}{{end}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := page.Parse(fstest.MapFS{"p.html": {Data: []byte(source)}}, "p.html")
			if err == nil || !strings.Contains(err.Error(), "p.html") {
				t.Errorf("Parse() = %v, want an error that names p.html", err)
			}
		})
	}
	if _, err := page.Parse(fstest.MapFS{}, "p.html"); err == nil {
		t.Error("Parse() of a missing file = nil, want an error")
	}
}

// A page may have a byte order mark or be in UTF-16, as some editors save it.
func TestPage_FR_46_Encodings(t *testing.T) {
	const main = `{{define "main"}}<p>Für {{.Name}}</p>{{end}}`
	utf16LE := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(main)) {
		utf16LE = append(utf16LE, byte(unit), byte(unit>>8))
	}
	want := render(t, main, data{"app.example.com", "Ada"}).Body.String()
	for name, source := range map[string]string{"a byte order mark": "\uFEFF" + main, "UTF-16": string(utf16LE)} {
		if got := render(t, source, data{"app.example.com", "Ada"}).Body.String(); got != want {
			t.Errorf("%s: the page is\n%q\nwant\n%q", name, got, want)
		}
	}
}

func TestText_UI_04(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Ada Lovelace", "Ada Lovelace"},
		{"other scripts", "山田 太郎 · Зоя · עדה", "山田 太郎 · Зоя · עדה"},
		{"spaces folded", "  Ada \t\n Lovelace ", "Ada Lovelace"},
		{"bidi override", "gpj\u202Eexe.\u2066x\u2069", "gpjexe.x"},
		{"bidi marks", "a\u200E\u200F\u061Cb", "ab"},
		{"zero width", "Pass\u200Bpo\u200Crt\u2060\uFEFF\u00AD", "Passport"},
		{"control characters", "a\x00b\x1b[31mc\u0085d", "ab[31mcd"},
		{"line separators", "a\u2028b\u2029c", "abc"},
		{"invisible letters", "a\u3164b\u115F\u2800c", "abc"},
		{"tags and variation selectors", "a\U000E0041b\U000E0100\uFE0F", "ab"},
		{"private use", "a\uE000b", "ab"},
		{"invalid UTF-8", "a\xff\xfeb", "ab"},
		{"piled marks", "a" + strings.Repeat("\u0301", 50) + "b", "a" + strings.Repeat("\u0301", 4) + "b"},
		{"long", strings.Repeat("x", 30), strings.Repeat("x", 19) + "…"},
		{"nothing left", "\u200B", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := page.Text(test.in, 20); got != test.want {
				t.Errorf("Text(%q) = %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add("Ada \u202E Lovelace", 10)
	f.Add("\xff\x00", 0)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := page.Text(s, limit)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > max(limit, 0) {
			t.Errorf("Text(%q, %d) = %q, which is invalid or too long", s, limit, got)
		}
		for _, r := range got {
			if page.Unseen(r) || r == '\n' || r == '\t' {
				t.Errorf("Text(%q) contains %U", s, r)
			}
		}
	})
}

// directives returns the Content-Security-Policy of a response by directive.
func directives(w *httptest.ResponseRecorder) map[string]string {
	policy := map[string]string{}
	for d := range strings.SplitSeq(w.Header().Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(d, " ")
		policy[name] = value
	}
	return policy
}

// closedConn is a connection that the browser has closed.
type closedConn struct{ *httptest.ResponseRecorder }

func (closedConn) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A closed connection, as after a double click, is not an error for the log.
func TestPage_ClosedConnection(t *testing.T) {
	tmpl := parse(t, `{{define "main"}}x{{end}}`)
	if err := page.Render(closedConn{httptest.NewRecorder()}, http.StatusOK, tmpl, data{}); err != nil {
		t.Errorf("Render() on a closed connection = %v, want nil", err)
	}
}
