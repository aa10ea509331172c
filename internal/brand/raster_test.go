package brand_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/brand"
)

// noise is an image that no format compresses well.
func noise(side int) image.Image {
	random := rand.New(rand.NewPCG(1, 2))
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for x := range side {
		for y := range side {
			n := random.Uint32()
			m.Set(x, y, color.RGBA{uint8(n), uint8(n >> 8), uint8(n >> 16), 255})
		}
	}
	return m
}

func jpegOf(t *testing.T, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// PA-0: the logo of a client is encoded again, so that only its pixels are kept.
func TestPNG_PA_0_KeepsOnlyPixels(t *testing.T) {
	const canary = "<script>alert(1)</script>"
	for name, file := range map[string][]byte{
		"PNG": append(pngOf(t, 1024, 1024), canary...), "JPEG": append(jpegOf(t, noise(64), 90), canary...),
	} {
		got, err := brand.PNG(file)
		if err != nil {
			t.Fatalf("PNG() of a %s file = %v", name, err)
		}
		if bytes.Contains(got, []byte(canary)) {
			t.Errorf("PNG() of a %s file keeps what follows the image", name)
		}
		before, _, _ := image.DecodeConfig(bytes.NewReader(file))
		after, err := png.DecodeConfig(bytes.NewReader(got))
		if err != nil || after.Width != before.Width || after.Height != before.Height {
			t.Errorf("PNG() of a %s file has %d×%d pixels, %v, want %d×%d", name, after.Width, after.Height, err, before.Width, before.Height)
		}
	}
}

func TestPNG_PA_0_Refuses(t *testing.T) {
	for want, file := range map[string][]byte{
		"want a PNG or JPEG file":                                  []byte(svg),
		"want a PNG or JPEG file ":                                 {},
		"the image has 65536×65536 pixels: want at most 1024×1024": bomb(),
		"the image has 1025×1 pixels: want at most 1024×1024":      pngOf(t, 1025, 1),
		"the file is damaged: export it again":                     pngOf(t, 9, 9)[:50],
		"the file is damaged: export it again ":                    []byte("\xff\xd8\xff"),
		"the file has 524289 bytes: want at most 524288":           append([]byte("\xff\xd8\xff"), make([]byte, 512<<10-2)...),
		"as PNG the image has ":                                    jpegOf(t, noise(700), 60),
	} {
		if _, err := brand.PNG(file); err == nil || !strings.HasPrefix(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("PNG() = %v, want %s", err, want)
		}
	}
}

func FuzzPNG(f *testing.F) {
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte("\xff\xd8\xff\xe0"))
	f.Add(bomb())
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := brand.PNG(file)
		if err != nil {
			return
		}
		if size, err := png.DecodeConfig(bytes.NewReader(got)); err != nil || size.Width > 1024 || size.Height > 1024 || len(got) > 512<<10 {
			t.Errorf("PNG() has %d bytes and %d×%d pixels, %v", len(got), size.Width, size.Height, err)
		}
	})
}
