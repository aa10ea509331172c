package pemtext_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-passport/passport/internal/pemtext"
)

// keys returns a key in each common form, by its PEM label.
func keys(t testing.TB) map[string][]byte {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	return map[string][]byte{
		"PRIVATE KEY":     encoded(x509.MarshalPKCS8PrivateKey(ec)),
		"EC PRIVATE KEY":  encoded(x509.MarshalECPrivateKey(ec)),
		"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(rsaKey),
		"PUBLIC KEY":      encoded(x509.MarshalPKIXPublicKey(rsaKey.Public())),
		"RSA PUBLIC KEY":  x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey),
	}
}

func replaced(old, with string) func(string) string {
	return func(text string) string { return strings.ReplaceAll(text, old, with) }
}

func inUTF16(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// wrapped is the output of the command base64, which breaks lines.
func wrapped(text string) string {
	text = inBase64(text)
	for i := 76; i < len(text); i += 77 {
		text = text[:i] + "\n" + text[i:]
	}
	return text + "\n"
}

func TestNormalize_FR_46_Forms(t *testing.T) {
	forms := map[string]func(string) string{
		"unchanged":                    func(s string) string { return s },
		"blanks for line ends":         replaced("\n", " "),
		"no line ends":                 replaced("\n", ""),
		`literal \n`:                   replaced("\n", `\n`),
		`literal \n, escaped twice`:    replaced("\n", `\\n`),
		`literal \r\n`:                 replaced("\n", `\r\n`),
		"CRLF":                         replaced("\n", "\r\n"),
		"CR":                           replaced("\n", "\r"),
		"tabs":                         replaced("\n", "\t"),
		"empty lines between":          replaced("\n", "\n\n"),
		"indented, as in YAML":         func(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") },
		"no-break spaces":              replaced("\n", "\u00a0"),
		"no-break spaces in its label": replaced(" ", "\u00a0"),
		"a byte order mark":            func(s string) string { return "\uFEFF" + s },
		"UTF-16":                       inUTF16,
		"double quotes":                func(s string) string { return `"` + s + `"` },
		"single quotes":                func(s string) string { return "'" + s + "'\n" },
		`double quotes and literal \n`: func(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` },
		"base64 of the PEM text":       inBase64,
		"base64 with line ends":        wrapped,
		"base64 with a line end":       func(s string) string { return inBase64(s) + "\n" },
		"base64 in quotes":             func(s string) string { return `"` + inBase64(s) + `"` },
		"base64 of CRLF":               func(s string) string { return inBase64(strings.ReplaceAll(s, "\n", "\r\n")) },
		"base64 of UTF-16":             func(s string) string { return inBase64(inUTF16(s)) },
		"base64 with a prefix":         func(s string) string { return "base64:" + inBase64(s) },
		"base64 of the URL alphabet":   func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"the base64 lines without frame": func(s string) string {
			return strings.Join(strings.Split(s, "\n")[1:len(strings.Split(s, "\n"))-2], "\n")
		},
		"DER": func(s string) string {
			block, _ := pem.Decode([]byte(s))
			return string(block.Bytes)
		},
	}
	for label, der := range keys(t) {
		text := string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
		for name, form := range forms {
			if got := pemtext.Normalize([]byte(form(text))); got != text {
				t.Errorf("%s, %s: Normalize() = %q, want %q", label, name, got, text)
			}
		}
	}
}

// The lines above a key say how it signs. Normalize keeps and restores them.
func TestNormalize_FR_46_LinesAboveAKey(t *testing.T) {
	der := keys(t)["PRIVATE KEY"]
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	text := "Alg: PS256\nUse-From: 2026-01-31T12:00:00Z\nRetire-After: 2027-01-31T12:00:00Z\n" + key + "Use-From: 2026-02-01T12:00:00Z\n" + key
	for name, form := range map[string]func(string) string{
		"unchanged":            func(s string) string { return s },
		"blanks for line ends": replaced("\n", " "),
		`literal \n`:           replaced("\n", `\n`),
		"CRLF":                 replaced("\n", "\r\n"),
		"base64":               inBase64,
	} {
		if got := pemtext.Normalize([]byte(form(text))); got != text {
			t.Errorf("%s: Normalize() = %q, want %q", name, got, text)
		}
	}
	comments := "# M\xfcller's key\n# see Alg: in RFC 7515\n" + key + "# the end"
	if got := pemtext.Normalize([]byte(comments)); got != comments {
		t.Errorf("with comments in Latin-1: Normalize() = %q, want it unchanged", got)
	}
}

// Normalize does not change a text that it can't repair: the PEM reader reports the
// fault.
func TestNormalize_FR_46_LeavesTheRest(t *testing.T) {
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keys(t)["PRIVATE KEY"]}))
	for _, text := range []string{"", "secret", "/run/secrets/key", key[:len(key)/2], strings.Replace(key, "M", "!", 1), "MIIB", inBase64("no key"), "\x30\x82"} {
		if got := pemtext.Normalize([]byte(text)); got != strings.TrimSpace(text) {
			t.Errorf("Normalize(%q) = %q, want it unchanged", text, got)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	der := keys(f)["PRIVATE KEY"]
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	f.Add("", "")
	f.Add("Alg: RS256\n", "-----END PRIVATE KEY-----")
	f.Add("\xfe\xff", "0") // the byte order mark of UTF-16, but not UTF-16
	f.Add("\xff\xfe", "")
	f.Fuzz(func(t *testing.T, above, below string) {
		text := above + "\n" + string(key) + below
		before, _ := pem.Decode([]byte(text))
		if before == nil || !bytes.Equal(before.Bytes, der) || strings.ContainsAny(above+below, "\x00\\") {
			return
		}
		after, _ := pem.Decode([]byte(pemtext.Normalize([]byte(text))))
		if after == nil || !bytes.Equal(after.Bytes, der) {
			t.Errorf("Normalize() of %q lost the key", text)
		}
	})
}
