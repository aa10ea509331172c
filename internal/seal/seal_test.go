package seal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/seal"
)

func box(id, key string) *seal.Box { return seal.New(id, [32]byte([]byte(strings.Repeat(key, 32)))) }

var boxes = []*seal.Box{box("new", "N"), box("old", "O")}

func TestOpen_SealedValues(t *testing.T) {
	for _, b := range boxes {
		for _, plaintext := range []string{"", "x", strings.Repeat("long ", 2000)} {
			sealed := b.Seal("ticket", []byte(plaintext))
			got, id, err := seal.Open(boxes, "ticket", sealed)
			if err != nil || string(got) != plaintext || id != b.ID() {
				t.Errorf("Open() of a value that %s sealed = %d bytes, %q, %v", b.ID(), len(got), id, err)
			}
			if strings.Trim(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
				t.Errorf("the sealed value needs escaping: %s", sealed)
			}
		}
	}
	if boxes[0].Seal("ticket", nil) == boxes[0].Seal("ticket", nil) {
		t.Error("Seal() returned the same value twice")
	}
}

func TestOpen_Refusals(t *testing.T) {
	sealed := boxes[0].Seal("ticket", []byte("plaintext"))
	id, text, _ := strings.Cut(sealed, ".")
	for name, tt := range map[string]struct {
		boxes           []*seal.Box
		purpose, sealed string
	}{
		"another purpose":          {boxes, "cookie", sealed},
		"a longer purpose":         {boxes, "ticket2", sealed},
		"no purpose":               {boxes, "", sealed},
		"the box is removed":       {boxes[1:], "ticket", sealed},
		"no boxes":                 {nil, "ticket", sealed},
		"another box's ID":         {boxes, "ticket", "old." + text},
		"the same ID, another key": {[]*seal.Box{box("new", "X")}, "ticket", sealed},
		"the same key, another ID": {[]*seal.Box{box("other", "N")}, "ticket", "other." + text},
		"no ID":                    {boxes, "ticket", text},
		"an empty ID":              {boxes, "ticket", "." + text},
		"the ID alone":             {boxes, "ticket", id + "."},
		"empty":                    {boxes, "ticket", ""},
		"too long":                 {boxes, "ticket", boxes[0].Seal("ticket", make([]byte, seal.MaxBytes))},
		"1 MB of dots":             {boxes, "ticket", strings.Repeat(".", 1<<20)},
	} {
		if plaintext, id, err := seal.Open(tt.boxes, tt.purpose, tt.sealed); !errors.Is(err, seal.ErrSealed) || plaintext != nil {
			t.Errorf("%s: Open() = %q, %q, %v, want ErrSealed", name, plaintext, id, err)
		}
	}
}

// Open refuses every truncation, extension and bit flip.
func TestOpen_NeverRepeat_D13_Edits(t *testing.T) {
	sealed := boxes[0].Seal("ticket", []byte("sixteen bytes!!!and some"))
	refuse := func(what, edited string) {
		t.Helper()
		if _, _, err := seal.Open(boxes, "ticket", edited); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("Open() of %s = %q, %v, want ErrSealed", what, edited, err)
		}
	}
	for i := range sealed {
		refuse("a truncation", sealed[:i])
		refuse("a tail", sealed[i+1:])
		refuse("a value without one character", sealed[:i]+sealed[i+1:])
		refuse("a line end inside", sealed[:i]+"\n"+sealed[i:])
		refuse("a carriage return inside", sealed[:i]+"\r"+sealed[i:])
		for bit := range 8 {
			b := []byte(sealed)
			b[i] ^= 1 << bit
			refuse("a bit flip", string(b))
		}
	}
	for c := range 256 {
		refuse("an extension", sealed+string([]byte{byte(c)}))
		refuse("a prefix", string([]byte{byte(c)})+sealed)
	}
	for _, tail := range []string{"=", "==", "AA", "AAAA", "\r\n", "." + sealed} {
		refuse("an extension", sealed+tail)
	}
}

func TestBox_NeverRepeat_C8_PrintsNothing(t *testing.T) {
	b := box("id", "\xa7")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("test", "box", b, "value", *b)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		texts = append(texts, fmt.Sprintf(verb, b), fmt.Sprintf(verb, *b), fmt.Sprintf(verb, struct{ b seal.Box }{*b}))
	}
	for _, text := range texts {
		for _, canary := range []string{"167 167", "a7a7", "a7, 0x", "167, 167", "\xa7\xa7", `\xa7`} {
			if strings.Contains(text, canary) {
				t.Errorf("printing a box shows its key: %s", text)
			}
		}
	}
}

// FuzzOpen looks for a panic, and for a value that opens although Seal did not
// return it. Its key differs in each process, so no corpus has a sealed value.
func FuzzOpen(f *testing.F) {
	var key [32]byte
	rand.Read(key[:])
	ours := []*seal.Box{boxes[0], seal.New("id", key)}
	f.Add("id."+strings.Repeat("A", 80), "ticket", []byte("plaintext"), []byte{1}, uint16(5))
	f.Add("..\r\n", "", []byte(nil), []byte{0, 0, 0, 0x20}, uint16(0))
	f.Add("=", "cookie", []byte("y"), []byte(nil), uint16(1000))
	f.Fuzz(func(t *testing.T, value, purpose string, plaintext, mask []byte, cut uint16) {
		if got, id, err := seal.Open(ours, purpose, value); err == nil && id == "id" {
			t.Fatalf("Open(%q, %q) = %q, but this value was never sealed", purpose, value, got)
		}
		created := ours[1].Seal(purpose, plaintext)
		if len(created) > seal.MaxBytes {
			return
		}
		got, id, err := seal.Open(ours, purpose, created)
		if err != nil || id != "id" || !bytes.Equal(got, plaintext) {
			t.Fatalf("Open() of a sealed value = %q, %q, %v, want %q", got, id, err, plaintext)
		}
		flipped := []byte(created)
		for i, bits := range mask[:min(len(mask), len(flipped))] {
			flipped[i] ^= bits
		}
		for _, edited := range []string{string(flipped), created[:int(cut)%len(created)], created + value, value + created} {
			if _, _, err := seal.Open(ours, purpose, edited); err == nil && edited != created {
				t.Fatalf("Open(%q) opens an edit of %q", edited, created)
			}
		}
		if _, _, err := seal.Open(ours, purpose+value, created); err == nil && value != "" {
			t.Fatalf("a value sealed for %q opens for %q", purpose, purpose+value)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	plaintext := make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		boxes[0].Seal("ticket", plaintext)
	}
}

func BenchmarkOpen(b *testing.B) {
	sealed := boxes[0].Seal("ticket", make([]byte, 300))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := seal.Open(boxes, "ticket", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
