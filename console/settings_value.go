package console

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport"
)

// text is a value from the environment or a flag, where everything is text. A
// value from a file has a type of its own, and has to be of the right one.
type text string

// assign sets a field of the settings. Its error says what is expected, and
// never repeats the value, which may be a secret.
func assign(field, value any) error {
	switch f := field.(type) {
	case *string:
		return put(f, value, "text in quotes", func(s string) (string, error) { return s, nil })
	case *bool:
		return assignBool(f, value)
	case *time.Duration:
		return put(f, value, `a duration such as "90s", "1h" or "30d"`, parseDuration)
	case *slog.Level:
		return put(f, value, `"debug", "info", "warn" or "error"`, parseLevel)
	case *logFormat:
		return put(f, value, `"text" or "json"`, parseFormat)
	case *[]string:
		return putList(f, value, `a list such as ["one", "two"]`, func(s string) (string, error) { return s, nil })
	case *[]netip.Prefix:
		return putList(f, value, `a list of addresses or networks such as ["10.0.0.0/8", "::1"]`, parsePrefix)
	case *[]byte:
		return put(f, value, "base64, as of `openssl rand -base64 32`", parseBase64)
	case *[][]byte:
		return putList(f, value, "a list of base64 texts, as of `openssl rand -base64 32`", parseBase64)
	case *fs.FS:
		return put(f, value, "the name of a folder", func(s string) (fs.FS, error) { return os.DirFS(s), nil })
	case *map[string]time.Duration:
		return assignDurations(f, value)
	case *[]passport.Scope:
		return assignScopes(f, value)
	}
	panic(fmt.Sprintf("console: a setting has a field of type %T, which nothing reads", field))
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
	items, ok := asList(value)
	if !ok {
		return errors.New("want " + want)
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

func asText(value any) (string, bool) {
	switch v := value.(type) {
	case text:
		return string(v), true
	case string:
		return v, true
	}
	return "", false
}

// asList returns the items of a TOML array, or of a text with commas or spaces
// between them.
func asList(value any) ([]string, bool) {
	if t, ok := value.(text); ok {
		return splitList(string(t)), true
	}
	array, ok := value.([]any)
	if !ok {
		return nil, false
	}
	items := make([]string, len(array))
	for i, v := range array {
		if items[i], ok = v.(string); !ok {
			return nil, false
		}
	}
	return items, true
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' })
}

func assignBool(field *bool, value any) error {
	switch v := value.(type) {
	case bool:
		*field = v
		return nil
	case text:
		b, err := strconv.ParseBool(string(v))
		if err == nil {
			*field = b
			return nil
		}
	}
	return errors.New("want true or false")
}

// parseDuration reads a Go duration, or whole days.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

func parseLevel(s string) (level slog.Level, err error) {
	return level, level.UnmarshalText([]byte(s))
}

func parseFormat(s string) (logFormat, error) {
	if s != "text" && s != "json" {
		return "", errors.New("unknown format")
	}
	return logFormat(s), nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

func parseBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}

// assignDurations reads a list of names with a duration each.
func assignDurations(field *map[string]time.Duration, value any) error {
	wrong := errors.New(`want a list such as ["client_credentials=10m", "password=1d"]`)
	items, ok := asList(value)
	if !ok {
		return wrong
	}
	spans := map[string]time.Duration{}
	for _, item := range items {
		name, span, _ := strings.Cut(item, "=")
		d, err := parseDuration(strings.TrimSpace(span))
		if err != nil {
			return wrong
		}
		spans[strings.TrimSpace(name)] = d
	}
	*field = spans
	return nil
}

// assignScopes reads [[scopes]] tables, or "id=description; id=description".
func assignScopes(field *[]passport.Scope, value any) error {
	if t, ok := value.(text); ok {
		return assignScopesText(field, string(t))
	}
	wrong := errors.New("want [[scopes]] tables, each with the texts id and description")
	tables, ok := value.([]any)
	if !ok {
		return wrong
	}
	var scopes []passport.Scope
	for _, v := range tables {
		table, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		id, hasID := table["id"].(string)
		description, hasDescription := table["description"].(string)
		if !hasID || !hasDescription || len(table) != 2 {
			return wrong
		}
		scopes = append(scopes, passport.Scope{ID: id, Description: description})
	}
	*field = scopes
	return nil
}

func assignScopesText(field *[]passport.Scope, s string) error {
	var scopes []passport.Scope
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		id, description, ok := strings.Cut(part, "=")
		if !ok {
			return errors.New(`want scopes as "check-status=Check order status; place-orders=Place orders"`)
		}
		scopes = append(scopes, passport.Scope{ID: strings.TrimSpace(id), Description: strings.TrimSpace(description)})
	}
	*field = scopes
	return nil
}
