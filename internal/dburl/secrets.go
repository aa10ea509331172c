package dburl

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// secrets are the texts to hide, the longest first.
type secrets struct {
	urls  []string // the URL as written, and the DSN
	whole []string // hidden everywhere
	words []string // hidden unless a letter or digit is next to them
}

// enough is the minimum length of a secret or a part of one. Shorter texts occur in
// ordinary words, so they are not hidden.
const enough = 4

const mask = "xxxxx"

// mask returns text without the secrets, and with shown in place of the URL.
func (s secrets) mask(text, shown string) string {
	for _, u := range s.urls {
		text = strings.ReplaceAll(text, u, shown)
	}
	for _, secret := range s.whole {
		text = strings.ReplaceAll(text, secret, mask)
	}
	for _, secret := range s.words {
		text = replaceWord(text, secret)
	}
	return text
}

// replaceWord masks a word unless it is a part of another word. So a password "word"
// does not change the text "password".
func replaceWord(text, word string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return b.String() + text
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(word):])
		if alphanumeric(before) || alphanumeric(after) {
			_, size := utf8.DecodeRuneInString(text[i:])
			b.WriteString(text[:i+size])
			text = text[i+size:]
			continue
		}
		b.WriteString(text[:i] + mask)
		text = text[i+len(word):]
	}
}

func alphanumeric(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// secrets returns the passwords of the URL: as written, decoded and encoded in other
// ways, and the parts between their delimiters. User, hosts and database are shown
// anyway, so they are not hidden.
func (n *network) secrets(urls ...string) secrets {
	shown := []string{"", n.parsed.User.Username(), n.parsed.Host, n.parsed.Hostname(), strings.TrimPrefix(n.parsed.Path, "/")}
	found := secrets{urls: slices.DeleteFunc(urls, func(u string) bool { return u == "" })}
	for _, written := range n.passwords() {
		for _, spelling := range spellings(written) {
			switch {
			case slices.Contains(shown, spelling):
				continue
			case len(spelling) >= enough:
				found.whole = append(found.whole, spelling)
			}
			for _, part := range strings.FieldsFunc(spelling, delimiter) {
				if len(part) >= enough && !slices.Contains(shown, part) {
					found.words = append(found.words, part)
				}
			}
		}
	}
	for _, list := range []*[]string{&found.urls, &found.whole, &found.words} {
		slices.SortFunc(*list, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		*list = slices.Compact(*list)
	}
	return found
}

func delimiter(r rune) bool { return strings.ContainsRune("@/?#:%&=;+'\"\\", r) || unicode.IsSpace(r) }

// spellings returns the forms in which an error may quote a text of a URL.
func spellings(written string) []string {
	all := []string{written}
	if d, err := url.PathUnescape(written); err == nil {
		all = append(all, d)
	}
	if d, err := url.QueryUnescape(written); err == nil {
		all = append(all, d)
	}
	for _, s := range slices.Clone(all) {
		quoted := strconv.Quote(s)
		all = append(all, url.PathEscape(s), url.QueryEscape(s), strings.TrimPrefix(url.UserPassword("", s).String(), ":"), quoted[1:len(quoted)-1])
	}
	return all
}

// passwords returns all texts that may be a password, not decoded: the user's password,
// the values of parameters with such a name, and each unknown parameter after one of
// these, because an & in the value may have begun it.
func (n *network) passwords() []string {
	var found []string
	if _, password, has := strings.Cut(n.userinfo, ":"); has {
		found = append(found, password)
	}
	tail := false
	for name, value := range n.parameters() {
		switch decoded, _ := url.PathUnescape(name); {
		case secretName(decoded), strings.Contains(value, "-----BEGIN"): // a key in place of its file name
			found, tail = append(found, value), true
		case tail && !slices.Contains(harmless, strings.ToLower(decoded)):
			found = append(found, name, value)
		}
	}
	return found
}

// secretName reports whether a parameter holds a password. Parameters such as
// allowOldPasswords of go-sql-driver/mysql do not.
func secretName(name string) bool {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "allow") {
		return false
	}
	return slices.ContainsFunc([]string{"passwd", "password", "passphrase", "pwd", "secret", "token"}, func(s string) bool { return strings.Contains(name, s) })
}

// harmless are common parameters that hold no secret.
var harmless = []string{
	"application_name", "channel_binding", "charset", "collation", "connect_timeout", "database", "dbname", "host", "loc", "max_protocol_version",
	"min_protocol_version", "options", "parsetime", "passfile", "port", "readtimeout", "require_auth", "search_path", "service", "servicefile", "socket",
	"sslcert", "sslcertmode", "sslinline", "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "sslsni", "statement_timeout", "target_session_attrs",
	"time_zone", "timeout", "timezone", "tls", "user", "writetimeout",
}
