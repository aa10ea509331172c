//go:build unix

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A transcript under testdata is a terminal session. Lines that begin with "$ " are
// commands, and the lines after a command are its output. The test runs the commands in
// an empty folder and compares the output; -update rewrites the transcript.
//
//	$ passport ARGUMENTS… [<<< text for standard input]
//	$ export NAME=value
//	$ write FILE text
//	$ ls FOLDER
//	$ columns N         (from here on the commands write to a terminal of N columns)
//
// Values that differ in each run are replaced: IDs with x, others with SECRET and TIME.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.transcript")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		name, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".transcript"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			got := replay(t, string(want))
			if *update {
				write(t, name, got)
			} else if got != string(want) {
				t.Errorf("the output differs from %s (go test -update rewrites it):\n%s", filepath.Base(name), got)
			}
		})
	}
}

// replay runs the commands of a transcript and returns the new transcript, with an empty
// line after each output.
func replay(t *testing.T, transcript string) string {
	t.Helper()
	var now strings.Builder
	s := &shell{t: t}
	for line := range strings.Lines(transcript) {
		if strings.HasPrefix(line, "#") {
			now.WriteString(line)
			continue
		}
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue // what it printed then
		}
		now.WriteString(line)
		if printed := strings.TrimRight(masked(s.run(strings.TrimSpace(command))), "\n"); printed != "" {
			now.WriteString(printed + "\n\n")
		}
	}
	return now.String()
}

// shell runs the commands of one transcript.
type shell struct {
	t       *testing.T
	env     []string
	last    string // what the last command printed, before it was masked
	columns int    // the width of the terminal; 0 for a pipe
}

// run runs a command and returns its output.
func (s *shell) run(line string) string {
	s.t.Helper()
	line, stdin, _ := strings.Cut(line, " <<< ")
	words := split(line)
	switch words[0] {
	case "export":
		s.env = append(s.env, words[1])
		return ""
	case "write":
		write(s.t, words[1], strings.ReplaceAll(words[2], `\n`, "\n"))
		return ""
	case "ls":
		return list(s.t, words[1])
	case "columns":
		columns, err := strconv.Atoi(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.columns = columns
		return ""
	case "passport":
		return s.passport(stdin, words[1:])
	}
	s.t.Fatalf("a transcript has no command %q", words[0])
	return ""
}

func (s *shell) passport(stdin string, args []string) string {
	for i, arg := range args {
		if arg == "LAST_ID" {
			args[i] = uuid.FindString(s.last)
		}
	}
	var out bytes.Buffer // both, in the order of a terminal
	var status int
	if s.columns > 0 {
		var shown string
		status, shown = onScreen(s.t, s.columns, stdin, s.env, args...)
		out.WriteString(strings.ReplaceAll(shown, "\x1b", `\e`))
	} else {
		status = passport(context.Background(), strings.NewReader(stdin), &out, &out, s.env, args...)
	}
	s.last = out.String()
	if status != 0 {
		fmt.Fprintf(&out, "[exit status %d]\n", status)
	}
	return out.String()
}

func list(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", info.Mode(), e.Name())
	}
	return b.String()
}

// split splits a command line at spaces outside double quotes.
func split(line string) (words []string) {
	quoted, begun := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
			if !begun {
				words, begun = append(words, ""), true
			}
		case r == ' ' && !quoted:
			begun = false
		case !begun:
			words, begun = append(words, string(r)), true
		default:
			words[len(words)-1] += string(r)
		}
	}
	return words
}

var (
	uuid   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	secret = regexp.MustCompile(`[A-Za-z0-9_-]{40,}`)
	folder = regexp.MustCompile(`in the folder \S+:`)
	date   = regexp.MustCompile(`\b20\d\d-\d\d-\d\d\b`)
	moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

func masked(s string) string {
	s = uuid.ReplaceAllString(s, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
	s = secret.ReplaceAllString(s, "SECRET")
	s = folder.ReplaceAllString(s, "in the folder FOLDER:")
	s = moment.ReplaceAllString(s, "TIME")
	return date.ReplaceAllString(s, "YYYY-MM-DD")
}
