package account_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/sqldb"
)

// noDatabase is a database that nobody can talk to.
type noDatabase struct{}

func (noDatabase) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("no database")
}
func (noDatabase) Driver() driver.Driver { return nil }

// The pages to sign in and out wear what the other pages wear, under the same
// policy: no script, no frame, one style sheet.
func TestAccount_UI_03_ViewsLookAlike(t *testing.T) {
	db := sql.OpenDB(noDatabase{})
	defer db.Close()
	config := account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: "https://app.example", Views: fstest.MapFS{
		"layout.html": {Data: []byte(`<!doctype html>{{style}}<b>{{.Site}} of the shop</b>{{template "main" .}}`)},
		"style.css":   {Data: []byte("p { color: teal }")},
	}}
	a, err := account.New(config)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	mux := http.NewServeMux()
	a.Mount(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "https://app.example/sign-in", nil))
	if body := w.Body.String(); !strings.HasPrefix(body, "<!doctype html><style>p { color: teal }</style><b>app.example of the shop</b>") || !strings.Contains(body, `name="password"`) {
		t.Errorf("the sign-in page is %d %s", w.Code, body)
	}
	want := "default-src 'none'; style-src 'sha256-8fPwlIw/PLRUIsg7vYlNotoeuR0WiP8RAqPPGm2Lo4U='; img-src 'self' data:; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("Content-Security-Policy = %s, want %s", got, want)
	}
	config.Views = fstest.MapFS{"layout.html": {Data: []byte("{{if}}")}}
	if _, err := account.New(config); err == nil || !strings.Contains(err.Error(), "layout.html:1") {
		t.Errorf("New() with a broken layout = %v, want an error that names file and line", err)
	}
}
