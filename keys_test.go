package passport_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-passport/passport"
)

// A rotated text loads like the original, with one more key. A second rotation fails
// until the new key signs.
func TestRotateKeys_Text(t *testing.T) {
	dir := t.TempDir()
	if err := passport.WriteKeys(dir, "", 0, false); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(dir, "oauth-private.key"))
	if err != nil {
		t.Fatal(err)
	}
	rotation := passport.Rotation{Publish: time.Hour, Overlap: 400 * 24 * time.Hour}
	text, rotated, err := passport.RotateKeys(old, rotation)
	if err != nil || rotated == nil {
		t.Fatalf("RotateKeys() = %v, %v, want the new key's times and no error", rotated, err)
	}
	if got, want := bytes.Count(text, []byte("BEGIN ")), bytes.Count(old, []byte("BEGIN "))+1; got != want {
		t.Errorf("the rotated text has %d keys, want %d", got, want)
	}
	if _, err := passport.ParseKeys(text); err != nil {
		t.Errorf("ParseKeys of the rotated text = %v, want no error", err)
	}
	if _, _, err := passport.RotateKeys(text, rotation); !errors.Is(err, passport.ErrRotating) {
		t.Errorf("a second RotateKeys() = %v, want ErrRotating: the new key does not sign yet", err)
	}
}
