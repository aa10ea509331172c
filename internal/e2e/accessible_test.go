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
	"github.com/chromedp/chromedp/kb"
)

// axeFile is axe-core, which finds what people with disabilities can't use.
var axeFile = filepath.Join("node_modules", "axe-core", "axe.min.js")

var axe = sync.OnceValues(func() (string, error) {
	script, err := os.ReadFile(axeFile)
	return string(script), err
})

// runAxe returns the violations of WCAG 2.2 AA, one on each line.
const runAxe = `axe.run({resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(r =>
	r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html).join(" ")).join("\n"))`

// runAxeAgain is the same for the rules that depend on the width and on the color scheme:
// a page has no element that only some windows show.
const runAxeAgain = `axe.run({resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]}}).then(r =>
	r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html).join(" ")).join("\n"))`

// maxPage is the maximum size of a page with its images, in bytes.
const maxPage = 60_000

// faultsOfPage returns the faults that do not depend on the width or on the color
// scheme, one on each line. An element has a visible focus if it has the outline of the
// browser, or one that is at least two pixels wide.
const faultsOfPage = `(() => {
	const faults = [], want = (ok, fault) => { if (!ok) faults.push(fault) }
	const all = selector => [...document.querySelectorAll(selector)]
	const h1 = all("h1"), main = all("main")
	want(h1.length === 1 && h1[0].innerText.trim(), h1.length + " h1 elements, want one with a text")
	want(main.length === 1, main.length + " main elements, want one")
	want(document.documentElement.lang, "html has no lang")
	want(document.title.trim(), "no title")
	want(all("script:not(main > form[method=post] ~ script[src$=\"/form-post.js\"])").length === 0, "a script") // that one sends a form to an app
	for (const e of all("*")) for (const a of e.attributes) {
		want(!/^on/i.test(a.name), "a handler: " + e.outerHTML.slice(0, 200))
		want(!/^\s*javascript:/i.test(a.value), "a script: " + e.outerHTML.slice(0, 200))
	}
	const before = document.activeElement
	for (const e of all("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")) {
		if (e.checkVisibility?.() === false || e.disabled) continue
		e.focus({preventScroll: true})
		const style = getComputedStyle(e)
		want(document.activeElement === e, "no focus: " + e.outerHTML.slice(0, 200))
		want(style.outlineStyle === "auto" || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, "the focus is invisible: " + e.outerHTML.slice(0, 200))
	}
	document.activeElement?.blur()
	before?.focus?.({preventScroll: true})
	return faults.join("\n")
})()`

// wellMade checks a page: it has one h1, a title and a language, no script, a visible
// focus and a strict policy, is small, fits a phone, and axe finds no fault in either
// color scheme.
func (b *tab) wellMade(name string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		require(b.t, false, "axe-core is not installed: npm ci --ignore-scripts, in internal/e2e")
	}
	got := b.response()
	if got.size > maxPage {
		b.t.Errorf("%s has %.0f bytes with its images, want at most %d", name, got.size, maxPage)
	}
	if !strings.Contains(got.policy, "default-src") || strings.Contains(got.policy, "unsafe-") {
		b.t.Errorf("%s has the Content-Security-Policy %q, want one with default-src and without unsafe-", name, got.policy)
	}
	b.do("use the keyboard", chromedp.KeyEvent(kb.Shift)) // so that the browser shows the focus
	if faults := ask(b, chromedp.Evaluate[string](faultsOfPage)); faults != "" {
		b.t.Errorf("%s has\n%s", name, faults)
	}
	b.do("load axe", chromedp.Evaluate[chromedp.Void](script+"\nvoid 0"))
	if version := ask(b, chromedp.Evaluate[string](`axe.version`)); version == "" {
		b.t.Fatalf("%s: axe does not run", name)
	}
	rules := runAxe
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
			if faults := ask(b, chromedp.Evaluate[string](rules, chromedp.EvalAwaitPromise)); faults != "" {
				b.t.Errorf("%s: axe finds\n%s", what, faults)
			}
			rules = runAxeAgain
			b.lookAt(name, width, scheme)
		}
	}
	b.do("reset the view", chromedp.EmulateReset(), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// lookAt saves a screenshot of the whole page in PASSPORT_E2E_SHOTS.
func (b *tab) lookAt(name string, width int64, scheme string) {
	b.t.Helper()
	dir := os.Getenv("PASSPORT_E2E_SHOTS")
	if dir == "" {
		return
	}
	file := fmt.Sprintf("%s-%d-%s.png", strings.ReplaceAll(name, " ", "-"), width, scheme)
	if err := os.WriteFile(filepath.Join(dir, file), ask(b, chromedp.FullScreenshot(100)), 0o600); err != nil {
		b.t.Fatal(err)
	}
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
