package page_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport/internal/page"
)

// Lint finds blocked URLs in each place from which a browser would load them.
func TestLint_BlockedURLs(t *testing.T) {
	const cdn = "https://cdn.example/x"
	for source, want := range map[string][]string{
		`<img src="https://cdn.example/x">`:                                {`1: src="` + cdn + `"`},
		`<IMG SRC=HTTPS://cdn.example/x>`:                                  {`1: src="HTTPS://cdn.example/x"`},
		"<img\n alt='>'\n src='//cdn.example/x'\n>":                        {`3: src="//cdn.example/x"`},
		`<img src="\\cdn.example/x">`:                                      {`1: src="\\cdn.example/x"`},
		`<img src=" https:&#x2F;/cdn.example/x">`:                          {`1: src="` + cdn + `"`},
		"<img src='ht\ntps://cdn.example/x'>":                              {`1: src="ht tps://cdn.example/x"`},
		`<img src=blob:x>`:                                                 {`1: src="blob:x"`},
		`<img src="https://cdn.example/{{.Site}}.png">`:                    {`1: src="https://cdn.example/`},
		`<img src="{{if .Site}}https://cdn.example/x{{else}}/x{{end}}">`:   {`1: src="` + cdn + `"`},
		`<img src="{{if .Site}}/x{{else}}https://cdn.example/x{{end}}">`:   {`1: src="` + cdn + `"`},
		`<img {{if .Site}}src="/x"{{else}}src="//cdn.example/x"{{end}}>`:   {`1: src="//cdn.example/x"`},
		`<img srcset="/a.png 1x, https://cdn.example/x 2x">`:               {`1: srcset="` + cdn + `"`},
		`<img srcset="/a.png 1x,//cdn.example/x 2x" src=//cdn.example/x>`:  {`1: srcset="//cdn.example/x"`, `1: src="//cdn.example/x"`},
		`<picture><source srcset=https://cdn.example/x></picture>`:         {`1: srcset="` + cdn + `"`},
		`<input type=image src=https://cdn.example/x>`:                     {`1: src="` + cdn + `"`},
		`<body background=https://cdn.example/x>`:                          {`1: background="` + cdn + `"`},
		`<svg><image xlink:href="https://cdn.example/x"/></svg>`:           {`1: xlink:href="` + cdn + `"`},
		`<form action="https://cdn.example/x">`:                            {`1: action="` + cdn + `"`},
		`<form method=post action=mailto:a@b.example>`:                     {`1: action="mailto:a@b.example"`},
		`<button formaction='//cdn.example/x'>`:                            {`1: formaction="//cdn.example/x"`},
		`<input type=submit FormAction=https://cdn.example/x>`:             {`1: formaction="` + cdn + `"`},
		`<link rel="shortcut ICON" href="https://cdn.example/x">`:          {`1: href="` + cdn + `"`},
		`<link rel=apple-touch-icon href=//cdn.example/x>`:                 {`1: href="//cdn.example/x"`},
		`<link rel=preload as=font href=https://cdn.example/x>`:            {`1: href="` + cdn + `"`},
		`<link rel=preload as=script href=/x.js>`:                          {`1: <link>`},
		`<link rel=manifest href=/x.json>`:                                 {`1: <link>`},
		`<link rel=stylesheet href=https://cdn.example/x>`:                 {`1: <link>`},
		`<iframe src=https://cdn.example/x></iframe>`:                      {`1: <iframe>`},
		"<video src=/x.mp4\nposter=//cdn.example/x></video>":               {`1: src=`, `2: poster="//cdn.example/x"`},
		`<audio><source src=https://cdn.example/x><track src=/x></audio>`:  {`1: src=`, `1: src=`},
		`<p style="background: url(https://cdn.example/x)">`:               {`1: style=`},
		`<style>p { background: url(https://cdn.example/x) }</style>`:      {`1: <style>`},
		`<a href=/ ping=https://cdn.example/x>x</a>`:                       {`1: ping=`},
		`<p title="<!--"><img src=//cdn.example/x><p title="-->">`:         {`1: src="//cdn.example/x"`},
		`<p title="<title>"><img/src=//cdn.example/x>`:                     {`1: src="//cdn.example/x"`},
		`<img data-{{.Site}}="src" src=//cdn.example/x>`:                   {`1: src="//cdn.example/x"`},
		`<img src="data:image/png;base64,AA//BB"><img src="/x.png">`:       nil,
		`<img src="x.png?from=https://cdn.example/x#//x">`:                 nil,
		`<img srcset="data:image/png;base64,AA== 1x, x.png 2x"><img src>`:  nil,
		`<img src="{{.Site}}/x"><img src={{.Site}}//x>`:                    nil,
		`<img src="https://{{.Site}}/x"><img src="//cdn.{{.Site}}/x">`:     nil,
		`<img src=https://{{.Site}}/x><form action="{{.Site}}">`:           nil,
		`<img src="/x{{if .Site}}//y{{end}}">`:                             nil,
		`<a href="https://cdn.example/x">x</a><a href=mailto:a@b.c>x</a>`:  nil,
		`<a href="#x">x</a><a href="//cdn.example">x</a>`:                  nil,
		`<form action="/x"><button formaction="?x">x</button></form>`:      nil,
		`<form action="/x?to=https://cdn.example/x"></form>`:               nil,
		`<!-- <img src="https://cdn.example/x"> -->`:                       nil,
		`{{/* <img src="https://cdn.example/x"> */}}`:                      nil,
		`<p>Write &lt;img src="https://cdn.example/x"></p>`:                nil,
		`<p data-src="https://cdn.example/x" title="src=//cdn.example/x">`: nil,
		`<link rel=canonical href=https://cdn.example/x>`:                  nil,
		`<link rel=icon href="data:,"><link rel=icon href=/x.png>`:         nil,
		`<svg xmlns="http://www.w3.org/2000/svg"><use href="#x"/></svg>`:   nil,
		`<meta http-equiv=refresh content="0;url=https://cdn.example/x">`:  nil,
	} {
		t.Run(source, func(t *testing.T) {
			found, err := page.Lint(fstest.MapFS{"error.html": {Data: []byte(`{{define "main"}}` + source + `{{end}}`)}})
			if err != nil {
				t.Fatalf("Lint() = %v", err)
			}
			checkPrefixes(t, found, "error.html:", want)
		})
	}
}

// Lint reads the style sheet as a browser does.
func TestLint_StyleSheet(t *testing.T) {
	for source, want := range map[string][]string{
		"p {}\n@import url(https://cdn.example/x.css);":                           {"2: @import"},
		`@IMPORT "x.css" screen; p { background: url(//cdn.example/x) }`:          {"1: @import", "1: url(//cdn.example/x)"},
		"@font-face {\n src: local(x), url(https://cdn.example/x) format('x') }":  {"2: url(https://cdn.example/x)"},
		`@font-face { src: url(data:font/woff2,AA) } p { content: url(data:,) }`:  {"1: url(data:font/woff2,AA)"},
		"p {\n background: URL( \"https://cdn.example/x\" ) }":                    {"2: url(https://cdn.example/x)"},
		`@media print { p { background: red url('//cdn.example/x') } }`:           {"1: url(//cdn.example/x)"},
		`p { background: \75 rl(https://cdn.example/x) }`:                         {"1: url(https://cdn.example/x)"},
		`p { background: url(https\3a //cdn.example/x) }`:                         {"1: url(https://cdn.example/x)"},
		`p { background: image-set("//cdn.example/x" 1x, "/x" type("a//b") 2x) }`: {"1: image-set(//cdn.example/x)"},
		`p { --logo: url(https://cdn.example/x); }`:                               {"1: url(https://cdn.example/x)"},
		`p { background: url(https://cdn.example/*x*/) }`:                         {"1: url(https://cdn.example/*x*/)"},
		`p { background: url(https://cdn.example/x`:                               {"1: url(https://cdn.example/x)"},
		"/* @import 'x'; url(https://cdn.example/x) */ p {}":                      nil,
		`p { content: "url(https://cdn.example/x) @import"; }`:                    nil,
		`p { content: "\"url(https://cdn.example/x)"; }`:                          nil,
		`p { background: url(data:image/png;base64,AA==), url(/x), url(x//y) }`:   nil,
		`p { clip-path: url(#x); cursor: url("x.cur"), auto }`:                    nil,
		`@namespace svg url(http://www.w3.org/2000/svg); svg|a { color: red }`:    nil,
		`@font-face { src: url(/x.woff2) format("woff2") }`:                       nil,
		`a[href^="https://cdn.example"]::after { content: "//" }`:                 nil,
	} {
		t.Run(source, func(t *testing.T) {
			found, err := page.Lint(fstest.MapFS{page.StyleFile: {Data: []byte(source)}})
			if err != nil {
				t.Fatalf("Lint() = %v", err)
			}
			checkPrefixes(t, found, "style.css:", want)
		})
	}
}

// Lint finds what html/template drops because no define contains it.
func TestLint_OutsideDefine(t *testing.T) {
	const main = "{{define \"main\"}}x{{end}}\n"
	for source, want := range map[string][]string{
		main + "<p>Need help?</p>":                                     {`2: "<p>Need help?</p>"`},
		"Hello\n" + main:                                               {`1: "Hello"`},
		main + "{{.Code}}":                                             {`2: {{.Code}}`},
		main + "\n {{- if .Code}}x{{end}}":                             {`3: {{- if .Code}}`},
		main + `{{template "foot" .}}`:                                 {`2: {{template "foot" .}}`},
		"a\nb\n" + main + "c {{.Code}}\nd":                             {`1: "a"`, `4: "c {{.Code}}"`},
		main + "<script>f()</script>":                                  {`2: "<script>f()</script>"`},
		main + "\n \t{{/* a comment */}}\n<!-- a {{.Code}} -->\n":      nil,
		`{{block "main" .}}x{{end}}` + "\n" + `{{- /* x */ -}}` + "\n": nil,
		"\ufeff" + main:                                                nil,
	} {
		t.Run(source, func(t *testing.T) {
			found, err := page.Lint(fstest.MapFS{"error.html": {Data: []byte(source)}})
			if err != nil {
				t.Fatalf("Lint() = %v", err)
			}
			checkPrefixes(t, found, "error.html:", want)
		})
	}
	t.Run("the layout", func(t *testing.T) { checkFindings(t, page.LayoutFile, `<p>{{.Site}}{{template "main" .}}`, nil) })
}

// checkPrefixes compares the starts of findings, after the file name.
func checkPrefixes(t *testing.T, found []page.Finding, file string, want []string) {
	t.Helper()
	var got []string
	for _, f := range found {
		got = append(got, strings.TrimPrefix(f.String(), file))
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("Lint() = %q, want %q", got, want)
	}
}

// Lint has no findings in the built-in pages.
func TestLint_BuiltIn(t *testing.T) {
	dir := t.TempDir()
	if err := page.Write(dir, true); err != nil {
		t.Fatalf("Write() = %v", err)
	}

	if found, err := page.Lint(os.DirFS(dir)); err != nil || len(found) > 0 {
		t.Errorf("Lint() of the built-in pages = %v, %v, want no finding", found, err)
	}
}

// Lint has no findings in the example page of the documentation.
func TestLint_Documented(t *testing.T) {
	guide, err := os.ReadFile("../../docs/custom-pages.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "```html\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/custom-pages.md has no example page")
	}
	checkFindings(t, "consent.html", example, nil)
}

func FuzzLint(f *testing.F) {
	for _, seed := range []string{
		"{{define \"main\"}}<img src='//x'>{{end}}{{.X}}", "<a {{if .X}}b='{{.Y}}'{{end}}", "<!-", "<!-->", "<a =", "<title><", "<a b=\x00\x01",
		"@import url(", "p { background: url(\\", "\"\\", "/*", "@font-face{src:url(a)}}}", "image-set((('//x')))", "\\\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, name := range []string{"error.html", page.LayoutFile, page.StyleFile} {
			found, err := page.Lint(fstest.MapFS{name: {Data: []byte(source)}})
			if err != nil {
				t.Fatalf("Lint() = %v", err)
			}
			for _, f := range found {
				if f.Line < 1 || f.Line > 1+strings.Count(source, "\n") || f.Part == "" || strings.Contains(f.String(), "\n") {
					t.Errorf("Lint(%q) = %q, want one line that names a place in the file", source, f)
				}
			}
		}
	})
}
