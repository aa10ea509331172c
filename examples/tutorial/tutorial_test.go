// Package tutorial_test does what docs/tutorial.md tells the reader to do.
package tutorial_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/examples/internal/walkthrough"
)

// steps is the number of steps of the tutorial.
const steps = 5

// sections returns the steps of the page.
func sections(t *testing.T) []string {
	t.Helper()
	return walkthrough.Sections(t, "../../docs/tutorial.md", steps)
}

// A reader who copies the blocks of a step gets the file of that step: each block is
// in the file, and the page shows each line that the step adds.
func TestPageShowsTheSteps_PG_12(t *testing.T) {
	page, before := sections(t), ""
	for step := 1; step <= steps; step++ {
		file := fmt.Sprintf("step%d/main.go", step)
		walkthrough.Shows(t, page[step], before, file)
		before = file
	}
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
	program     *walkthrough.Program
}

// run runs a command of the page and returns what it prints.
func (c *terminal) run(command string) string {
	c.t.Helper()
	command = strings.ReplaceAll(command, "127.0.0.1:8080", c.program.Address)
	if command == "SECRET=…" {
		command = "SECRET=" + c.program.After("The secret of stock-robot is ")
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
	return strings.ReplaceAll(string(out), c.program.Address, "127.0.0.1:8080")
}

// session is a command of the page and what the page says that it prints.
type session struct{ command, output string }

// consoles returns the commands of a section in their order.
func consoles(section string) (all []session) {
	for _, block := range walkthrough.Blocks(section, "console") {
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
			got = logTime.ReplaceAllString(strings.Join(c.program.Lines, "\n"), "")
			got = strings.ReplaceAll(got, c.program.Address, "127.0.0.1:8080")
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
			address, folder := walkthrough.FreeAddress(t), t.TempDir()
			binary := walkthrough.Build(t, fmt.Sprintf("step%d", step), "main.address="+address)
			start := func() *walkthrough.Program { return walkthrough.Start(t, binary, folder, address) }
			c := &terminal{t: t, program: start()}
			if step == steps {
				// "Run it, and get a token as in step 3. Then stop the app and start it again."
				c.run("SECRET=…")
				for _, s := range consoles(page[3]) {
					if strings.HasPrefix(s.command, "TOKEN=") {
						c.run(s.command)
					}
				}
				c.program.Stop()
				c.program = start()
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
	if got := walkthrough.Arrive(t, walkthrough.Browser(t), "http://"+address+"/orders"); strings.TrimSpace(got) != want {
		t.Errorf("after signing in, the browser shows %s, want %s", got, want)
	}
	if step < 4 {
		return
	}
	if got := walkthrough.Arrive(t, walkthrough.Browser(t), "http://"+address+"/tracker"); strings.TrimSpace(got) != want {
		t.Errorf("after allowing the app, the browser shows %s, want %s", got, want)
	}
}
