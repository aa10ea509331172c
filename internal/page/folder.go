package page

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/textfile"
)

// Folders are the folders that a set of views may have: one for each [Group].
var Folders = []string{"account", "dashboard", "server"}

// Group is a group of pages beside those of a [Set], such as the pages of package account.
// A file in the group's folder of an application's views replaces the built-in file.
type Group struct {
	Folder string   // one of [Folders]
	Files  fs.FS    // the built-in files, in the folder "views"
	Pages  []string // names of the pages
	Main   string   // the file that defines "main" for all pages; empty if each page does
	Parts  []string // files that each page can use

	// Samples returns data for a page: with everything, and with as little as possible.
	// A sample with which the built-in page fails is left out.
	Samples func(name string) []any
}

// FileNames returns the names of the files that a set of views may have for the group.
func (g Group) FileNames() (names []string) {
	all := slices.Concat(g.Pages, g.Parts)
	if g.Main != "" {
		all = append(all, g.Main)
	}
	for _, name := range all {
		names = append(names, g.file(name))
	}
	return names
}

func (g Group) file(name string) string { return g.Folder + "/" + name + ".html" }

// Sources returns the files of the group: those of an application's views, which may be
// nil, and the built-in file for each that is missing.
func (g Group) Sources(views fs.FS) fs.FS { return groupFiles{g, views} }

// groupFiles are the files of a group under the names in a set of views.
type groupFiles struct {
	Group
	views fs.FS
}

// Open implements [fs.FS]. Pages are read by ReadFile.
func (s groupFiles) Open(name string) (fs.File, error) {
	return s.Files.Open("views/" + path.Base(name))
}

// ReadFile implements [fs.ReadFileFS].
func (s groupFiles) ReadFile(name string) ([]byte, error) {
	if s.views != nil {
		if text, err := readFile(s.views, name); !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return fs.ReadFile(s.Files, "views/"+path.Base(name))
}

// Stat implements [fs.StatFS] for [readFile], which ReadFile has called.
func (s groupFiles) Stat(name string) (fs.FileInfo, error) {
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// Parse returns a page of the group in a look.
func (g Group) Parse(look *Look, views fs.FS, name string) (*template.Template, error) {
	files, first, more := g.Sources(views), name, g.Parts
	if g.Main != "" {
		first, more = g.Main, append(slices.Clone(g.Parts), name)
	}
	t, err := look.Parse(files, g.file(first))
	if err != nil {
		return nil, err
	}
	return t, g.Add(t, files, more...)
}

// Add parses files of the group into a template.
func (g Group) Add(t *template.Template, files fs.FS, names ...string) error {
	for _, name := range names {
		source, err := fs.ReadFile(files, g.file(name))
		if err != nil {
			return fmt.Errorf("read page: %w", err)
		}
		if _, err := t.New(g.file(name)).Parse(textfile.Decode(source)); err != nil {
			return fmt.Errorf("parse page %s: %w", name, err)
		}
	}
	return nil
}

// ParseAll returns the pages of the group in a look, by name.
func (g Group) ParseAll(look *Look, views fs.FS) (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range g.Pages {
		t, err := g.Parse(look, views, name)
		if err != nil {
			return nil, err
		}
		pages[name] = t
	}
	return pages, nil
}

// Check returns the faults that make an application's pages of the group unusable: a
// name that no page has, a page that does not parse or fails, and a page that lacks a
// form, a field or a button of the built-in one. Nil views have no faults.
func (g Group) Check(views fs.FS) []error {
	var f faults
	if views == nil {
		return nil
	}
	own := g.names(views, &f)
	if len(own) == 0 {
		return f
	}
	look, err := LookOf(views, brand.Brand{}, "")
	if err != nil {
		f.template(err)
		return f
	}
	for _, name := range g.Pages {
		shared := slices.ContainsFunc(own, func(file string) bool { return !slices.Contains(g.Pages, file) })
		if shared || slices.Contains(own, name) {
			g.check(&f, look, views, name)
		}
	}
	return f
}

// names returns the names of the application's files in the group's folder.
func (g Group) names(views fs.FS, f *faults) (own []string) {
	entries, err := fs.ReadDir(views, g.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.add("%s: %w", g.Folder, err)
	}
	for _, e := range entries {
		name, isPage := strings.CutSuffix(e.Name(), ".html")
		switch {
		case !isPage:
		case slices.Contains(g.FileNames(), g.file(name)):
			own = append(own, name)
		default:
			f.add("%s replaces no page: the names are %s", g.file(name), strings.Join(g.FileNames(), ", "))
		}
	}
	return own
}

// check renders a page and the built-in one with each sample.
func (g Group) check(f *faults, look *Look, views fs.FS, name string) {
	own, err := g.Parse(look, views, name)
	if err != nil {
		f.template(err)
		return
	}
	builtin, err := g.Parse(Ours, nil, name)
	if err != nil {
		f.template(err)
		return
	}
	for _, sample := range g.Samples(name) {
		want, err := Body(builtin, sample)
		if err != nil {
			continue
		}
		got, err := Body(own, sample)
		if err != nil {
			f.template(err)
			return
		}
		if missing := missingControls(string(want), string(got)); len(missing) > 0 {
			f.template(fmt.Errorf("%s: the page lacks %s: see the built-in page", g.file(name), strings.Join(missing, " and ")))
			return
		}
	}
}

// missingControls returns the forms, fields and buttons of a page that another lacks.
func missingControls(want, got string) (missing []string) {
	has := map[string]bool{}
	for _, e := range Elements(got) {
		has[serverPart(e)] = true
	}
	for _, e := range Elements(want) {
		if key := serverPart(e); key != "" && !has[key] {
			has[key] = true // named once
			missing = append(missing, key)
		}
	}
	return missing
}

// serverPart returns the tag of a form, a field or a button as the server needs
// it; empty for other elements.
func serverPart(e Element) string {
	name, kind := e.Attributes["name"], strings.ToLower(e.Attributes["type"])
	switch {
	case e.Name == "form":
		return fmt.Sprintf(`<form method="%s" action="%s">`, strings.ToLower(e.Attributes["method"]), e.Attributes["action"])
	case name == "":
		return ""
	case e.Name == "input" && kind == "hidden", e.Name == "button":
		return fmt.Sprintf(`<%s name="%s" value="%s">`, e.Name, name, e.Attributes["value"])
	case slices.Contains([]string{"input", "select", "textarea"}, e.Name):
		return fmt.Sprintf(`<%s name="%s">`, e.Name, name)
	}
	return ""
}
