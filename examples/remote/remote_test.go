// Package remote_test runs the three processes of the example.
package remote_test

import (
	"bufio"
	"bytes"
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// build compiles the three commands.
func build(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir, "./server", "./api", "./cli").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// freeURL returns a loopback URL whose port is free.
func freeURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// start starts a command until the test ends, and returns its output up to a line that
// matches.
func start(t *testing.T, until string, name string, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var faults bytes.Buffer
	cmd.Stderr = &faults
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	line := regexp.MustCompile(until)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := line.FindStringSubmatch(lines.Text()); m != nil {
			return m
		}
	}
	cancel()
	_ = cmd.Wait()
	t.Fatalf("%s printed no line with %s: %s", filepath.Base(name), until, &faults)
	return nil
}

// await waits until a server accepts connections.
func await(t *testing.T, address string) {
	t.Helper()
	for range 400 {
		c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("nothing listens at %s after 20 s", address)
}

func TestThreeProcesses(t *testing.T) {
	dir := build(t)
	issuer, api := freeURL(t), freeURL(t)
	credentials := start(t, `-id (\S+) -secret (\S+)`, filepath.Join(dir, "server"), "-issuer", issuer, "-api", api)
	start(t, `runs at`, filepath.Join(dir, "api"), "-issuer", issuer, "-api", api, "-id", credentials[1], "-secret", credentials[2])
	await(t, issuer)
	await(t, api)

	t.Run("browser", func(t *testing.T) { signIn(t, filepath.Join(dir, "cli"), "-api", api) })
	t.Run("device", func(t *testing.T) { signIn(t, filepath.Join(dir, "cli"), "-api", api, "-device") })
}

// signIn runs the client, signs in at the address that it prints, and checks that it gets
// the orders.
func signIn(t *testing.T, name string, args ...string) {
	t.Helper()
	cli := exec.CommandContext(t.Context(), name, args...)
	out, err := cli.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var faults bytes.Buffer
	cli.Stderr = &faults
	if err := cli.Start(); err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?:browser: |open )(\S+)(?: and type (\S+))?`)
	var address []string
	lines := bufio.NewScanner(out)
	for address == nil && lines.Scan() {
		address = shown.FindStringSubmatch(lines.Text())
	}
	switch {
	case address == nil:
		t.Fatalf("the client prints no address for the browser; its errors: %s", &faults)
	case address[2] == "":
		browse(t, address[1], "You can close this window.")
	default:
		browse(t, address[1]+"?user_code="+address[2], "device")
	}
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	if err := cli.Wait(); err != nil || !strings.Contains(strings.Join(rest, "\n"), `200 OK {"app":"orders-cli","customer":"1","orders":[1001,1002]}`) {
		t.Errorf("the client prints %q and ends with %v, want the orders of customer 1; its errors: %s", rest, err, &faults)
	}
}

var (
	form   = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	moveOn = regexp.MustCompile(`http-equiv="refresh" content="[^"]*url=([^"]*)"`)
)

// browse acts as a customer's browser: it signs in, allows the request, and follows the
// pages to one with a text.
func browse(t *testing.T, address, until string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	res, err := browser.Get(address)
	for range 6 {
		if err != nil {
			t.Fatal(err)
		}
		body, readErr := io.ReadAll(res.Body)
		res.Body.Close()
		if readErr != nil {
			t.Fatal(readErr)
		}
		if form.FindSubmatch(body) == nil && strings.Contains(string(body), until) {
			return
		}
		if m := moveOn.FindSubmatch(body); m != nil {
			res, err = browser.Get(html.UnescapeString(string(m[1])))
			continue
		}
		action := form.FindSubmatch(body)
		if action == nil {
			t.Fatalf("the page of %s has no form: %d %s", res.Request.URL, res.StatusCode, body)
		}
		values := url.Values{"customer": {"1"}, "decision": {"allow"}}
		for _, m := range hidden.FindAllSubmatch(body, -1) {
			values.Set(html.UnescapeString(string(m[1])), html.UnescapeString(string(m[2])))
		}
		target, parseErr := res.Request.URL.Parse(html.UnescapeString(string(action[1])))
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		r, newErr := http.NewRequest(http.MethodPost, target.String(), strings.NewReader(values.Encode()))
		if newErr != nil {
			t.Fatal(newErr)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		res, err = browser.Do(r)
	}
	t.Fatal("the browser did not come back to the client after 6 pages")
}
