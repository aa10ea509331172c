// Package tutorial_test does what docs/tutorial.md tells the reader to do.
package tutorial_test

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// steps is the number of steps of the tutorial.
const steps = 5

// sections returns the text of the page from the heading of each step to the next
// heading. The first element is the introduction.
func sections(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(string(page), "\n## ")
	if len(all) < steps+1 || !strings.HasPrefix(all[steps], "Step "+strconv.Itoa(steps)) {
		t.Fatalf("docs/tutorial.md has %d sections, want an introduction and %d steps", len(all), steps)
	}
	return all
}

// blocks returns the fenced blocks of a language in a text.
func blocks(text, language string) (found []string) {
	for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	return found
}

func source(t *testing.T, step int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("step%d/main.go", step))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bare returns the lines of a text without indentation.
func bare(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// A reader who copies the blocks of a step gets the file of that step: each block is
// in the file, and the page shows each line that the step adds.
func TestPageShowsTheSteps_PG_12(t *testing.T) {
	page := sections(t)
	previous := ""
	for step := 1; step <= steps; step++ {
		file := source(t, step)
		shown := blocks(page[step], "go")
		for _, block := range shown {
			if !strings.Contains("\n"+strings.Join(bare(file), "\n")+"\n", "\n"+strings.Join(bare(block), "\n")+"\n") {
				t.Errorf("step %d of the page shows Go that step%d/main.go does not have:\n%s", step, step, block)
			}
		}
		lines := bare(strings.Join(shown, ""))
		for _, line := range bare(file) {
			if slices.Contains(bare(previous), line) || slices.Contains(lines, line) || strings.Contains(page[step], "`"+strings.Trim(line, `"`)+"`") || strings.Contains(page[step], "`"+line+"`") {
				continue
			}
			t.Errorf("step%d/main.go has a line that the page does not tell the reader to add in step %d: %s", step, step, line)
		}
		previous = file
	}
}

// program is a step that runs.
type program struct {
	address string
	command *exec.Cmd
	lines   []string // that it printed until it was ready
}

// build compiles a step for an address.
func build(t *testing.T, step int, address string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), fmt.Sprintf("step%d.exe", step))
	command := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.address="+address, "-o", binary, fmt.Sprintf("./step%d", step))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build ./step%d: %v\n%s", step, err, out)
	}
	return binary
}

// freeAddress returns an address of this machine that no server listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start runs a step in a folder and waits until it serves.
func start(t *testing.T, binary, folder, address string) *program {
	t.Helper()
	p := &program{address: address, command: exec.Command(binary)}
	p.command.Dir = folder
	stderr, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
		p.lines = append(p.lines, scanner.Text())
		if strings.Contains(scanner.Text(), "The shop runs at") {
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
	t.Fatalf("the app does not listen on %s; it printed %q", address, p.lines)
	return nil
}

func (p *program) stop() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// secret returns the secret of stock-robot that the app printed.
func (p *program) secret() string {
	for _, line := range p.lines {
		if _, secret, ok := strings.Cut(line, "The secret of stock-robot is "); ok {
			return secret
		}
	}
	return ""
}

// matches reports whether text is what the page shows, where … stands for any text.
func matches(shown, text string) bool {
	var pattern strings.Builder
	for i, part := range strings.Split(strings.TrimSpace(shown), "…") {
		if i > 0 {
			pattern.WriteString("(?s:.*)")
		}
		pattern.WriteString(regexp.QuoteMeta(part))
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(strings.TrimSpace(text))
}

// terminal is the reader's second terminal.
type terminal struct {
	t           *testing.T
	environment string // what the commands until now have set
	program     *program
}

// run runs a command of the page and returns what it prints.
func (c *terminal) run(command string) string {
	c.t.Helper()
	command = strings.ReplaceAll(command, "127.0.0.1:8080", c.program.address)
	if command == "SECRET=…" {
		command = "SECRET=" + c.program.secret()
	}
	if name, _, ok := strings.Cut(command, "="); ok && regexp.MustCompile(`^[A-Z]+$`).MatchString(name) {
		value, err := exec.CommandContext(c.t.Context(), "bash", "-c", c.environment+command+"\nprintf %s \"$"+name+"\"").Output()
		if err != nil || len(value) == 0 {
			c.t.Errorf("%s sets nothing: %v", command, err)
		}
		c.environment += name + "='" + string(value) + "'\n"
		return ""
	}
	out, err := exec.CommandContext(c.t.Context(), "bash", "-c", c.environment+command).CombinedOutput()
	if err != nil {
		c.t.Errorf("%s: %v\n%s", command, err, out)
	}
	return strings.ReplaceAll(string(out), c.program.address, "127.0.0.1:8080")
}

// session is a command of the page and what the page says that it prints.
type session struct{ command, output string }

// consoles returns the commands of a section in their order.
func consoles(section string) (all []session) {
	for _, block := range blocks(section, "console") {
		for line := range strings.Lines(block) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				all = append(all, session{command: strings.TrimSpace(command)})
				continue
			}
			all[len(all)-1].output += line
		}
	}
	return all
}

var logTime = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)

// replay runs the commands of a step against the program of that step.
func replay(t *testing.T, c *terminal, section string) {
	t.Helper()
	for _, s := range consoles(section) {
		var got string
		if s.command == "go run ." {
			got = logTime.ReplaceAllString(strings.Join(c.program.lines, "\n"), "")
			got = strings.ReplaceAll(got, c.program.address, "127.0.0.1:8080")
			s.output = logTime.ReplaceAllString(s.output, "")
		} else {
			got = c.run(s.command)
		}
		if !matches(s.output, got) {
			t.Errorf("$ %s\nprints\n%s\nwant, as the page says,\n%s", s.command, got, s.output)
		}
	}
}

func requireCurl(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("PASSPORT_TEST_REQUIRE") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// Each step runs, and the commands of the page print what the page says.
func TestStepsRun_PG_12(t *testing.T) {
	requireCurl(t)
	page := sections(t)
	for step := 1; step <= steps; step++ {
		t.Run(fmt.Sprintf("step%d", step), func(t *testing.T) {
			address, folder := freeAddress(t), t.TempDir()
			binary := build(t, step, address)
			c := &terminal{t: t, program: start(t, binary, folder, address)}
			if step == steps {
				// "Run it, and get a token as in step 3. Then stop the app and start it again."
				c.run("SECRET=…")
				for _, s := range consoles(page[3]) {
					if strings.HasPrefix(s.command, "TOKEN=") {
						c.run(s.command)
					}
				}
				c.program.stop()
				c.program = start(t, binary, folder, address)
			}
			replay(t, c, page[step])
			browse(t, address, step)
		})
	}
}

// browse does what the reader does in the browser.
func browse(t *testing.T, address string, step int) {
	t.Helper()
	const want = `{"customer":"Ada","orders":["espresso machine"]}`
	if got := arrive(t, "http://"+address+"/orders"); strings.TrimSpace(got) != want {
		t.Errorf("after signing in, the browser shows %s, want %s", got, want)
	}
	if step < 4 {
		return
	}
	if got := arrive(t, "http://"+address+"/tracker"); strings.TrimSpace(got) != want {
		t.Errorf("after allowing the app, the browser shows %s, want %s", got, want)
	}
}

var (
	form   = regexp.MustCompile(`<form[^>]*>`)
	action = regexp.MustCompile(`action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	moveOn = regexp.MustCompile(`http-equiv="refresh" content="[^"]*url=([^"]*)"`)
)

// arrive opens an address in a new browser, signs in, allows, and returns the page
// at which the browser arrives.
func arrive(t *testing.T, address string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	response, err := browser.Get(address)
	for range 10 {
		if err != nil {
			t.Fatal(err)
		}
		text, readErr := io.ReadAll(response.Body)
		response.Body.Close()
		if readErr != nil {
			t.Fatal(readErr)
		}
		body, here := string(text), response.Request.URL
		if m := moveOn.FindStringSubmatch(body); m != nil {
			response, err = browser.Get(resolve(t, here, m[1]))
			continue
		}
		tag := form.FindString(body)
		if tag == "" {
			return body
		}
		target := here.String()
		if m := action.FindStringSubmatch(tag); m != nil {
			target = resolve(t, here, m[1])
		}
		values := url.Values{"customer": {"1"}, "decision": {"allow"}}
		for _, m := range hidden.FindAllStringSubmatch(body, -1) {
			values.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		r, newErr := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(values.Encode()))
		if newErr != nil {
			t.Fatal(newErr)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		response, err = browser.Do(r)
	}
	t.Fatalf("the browser does not arrive: it is at %s", response.Request.URL)
	return ""
}

func resolve(t *testing.T, from *url.URL, address string) string {
	t.Helper()
	to, err := from.Parse(html.UnescapeString(address))
	if err != nil {
		t.Fatal(err)
	}
	return to.String()
}
