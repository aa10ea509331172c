package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeFile is axe-core, which finds what people with disabilities can't use.
var axeFile = filepath.Join("node_modules", "axe-core", "axe.min.js")

var axe = sync.OnceValues(func() (string, error) {
	script, err := os.ReadFile(axeFile)
	return string(script), err
})

// runAxe returns the violations of WCAG 2.2 AA, one on each line.
const runAxe = `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(r =>
	r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html).join(" ")).join("\n"))`

// maxPage is the maximum size of a page, in bytes.
const maxPage = 60_000

// wellMade checks a page: it has one h1 and no script, is small, fits a phone, and axe
// finds no fault in either color scheme.
func (b *tab) wellMade(name string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		require(b.t, false, "axe-core is not installed: npm ci --ignore-scripts, in internal/e2e")
	}
	if n := ask(b, chromedp.Evaluate[int](`document.querySelectorAll("h1").length`)); n != 1 {
		b.t.Errorf("%s has %d h1 elements, want 1", name, n)
	}
	if html := b.html(); len(html) > maxPage || strings.Contains(html, "<script") {
		b.t.Errorf("%s has %d bytes, with a script: %v; want at most %d and none", name, len(html), strings.Contains(html, "<script"), maxPage)
	}
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.do("set size and color scheme", chromedp.EmulateViewport(width, 844),
				command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				}))
			what := fmt.Sprintf("%s, %d wide, %s", name, width, scheme)
			if n := ask(b, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); n != width {
				b.t.Errorf("%s: the content is %d wide, so that the page scrolls sideways", what, n)
			}
			b.do("load axe", chromedp.Evaluate[chromedp.Void](script+"\nvoid 0"))
			if version := ask(b, chromedp.Evaluate[string](`axe.version`)); version == "" {
				b.t.Fatalf("%s: axe does not run", what)
			}
			if faults := ask(b, chromedp.Evaluate[string](runAxe, chromedp.EvalAwaitPromise)); faults != "" {
				b.t.Errorf("%s: axe finds\n%s", what, faults)
			}
		}
	}
	b.do("reset the view", chromedp.EmulateReset(), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// The check finds faults: an image without a text, and a page that is too wide.
func TestE2E_WellMadeFindsFaults(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/sign-in")
	b.see("Sign in")
	script, err := axe()
	if err != nil {
		require(t, false, "axe-core is not installed: npm ci --ignore-scripts, in internal/e2e")
	}
	b.do("add a fault", chromedp.Evaluate[chromedp.Void](`void document.querySelector("main").append(document.createElement("img"))`),
		chromedp.Evaluate[chromedp.Void](script+"\nvoid 0"))
	if faults := ask(b, chromedp.Evaluate[string](runAxe, chromedp.EvalAwaitPromise)); !strings.Contains(faults, "image-alt") {
		t.Errorf("axe finds %q in a page with an image without a text, want image-alt", faults)
	}
}
