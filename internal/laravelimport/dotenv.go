package laravelimport

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"regexp"
	"strings"
)

// Env are the variables of a file .env of Laravel. It never prints their values.
type Env struct{ variables map[string]variable }

// Format implements [fmt.Formatter].
func (e Env) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "laravelimport.Env") }

// LogValue implements [slog.LogValuer].
func (e Env) LogValue() slog.Value { return slog.StringValue("laravelimport.Env") }

// variable is a value of a file .env, or the reason why it has none.
type variable struct {
	value string
	fault error
}

// maxEnv is the largest file .env, and the longest value with its references, in bytes.
const maxEnv = 1 << 20

// The faults of a value. No text has a part of the value.
var (
	errUnclosed   = errors.New("has no closing quote: add it")
	errAfterQuote = errors.New("has text after the closing quote: put the whole value into the quotes, or # before a comment")
	errUnquoted   = errors.New("has a space outside of quotes: put the value into quotes")
	errEscape     = errors.New(`has an unknown escape sequence: in double quotes write \\ for a backslash, or use single quotes`)
	errReference  = errors.New("refers with ${…} to a variable that the file does not set above it: write the value itself, or put the text into single quotes")
	errTooLong    = errors.New("is longer than 1 MiB with the variables that it refers to: write the value itself")
)

// ParseEnv reads the text of a file .env by the rules of vlucas/phpdotenv 5, the reader of
// Laravel 8 and later. A variable that can't be read is an error only where it is used,
// because only a few variables matter.
func ParseEnv(text string) (Env, error) {
	if len(text) > maxEnv {
		return Env{}, errors.New("the file is larger than 1 MiB: want the file .env of the Laravel application")
	}
	e := Env{map[string]variable{}}
	for entry := range entries(text) {
		name, value, found := strings.Cut(entry, "=")
		switch name = variableName(name); {
		case name == "":
		case !found:
			delete(e.variables, name)
		default:
			e.variables[name] = e.read(strings.Trim(value, phpSpace))
		}
	}
	return e, nil
}

// The characters that PHP's trim removes, and those that end a value without quotes.
const (
	phpSpace = " \t\n\r\v\x00"
	space    = " \t\n\r\v\f"
)

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// entries yields the lines of a file that are not comments. A value that begins with =" and
// has no closing quote on its line goes on until the line with the closing quote. That is
// so in a comment, too: the reader of Laravel joins lines first.
func entries(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var open []string
		for line := range strings.SplitSeq(lineEnds.Replace(text), "\n") {
			starts := strings.Contains(line, `="`) && closingQuotes(line) < 2
			if starts || open != nil {
				open = append(open, line)
				if starts || closingQuotes(line) == 0 && line != `"` {
					continue
				}
				line, open = strings.Join(open, "\n"), nil
			}
			if !isComment(line) && !yield(line) {
				return
			}
		}
		if rest := strings.Join(open, "\n"); !isComment(rest) {
			yield(rest)
		}
	}
}

func isComment(line string) bool {
	line = strings.Trim(line, phpSpace)
	return line == "" || line[0] == '#'
}

// closingQuotes counts the double quotes of a line after another character than a
// backslash. A pair of backslashes does not count.
func closingQuotes(line string) (n int) {
	line = strings.ReplaceAll(line, `\\`, "")
	for i := 1; i < len(line); i++ {
		if line[i] == '"' && line[i-1] != '\\' {
			n++
		}
	}
	return n
}

var nameForm = regexp.MustCompile(`^[a-zA-Z0-9_.]+$`)

// variableName returns the name before an equals sign, or "" if it is not valid. It may be
// in quotes, and may have export before it.
func variableName(s string) string {
	s = strings.Trim(s, phpSpace)
	if rest, ok := strings.CutPrefix(s, "export"); ok && strings.TrimLeft(rest, space) != rest {
		s = strings.TrimLeft(rest, space)
	}
	for _, quote := range []string{`"`, "'"} {
		if len(s) > 2 && strings.HasPrefix(s, quote) && strings.HasSuffix(s, quote) {
			s = s[1 : len(s)-1]
		}
	}
	if !nameForm.MatchString(s) {
		return ""
	}
	return s
}

// read returns the value that a text after an equals sign has.
func (e Env) read(text string) variable {
	switch {
	case strings.HasPrefix(text, "'"):
		value, rest, closed := strings.Cut(text[1:], "'")
		if !closed {
			return variable{fault: errUnclosed}
		}
		return ending(value, rest, errAfterQuote)
	case strings.HasPrefix(text, `"`):
		return e.doubleQuoted(text[1:])
	}
	rest := ""
	if end := strings.IndexAny(text, space+"#"); end >= 0 {
		text, rest = text[:end], text[end:]
	}
	v := value{env: e}
	for text != "" && v.fault == nil {
		text = v.next(text)
	}
	if v.fault != nil {
		return variable{fault: v.fault}
	}
	return ending(v.text.String(), rest, errUnquoted)
}

// ending returns a value if only a comment or nothing is after it.
func ending(value, rest string, fault error) variable {
	if !isComment(rest) {
		return variable{fault: fault}
	}
	return variable{value: value}
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '$': '$', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// doubleQuoted returns the value of a text after a double quote.
func (e Env) doubleQuoted(text string) variable {
	v := value{env: e}
	for v.fault == nil {
		switch {
		case text == "" || text == `\`:
			v.fault = errUnclosed
		case text[0] == '"':
			return ending(v.text.String(), text[1:], errAfterQuote)
		case text[0] != '\\':
			text = v.next(text)
		default:
			c, known := escapes[text[1]]
			if !known {
				v.fault = errEscape
			}
			v.add(string(c))
			text = text[2:]
		}
	}
	return variable{fault: v.fault}
}

// value is a value that is being read.
type value struct {
	env   Env
	text  strings.Builder
	fault error
}

func (v *value) add(s string) {
	if v.text.Len()+len(s) > maxEnv {
		v.fault = errTooLong
		return
	}
	v.text.WriteString(s)
}

var referenceForm = regexp.MustCompile(`^\$\{([a-zA-Z0-9_.]+)\}`)

// next adds the next character or reference of a text, and returns the text after it. If a
// variable is not in the file, Laravel looks it up in the environment of its server, which
// is unknown here.
func (v *value) next(text string) (rest string) {
	m := referenceForm.FindStringSubmatch(text)
	if m == nil {
		v.add(text[:1])
		return text[1:]
	}
	other, found := v.env.variables[m[1]]
	if !found || other.fault != nil {
		v.fault = errReference
		return ""
	}
	v.add(other.value)
	return text[len(m[0]):]
}

// constants are the values that Laravel's function env converts, in lower case, as PHP
// converts the results to text.
var constants = map[string]string{
	"true": "1", "(true)": "1", "false": "", "(false)": "", "empty": "", "(empty)": "", "null": "", "(null)": "",
}

// get returns a variable as Laravel's function env returns it, or "" without one.
func (e Env) get(name string) (string, error) {
	v := e.variables[name]
	if v.fault != nil {
		return "", fmt.Errorf("%s %w", name, v.fault)
	}
	if text, found := constants[strings.ToLower(v.value)]; found {
		return text, nil
	}
	s := v.value
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] && !strings.Contains(s, "\n") {
		s = s[1 : n-1]
	}
	return s, nil
}
