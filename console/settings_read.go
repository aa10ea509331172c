package console

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"github.com/go-passport/passport/internal/textfile"
)

// defaultFile is read when it is there and no other was named.
const defaultFile = "passport.toml"

// read returns the settings: flags over environment over file over defaults.
// Flags are by key and count when they are not empty. All faults come together.
func (p *program) read(flags map[string]string) (*settings, error) {
	if p.notices != nil {
		p.warn(p.notices)
	}
	s := defaults()
	faults := []error{p.readFile(s)}
	faults = append(faults, p.readEnvironment(s)...)
	flags = maps.Clone(flags)
	if flags == nil {
		flags = map[string]string{}
	}
	flags["database_url"] = p.databaseURL
	for _, setting := range all {
		if value := clean(flags[setting.key]); value != "" {
			faults = append(faults, named("--"+strings.ReplaceAll(setting.key, "_", "-"), assign(setting.field(s), text(value))))
		}
	}
	s.listenedByOrder = flags["listen"] != "" || p.lookup("PASSPORT_LISTEN") != ""
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lookup returns a variable of the environment, cleaned; the last one of a name
// counts.
func (p *program) lookup(name string) string {
	for _, entry := range slices.Backward(p.Env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return clean(value)
		}
	}
	return ""
}

// readEnvironment sets what PASSPORT_… variables say. An empty one counts as
// not set, as tools that fill in templates leave them.
func (p *program) readEnvironment(s *settings) (faults []error) {
	for _, setting := range all {
		if value := p.lookup(setting.env()); value != "" {
			faults = append(faults, named(setting.env(), assign(setting.field(s), text(value))))
		}
	}
	return faults
}

// warn prints which variables of the environment have no effect, once.
func (p *program) warn(w io.Writer) {
	if p.warned {
		return
	}
	p.warned = true
	for _, v := range p.ignored() {
		line := "passport: warning: " + v.variable + " is not a setting and has no effect"
		if v.meant != "" {
			line += "; did you mean " + v.meant + "?"
		}
		fmt.Fprintln(w, line)
	}
}

// file is the name of the settings file, and whether a flag or the environment gives it.
func (p *program) file() (name string, asked bool, err error) {
	from := "--config"
	if name = clean(p.configFile); name == "" {
		from, name = "PASSPORT_CONFIG", p.lookup("PASSPORT_CONFIG")
	}
	return cmp.Or(name, defaultFile), name != "", named(from, checkPath(name, fileName))
}

func (p *program) readFile(s *settings) error {
	name, asked, err := p.file()
	if err != nil {
		return err
	}
	source, err := p.readSettings(name)
	_, there := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && there == nil:
		return fmt.Errorf("the settings file %s is a link to a file that is missing: restore that file, or remove the link", name)
	case errors.Is(err, fs.ErrNotExist) && !asked:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the settings file %s does not exist: write one with `passport install --config %s`", name, name)
	case err != nil:
		return fmt.Errorf("the settings file %s cannot be read: %w", name, reason(err))
	}
	return parseFile(s, name, source)
}

// readSettings reads a settings file. It may be a pipe that the shell has opened, as in
// `passport --config <(…)`, which can be read once, and the empty device.
func (p *program) readSettings(name string) (source []byte, err error) {
	if name != os.DevNull && name != "/dev/stdin" && !strings.HasPrefix(name, "/dev/fd/") {
		return textfile.Read(name)
	}
	if p.piped == nil {
		p.piped, err = textfile.ReadBounded(name)
	}
	return p.piped, err
}

// reason takes the operation and path off an error of the file system, where
// the sentence around it names them.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func parseFile(s *settings, name string, source []byte) error {
	source = []byte(textfile.Decode(source))
	if !utf8.Valid(source) {
		return fmt.Errorf("%s: the file has characters that are not in UTF-8: save it in the encoding UTF-8", name)
	}
	var values map[string]any
	if err := toml.Unmarshal(source, &values); err != nil {
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := e.Position()
			fault := fmt.Errorf("%s:%d:%d: no valid TOML: %w", name, line, column, withoutURL(errors.New(strings.TrimPrefix(e.Error(), "toml: "))))
			if hint := tomlHint(lineOf(string(source), line)); hint != "" {
				fault = fmt.Errorf("%w; %s", fault, hint)
			}
			return fault
		}
		return fmt.Errorf("%s: no valid TOML", name)
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		setting, known := find(key)
		if !known {
			faults = append(faults, unknownKey(name, key))
			continue
		}
		faults = append(faults, named(name+": "+key, assign(setting.field(s), values[key])))
	}
	return errors.Join(faults...)
}

// lineOf returns a line of a text, of which the first is 1.
func lineOf(text string, number int) string {
	for line := range strings.Lines(text) {
		if number--; number == 0 {
			return strings.TrimRight(line, "\r\n")
		}
	}
	return ""
}

func unknownKey(file, key string) error {
	near := nearest(key)
	key = shownName(key)
	if near != "" {
		return fmt.Errorf("%s: %q is not a setting; did you mean %s?", file, key, near)
	}
	return fmt.Errorf("%s: %q is no setting; `passport install --config FILE` writes a file that explains them all", file, key)
}
