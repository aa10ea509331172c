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

// Third-party modules, by the shortest unique prefix.
const (
	jose   = "github.com/go-jose/go-jose/v4"
	crypto = "golang.org/x/crypto"
	text   = "golang.org/x/text"
	term   = "golang.org/x/term"
	cobra  = "github.com/spf13/cobra"
	pflag  = "github.com/spf13/pflag" // the flags of cobra
	toml   = "github.com/pelletier/go-toml/v2"
	colors = "github.com/fatih/color"
	widths = "github.com/mattn/go-runewidth"
	qr     = "rsc.io/qr"
	ssrf   = "code.dny.dev/ssrf"
)

var drivers = []string{
	"github.com/jackc/pgx/v5",
	"github.com/go-sql-driver/mysql",
	"modernc.org/sqlite",
}

// A room is a package of this module, with the other rooms and the third-party
// modules that it may import.
type room struct {
	ours   string
	others []string
}

// rooms are the packages, from top to bottom. A room may import only the packages
// in its line, so no room imports upward.
var rooms = map[string]room{
	"console":      {ours: ". account dashboard internal/brand internal/character internal/dburl internal/demo internal/laravelimport internal/logline internal/loopback internal/nearpath internal/page internal/pemtext internal/redirect internal/reqinfo internal/safeurl internal/secret internal/sqldb internal/textfile internal/useragent internal/weburl laravel oauth sqlstore", others: []string{cobra, pflag, term, toml, colors, widths}},
	"account":      {ours: ". internal/bodylimit internal/brand internal/cookie internal/formdata internal/hashcost internal/logline internal/loopback internal/methods internal/page internal/pageform internal/reqinfo internal/safeurl internal/sameorigin internal/secret internal/sqldb internal/throttle internal/useragent internal/uuid internal/weburl oauth openid", others: []string{crypto, text}},
	"dashboard":    {ours: ". internal/bodylimit internal/brand internal/cookie internal/formdata internal/logline internal/loopback internal/methods internal/page internal/pageform internal/reqinfo internal/safeurl internal/sameorigin internal/secret internal/useragent internal/weburl oauth views"},
	"passporttest": {ours: ". internal/ctxtoken memstore oauth"},

	"internal/demo":    {ours: ". account guard internal/cookie internal/jws internal/page internal/sameorigin internal/secret oauth", others: []string{qr}}, // the tour of `passport serve --demo`
	"internal/testkit": {ours: ". guard memstore oauth", others: []string{jose}},                                                                             // for the tests of every room

	// The facade wires the rooms.
	".": {ours: "event guard oauth openid views internal/audit internal/authorize internal/backchannel internal/brand internal/clients internal/clock internal/core internal/ctxtoken internal/device internal/endpoint " +
		"internal/feature internal/firstparty internal/guards internal/idtoken internal/issuer internal/keyring internal/lastused internal/logline internal/methods internal/nearpath internal/nilpointer internal/oidc internal/page internal/policy internal/protected internal/reauth internal/rooms internal/safeurl internal/sameorigin " +
		"internal/tokens internal/upkeep internal/users internal/wire", others: []string{jose}},

	"laravel": {ours: "internal/feature internal/policy internal/recent internal/rooms internal/wire oauth sqlstore", others: []string{crypto}}, // its users alone link bcrypt

	"internal/oidc":          {ours: below + " guard openid internal/authorize internal/clients internal/ctxtoken internal/endpoint internal/feature internal/idtoken internal/issuer internal/keyring internal/page internal/policy internal/rooms internal/tokens internal/users internal/wire"},
	"internal/idtoken":       {ours: below + " openid internal/claims internal/feature internal/keyring"},
	"openid":                 {},
	"internal/laravelimport": {ours: "internal/policy internal/redirect internal/safeurl internal/sqldb oauth"}, // reads the tables of Laravel Passport

	"internal/device": {ours: below + " grant internal/authorize internal/clients internal/endpoint internal/feature internal/keyring internal/page internal/policy internal/rooms internal/tokens internal/usercode internal/users internal/wire"},

	"internal/core": {ours: "grant oauth internal/authorize internal/brand internal/endpoint internal/feature internal/issuer internal/jsonapi internal/nilpointer internal/policy internal/protected internal/rooms internal/tokens internal/wire"},

	"internal/rooms": {ours: below + " internal/authorize internal/backchannel internal/clients internal/feature internal/firstparty internal/idtoken internal/keyring internal/page internal/policy internal/tokens internal/users internal/wire"},

	"internal/authorize":   {ours: below + " internal/clients internal/idtoken internal/keyring internal/page internal/policy internal/tokens internal/users internal/wire"},
	"internal/endpoint":    {ours: below + " internal/clients internal/idtoken internal/feature internal/keyring internal/policy internal/tokens internal/users internal/wire"},
	"internal/jsonapi":     {ours: below + " internal/clients internal/feature internal/firstparty internal/policy internal/reauth internal/tokens internal/users internal/wire"},
	"internal/guards":      {ours: below + " guard internal/ctxtoken internal/policy internal/wire"},
	"internal/upkeep":      {ours: below + " internal/backchannel internal/keyring"},
	"internal/backchannel": {ours: below + " internal/idtoken"},

	"internal/tokens": {ours: below + " internal/clients internal/feature internal/idtoken internal/keyring internal/policy internal/users"},

	"internal/clients":    {ours: below + " internal/feature internal/policy internal/users"}, // independent of HTTP
	"internal/reauth":     {ours: below + " internal/keyring internal/users"},
	"internal/firstparty": {ours: below + " internal/keyring internal/policy internal/users internal/wire"},

	"internal/policy":  {ours: below},
	"internal/keyring": {ours: below + " internal/claims internal/recent", others: []string{jose}},
	"internal/wire":    {ours: below},
	"internal/page":    {ours: below},

	"internal/users":   {ours: "oauth internal/nilpointer internal/storable"},
	"internal/audit":   {ours: "event oauth internal/reqinfo"},
	"internal/feature": {ours: "oauth openid internal/jws internal/nilpointer"},

	"internal/authserver": {ours: "internal/claims internal/issuer internal/jws internal/origin internal/recent oauth"},
	"internal/bodylimit":  {},
	"internal/brand":      {ours: "internal/loopback internal/safeurl"},
	"internal/character":  {},
	"internal/claims":     {ours: "oauth"},
	"internal/clock":      {},
	"internal/cookie":     {ours: "internal/secret oauth"},
	"internal/ctxtoken":   {ours: "oauth"},
	"internal/dburl":      {ours: "internal/safeurl internal/sqldb"},
	"internal/fetch":      {ours: "internal/weburl", others: []string{ssrf}},
	"internal/issuer":     {ours: "internal/safeurl internal/weburl"},
	"internal/jsonid":     {},
	"internal/jws":        {},
	"internal/nearest":    {},
	"internal/lastused":   {ours: "internal/reqinfo internal/useragent oauth"},
	"internal/logline":    {ours: "internal/character"},
	"internal/nearpath":   {ours: "internal/logline internal/reqinfo"},
	"internal/methods":    {},
	"internal/nilpointer": {},
	"internal/opaque":     {ours: "internal/secret"},
	"internal/pemtext":    {ours: "internal/textfile"},
	"internal/protected":  {ours: "internal/issuer internal/origin"},
	"internal/recent":     {},
	"internal/redirect":   {ours: "internal/safeurl"},
	"internal/reqinfo":    {},
	"internal/resource":   {ours: "internal/weburl"},
	"internal/safeurl":    {},
	"internal/sameorigin": {},
	"internal/seal":       {},
	"internal/secret":     {},
	"internal/sqldb":      {ours: "oauth"},
	"internal/textfile":   {},
	"internal/throttle":   {ours: "oauth"},
	"internal/usercode":   {},
	"internal/useragent":  {},
	"internal/uuid":       {},
	"internal/formdata":   {},
	"internal/pageform":   {ours: "internal/bodylimit internal/cookie internal/formdata internal/sameorigin internal/secret"},
	"internal/storable":   {ours: "internal/character"},
	"internal/weburl":     {},
	"internal/origin":     {ours: "internal/weburl"},
	"internal/hashcost":   {},
	"internal/loopback":   {},

	"internal/archtest": {},
	"internal/docstest": {},

	"guard":     {ours: "internal/authserver internal/ctxtoken internal/issuer internal/logline internal/methods internal/opaque internal/origin internal/protected internal/reqinfo internal/resource internal/users internal/wire oauth", others: []string{jose}},
	"grant":     {ours: "internal/nearest internal/resource internal/users internal/uuid oauth"},
	"sqlstore":  {ours: "oauth internal/sqldb internal/uuid"},
	"memstore":  {ours: "oauth"},
	"storetest": {ours: "oauth"},
	"event":     {ours: "oauth"},
	"views":     {},
	"oauth":     {}, // only the standard library
}

// below are package oauth and the leaves, which any room above may import.
const below = "event oauth views internal/audit internal/bodylimit internal/brand internal/character internal/clock internal/cookie internal/fetch internal/formdata internal/jsonid internal/jws " +
	"internal/lastused internal/logline internal/nearest internal/opaque internal/origin internal/pemtext internal/redirect internal/reqinfo internal/resource " +
	"internal/safeurl internal/sameorigin internal/seal internal/secret internal/storable internal/textfile internal/throttle internal/usercode internal/uuid internal/weburl"

// open are packages that no application imports: the command, and the tests of
// stores with real databases. They may import anything.
var open = []string{"cmd/passport", "internal/dbtest"}

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
		r, ok := rooms[name]
		if !ok {
			t.Errorf("%s is a new package: add it to internal/archtest with its allowed imports", name)
			continue
		}
		checkImports(t, name, r, p.Imports)
		checkTests(t, name, r, slices.Concat(p.TestImports, p.XTestImports))
	}
}

func checkImports(t *testing.T, name string, r room, imports []string) {
	t.Helper()
	ours := strings.Fields(r.ours)
	for _, path := range imports {
		switch {
		case isOurs(path):
			if !slices.Contains(ours, nameOf(path)) {
				t.Errorf("%s imports %s, want only %v of our packages", name, nameOf(path), ours)
			}
		case !isStandard(path) && !hasPrefix(path, r.others):
			t.Errorf("%s imports %s, want only the standard library and %v", name, path, r.others)
		}
	}
}

// checkTests checks the imports of tests, because go mod tidy of an application
// also reads them.
func checkTests(t *testing.T, name string, r room, imports []string) {
	t.Helper()
	for _, path := range imports {
		switch {
		case isOurs(path) && opened(nameOf(path)):
			t.Errorf("a test of %s imports %s, which adds drivers to the go.sum of applications: move the test to internal/dbtest", name, path)
		case !strings.HasPrefix(name, "internal/") && !isOurs(path) && !isStandard(path) && !hasPrefix(path, r.others) && path != jose:
			t.Errorf("a test of %s imports %s, which adds it to the go.sum of every application that imports %s", name, path, name)
		}
	}
}

// packages lists the packages of the module.
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

// root returns the folder of the module's go.mod.
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
