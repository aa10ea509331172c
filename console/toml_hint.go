package console

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	assignment = regexp.MustCompile(`^\s*"?([A-Za-z0-9_.\-]+)"?\s*=\s*(.*)$`)
	mapping    = regexp.MustCompile(`^\s*-?\s*"?([A-Za-z0-9_.\-]+)"?\s*:`)
)

// tomlHint returns how to write a line that is not valid TOML, or "". It never repeats
// the value, which may be a secret.
func tomlHint(line string) string {
	found := assignment.FindStringSubmatch(line)
	if found == nil {
		if colon := mapping.FindStringSubmatch(line); colon != nil {
			return "write an equals sign after the name: " + form(colon[1])
		}
		return ""
	}
	key, value := found[1], strings.TrimSpace(found[2])
	switch first := value[:min(1, len(value))]; {
	case strings.ContainsAny(value, "“”„‟‘’‚«»″′`"):
		return "use straight quotes: " + form(key)
	case first == `"` && strings.Contains(value, `\`):
		return "put a text with backslashes in single quotes: " + shownName(key) + " = '…'"
	case value == "":
		return "the value is missing: " + form(key)
	case first == `"` || first == "'" || first == "[" || first == "{":
		return ""
	case isText(key):
		return "put the text in straight quotes: " + form(key)
	}
	return "write " + form(key)
}

// isText reports whether the value of a setting is a text. That of an unknown one may be.
func isText(key string) bool {
	return strings.HasSuffix(form(key), `"…"`)
}

// form returns the form of a setting in the file.
func form(key string) string {
	name := shownName(key)
	setting, known := find(key)
	if !known {
		return name + ` = "…"`
	}
	switch setting.field(defaults()).(type) {
	case *bool:
		return fmt.Sprintf("%s = true or %s = false", name, name)
	case *int:
		return name + " = " + setting.sample
	case *time.Duration:
		return fmt.Sprintf("%s = %s", name, setting.sample)
	case *string, *choice, *folder:
		return name + ` = "…"`
	}
	if strings.HasPrefix(setting.sample, "[") {
		return name + ` = ["…", "…"]`
	}
	return name + ` = "…"`
}
