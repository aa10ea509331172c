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

// defaultFile is the settings file, if it exists and no other file is named.
const defaultFile = "passport.toml"

// read returns the settings. A flag overrides the environment, which overrides the file,
// which overrides the default. flags are by setting; an empty one is not set. The error
// has all faults.
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
	s.turnOn()
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

// lookup returns a variable of the environment, cleaned. Of several with one name, it is
// the last.
func (p *program) lookup(name string) string {
	for _, entry := range slices.Backward(p.Env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return clean(value)
		}
	}
	return ""
}

// readEnvironment reads the PASSPORT_… variables. An empty one is not set, because tools
// that fill in templates leave such variables.
func (p *program) readEnvironment(s *settings) (faults []error) {
	for _, setting := range all {
		if value := p.lookup(setting.env()); value != "" {
			table, _ := setting.table()
			s.begin(table)
			faults = append(faults, named(setting.env(), assign(setting.field(s), text(value))))
		}
	}
	return faults
}

// warn prints once which variables of the environment have no effect.
func (p *program) warn(w io.Writer) {
	if p.warned {
		return
	}
	p.warned = true
	for _, v := range p.ignored() {
		line := v.variable + " is not a setting and has no effect"
		if v.meant != "" {
			line += "; did you mean " + v.meant + "?"
		}
		out := screenOf(w)
		begin := styled{text: "passport: warning:"}
		if out.terminal() {
			begin = yellow("warning:")
		}
		out.Printf("%s %s\n", begin, line)
	}
}

// file returns the name of the settings file, and whether a flag or the environment
// names it.
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
		return fmt.Errorf("the settings file %s is a link to a missing file: restore the file, or remove the link", name)
	case errors.Is(err, fs.ErrNotExist) && !asked:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the settings file %s doesn't exist: write one with `passport install --config %s`", name, name)
	case err != nil:
		return fmt.Errorf("can't read the settings file %s: %w", name, reason(err))
	}
	return parseFile(s, name, source)
}

// readSettings reads a settings file. It may be the null device, or a pipe from the
// shell, as in `passport --config <(…)`, which can be read only once.
func (p *program) readSettings(name string) (source []byte, err error) {
	if name != os.DevNull && name != "/dev/stdin" && !strings.HasPrefix(name, "/dev/fd/") {
		return textfile.Read(name)
	}
	if p.piped == nil {
		p.piped, err = textfile.ReadBounded(name)
	}
	return p.piped, err
}

// reason returns an error of the file system without its operation and path, for a
// sentence that names them.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func parseFile(s *settings, name string, source []byte) error {
	source = []byte(textfile.Decode(source))
	if !utf8.Valid(source) {
		return fmt.Errorf("%s: not UTF-8 text: save the file in the encoding UTF-8", name)
	}
	var values map[string]any
	if err := toml.Unmarshal(source, &values); err != nil {
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := e.Position()
			fault := fmt.Errorf("%s:%d:%d: not valid TOML: %w", name, line, column, withoutURL(errors.New(strings.TrimPrefix(e.Error(), "toml: "))))
			if hint := tomlHint(lineOf(string(source), line)); hint != "" {
				fault = fmt.Errorf("%w; %s", fault, hint)
			}
			return fault
		}
		return fmt.Errorf("%s: not valid TOML", name)
	}
	var faults []error
	for key, value := range values {
		if _, isTable := value.(map[string]any); isTable {
			s.begin(key)
		}
	}
	values = flattened(values)
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

// flattened returns the values with those of tables as table.key.
func flattened(values map[string]any) map[string]any {
	flat := maps.Clone(values)
	for _, s := range all {
		name, _ := s.table()
		table, ok := flat[name].(map[string]any)
		if !ok || name == "" {
			continue
		}
		delete(flat, name)
		for key, value := range table {
			flat[name+"."+key] = value
		}
	}
	return flat
}

// lineOf returns a line of a text. The first line is 1.
func lineOf(text string, number int) string {
	for line := range strings.Lines(text) {
		if number--; number == 0 {
			return strings.TrimRight(line, "\r\n")
		}
	}
	return ""
}

func unknownKey(file, key string) error {
	if table, inner, ok := strings.Cut(key, "."); ok {
		if _, known := find(inner); known {
			return fmt.Errorf("%s: %s is in the table [%s]: move it above the line [%s]", file, shownName(inner), shownName(table), shownName(table))
		}
	}
	if slices.ContainsFunc(all, func(s setting) bool { table, _ := s.table(); return table == key }) {
		return fmt.Errorf("%s: %s is a table: write [%s], and its settings below", file, key, key)
	}
	near := nearest(key)
	key = shownName(key)
	if near != "" {
		return fmt.Errorf("%s: unknown setting %q; did you mean %s?", file, key, near)
	}
	return fmt.Errorf("%s: unknown setting %q; `passport install --config FILE` writes a file that explains all settings", file, key)
}
