package deploy_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// binary is the program that the files deploy.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "passport-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "passport")
	build := exec.Command("go", "build", "-o", binary, "./cmd/passport")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A process runs the binary in a folder.
type process struct {
	dir string
	env []string // PASSPORT_…=value
}

func (p process) cmd(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = p.dir
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "PASSPORT_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, p.env...)
	return cmd
}

// command runs a command, which must succeed without a warning, and returns its output.
func (p process) command(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := p.cmd(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(stderr.String(), "warn") {
		t.Fatalf("passport %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// serve starts the server on a free port and returns its address.
func (p process) serve(t *testing.T, args ...string) string {
	t.Helper()
	address := freeAddress(t)
	p.env = append(p.env, "PASSPORT_LISTEN="+address)
	cmd := p.cmd(context.Background(), args...)
	log := &buffer{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := <-ended; err != nil || strings.Contains(log.String(), "WARN") {
			t.Errorf("the server ended with %v, or warned:\n%s", err, log.String())
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if status(t, "http://"+address+"/readyz") == http.StatusOK {
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready:\n%s", log.String())
		}
	}
}

// buffer is what a process writes, readable while it does.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(text)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// status is the status of a GET request, or 0 without a response.
func status(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func wantStatus(t *testing.T, url string, want int) {
	t.Helper()
	if got := status(t, url); got != want {
		t.Errorf("GET %s = %d, want %d", url, got, want)
	}
}

// randomSecret is what `openssl rand -base64 32` prints.
func randomSecret() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // Read never fails
	return base64.StdEncoding.EncodeToString(secret)
}

// settingNames are the settings that `passport install` explains in passport.toml.
var settingNames = sync.OnceValues(func() (map[string]bool, error) {
	dir, err := os.MkdirTemp("", "passport-settings-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	install := process{dir: dir}.cmd(context.Background(), "install", "--client-ids", "uuid")
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("passport install: %w\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "passport.toml"))
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#? ?([a-z_]+) = `).FindAllSubmatch(text, -1) {
		names[string(m[1])] = true
	}
	return names, err
})

// checkVariable checks that a variable of the environment is a setting.
func checkVariable(t *testing.T, name string) {
	t.Helper()
	names, err := settingNames()
	if err != nil || len(names) < 30 {
		t.Fatalf("passport.toml explains %d settings (%v), want more", len(names), err)
	}
	setting, ok := strings.CutPrefix(name, "PASSPORT_")
	if !ok || !names[strings.ToLower(setting)] {
		t.Errorf("%s is not a setting of the server", name)
	}
}

// checkCommand checks that the binary has a command and its options.
func checkCommand(t *testing.T, args []string) {
	t.Helper()
	if len(args) == 0 {
		t.Fatal("the command is missing")
	}
	help := process{dir: t.TempDir()}.command(t, args[0], "--help")
	if !strings.Contains(help, "passport "+args[0]) {
		t.Errorf("passport has no command %s:\n%s", args[0], help)
	}
	for _, arg := range args[1:] {
		if option, _, _ := strings.Cut(arg, "="); strings.HasPrefix(arg, "--") && !strings.Contains(help, option+" ") {
			t.Errorf("passport %s has no option %s", args[0], option)
		}
	}
}

// decodeSettings decodes the text of a passport.toml.
func decodeSettings(t *testing.T, text string) map[string]any {
	t.Helper()
	var settings map[string]any
	if err := toml.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

// portOf is the port of an address.
func portOf(t *testing.T, address any) int32 {
	t.Helper()
	text, _ := address.(string)
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		t.Fatalf("%v is not an address: %v", address, err)
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(n)
}

// seconds is a duration of a passport.toml.
func seconds(t *testing.T, duration any) int64 {
	t.Helper()
	text, _ := duration.(string)
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(d.Seconds())
}
