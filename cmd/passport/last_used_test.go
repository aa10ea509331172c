package main_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A server that stops writes the uses of its last requests, including those after the
// signal.
func TestServe_PA_2_LastUsedAtShutdown(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	env := []string{"PASSPORT_ENABLE_PASSWORD_GRANT=true", "PASSPORT_SCOPES=check-status=Check order status", "PASSPORT_DRAIN_DELAY=1s"}
	command(t, "correct-horse", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")
	c := made(t, env, "--password", "--name", "Our own app", "--provider", "users")
	s := start(t, env, "serve")
	ask := func(pairs url.Values) (refresh string) {
		t.Helper()
		pairs.Set("client_id", c.ID)
		pairs.Set("client_secret", c.Secret)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/oauth/token", strings.NewReader(pairs.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("User-Agent", "curl/8.5.0 (x)")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var body struct {
			Refresh string `json:"refresh_token"`
		}
		if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.Refresh == "" {
			t.Fatalf("a token request: %d, %v, want tokens", answer.StatusCode, err)
		}
		return body.Refresh
	}
	refresh := ask(url.Values{"grant_type": {"password"}, "username": {"ada@example.com"}, "password": {"correct-horse"}, "scope": {"check-status"}})
	if printed := command(t, "", "user", "apps", "ada@example.com", "--json"); strings.Contains(printed, "last_used") {
		t.Errorf("before a use `passport user apps` prints\n%s\nwant no last use", printed)
	}
	s.interrupt()
	time.Sleep(300 * time.Millisecond)
	ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	s.stop(t) // waits
	printed := command(t, "", "user", "apps", "ada@example.com", "--json")
	if want := `"last_used_address":"127.0.0.1","last_used_agent":"curl/8.5.0"`; !strings.Contains(printed, want) || !strings.Contains(printed, `"last_used_at":"2`) {
		t.Errorf("after a refresh during the shutdown `passport user apps` prints\n%s\nwant a time and %s", printed, want)
	}
}
