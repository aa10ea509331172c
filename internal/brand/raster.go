package brand

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
)

// PNG returns a PNG or JPEG image, encoded as PNG. It checks the size before it
// decodes the image. The result has nothing of the file but its pixels.
func PNG(file []byte) ([]byte, error) {
	if len(file) > MaxLogo {
		return nil, fmt.Errorf("the file has %d bytes: want at most %d", len(file), MaxLogo)
	}
	config, decode := png.DecodeConfig, png.Decode
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	default:
		return nil, errors.New("want a PNG or JPEG file")
	}
	size, err := config(bytes.NewReader(file))
	if err != nil {
		return nil, errors.New("the file is damaged: export it again")
	}
	if err := checkSize(size); err != nil {
		return nil, err
	}
	decoded, err := decode(bytes.NewReader(file))
	if err != nil {
		return nil, errors.New("the file is damaged: export it again")
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, decoded); err != nil {
		return nil, fmt.Errorf("encode as PNG: %w", err)
	}
	if b.Len() > MaxLogo {
		return nil, fmt.Errorf("as PNG the image has %d bytes, want at most %d: use fewer pixels", b.Len(), MaxLogo)
	}
	return b.Bytes(), nil
}

func checkSize(size image.Config) error {
	if size.Width > maxPixels || size.Height > maxPixels {
		return fmt.Errorf("the image has %d×%d pixels: want at most %d×%d", size.Width, size.Height, maxPixels, maxPixels)
	}
	return nil
}
