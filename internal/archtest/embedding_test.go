package archtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// linked are the modules that the library may link into an application. argon2
// uses x/sys to detect processor features. Package account uses x/text to
// normalize accents. internal/fetch uses ssrf to check addresses.
var linked = []string{module, jose, crypto, text, ssrf, "golang.org/x/sys"}

// An application that embeds the server downloads only its own driver, and few
// other modules.
func TestEmbedding_NoDriverInApplication(t *testing.T) {
	app := application(t, ".", "account", "grant", "guard", "memstore", "oauth", "passporttest", "sqlstore")

	sums, err := os.ReadFile(filepath.Join(app, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sums)) {
		if path, _, _ := strings.Cut(line, " "); hasPrefix(path, drivers) || hasPrefix(path, []string{"modernc.org", cobra}) {
			t.Errorf("the application's go.sum names %s: a test of a package that it imports must have brought it", strings.TrimSpace(line))
		}
	}

	out := run(t, app, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
	for path := range strings.FieldsSeq(out) {
		if path != "example.com/app" && !slices.Contains(linked, path) {
			t.Errorf("the application links %s, want only the modules %v", path, linked[1:])
		}
	}
}

// application creates a module that imports the given rooms, and tidies it.
func application(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	source := "package main\n\nimport (\n"
	for _, name := range names {
		source += fmt.Sprintf("\t_ %q\n", strings.TrimSuffix(module+"/"+name, "/."))
	}
	write(t, filepath.Join(dir, "main.go"), source+")\n\nfunc main() {}\n")
	write(t, filepath.Join(dir, "go.mod"), fmt.Sprintf("module example.com/app\n\ngo 1.26.0\n\nrequire %s v0.0.0\n\nreplace %s => %s\n", module, module, root(t)))
	// The library's go.sum saves downloads.
	if sums, err := os.ReadFile(filepath.Join(root(t), "go.sum")); err == nil {
		write(t, filepath.Join(dir, "go.sum"), string(sums))
	}
	run(t, dir, "go", "mod", "tidy")
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a go command in another module. Without a network it may lack modules
// that the library does not need. Then the test is skipped, except in CI.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return string(out)
	}
	message := fmt.Sprintf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	if os.Getenv("PASSPORT_TEST_REQUIRE") != "1" && unreachable(stderr.String()) {
		t.Skip("this test needs the module proxy, or a filled module cache:", message)
	}
	t.Fatal(message)
	return ""
}

func unreachable(message string) bool {
	for _, sign := range []string{"dial tcp", "module lookup disabled", "i/o timeout", "TLS handshake"} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}
