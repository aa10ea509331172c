// Package textfile reads text as editors and shells save it: with a byte order mark,
// or in UTF-16, as Windows Notepad and PowerShell write it.
package textfile

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

const byteOrderMark = "\uFEFF"

// Decode returns a text in UTF-8, without its byte order mark. It reads UTF-8 and
// UTF-16. Bytes in any other encoding stay unchanged: see
// [unicode/utf8.ValidString].
func Decode(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return decodeUTF16(data[2:], binary.BigEndian)
	case nulAt(data, 1) && !nulAt(data, 0):
		return decodeUTF16(data, binary.LittleEndian)
	case nulAt(data, 0) && !nulAt(data, 1):
		return decodeUTF16(data, binary.BigEndian)
	}
	return strings.TrimPrefix(string(data), byteOrderMark)
}

// nulAt reports whether the first two characters have a zero byte at the given
// position. ASCII has it in UTF-16 without a byte order mark, and no text has it in
// UTF-8.
func nulAt(data []byte, position int) bool {
	return len(data) >= 4 && data[position] == 0 && data[position+2] == 0
}

func decodeUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), byteOrderMark)
}
