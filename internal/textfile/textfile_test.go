package textfile_test

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"github.com/go-passport/passport/internal/textfile"
)

func utf16Text(order binary.AppendByteOrder, text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

func TestDecode_FR_46(t *testing.T) {
	const text = "listen = \"[::1]:8000\" # für 𝔸da\r\n"
	for name, data := range map[string][]byte{
		"UTF-8":                         []byte(text),
		"UTF-8 with a byte order mark":  []byte("\uFEFF" + text),
		"UTF-16LE, as Notepad saves it": utf16Text(binary.LittleEndian, "\uFEFF"+text),
		"UTF-16BE":                      utf16Text(binary.BigEndian, "\uFEFF"+text),
		"UTF-16LE without a mark":       utf16Text(binary.LittleEndian, text),
		"UTF-16BE without a mark":       utf16Text(binary.BigEndian, text),
	} {
		if got := textfile.Decode(data); got != text {
			t.Errorf("%s: Decode() = %q, want %q", name, got, text)
		}
	}
	for _, text := range []string{"", "a", "ä", "\x00", "M\xfcller"} {
		if got := textfile.Decode([]byte(text)); got != text {
			t.Errorf("Decode(%q) = %q, want it unchanged", text, got)
		}
	}
}
