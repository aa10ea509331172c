package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// servers are private database servers that a test can kill: see scripts/cluster.
type servers struct {
	dir  string
	urls map[string]string // by server name
}

var clusterScript = filepath.Join("..", "..", "scripts", "cluster")

func startServers(t *testing.T, kind string) *servers {
	t.Helper()
	// Not t.TempDir: the servers' users may not enter its parents.
	dir, err := os.MkdirTemp("", "passport-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	s := &servers{dir: dir, urls: map[string]string{}}
	t.Cleanup(func() {
		if out, err := exec.Command(clusterScript, "stop", dir).CombinedOutput(); err != nil {
			t.Errorf("stop the database servers: %v\n%s", err, out)
		}
	})
	// To a file, because the servers inherit the output and keep it open.
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.Command(clusterScript, "start", kind, dir)
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Run()
	text, readErr := os.ReadFile(said.Name())
	if failure, ok := errors.AsType[*exec.ExitError](err); ok && failure.ExitCode() == 3 {
		require(t, false, strings.TrimSpace(string(text)))
	}
	if err := errors.Join(err, readErr); err != nil {
		t.Fatalf("scripts/cluster start %s: %v\n%s", kind, err, text)
	}
	for line := range strings.Lines(string(text)) {
		if name, url, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			s.urls[name] = url
		}
	}
	return s
}

// do runs a command on a server: kill, resume or promote.
func (s *servers) do(t *testing.T, what ...string) {
	t.Helper()
	args := append([]string{what[0], s.dir}, what[1:]...)
	said, err := os.CreateTemp(t.TempDir(), "said")
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.Command(clusterScript, args...)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		t.Fatalf("scripts/cluster %s: %v\n%s", strings.Join(what, " "), err, text)
	}
}
