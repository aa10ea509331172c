package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/go-passport/passport/sqlstore"
)

// openTerminal opens a pseudo terminal of the given width. What is written to the
// command's side can be read from the person's.
func openTerminal(t *testing.T, columns int) (person, command *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	command, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Close(); _ = person.Close() })
	return person, command
}

// onScreen runs a command whose output and errors go to a terminal. It returns the
// output, with control sequences.
func onScreen(t *testing.T, columns int, stdin string, env []string, args ...string) (status int, shown string) {
	t.Helper()
	person, terminal := openTerminal(t, columns)
	read := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(person) // it ends with an error when the other side is closed
		read <- string(b)
	}()
	status = passport(t.Context(), strings.NewReader(stdin), terminal, terminal, env, args...)
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	return status, strings.ReplaceAll(<-read, "\r\n", "\n")
}

// cellsOf counts the columns that a text takes. The names in these tests have wide
// characters of these scripts only.
func cellsOf(text string) (n int) {
	for _, r := range text {
		n++
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || r == 'ー' {
			n++
		}
	}
	return n
}

// registerClients registers clients with names of all widths, and revokes the last.
func registerClients(t *testing.T) {
	t.Helper()
	command(t, "", "migrate")
	for _, name := range []string{"Web", "Order Tracker", "東京の注文を追跡するアプリケーション", strings.Repeat("Long name ", 20)} {
		command(t, "", "client", "--name", name, "--redirect_uri", "https://app.example.com/callback/of/a/long/path")
	}
	id := uuid.FindString(command(t, "", "client", "--client", "--name", "Old export"))
	command(t, "", "client", "revoke", id, "--yes")
}

func TestScreen_PG_11_ClientListFits(t *testing.T) {
	t.Chdir(t.TempDir())
	registerClients(t)
	for _, columns := range []int{60, 80, 100, 120, 200} {
		status, shown := onScreen(t, columns, "", []string{"NO_COLOR=1"}, "client", "list")
		if status != 0 {
			t.Fatalf("client list ended with %d:\n%s", status, shown)
		}
		lines := strings.Split(strings.TrimSpace(shown), "\n")
		id := strings.Index(lines[0], "ID")
		for _, line := range lines[:len(lines)-1] {
			at := id
			if found := uuid.FindStringIndex(line); found != nil {
				at = cellsOf(line[:found[0]])
			}
			if cellsOf(line) > columns || at != id {
				t.Errorf("at %d columns the line takes %d, its ID begins at %d, want at most %d and %d:\n%s", columns, cellsOf(line), at, columns, id, shown)
			}
		}
		if columns >= 80 && !regexp.MustCompile(`^NAME +TYPE +STATE +CREATED +ID$`).MatchString(lines[0]) {
			t.Errorf("at %d columns the header is %q", columns, lines[0])
		}
		if strings.Contains(shown, "Old export") || !strings.Contains(shown, "1 revoked client is not shown: add --all.") {
			t.Errorf("at %d columns the list should leave out the revoked client and say so:\n%s", columns, shown)
		}
	}
}

func TestScreen_PG_11_AllAndWide(t *testing.T) {
	t.Chdir(t.TempDir())
	registerClients(t)
	if _, shown := onScreen(t, 80, "", nil, "client", "list", "--all"); !strings.Contains(shown, "Old export") || strings.Contains(shown, "not shown") {
		t.Errorf("client list --all has no revoked client:\n%s", shown)
	}
	for name, list := range map[string]string{
		"--wide": func() string {
			_, shown := onScreen(t, 80, "", []string{"NO_COLOR=1"}, "client", "list", "--wide")
			return shown
		}(),
		"a pipe": command(t, "", "client", "list"),
	} {
		if !strings.HasPrefix(list, "ID ") || !strings.Contains(list, "REDIRECT URIS") || !strings.Contains(list, "https://app.example.com/callback/of/a/long/path") {
			t.Errorf("%s does not have every column:\n%s", name, list)
		}
	}
	if list := command(t, "", "client", "list"); !strings.Contains(list, "Old export") {
		t.Errorf("a pipe does not get the revoked client:\n%s", list)
	}
}

func TestScreen_PG_11_ClientShow(t *testing.T) {
	t.Chdir(t.TempDir())
	registerClients(t)
	byName := command(t, "", "client", "show", "order tracker")
	for _, want := range []string{"Order Tracker\n", "https://app.example.com/callback/of/a/long/path", "web, with 1 secret", "active", "authorization_code, refresh_token"} {
		if !strings.Contains(byName, want) {
			t.Errorf("client show has no %q:\n%s", want, byName)
		}
	}
	if byID := command(t, "", "client", "show", uuid.FindString(byName)); byID != byName {
		t.Errorf("client show prints by ID\n%s\nand by name\n%s", byID, byName)
	}
	var out, log output
	if status := passport(t.Context(), strings.NewReader(""), &out, &log, nil, "client", "show", "Unknown"); status != 1 || !strings.Contains(log.String(), `no client has the ID or name "Unknown"`) {
		t.Errorf("client show for an unknown name = %d, %s", status, log.String())
	}
	command(t, "", "client", "--name", "Web", "--redirect_uri", "https://b.example.com/callback")
	if status := passport(t.Context(), strings.NewReader(""), &out, &log, nil, "client", "show", "Web"); status != 1 || !strings.Contains(log.String(), `several clients are named "Web": pass the ID, such as `) {
		t.Errorf("client show for a name of two clients = %d, %s", status, log.String())
	}
}

func TestScreen_Colors(t *testing.T) {
	t.Chdir(t.TempDir())
	registerClients(t)
	const bold = "\x1b[1m"
	tests := []struct {
		name    string
		env     []string
		args    []string
		colored bool
	}{
		{"a terminal", nil, nil, true},
		{"NO_COLOR", []string{"NO_COLOR=1"}, nil, false},
		{"an empty NO_COLOR", []string{"NO_COLOR="}, nil, true},
		{"a dumb terminal", []string{"TERM=dumb"}, nil, false},
		{"--color=never", nil, []string{"--color=never"}, false},
		{"--color=always beats NO_COLOR", []string{"NO_COLOR=1"}, []string{"--color=always"}, true},
	}
	for _, test := range tests {
		_, shown := onScreen(t, 80, "", test.env, append([]string{"client", "list"}, test.args...)...)
		if got := strings.Contains(shown, bold); got != test.colored {
			t.Errorf("%s: colored is %t, want %t:\n%q", test.name, got, test.colored, shown)
		}
	}
	if piped := command(t, "", "client", "list"); strings.Contains(piped, "\x1b") {
		t.Errorf("a pipe gets control sequences:\n%q", piped)
	}
	if piped := command(t, "", "client", "list", "--color=always"); !strings.Contains(piped, bold) {
		t.Errorf("a pipe gets no colors with --color=always:\n%q", piped)
	}
	if piped := command(t, "", "client", "list", "--json", "--color=always"); strings.Contains(piped, "\x1b") {
		t.Errorf("JSON has control sequences:\n%q", piped)
	}
	if status, shown := onScreen(t, 80, "", nil, "client", "list", "--color=pink"); status != 2 {
		t.Errorf("--color=pink = %d: %s", status, shown)
	}
	if _, shown := onScreen(t, 80, "", nil, "client", "revoke", "unknown", "--yes"); !strings.HasPrefix(shown, "\x1b[31merror:\x1b[") {
		t.Errorf("an error on a terminal is %q, want one that begins with a red word", shown)
	}
}

func TestScreen_PurgeCounts(t *testing.T) {
	t.Chdir(t.TempDir())
	store := sqlstore.New(openDatabase(t, "passport.sqlite"), sqlstore.SQLite)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	aged(t, store)
	status, shown := onScreen(t, 80, "", []string{"NO_COLOR=1"}, "purge", "--database-url", "sqlite:passport.sqlite")
	if status != 0 || !regexp.MustCompile(`\r\d+ rows deleted…\x1b\[K\r\x1b\[K✓ Deleted \d+ rows\.\n$`).MatchString(shown) {
		t.Errorf("purge = %d on a terminal, %q; want a line that counts and is replaced by the result", status, shown)
	}
}

func TestScreen_ServeBannerAndShortLines(t *testing.T) {
	t.Chdir(t.TempDir())
	person, terminal := openTerminal(t, 80)
	log := new(output)
	go func() { _, _ = io.Copy(log, person) }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	go func() {
		ended <- passport(ctx, strings.NewReader(""), terminal, terminal, []string{"NO_COLOR=1"}, "serve", "--listen", "127.0.0.1:0")
	}()
	url := await(t, log, regexp.MustCompile(`Passport is running at (http://127\.0\.0\.1:\d+)\r\n`))
	answer, err := http.Get(url + "/" + strings.Repeat("long/", 40))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	await(t, log, regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d  404  GET   /long/.*…  \d+(\.\d)? ms\r$`))
	banner := log.String()
	for _, want := range []string{"Database  sqlite:storage/passport.sqlite", "Keys      storage", "Accounts  0: create one with `passport user create`", "Clients   0: register one with `passport client`", "Press Ctrl-C to stop."} {
		if !strings.Contains(banner, want) {
			t.Errorf("the banner has no %q:\n%s", want, banner)
		}
	}
	for line := range strings.Lines(banner) {
		if strings.Contains(line, "level=") || strings.HasPrefix(line, "\x1b") || len([]rune(strings.TrimSpace(line))) > 80 && !strings.Contains(line, "WARN") {
			t.Errorf("a line of the log is not short: %q", line)
		}
	}
	cancel()
	select {
	case status := <-ended:
		if status != 0 {
			t.Errorf("the server ended with status %d:\n%s", status, log)
		}
	case <-time.After(15 * time.Second):
		t.Error("the server did not stop")
	}
}

func TestScreen_KeysTellThatTheyTakeLong(t *testing.T) {
	if testing.Short() && os.Getenv("PASSPORT_TEST_REQUIRE") != "1" {
		t.Skip("an RSA key of 4104 bits takes seconds")
	}
	t.Chdir(t.TempDir())
	const text = "Generating an RSA key of 4104 bits (may take a minute)…"
	var out, log output
	if status := passport(t.Context(), strings.NewReader(""), &out, &log, nil, "keys", "--length", "4104", "--keys-dir", "pipe"); status != 0 || log.String() != text+"\n" {
		t.Errorf("keys = %d in a pipe, with %q on standard error, want %q", status, log.String(), text)
	}
}

func TestScreen_VersionFlag(t *testing.T) {
	want := command(t, "", "version")
	for _, flag := range []string{"--version", "-v"} {
		if got := command(t, "", flag); got != want || !strings.HasPrefix(got, "passport v0.0.0-test (go") {
			t.Errorf("passport %s prints %q, want %q", flag, got, want)
		}
	}
}

// A wrong address is refused before the log says that the server starts.
func TestScreen_ServeChecksTheAddressFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, address := range []string{"foo", "203.0.113.1:1", "0.0.0.0:0"} {
		var out, log output
		status := passport(t.Context(), strings.NewReader(""), &out, &log, nil, "serve", "--listen", address)
		if status == 0 || strings.Contains(log.String(), "starting") || !strings.HasPrefix(log.String(), "passport: ") {
			t.Errorf("serve --listen %s = %d, %q; want only an error", address, status, log.String())
		}
	}
}

// The lines of the help fit the terminal, apart from examples.
func TestScreen_HelpFits(t *testing.T) {
	for _, args := range [][]string{{}, {"client"}, {"client", "list"}, {"serve"}, {"keys", "rotate"}, {"purge"}, {"views"}, {"install"}} {
		for _, columns := range []int{80, 120} {
			_, shown := onScreen(t, columns, "", []string{"NO_COLOR=1"}, append(args, "--help")...)
			for line := range strings.Lines(shown) {
				if cellsOf(strings.TrimRight(line, "\n")) > columns && !strings.HasPrefix(line, "  passport ") {
					t.Errorf("passport %v --help has a line of more than %d columns: %q", args, columns, line)
				}
			}
			if !strings.Contains(shown, "\nFlags:\n") {
				t.Errorf("passport %v --help shows\n%s", args, shown)
			}
		}
	}
}

// await waits for a text on the screen and returns its first group, or all of it.
func await(t *testing.T, screen *output, want *regexp.Regexp) string {
	t.Helper()
	for range 1000 {
		if found := want.FindStringSubmatch(screen.String()); found != nil {
			return found[len(found)-1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the screen does not show %s:\n%s", want, screen)
	return ""
}
