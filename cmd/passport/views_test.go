package main_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// PG-17: the server uses every page of the folder that `passport views` wrote: the sign-in
// page, the list of apps, the home page and the page for unknown paths.
func TestServe_PG_17_OwnPages(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "views", "pages")
	for name, text := range map[string]string{
		"account/sign_in.html": `{{define "main"}}<h1>Our sign-in</h1><form method="post" action="{{.SignIn}}"><input type="hidden" name="return_to" value="{{.ReturnTo}}">
{{with .Token}}<input type="hidden" name="form_token" value="{{.}}">{{end}}<input name="email"><input name="password" type="password"><button>Go on</button></form>{{template "cancel" .}}{{end}}`,
		"dashboard/apps.html": `{{define "passport.content"}}<h1>Our list</h1>{{end}}{{define "passport.foot"}}{{end}}`,
		"server/welcome.html": `{{define "main"}}<h1>Our home</h1>{{end}}`,
		"server/problem.html": `{{define "main"}}<h1>Our {{.Title}}</h1>{{end}}`,
		"style.css":           "p { color: teal }",
	} {
		if err := os.WriteFile(filepath.Join("pages", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, "", "views", "--check", "pages")
	if err := os.WriteFile("passport.toml", []byte("views = 'pages'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, "serve")
	command(t, "correct-horse\n", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")
	b := newBrowser(t)
	b.get(s.url)
	b.shows("Our home")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/nothing-here", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	missing, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer missing.Body.Close()
	if body, err := io.ReadAll(missing.Body); err != nil || !strings.Contains(string(body), "<h1>Our ") || missing.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown path gets %d %s, %v, want our page", missing.StatusCode, body, err)
	}
	b.get(s.url + "/sign-in?return_to=%2Faccount")
	b.shows("Our sign-in")
	b.submit("Go on", "email", "ada@example.com", "password", "correct-horse")
	b.shows("Our list")
}
