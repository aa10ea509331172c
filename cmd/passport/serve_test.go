package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

// command runs a command in the folder of a test and returns its output.
func command(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	var out, log output
	if status := passport(t.Context(), strings.NewReader(stdin), &out, &log, nil, args...); status != 0 {
		t.Fatalf("passport %v ended with status %d:\n%s", args, status, log.String())
	}
	return out.String()
}

type registered struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// machine registers a client that acts for itself.
func machine(t *testing.T) registered {
	t.Helper()
	var c registered
	if err := json.Unmarshal([]byte(command(t, "", "client", "--client", "--name", "Export", "--json")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// token requests a token from a server and returns its lifetime in seconds.
func token(t *testing.T, s *server, c registered) (status int, life int) {
	t.Helper()
	answer, err := http.PostForm(s.url+"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {c.Secret}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		ExpiresIn int `json:"expires_in"`
	}
	_ = json.NewDecoder(answer.Body).Decode(&body)
	return answer.StatusCode, body.ExpiresIn
}

// jwks returns the server's public keys.
func jwks(t *testing.T, s *server) string {
	t.Helper()
	_, body, _ := call(t, s.url+"/oauth/jwks", "")
	return body
}

func TestServe_FirstStartMakesEverything(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	keys := jwks(t, s)
	if !strings.Contains(s.log.String(), "generated the signing keys") {
		t.Errorf("the log does not say that keys were created:\n%s", s.log)
	}
	c := machine(t) // beside the running server
	if status, life := token(t, s, c); status != http.StatusOK || life != 3600 {
		t.Errorf("token = %d for %d s, want 200 for an hour", status, life)
	}
	b := newBrowser(t)
	b.get(s.url)
	b.shows("Passport is running", s.url)
	s.stop(t)

	again := start(t, nil, "serve")
	if got := jwks(t, again); got != keys {
		t.Errorf("the second start uses other keys:\n%s\n%s", got, keys)
	}
	if status, _ := token(t, again, c); status != http.StatusOK {
		t.Errorf("the client of the first start gets %d from the second", status)
	}
	command(t, "", "client", "revoke", c.ID, "--yes")
	if status, _ := token(t, again, c); status != http.StatusUnauthorized {
		t.Errorf("a client that another process revoked gets %d, want 401", status)
	}
}

func TestServe_SettingsPrecedence(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "passport.toml", "access_token_ttl = '5m'\nissuer = 'http://127.0.0.1:1/file'\nlog_format = 'json'\n")
	s := start(t, []string{"PASSPORT_ACCESS_TOKEN_TTL=10m"}, "serve", "--issuer", "http://127.0.0.1:2")
	if status, life := token(t, s, machine(t)); status != http.StatusOK || life != 600 {
		t.Errorf("token = %d for %d s, want 200 for the 600 s of the environment", status, life)
	}
	if _, metadata, _ := call(t, s.url+"/.well-known/oauth-authorization-server", ""); !strings.Contains(metadata, `"issuer":"http://127.0.0.1:2"`) {
		t.Errorf("the metadata %s does not have the issuer of the flag", metadata)
	}
	if !strings.HasPrefix(s.log.String(), "{") {
		t.Errorf("the log is not in the format of the file:\n%s", s.log)
	}
}

func TestServe_MisspelledEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, []string{"PASSPORT_ACESS_TOKEN_TTL=10m", "PASSPORT_PORT=tcp://10.0.0.1:80"}, "serve")
	if log := s.log.String(); strings.Count(log, "variable=PASSPORT_ACESS_TOKEN_TTL did_you_mean=PASSPORT_ACCESS_TOKEN_TTL") != 1 || strings.Contains(log, "PASSPORT_PORT") {
		t.Errorf("the log should name the one variable that was misspelled:\n%s", log)
	}
}

func TestServe_SkipConsent(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "a code came: %t", len(r.FormValue("code")) > 20)
	}))
	defer application.Close()
	command(t, "correct-horse\n", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")
	var own, other registered
	for name, c := range map[string]*registered{"Own": &own, "Other": &other} {
		if err := json.Unmarshal([]byte(command(t, "", "client", "--name", name, "--redirect_uri", application.URL+"/callback", "--json")), c); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, []string{"PASSPORT_SKIP_CONSENT=" + own.ID}, "serve")
	authorize := func(c registered) string {
		return s.url + "/oauth/authorize?" + url.Values{
			"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {application.URL + "/callback"}, "state": {"x"},
		}.Encode()
	}
	b := newBrowser(t)
	b.get(authorize(other))
	b.submit("Sign in", "email", "ada@example.com", "password", "correct-horse")
	b.shows("Other", "Allow")
	b.get(authorize(own))
	b.shows("a code came: true")
}

func TestServe_UnknownDatabaseFileIsLeftAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = "This isn't a database: it has no page of one."
	write(t, "notes.txt", text)
	var out, log output
	status := passport(t.Context(), strings.NewReader(""), &out, &log, nil, "serve", "--listen", "127.0.0.1:0", "--database-url", "sqlite:notes.txt")
	if status != 1 || !strings.Contains(log.String(), "notes.txt") {
		t.Errorf("status %d, want 1 and a sentence that names the file:\n%s", status, log.String())
	}
	if got, err := os.ReadFile("notes.txt"); err != nil || string(got) != text {
		t.Errorf("the file was changed: %q, %v", got, err)
	}
}

func TestServe_IssuerWithPath(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve", "--issuer", "http://127.0.0.1:9/auth")
	b := newBrowser(t)
	b.get(s.url + "/auth/")
	b.shows("Passport is running", "http://127.0.0.1:9/auth")
	if !strings.Contains(b.body, "/.well-known/oauth-authorization-server/auth") {
		t.Errorf("the page does not link to the metadata at the root (RFC 8414 §3.1):\n%s", b.body)
	}
}

// A request with a wrong path gets a plain 404, and the log names the right path.
func TestServe_FR_35_LogNamesTheRightPath(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve", "--issuer", "http://127.0.0.1:9/auth")
	for asked, meant := range map[string]string{
		"/auth/oauth/token/": "/auth/oauth/token", "/oauth/token": "/auth/oauth/token", "/auth//sign-in": "/auth/sign-in", "/auth/login": "/auth/sign-in",
		"/auth/.well-known/oauth-authorization-server": "/.well-known/oauth-authorization-server/auth", "/readyz/": "/readyz", "/auth/nothing": "",
	} {
		before := s.log.String()
		resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(s.url + asked)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		line := strings.TrimPrefix(s.log.String(), before)
		if (meant == "") == strings.Contains(line, "meant=") || !strings.Contains(line, "meant="+meant+" ") && meant != "" {
			t.Errorf("GET %s = %d: the log has %q, want a line that names %q", asked, resp.StatusCode, line, meant)
		}
	}
}

func TestMigrate_Print(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, database := range []string{"sqlite:x", "postgres://nobody@127.0.0.1:1/x", "mysql://nobody@127.0.0.1:1/x"} {
		printed := command(t, "", "migrate", "--print", "--database-url", database)
		for _, want := range []string{"-- +goose Up", "CREATE TABLE oauth_clients", "CREATE TABLE passport_users"} {
			if !strings.Contains(printed, want) {
				t.Errorf("migrate --print for %s lacks %q", database, want)
			}
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("it created %v, %v; want nothing", entries, err)
	}
}
