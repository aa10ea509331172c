package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/sqlstore"
)

// attempt runs a command that may fail, and returns its output. It stops a server that
// should not have started.
func attempt(t *testing.T, env []string, args ...string) (status int, printed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	var out bytes.Buffer
	status = passport(ctx, strings.NewReader(""), &out, &out, env, args...)
	return status, out.String()
}

// made registers a client and returns its ID and secret.
func made(t *testing.T, env []string, args ...string) (c registered) {
	t.Helper()
	status, printed := attempt(t, env, append(append([]string{"client"}, args...), "--json")...)
	if err := json.Unmarshal([]byte(printed), &c); err != nil || status != 0 {
		t.Fatalf("passport client %v: status %d:\n%s", args, status, printed)
	}
	return c
}

// Both secrets of a client work until the old one ends.
func TestClient_RotateSecret(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	old := machine(t)
	rotate := func(args ...string) registered {
		var c registered
		printed := command(t, "", append([]string{"client", "rotate-secret", old.ID, "--json"}, args...)...)
		if err := json.Unmarshal([]byte(printed), &c); err != nil || c.ID != old.ID || c.Secret == "" {
			t.Fatalf("passport client rotate-secret printed\n%s", printed)
		}
		if got, want := strings.Contains(printed, "old_secret_expires_at"), !slices.Contains(args, "0"); got != want {
			t.Errorf("with %v it says that the old secret still works: %v, want %v:\n%s", args, got, want, printed)
		}
		return c
	}
	works := func(name string, c registered, want int) {
		t.Helper()
		if status, _ := token(t, s, c); status != want {
			t.Errorf("%s gets %d, want %d", name, status, want)
		}
	}
	second := rotate()
	works("the old secret in its last day", old, http.StatusOK)
	works("the new secret", second, http.StatusOK)
	third := rotate("--keep", "0")
	works("the first secret, ended at once", old, http.StatusUnauthorized)
	works("the second secret, ended at once", second, http.StatusUnauthorized)
	works("the third secret", third, http.StatusOK)
}

func TestClient_SuspendAndResume(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	c := machine(t)
	for _, step := range []struct {
		verb string
		want int
	}{{"suspend", http.StatusUnauthorized}, {"suspend", http.StatusUnauthorized}, {"resume", http.StatusOK}, {"resume", http.StatusOK}} {
		command(t, "", "client", step.verb, c.ID)
		if status, _ := token(t, s, c); status != step.want {
			t.Errorf("after `passport client %s` the client gets %d, want %d", step.verb, status, step.want)
		}
	}
}

// A client's lifetime overrides the server's, and can be removed again.
func TestClient_Lifetimes(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	c := made(t, nil, "--client", "--name", "Export", "--access-token-ttl", "15m")
	life := func(want int) {
		t.Helper()
		if status, life := token(t, s, c); status != http.StatusOK || life != want {
			t.Errorf("token = %d for %d s, want 200 for %d s", status, life, want)
		}
	}
	life(900)
	command(t, "", "client", "update", c.ID, "--access-token-ttl", "2h")
	life(7200)
	command(t, "", "client", "update", c.ID, "--name", "Nightly export")
	life(7200)
	command(t, "", "client", "update", c.ID, "--access-token-ttl", "0")
	life(3600)
}

// The password grant as in the documentation, with a client of the command and a user's
// email address and password.
func TestClient_PasswordGrant(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	env := []string{"PASSPORT_ENABLE_PASSWORD_GRANT=true", "PASSPORT_SCOPES=check-status=Check order status"}
	command(t, "correct-horse", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")
	c := made(t, env, "--password", "--name", "Our own app", "--provider", "users")
	s := start(t, env, "serve")
	ask := func(password string) (int, map[string]any) {
		answer, err := http.PostForm(s.url+"/oauth/token", url.Values{
			"grant_type": {"password"}, "client_id": {c.ID}, "client_secret": {c.Secret},
			"username": {"ada@example.com"}, "password": {password}, "scope": {"check-status"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var body map[string]any
		_ = json.NewDecoder(answer.Body).Decode(&body)
		return answer.StatusCode, body
	}
	if status, body := ask("correct-horse"); status != http.StatusOK || body["access_token"] == nil || body["refresh_token"] == nil {
		t.Errorf("with the right password: %d %v, want both tokens", status, body)
	}
	if status, body := ask("wrong-horse"); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("with a wrong password: %d %v, want 400 invalid_grant", status, body)
	}
}

// A server accepts the lines that `passport client --personal` prints. It doesn't start
// with a wrong secret, and the command that repairs it works nevertheless.
func TestClient_PersonalInTheEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	printed := command(t, "", "client", "--personal")
	var env []string
	for line := range strings.Lines(printed) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "PASSPORT_") {
			env = append(env, line)
		}
	}
	if len(env) != 2 {
		t.Fatalf("passport client --personal printed %d lines for the environment, want 2:\n%s", len(env), printed)
	}
	start(t, env, "serve").stop(t)

	id := uuid.FindString(env[0])
	wrong := []string{env[0], "PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET=another"}
	status, log := attempt(t, wrong, "serve", "--listen", "127.0.0.1:0")
	if status != 1 || !strings.Contains(log, "personal_access_client_secret does not match any of its secrets") || !strings.Contains(log, "passport client rotate-secret "+id) {
		t.Errorf("with a wrong secret the server ended with %d and said\n%s", status, log)
	}
	status, mended := attempt(t, wrong, "client", "rotate-secret", id, "--keep", "0")
	if status != 0 || !strings.Contains(mended, "  PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET=") {
		t.Fatalf("with a wrong secret in the environment rotate-secret ended with %d:\n%s", status, mended)
	}
	_, fresh, _ := strings.Cut(mended, "PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET=")
	start(t, []string{env[0], "PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET=" + strings.TrimSpace(fresh)}, "serve")
}

// openDatabase opens the database of the test's folder.
func openDatabase(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// texts returns the only column of a query.
func texts(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return all
}

// The database of an application with its own accounts gets no tables of the binary,
// except from a command about accounts.
func TestClient_MakesNoTablesOfAccounts(t *testing.T) {
	t.Chdir(t.TempDir())
	db := openDatabase(t, "shop.sqlite")
	if err := sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	tables := func() string {
		return strings.Join(texts(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`), " ")
	}
	before := tables()
	c := made(t, nil, "--client", "--name", "Export", "--database-url", "sqlite:shop.sqlite")
	for _, args := range [][]string{
		{"client", "list"}, {"client", "update", c.ID, "--name", "Nightly"}, {"client", "rotate-secret", c.ID},
		{"client", "suspend", c.ID}, {"client", "revoke", c.ID, "--yes"}, {"purge"},
	} {
		command(t, "", append(args, "--database-url", "sqlite:shop.sqlite")...)
		if got := tables(); got != before {
			t.Fatalf("after passport %s the database has the tables\n%s\nwant\n%s", strings.Join(args, " "), got, before)
		}
	}
	if status, printed := attempt(t, nil, "user", "list", "--database-url", "sqlite:shop.sqlite"); status != 1 || !strings.Contains(printed, "run \"passport migrate\"") || tables() != before {
		t.Errorf("user list ended with %d and printed\n%s\nThe tables are\n%s\nwant status 1, what to do and no new table", status, printed, tables())
	}
}

// `passport install` on a running server's data keeps everything, and clients with
// numbers work beside clients with UUIDs.
func TestInstall_KeepsWhatIsThere(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve") // it was never installed
	c, keys := machine(t), jwks(t, s)
	command(t, "correct-horse", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")
	s.stop(t)
	if printed := command(t, "", "install", "--client-ids", "integer"); !strings.Contains(printed, "Kept the signing keys") {
		t.Errorf("install printed\n%s", printed)
	}
	s = start(t, nil, "serve")
	if got := jwks(t, s); got != keys {
		t.Errorf("after install the server has other keys:\n%s\n%s", got, keys)
	}
	if status, _ := token(t, s, c); status != http.StatusOK {
		t.Errorf("after install the existing client gets %d, want 200", status)
	}
	if users := command(t, "", "user", "list"); !strings.Contains(users, "ada@example.com") {
		t.Errorf("after install the accounts are\n%s", users)
	}
	printed := command(t, "", "client", "--client", "--name", "Second")
	if !strings.Contains(printed, "Client ID      1\n") {
		t.Fatalf("the ID of a new client is\n%s\nwant 1", printed)
	}
	_, secret, _ := strings.Cut(printed, "Client secret  ")
	secret, _, _ = strings.Cut(secret, "\n")
	if status, _ := token(t, s, registered{"1", secret}); status != http.StatusOK {
		t.Errorf("client 1 gets %d, want 200", status)
	}
}
