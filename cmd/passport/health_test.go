package main_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// probe returns the status and body of the response to a probe.
func probe(t *testing.T, s *server, path string) (int, string) {
	t.Helper()
	res, err := http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(body))
}

// A node without tables is alive but not ready. It is ready once it has them again,
// without a restart. The log has changes only.
func TestServe_OP_04_Probes(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	db, err := sql.Open("sqlite", filepath.Join("storage", "passport.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rename := func(from, to string) {
		t.Helper()
		if _, err := db.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	want := func(path string, status int, word string) {
		t.Helper()
		if got, body := probe(t, s, path); got != status || !strings.HasPrefix(body, word) {
			t.Errorf("%s = %d %q, want %d %q", path, got, body, status, word)
		}
	}
	want("/livez", 200, "alive")
	want("/readyz", 200, "ready")
	rename("passport_migrations", "hidden")
	rename("oauth_families", "hidden_too")
	want("/livez", 200, "alive")
	want("/readyz", 503, "not ready")
	want("/readyz", 503, "not ready")
	rename("hidden_too", "oauth_families")
	rename("hidden", "passport_migrations")
	want("/readyz", 200, "ready")
	for _, table := range []string{"oauth_access_tokens", "passport_sessions"} { // FR-43
		rename(table, "hidden")
		want("/readyz", 503, "not ready")
		rename("hidden", table)
		want("/readyz", 200, "ready")
	}
	if n := strings.Count(s.log.String(), "no longer ready"); n != 3 {
		t.Errorf("the log says %d times that the server is not ready, want one line for each time:\n%s", n, s.log)
	}
	if strings.Contains(s.log.String(), "readyz") {
		t.Errorf("probes are in the access log:\n%s", s.log)
	}
}

// Every server of the binary has both probes, also the tour.
func TestServe_OP_04_ProbesOfTheTour(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := startDemo(t)
	for path, word := range map[string]string{"/livez": "alive", "/readyz": "ready"} {
		for range 2 {
			if got, body := probe(t, s, path); got != 200 || body != word {
				t.Errorf("%s of the tour = %d %q, want 200 %q", path, got, body, word)
			}
		}
	}
	if log := s.log.String(); strings.Contains(log, "readyz") || strings.Contains(log, "level=WARN") {
		t.Errorf("probes are in the access log of the tour, or it warns:\n%s", log)
	}
}

// HAProxy probes with OPTIONS, others with HEAD. Each method gets the status of GET.
func TestServe_FR_36_MethodsOfProbes(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	want := func(method, path string, status int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != status || (status == http.StatusMethodNotAllowed) != (res.Header.Get("Allow") == "GET, HEAD, OPTIONS") {
			t.Errorf("%s %s = %d, Allow %q, want %d", method, path, res.StatusCode, res.Header.Get("Allow"), status)
		}
	}
	for _, path := range []string{"/livez", "/readyz"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			want(method, path, 200)
		}
		want("POST", path, 405)
		want("PROPFIND", path, 405)
	}
	db, err := sql.Open("sqlite", filepath.Join("storage", "passport.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"passport_migrations", "oauth_families"} {
		if _, err := db.Exec("ALTER TABLE " + table + " RENAME TO hidden_" + table); err != nil {
			t.Fatal(err)
		}
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		want(method, "/livez", 200)
		want(method, "/readyz", 503)
	}
}

// A server that stops says so, and still responds for a while, so that a load balancer
// can notice.
func TestServe_OP_04_DrainsBeforeItStops(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, []string{"PASSPORT_DRAIN_DELAY=2s"}, "serve")
	s.interrupt()
	for until := time.Now().Add(time.Second); ; {
		if status, body := probe(t, s, "/readyz"); status == 503 && body == "stopping" {
			break
		}
		if time.Now().After(until) {
			t.Fatal("/readyz does not say that the server is stopping")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if status, _ := probe(t, s, "/oauth/jwks"); status != 200 {
		t.Errorf("a request during the delay gets %d, want 200", status)
	}
	select {
	case status := <-s.ended:
		if s.interrupted = true; status != 0 {
			t.Errorf("it ended with status %d", status)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not stop")
	}
}

// The key is replaced while the server runs: the server publishes the new one within a
// minute, and accepts tokens of both.
func TestKeys_Rotate(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	var out, log output
	run := func(args ...string) (int, string) {
		out, log = output{}, output{}
		status := passport(t.Context(), strings.NewReader(""), &out, &log, nil, args...)
		return status, out.String() + log.String()
	}
	if status, said := run("keys", "rotate"); status != 1 || !strings.Contains(said, "create keys with `passport keys --keys-dir storage`") {
		t.Errorf("without keys: %d %s", status, said)
	}
	if status, said := run("install"); status != 0 {
		t.Fatalf("install: %d %s", status, said)
	}
	before := start(t, nil, "serve")
	old := published(t, before)
	if status, said := run("keys", "rotate", "--publish", "30m"); status != 0 || !strings.Contains(said, "signs from") {
		t.Fatalf("rotate: %d %s", status, said)
	}
	after := start(t, nil, "serve")
	if ids := published(t, after); len(ids) != 2 || ids[0] != old[0] {
		t.Errorf("the server publishes the keys %v, want the old one %s first and a new one", ids, old[0])
	}
	if status, said := run("keys", "rotate"); status != 1 || !strings.Contains(said, "waiting for its turn") {
		t.Errorf("again at once: %d %s", status, said)
	}
}

// With keys in the database, all servers have the same keys, and no file has any.
func TestServe_KeysInTheDatabase(t *testing.T) {
	t.Chdir(t.TempDir())
	secret := "PASSPORT_KEYS_SECRET=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))
	env := []string{secret}
	first, second := start(t, env, "serve"), start(t, env, "serve")
	if a, b := published(t, first), published(t, second); len(a) != 1 || a[0] != b[0] {
		t.Errorf("two servers on one database publish the keys %v and %v", a, b)
	}
	if _, err := os.Stat(filepath.Join("storage", "oauth-private.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file has a key: %v", err)
	}
	var out, log output
	if status := passport(t.Context(), strings.NewReader(""), &out, &log, env, "keys", "rotate"); status != 0 || !strings.Contains(out.String(), "Servers read the database every minute") {
		t.Errorf("rotate: %d %s%s", status, out.String(), log.String())
	}
	if third := published(t, start(t, env, "serve")); len(third) != 2 || third[0] != published(t, first)[0] {
		t.Errorf("a server that starts now publishes the keys %v, want the old one first and the new one", third)
	}
	wrong := []string{"PASSPORT_KEYS_SECRET=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("w"), 32))}
	out, log = output{}, output{}
	if status := passport(t.Context(), strings.NewReader(""), &out, &log, wrong, "serve", "--listen", "127.0.0.1:0"); status != 1 || !strings.Contains(log.String(), "another secret") {
		t.Errorf("with another secret: %d %s", status, log.String())
	}
}
