package console

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport"
)

// text is a value from the environment or a flag, where everything is text. A value from
// a file has a type, which must be the type of the setting.
type text string

// choice is one of a few words, in lower or upper case.
type choice string

// clean removes what env files, secret stores and editors leave around a value: white
// space, a byte order mark and one pair of quotes.
func clean(s string) string {
	s = strings.TrimFunc(s, around)
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] && !strings.Contains(s[1:n-1], s[:1]) {
		s = strings.TrimFunc(s[1:n-1], around)
	}
	return s
}

// around reports whether a character is invisible, so that it isn't part of a value.
func around(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\uFEFF' || r == '\u200B'
}

// assign sets a field of the settings. Its error describes a valid value and never
// repeats the value, which may be a secret.
func assign(field, value any) error {
	switch f := field.(type) {
	case *string:
		return put(f, value, "text in quotes", func(s string) (string, error) { return s, nil })
	case *folder, *fs.FS, *picture, *keyText:
		return putPath(f, value)
	case *choice:
		return put(f, value, "text in quotes", func(s string) (choice, error) { return choice(strings.ToLower(s)), nil })
	case *bool:
		return assignBool(f, value)
	case *int:
		return assignInt(f, value)
	case *time.Duration:
		return put(f, value, `a duration such as "90s", "1h" or "30d"`, parseDuration)
	case *slog.Level:
		return put(f, value, `"debug", "info", "warn" or "error"`, parseLevel)
	case *logFormat:
		return put(f, value, `"auto", "text" or "json"`, parseFormat)
	case *[]string:
		return putList(f, value, `a list such as ["one", "two"]`, func(s string) (string, error) { return s, nil })
	case *[]netip.Prefix:
		return putList(f, value, `a list of addresses or networks such as ["10.0.0.0/8", "::1"]`, parsePrefix)
	case *[]byte:
		return put(f, value, "base64, such as from `openssl rand -base64 32`", parseBase64)
	case *[][]byte:
		return putList(f, value, "a list of base64 texts, such as from `openssl rand -base64 32`", parseBase64)
	case *map[string]time.Duration:
		return assignDurations(f, value)
	case *[]passport.Scope:
		return assignScopes(f, value)
	}
	panic(fmt.Sprintf("console: a setting has the type %T, which assign does not support", field))
}

func assignInt(field *int, value any) error {
	switch v := value.(type) {
	case int64:
		*field = int(v)
		return nil
	case text:
		if n, err := strconv.Atoi(string(v)); err == nil {
			*field = n
			return nil
		}
	case string:
		return errors.New("want a whole number such as 100, without quotes")
	}
	return errors.New("want a whole number such as 100")
}

func put[T any](field *T, value any, want string, parse func(string) (T, error)) error {
	s, ok := asText(value)
	if !ok {
		return errors.New("want " + want)
	}
	v, err := parse(s)
	if err != nil {
		return errors.New("want " + want)
	}
	*field = v
	return nil
}

func putList[T any](field *[]T, value any, want string, parse func(string) (T, error)) error {
	items, err := asList(value, want)
	if err != nil {
		return err
	}
	list := make([]T, 0, len(items))
	for _, item := range items {
		v, err := parse(item)
		if err != nil {
			return errors.New("want " + want)
		}
		list = append(list, v)
	}
	*field = list
	return nil
}

// asText returns a text, cleaned; see [clean].
func asText(value any) (string, bool) {
	switch v := value.(type) {
	case text:
		return clean(string(v)), true
	case string:
		return clean(v), true
	}
	return "", false
}

func assignBool(field *bool, value any) error {
	switch v := value.(type) {
	case bool:
		*field = v
		return nil
	case text:
		switch strings.ToLower(clean(string(v))) {
		case "true", "t", "1", "yes", "y", "on":
			*field = true
			return nil
		case "false", "f", "0", "no", "n", "off":
			*field = false
			return nil
		}
	case string:
		return errors.New("want true or false, without quotes")
	}
	return errors.New("want true or false")
}

// Durations with days or weeks, and units that may be words.
var (
	dayForm  = regexp.MustCompile(`^(-?[0-9]{1,5})(d|w)([0-9].*)?$`)
	unitForm = regexp.MustCompile(`([0-9])\s*([A-Za-z]+)\s*`)
	units    = map[string]string{
		"d": "d", "day": "d", "days": "d", "w": "w", "week": "w", "weeks": "w",
		"h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
		"s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "ms": "ms",
	}
)

// maxWeeks is close to the maximum of time.Duration.
const maxWeeks = 15000

// parseDuration reads a Go duration, also with days and weeks. A unit may be a word and
// may follow a space. Every number needs a unit.
func parseDuration(s string) (time.Duration, error) {
	s = unitForm.ReplaceAllStringFunc(s, func(part string) string {
		m := unitForm.FindStringSubmatch(part)
		unit := strings.ToLower(m[2])
		if m[2] == "M" { // months or minutes
			return part
		}
		return m[1] + cmp.Or(units[unit], m[2])
	})
	m := dayForm.FindStringSubmatch(s)
	if m == nil {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseInt(m[1], 10, 16)
	if err != nil {
		return 0, err
	}
	total := time.Duration(n) * 24 * time.Hour
	if m[2] == "w" {
		if n > maxWeeks {
			return 0, strconv.ErrRange
		}
		total *= 7
	}
	if m[3] == "" {
		return total, nil
	}
	rest, err := time.ParseDuration(m[3])
	return total + rest, err
}

func parseLevel(s string) (level slog.Level, err error) {
	if strings.EqualFold(s, "warning") {
		s = "warn"
	}
	return level, level.UnmarshalText([]byte(s))
}

func parseFormat(s string) (logFormat, error) {
	format := logFormat(strings.ToLower(s))
	switch format {
	case formatAuto, formatText, formatJSON:
		return format, nil
	}
	return "", errors.New("unknown format")
}

func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// parseBase64 reads the standard and the URL alphabet. It accepts the line ends of
// openssl and the prefix of Laravel's APP_KEY.
func parseBase64(s string) ([]byte, error) {
	s = strings.Join(strings.Fields(strings.TrimPrefix(s, "base64:")), "")
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}
