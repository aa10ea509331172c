package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport/internal/page"
)

// Lint finds each part and returns its file and line, even in a branch that
// only some data shows.
func TestLint_Findings(t *testing.T) {
	for name, tt := range map[string]struct {
		file, source string
		want         []string // file, line and part
	}{
		"a script":                      {"error.html", "<p>\n<SCRIPT src='/x.js'></SCRIPT>", []string{"error.html:2: <script>"}},
		"a script in the layout":        {"layout.html", "<p>\n\n<script>f()</script>", []string{"layout.html:3: <script>"}},
		"a handler":                     {"error.html", "\n<p onClick='x()'>", []string{"error.html:2: onclick="}},
		"a handler without quotes":      {"error.html", "<body onload=x()>", []string{"error.html:1: onload="}},
		"two handlers":                  {"error.html", "<p onclick='x()' onblur='x()'>", []string{"error.html:1: onclick=", "error.html:1: onblur="}},
		"a link to a script":            {"error.html", `<a href=" JavaScript:x()">x</a>`, []string{`error.html:1: href="javascript:"`}},
		"a style element":               {"error.html", `{{define "head"}}<style>p > b {}</style>{{end}}`, []string{"error.html:1: <style>"}},
		"a style attribute":             {"layout.html", "<p>\n\n<b style=color:red>", []string{"layout.html:3: style="}},
		"a style with data":             {"consent.html", `<b style="color: {{.Client.Attributes.color}}">`, []string{"consent.html:1: style="}},
		"a style from data only":        {"consent.html", `<b style={{.Client.Attributes.style}}>`, []string{"consent.html:1: style="}},
		"a linked style sheet":          {"layout.html", "<link href=/x.css rel='preload StyleSheet'>", []string{"layout.html:1: <link>"}},
		"a base":                        {"layout.html", "<base href=/x/>", []string{"layout.html:1: <base>"}},
		"frames":                        {"error.html", "<iframe src=/x></iframe>\n<object data=x></object>\n<embed>", []string{"error.html:1: <iframe>", "error.html:2: <object>", "error.html:3: <embed>"}},
		"the same part twice":           {"redirect.html", "<p style=a>\n<p style=b>", []string{"redirect.html:1: style=", "redirect.html:2: style="}},
		"in a branch":                   {"decided.html", "{{if .What}}x{{else}}\n{{with .Site}}{{else}}<script></script>{{end}}{{end}}", []string{"decided.html:2: <script>"}},
		"in a loop":                     {"consent.html", "{{range .Scopes}}\n<i style='x'>{{end}}", []string{"consent.html:2: style="}},
		"in a block":                    {"layout.html", "{{block `foot` .}}\n<script></script>{{end}}", []string{"layout.html:2: <script>"}},
		"after an action of many lines": {"error.html", "{{- /* one\ntwo */ -}}\n\n{{printf `\n%s` .Title -}}\n<script></script>", []string{"error.html:6: <script>"}},
		"after an action with a tag":    {"error.html", `{{print "<p>}}<b " }}<b style=x>`, []string{"error.html:1: style="}},
		"a conditional attribute":       {"error.html", `<b {{if eq .Code "x"}}onclick="y"{{end}}>`, []string{"error.html:1: onclick="}},
		"an unknown function":           {"error.html", `{{shout "x"}}<script></script>`, []string{"error.html:1: <script>"}},

		"nothing to find":               {"consent.html", `<p class="{{.Site}}"><img src="/logo.svg" alt="onclick="><a {{.Href}}>on</a>`, nil},
		"a picture and an icon":         {"layout.html", `<link rel="icon" href="data:,"><img src=/x.png>{{style}}`, nil},
		"a comment":                     {"error.html", "<!-- <script></script>\n<p style=x> -->{{/* <script> */}}", nil},
		"text of a script":              {"error.html", `<script>"<b style=x onclick=y>"</script>`, []string{"error.html:1: <script>"}},
		"a string of an action":         {"error.html", `{{print "<script></script>"}}`, nil},
		"a title":                       {"error.html", `<title>How <b style=x> works</title><textarea><script></textarea>`, nil},
		"a file that is not a view":     {"other.html", "<script></script>", nil},
		"a file that is not HTML":       {"style.css", "b { content: '<script></script>' }", nil},
		"an invalid template":           {"error.html", "{{if}}<script></script>", nil},
		"names like those of a handler": {"error.html", `<p data-onclick="x" on-off>x</p>`, nil},
		"an element like another":       {"error.html", `<scripture><styled><based>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			checkFindings(t, tt.file, inMain(tt.file, tt.source), tt.want)
		})
	}
}

// inMain puts the source of a page into its main part. Line numbers don't change.
func inMain(file, source string) string {
	if file == page.LayoutFile || file == page.StyleFile || strings.Contains(source, "{{define") {
		return source
	}
	return `{{define "main"}}` + source + `{{end}}`
}

// checkFindings compares the findings in a file, as "file:line: part".
func checkFindings(t *testing.T, file, source string, want []string) {
	t.Helper()
	found, err := page.Lint(fstest.MapFS{file: {Data: []byte(source)}})
	if err != nil {
		t.Fatalf("Lint() = %v", err)
	}
	var got []string
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Part))
		if f.Why == "" || f.Remedy == "" {
			t.Errorf("Lint() = %s, want a reason and a remedy", f)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Lint() of %s\n%s\n= %q, want %q", file, source, got, want)
	}
}

// String returns one sentence that an operator can act on.
func TestLint_Text(t *testing.T) {
	found, err := page.Lint(fstest.MapFS{"error.html": {Data: []byte(`{{define "main"}}` + "\n<p style=x>{{end}}")}})
	if err != nil || len(found) != 1 {
		t.Fatalf("Lint() = %v, %v, want one finding", found, err)
	}
	want := "error.html:2: style= has no effect, because browsers apply only style.css, which {{style}} puts into the layout: " +
		"give the element a class, and move the rules to style.css"
	if got := found[0].String(); got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}
