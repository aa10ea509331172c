package brand

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strconv"
)

// Limits of a logo.
const (
	MaxLogo   = 512 << 10 // bytes
	maxPixels = 1024      // of each side
)

// kind is a kind of image.
type kind struct{ ending, mediaType string }

var (
	svgKind = kind{".svg", "image/svg+xml"}
	pngKind = kind{".png", "image/png"}
)

// kindOf returns the kind of a logo. Its error says why the logo cannot be used.
func kindOf(content []byte) (kind, error) {
	if len(content) > MaxLogo {
		return kind{}, fmt.Errorf("the file has %d bytes: want at most %d", len(content), MaxLogo)
	}
	if bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n")) {
		size, err := png.DecodeConfig(bytes.NewReader(content))
		if err != nil {
			return kind{}, errors.New("the PNG file is damaged: export it again")
		}
		return pngKind, checkSize(size)
	}
	return svgKind, checkSVG(content)
}

// checkSVG returns an error for a file that browsers do not show as an SVG image.
func checkSVG(content []byte) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	d.Strict = true
	for {
		token, err := d.Token()
		if err != nil {
			return errors.New("want an SVG or PNG file")
		}
		root, ok := token.(xml.StartElement)
		switch {
		case !ok:
			continue
		case root.Name.Local != "svg":
			return errors.New("want an SVG or PNG file")
		case root.Name.Space != "http://www.w3.org/2000/svg":
			return errors.New(`the svg element lacks its namespace: write xmlns="http://www.w3.org/2000/svg"`)
		}
		if err := d.Skip(); err != nil {
			return errors.New("the SVG file is not well-formed XML: export it again")
		}
		return nil
	}
}

// Logo is a logo as it is served.
type Logo struct {
	Path    string // with a digest of the content, so that it never changes
	dark    bool
	kind    kind
	content []byte
}

// Logos returns the logos of a valid brand: none, one for both schemes, or one
// each.
func (b Brand) Logos() (logos []Logo) {
	for i, content := range [][]byte{b.Logo, b.LogoDark} {
		kind, err := kindOf(content)
		if len(content) == 0 || err != nil {
			continue
		}
		name := [2]string{"/logo-", "/logo-dark-"}[i]
		logos = append(logos, Logo{name + digest(content) + kind.ending, i == 1, kind, content})
	}
	return logos
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// ServeHTTP serves the logo.
func (l Logo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	serve(w, r, l.kind, l.content)
}

// ServePNG serves an image whose URL changes with its content.
func ServePNG(w http.ResponseWriter, r *http.Request, content []byte) {
	serve(w, r, pngKind, content)
}

// serve serves an image. Its policy keeps a browser that opens an SVG file as a page
// from running scripts in it.
func serve(w http.ResponseWriter, r *http.Request, k kind, content []byte) {
	h := w.Header()
	h.Set("Content-Type", k.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.Method == http.MethodGet {
		_, _ = w.Write(content)
	}
}
