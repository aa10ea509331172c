package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport"
)

// asList returns the items of a TOML array, or of a text: a JSON array, or items with
// commas, semicolons or spaces between them. want describes a valid value.
func asList(value any, want string) ([]string, error) {
	if t, ok := value.(text); ok {
		items, err := splitList(clean(string(t)))
		if err != nil {
			return nil, fmt.Errorf("%w: want %s", err, want)
		}
		return items, nil
	}
	array, ok := value.([]any)
	if !ok {
		return nil, errors.New("want " + want)
	}
	items := make([]string, len(array))
	for i, v := range array {
		if items[i], ok = asText(v); !ok {
			return nil, errors.New("want " + want)
		}
	}
	return items, nil
}

func splitList(s string) ([]string, error) {
	if strings.HasPrefix(s, "[") {
		return decodeList(s)
	}
	items := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
	for i := range items {
		items[i] = clean(items[i])
		if strings.ContainsAny(items[i], `"'\{}`) {
			return nil, errors.New("has quotes, braces or a backslash in an item")
		}
	}
	return slices.DeleteFunc(items, func(item string) bool { return item == "" }), nil
}

// decodeList reads a JSON array of texts. Shells may have removed its quotes or changed
// them to single quotes; then it has no escapes.
func decodeList(s string) ([]string, error) {
	items, err := decodeJSON(s)
	if err != nil {
		inner, ok := strings.CutSuffix(s[1:], "]")
		if !ok || strings.ContainsAny(inner, `"\[]{}`) {
			return nil, err
		}
		return splitList(inner)
	}
	return slices.DeleteFunc(items, func(item string) bool { return item == "" }), nil
}

// decodeJSON reads a JSON array of texts.
func decodeJSON(s string) ([]string, error) {
	var values []*string
	if err := json.Unmarshal([]byte(s), &values); err != nil || slices.Contains(values, nil) {
		return nil, errors.New("is not a JSON array of texts") // the decoder's error repeats parts of the value
	}
	items := make([]string, len(values))
	for i, v := range values {
		items[i] = clean(*v)
	}
	return items, nil
}

// assignDurations reads a list of names, each with a duration.
func assignDurations(field *map[string]time.Duration, value any) error {
	const want = `a list such as ["client_credentials=10m", "password=1d"]`
	items, err := asList(value, want)
	if err != nil {
		return err
	}
	spans := map[string]time.Duration{}
	for _, item := range items {
		name, span, _ := strings.Cut(item, "=")
		d, err := parseDuration(strings.TrimSpace(span))
		if err != nil {
			return errors.New("want " + want)
		}
		name = strings.TrimSpace(name)
		if _, twice := spans[name]; twice {
			return errors.New("has two lifetimes for one grant: remove one")
		}
		spans[name] = d
	}
	*field = spans
	return nil
}

// assignScopes reads [[scopes]] tables, or "id=description; id=description".
func assignScopes(field *[]passport.Scope, value any) error {
	if t, ok := value.(text); ok {
		return assignScopesText(field, string(t))
	}
	wrong := errors.New("want [[scopes]] tables, each with the texts id and description, and optionally the text group and the switches can_change, sensitive and optional")
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
		scope, ok := scopeOf(table)
		if !ok {
			return wrong
		}
		scopes = append(scopes, scope)
	}
	*field = scopes
	return nil
}

// scopeOf reads a [[scopes]] table.
func scopeOf(table map[string]any) (s passport.Scope, ok bool) {
	required := 0
	for key, value := range table {
		switch key {
		case "id":
			s.ID, ok = value.(string)
			required++
		case "description":
			s.Description, ok = value.(string)
			required++
		case "group":
			s.Group, ok = value.(string)
		case "can_change":
			s.CanChange, ok = value.(bool)
		case "sensitive":
			s.Sensitive, ok = value.(bool)
		case "optional":
			s.Optional, ok = value.(bool)
		default:
			ok = false
		}
		if !ok {
			return s, false
		}
	}
	return s, required == 2
}

// scopeForm is the form of scopes in the environment.
const scopeForm = "check-status=Check order status; place-orders=Place orders"

// assignScopesText reads a JSON array of scopes, or scopes with semicolons or line ends
// between them.
func assignScopesText(field *[]passport.Scope, s string) error {
	parts, err := scopeParts(clean(s))
	if err != nil {
		return err
	}
	var scopes []passport.Scope
	for _, part := range parts {
		part = clean(part)
		if part == "" {
			continue
		}
		id, description, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("want scopes as %q", scopeForm)
		}
		scopes = append(scopes, passport.Scope{ID: clean(id), Description: clean(description)})
	}
	*field = scopes
	return nil
}

func scopeParts(s string) ([]string, error) {
	if strings.HasPrefix(s, "[") {
		parts, err := decodeJSON(s)
		if err != nil {
			return nil, fmt.Errorf("%w: want scopes as %q", err, scopeForm)
		}
		return parts, nil
	}
	if strings.Contains(s, `\n`) || strings.Contains(s, `\r`) {
		return nil, fmt.Errorf(`has \n as two characters: put a semicolon between scopes, as in %q`, scopeForm)
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == '\n' || r == '\r' })
	if len(parts) == 1 && strings.Count(s, "=") > 1 && eachIsScope(strings.Split(s, ",")) {
		return strings.Split(s, ","), nil
	}
	for _, part := range parts {
		if strings.Count(part, "=") > 1 {
			return nil, fmt.Errorf("has two = in one scope: put a semicolon between scopes, as in %q; if the description has an =, write a JSON array", scopeForm)
		}
	}
	return parts, nil
}

// eachIsScope reports whether each part is ID=description, so that the commas between
// them can only separate scopes.
func eachIsScope(parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool {
		id, _, _ := strings.Cut(strings.TrimSpace(part), "=")
		return strings.Count(part, "=") != 1 || id == "" || strings.ContainsAny(id, " \t")
	})
}
