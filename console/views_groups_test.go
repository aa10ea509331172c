package console_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/page"
)

// PG-17: each page of every group can be rendered with a sample, so that no page of an
// operator is left unchecked.
func TestViews_PG_17_SamplesFitEachPage(t *testing.T) {
	for _, g := range []page.Group{account.Pages(), dashboard.Pages(), console.OwnPages} {
		names, err := fs.Glob(g.Files, "views/*.html")
		if err != nil || len(names) != len(g.FileNames()) {
			t.Errorf("the group %s has the files %q, %v, and names %q: name each file", g.Folder, names, err, g.FileNames())
		}
		for _, name := range g.Pages {
			parsed, err := g.Parse(page.Ours, nil, name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := page.Body(parsed, g.Samples(name)[0]); err != nil {
				t.Errorf("%s/%s can't be rendered with the full sample: %v", g.Folder, name, err)
			}
		}
	}
}

// PG-17: the written pages are those that the server uses: they have no faults, and a
// change of any of them is found by the check.
func TestViews_PG_17_EachPageIsChecked(t *testing.T) {
	dir := t.TempDir()
	if got := run(t, console.Options{}, "views", dir); got.status != 0 {
		t.Fatalf("views = %+v, want success", got)
	}
	if got := run(t, console.Options{}, "views", "--check", dir); got.status != 0 {
		t.Fatalf("views --check of the built-in pages = %+v, want no faults", got)
	}
	written := 0
	for _, g := range []page.Group{account.Pages(), dashboard.Pages(), console.OwnPages} {
		for _, name := range g.FileNames() {
			path := filepath.Join(dir, filepath.FromSlash(name))
			before, err := os.ReadFile(path)
			if err != nil {
				t.Errorf("views did not write %s: %v", name, err)
				continue
			}
			written++
			for what, text := range map[string]string{
				"a field that does not exist":    strings.Replace(string(before), "}}", "}}{{.NoSuchField}}", 1),
				"a template that does not parse": string(before) + "{{if}}",
			} {
				writePage(t, path, text)
				if got := run(t, console.Options{}, "views", "--check", dir); got.status != 1 || !strings.Contains(got.stderr, name+":") {
					t.Errorf("views --check with %s in %s = %+v, want an error that names the file and the line", what, name, got)
				}
			}
			writePage(t, path, string(before))
		}
	}
	if written < 20 {
		t.Errorf("views wrote %d pages, want those of all groups", written)
	}
	writePage(t, filepath.Join(dir, "account", "login.html"), "")
	writePage(t, filepath.Join(dir, "account", "sign_in.html"), `{{define "main"}}<form method="post" action="{{.SignIn}}"><input name="email"></form>{{end}}`)
	writePage(t, filepath.Join(dir, "dashboard", "remove.html"), `{{define "passport.content"}}<script>alert(1)</script>{{end}}{{define "passport.foot"}}{{end}}`)
	got := run(t, console.Options{}, "views", "--check", dir)
	for _, want := range []string{
		`account/login.html replaces no page: the names are account/sign_in.html`, `account/sign_in.html: the page lacks`, `<input name="password">`,
		`dashboard/remove.html: the page lacks <form method="post" action="/account/remove">`, `dashboard/remove.html:1: <script> has no effect`,
	} {
		if got.status != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("views --check = %d %s, want %q in it", got.status, got.stderr, want)
		}
	}
}

// PG-17: an application with the commands gets the pages that it can serve.
func TestViews_PG_17_OfAnApplication(t *testing.T) {
	o, _ := shop(t, func(*passport.Config) {})
	dir := t.TempDir()
	if got := run(t, o, "views", dir); got.status != 0 {
		t.Fatalf("views = %+v, want success", got)
	}
	for name, want := range map[string]bool{"account/sign_in.html": true, "dashboard/apps.html": true, "server/welcome.html": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("views wrote %s: %v, want %v", name, err == nil, want)
		}
	}
}

func writePage(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
