package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/go-passport/passport"

// What other people wrote, by the shortest prefix that names it.
const (
	jose   = "github.com/go-jose/go-jose/v4"
	crypto = "golang.org/x/crypto"
	term   = "golang.org/x/term"
	cobra  = "github.com/spf13/cobra"
	toml   = "github.com/pelletier/go-toml/v2"
)

var drivers = []string{
	"github.com/jackc/pgx/v5",
	"github.com/go-sql-driver/mysql",
	"modernc.org/sqlite",
}

// A room is a public package of ours, "." being passport itself, or an internal
// one that stands on public ones. Every room but
// oauth may import internal packages too.
type room struct {
	ours   []string
	others []string
}

var rooms = map[string]room{
	"oauth":     {},
	"event":     {ours: []string{"oauth"}},
	"views":     {},
	"grant":     {ours: []string{"oauth"}},
	"guard":     {ours: []string{"oauth"}, others: []string{jose}},
	"memstore":  {ours: []string{"oauth"}},
	"sqlstore":  {ours: []string{"oauth"}},
	"storetest": {ours: []string{"oauth"}},

	".":            {ours: []string{"event", "grant", "guard", "oauth", "views"}, others: []string{jose}},
	"passporttest": {ours: []string{".", "memstore", "oauth"}},
	"account":      {ours: []string{".", "oauth"}, others: []string{crypto}},
	"dashboard":    {ours: []string{".", "oauth"}},
	"console":      {ours: []string{".", "oauth", "account", "sqlstore"}, others: []string{cobra, term, toml}},

	"internal/testkit": {ours: []string{".", "guard", "memstore", "oauth"}, others: []string{jose}}, // for the tests of every room

	"internal/demo": {ours: []string{".", "account", "guard", "oauth"}}, // the tour of `passport serve --demo`
}

// The packages that nobody can import may know more: the command, and the tests
// that bring the stores together with real databases.
var open = []string{"cmd/passport", "internal/dbtest"}

// What internal packages may import beside one another and oauth.
var internalOthers = []string{jose, crypto}

type listed struct {
	ImportPath                         string
	Name                               string
	Imports, TestImports, XTestImports []string
	Standard                           bool
}

func TestDependencyDirections(t *testing.T) {
	for _, p := range packages(t) {
		name := nameOf(p.ImportPath)
		if opened(name) {
			continue
		}
		r, isRoom := rooms[name]
		switch {
		case isRoom:
			checkRoom(t, name, r, p)
		case strings.HasPrefix(name, "internal/"):
			checkInternal(t, name, p.Imports)
		default:
			t.Errorf("%s is a new package: say in internal/archtest what it may import", name)
		}
	}
}

func checkRoom(t *testing.T, name string, r room, p listed) {
	t.Helper()
	for _, path := range p.Imports {
		switch {
		case isOurs(path) && strings.HasPrefix(nameOf(path), "internal/"):
			if name == "oauth" {
				t.Errorf("oauth imports %s; it is built on the standard library alone", path)
			}
		case isOurs(path):
			if !slices.Contains(r.ours, nameOf(path)) {
				t.Errorf("%s imports %s; of our packages it may import %v", name, nameOf(path), r.ours)
			}
		case !isStandard(path) && !hasPrefix(path, r.others):
			t.Errorf("%s imports %s; beyond the standard library it may import %v", name, path, r.others)
		}
	}
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		// go mod tidy of an application reads these files too.
		switch {
		case isOurs(path) && opened(nameOf(path)):
			t.Errorf("a test of %s imports %s, and so brings drivers into the go.sum of applications; the test belongs in internal/dbtest", name, path)
		case !isOurs(path) && !isStandard(path) && !hasPrefix(path, r.others) && path != jose:
			t.Errorf("a test of %s imports %s, which every application that imports %s would have in its go.sum", name, path, name)
		}
	}
}

func checkInternal(t *testing.T, name string, imports []string) {
	t.Helper()
	for _, path := range imports {
		switch {
		case isOurs(path):
			if other := nameOf(path); !slices.Contains([]string{"oauth", "event", "views"}, other) && (!strings.HasPrefix(other, "internal/") || opened(other)) {
				t.Errorf("%s imports %s; internal packages may import oauth and one another", name, other)
			}
		case !isStandard(path) && !hasPrefix(path, internalOthers):
			t.Errorf("%s imports %s; beyond the standard library it may import %v", name, path, internalOthers)
		}
	}
}

// packages lists those of the module.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports,TestImports,XTestImports,Standard", "./...")
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list -json: %v", err)
		}
		all = append(all, p)
	}
}

// root is the folder of the module's go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func nameOf(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

func isOurs(path string) bool     { return path == module || strings.HasPrefix(path, module+"/") }
func isStandard(path string) bool { return !strings.Contains(strings.Split(path, "/")[0], ".") }
func opened(name string) bool     { return hasPrefix(name, open) }

func hasPrefix(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	})
}
