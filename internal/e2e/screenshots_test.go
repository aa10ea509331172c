package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// views are the widths of the documentation's screenshots: a phone and a desktop. A
// long page is cut at the height.
var views = []struct {
	suffix        string
	width, height int64
	scale         float64
}{
	{"", 390, 1100, 1.5},
	{"-wide", 1280, 900, 1},
}

// screenshot saves the page for the documentation, if PASSPORT_SCREENSHOTS names a
// folder: NAME-light.png, NAME-dark.png, NAME-wide-light.png and NAME-wide-dark.png.
// `make screenshots` does so.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("PASSPORT_SCREENSHOTS")
	if dir == "" {
		return
	}
	b.do("hide what changes", chromedp.Evaluate[chromedp.Void](hideWhatChanges))
	for _, view := range views {
		for _, scheme := range []string{"light", "dark"} {
			b.do("set size and color scheme",
				chromedp.EmulateViewport(view.width, view.height, chromedp.EmulateScale(view.scale)),
				command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				}))
			shot := b.cutout(float64(view.width), float64(view.height))
			file := filepath.Join(dir, name+view.suffix+"-"+scheme+".png")
			if err := os.WriteFile(file, withPalette(b.t, shot), 0o600); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.do("reset the view", chromedp.EmulateReset(), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// hideWhatChanges replaces the port and the request ID, and takes the focus away, so
// that each run takes the same pictures.
const hideWhatChanges = `(() => {
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (texts.nextNode()) {
		const text = texts.currentNode
		text.data = text.data.replaceAll(location.host, "127.0.0.1:8000").replace(/^\s*[B-Z]{4}-[B-Z]{4}\s*$/, "WDJB-MJHT")
		if (text.parentNode.classList.contains("whole")) text.data = "RC3OHKP2N3J4ZY7FO36XR7PSBQ"
	}
	document.querySelectorAll("time").forEach(e => { if (e.dateTime.length === 10) e.textContent = "May 4, " + e.dateTime.slice(0, 4) })
	const secret = document.querySelector("#secret")
	if (secret) {
		const shown = "passport_pat_QLYEBBHNBMP3ZWIY6UJZSVC7TEUTQMUKDZYUTWKSUPAEBJVA5WQSEGX3CRMI"
		const curl = document.querySelector(".command code")
		curl.textContent = curl.textContent.replace(secret.value, shown)
		secret.value = shown
	}
	document.querySelectorAll(".token-id").forEach((e, i) => e.textContent = "passport_pat_…" + ["CRMI", "7SXQ"][i % 2])
	document.activeElement?.blur()
})()`

// cutout returns a picture of the page's content with a margin.
func (b *tab) cutout(width, height float64) []byte {
	b.t.Helper()
	box := ask(b, chromedp.Evaluate[[]float64](`(() => {
		const boxes = [...document.body.children].map(e => e.getBoundingClientRect()).filter(r => r.height > 0)
		return [Math.min(...boxes.map(r => r.left)), Math.max(...boxes.map(r => r.right)), Math.min(...boxes.map(r => r.top)), Math.max(...boxes.map(r => r.bottom))]
	})()`))
	if len(box) != 4 {
		b.t.Fatalf("the page has no size: %v", box)
	}
	const margin = 24
	left, right := max(0, box[0]-margin), min(width, box[1]+margin)
	top, bottom := max(0, box[2]-margin), min(height, box[3]+margin)
	shot, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (cdppage.CaptureScreenshotResult, error) {
		return cdp.Call(ctx, t, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{
			Format: cdppage.CaptureScreenshotFormatPng,
			Clip:   &cdppage.Viewport{X: left, Y: top, Width: right - left, Height: bottom - top, Scale: 1},
		})
	})
	if err != nil {
		b.t.Fatalf("take a screenshot: %v", err)
	}
	return shot.Data
}

// maxColors keeps the folder of the pictures small: every clone downloads it.
const maxColors = 24

// withPalette returns a picture with at most 24 colors, which makes it small: the
// most frequent ones, and for each other color the nearest of them.
func withPalette(t *testing.T, shot []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.RGBA]int{}
	size := full.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), bytes.Compare([]byte{a.R, a.G, a.B}, []byte{b.R, b.G, b.B}))
	})
	var palette color.Palette
	for _, c := range frequent[:min(maxColors, len(frequent))] {
		palette = append(palette, c)
	}
	index := map[color.RGBA]uint8{}
	for _, c := range frequent {
		index[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(size, palette)
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			small.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
