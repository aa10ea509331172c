package walkthrough

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Program is a program of a tutorial that runs.
type Program struct {
	Address string
	Lines   []string // that it printed until it was ready
	command *exec.Cmd
}

// Build compiles the program in a folder with other values of its variables, such as
// "main.address=127.0.0.1:1234".
func Build(t *testing.T, folder string, variables ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), filepath.Base(folder)+".exe")
	command := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X "+strings.Join(variables, " -X "), "-o", binary, "./"+folder)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build ./%s: %v\n%s", folder, err, out)
	}
	return binary
}

// FreeAddress returns an address of this machine that no server listens on.
func FreeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Start runs a program in a folder, with variables of the environment, and waits until
// it serves: until it prints where it runs.
func Start(t *testing.T, binary, folder, address string, environment ...string) *Program {
	t.Helper()
	p := &Program{Address: address, command: exec.Command(binary)}
	p.command.Dir, p.command.Env = folder, append(p.command.Environ(), environment...)
	stderr, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
		p.Lines = append(p.Lines, scanner.Text())
		if strings.Contains(scanner.Text(), " runs at ") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	for range 100 {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the program does not listen on %s; it printed %q", address, p.Lines)
	return nil
}

// Stop ends the program.
func (p *Program) Stop() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// After returns the rest of the line that has a text, or "".
func (p *Program) After(text string) string {
	for _, line := range p.Lines {
		if _, rest, ok := strings.Cut(line, text); ok {
			return rest
		}
	}
	return ""
}
