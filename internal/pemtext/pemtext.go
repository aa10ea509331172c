// Package pemtext restores PEM texts that an editor, a shell, an env file or a form of
// a hosting service has changed.
package pemtext

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"
	"unicode"

	"github.com/go-passport/passport/internal/textfile"
)

// begin is the beginning of each PEM block (RFC 7468 §2).
const begin = "-----BEGIN "

// maxBare is the largest size of a key without PEM around it, in bytes of base64.
const maxBare = 1 << 17

var (
	blockForm = regexp.MustCompile(`-----BEGIN\s+([A-Z0-9\s]+?)\s*-----([^-]*)-----END\s+([A-Z0-9\s]+?)\s*-----`)
	bodyForm  = regexp.MustCompile(`^[A-Za-z0-9+/]+={0,2}$`)
	header    = regexp.MustCompile(`(?:Alg|Use-From|Retire-After): *\S+`)
	headers   = regexp.MustCompile(`^\s*(?:` + header.String() + `\s*)+$`)
)

// Normalize returns a PEM text with the lines of RFC 7468. It repairs a byte order
// mark, UTF-16, indentation, quotes around the text, and line ends that are of any
// kind, written as \n, replaced by spaces, or missing. It also reads a PEM text or a
// DER key that is encoded in base64 as a whole, and a plain DER key.
//
// It returns a text that it can't repair unchanged.
func Normalize(data []byte) string {
	if key := fromDER(data); key != "" {
		return key
	}
	if text := string(data); strings.Contains(text, begin) {
		return rewrap(unescape(text)) // not UTF-16, despite its first bytes
	}
	text := unescape(textfile.Decode(data))
	if strings.Contains(text, begin) {
		return rewrap(text)
	}
	inner := decode(text)
	if key := fromDER(inner); key != "" {
		return key
	}
	if decoded := unescape(textfile.Decode(inner)); strings.Contains(decoded, begin) {
		return rewrap(decoded)
	}
	return text
}

// unescape restores the lines of a text in a single-line setting. Base64 has neither
// backslash nor quote.
func unescape(text string) string {
	text = strings.NewReplacer("\uFEFF", "", "\u200B", "", "\u00A0", " ").Replace(text)
	text = strings.TrimSpace(text)
	for _, quote := range []string{`"`, `'`, "`"} {
		if inner, ok := strings.CutPrefix(text, quote); ok {
			text = strings.TrimSuffix(inner, quote)
			break
		}
	}
	return strings.NewReplacer(`\\r`, "", `\\n`, "\n", `\r`, "", `\n`, "\n", "\r\n", "\n", "\r", "\n").Replace(text)
}

// rewrap writes each whole block with the lines that encoding/pem reads.
func rewrap(text string) string {
	var b strings.Builder
	end := 0
	for _, at := range blockForm.FindAllStringSubmatchIndex(text, -1) {
		label, body := joined(text[at[2]:at[3]], " "), joined(text[at[4]:at[5]], "")
		if label != joined(text[at[6]:at[7]], " ") || !bodyForm.MatchString(body) {
			continue // damaged or with headers: encoding/pem decides
		}
		b.WriteString(lines(text[end:at[0]]))
		b.WriteString(begin + label + "-----\n")
		for ; len(body) > 64; body = body[64:] {
			b.WriteString(body[:64] + "\n")
		}
		b.WriteString(body + "\n-----END " + label + "-----\n")
		end = at[1]
	}
	return b.String() + strings.TrimLeft(text[end:], " \t\n")
}

// lines returns the text above a block. Each header that the server knows gets its
// own line.
func lines(above string) string {
	if headers.MatchString(above) {
		return strings.Join(header.FindAllString(above, -1), "\n") + "\n"
	}
	above = strings.TrimRight(above, " \t\n")
	if above == "" {
		return ""
	}
	return above + "\n"
}

// joined returns the words of a text with sep between them.
func joined(text, sep string) string { return strings.Join(strings.Fields(text), sep) }

// decode decodes a base64 text in the standard or the URL alphabet. It returns nil
// if it can't.
func decode(text string) []byte {
	if len(text) > maxBare {
		return nil
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || r == '=':
			return -1
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return r
	}, strings.TrimPrefix(text, "base64:"))
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return decoded
}

// fromDER returns the PEM text of a key in DER, or "" if the bytes aren't a key.
func fromDER(der []byte) string {
	if len(der) == 0 || der[0] != 0x30 { // an ASN.1 sequence
		return ""
	}
	for _, form := range []struct {
		label string
		parse func([]byte) error
	}{
		{"PRIVATE KEY", func(b []byte) error { _, err := x509.ParsePKCS8PrivateKey(b); return err }},
		{"RSA PRIVATE KEY", func(b []byte) error { _, err := x509.ParsePKCS1PrivateKey(b); return err }},
		{"EC PRIVATE KEY", func(b []byte) error { _, err := x509.ParseECPrivateKey(b); return err }},
		{"PUBLIC KEY", func(b []byte) error { _, err := x509.ParsePKIXPublicKey(b); return err }},
		{"RSA PUBLIC KEY", func(b []byte) error { _, err := x509.ParsePKCS1PublicKey(b); return err }},
	} {
		if form.parse(der) == nil {
			return string(pem.EncodeToMemory(&pem.Block{Type: form.label, Bytes: der}))
		}
	}
	return ""
}
