package account_test

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/sqldb"
)

// noDatabase is a database that refuses connections.
type noDatabase struct{}

func (noDatabase) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("no database")
}
func (noDatabase) Driver() driver.Driver { return nil }

// The sign-in and sign-out pages have the layout, style and Content-Security-Policy of
// the other pages: no script, no frame, one style sheet.
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
		t.Errorf("GET /sign-in = %d %s, want the application's layout around the form", w.Code, body)
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

// The pages can be mounted next to an application's routes, in any order, and respond
// to every method.
func TestMount_FR_40_BesideOtherRoutes(t *testing.T) {
	db := sql.OpenDB(noDatabase{})
	defer db.Close()
	a, err := account.New(account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: "https://app.example", AccountPath: "/account", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	app := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, pattern := range []string{"GET /", "GET /{page...}", "GET /{page}", "/", "POST /", "PUT /{page...}", "OPTIONS /", "/{page}"} {
		for _, appFirst := range []bool{true, false} {
			mux := http.NewServeMux()
			if appFirst {
				mux.Handle(pattern, app)
			}
			a.Mount(mux)
			if !appFirst {
				mux.Handle(pattern, app)
			}
			for path, get := range map[string]int{
				"/sign-in": 200, "/sign-out": 200, "/set-password": 404, "/verify-email": 404, "/account/sessions": 303, "/account/security": 303,
			} {
				for method, want := range map[string]int{"GET": get, "HEAD": get, "POST": 400, "PUT": 405, "PATCH": 405, "DELETE": 405, "OPTIONS": 405} {
					w := httptest.NewRecorder()
					mux.ServeHTTP(w, httptest.NewRequest(method, "https://app.example"+path, nil))
					if w.Code != want || w.Header().Get("X-Request-Id") == "" || want != 303 && w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
						t.Errorf("beside %q: %s %s = %d, %s; want our page with %d", pattern, method, path, w.Code, w.Header().Get("Content-Type"), want)
					}
					if allow := w.Header().Get("Allow"); want == 405 && allow != "GET, HEAD, POST" {
						t.Errorf("beside %q: %s %s: Allow is %q, want GET, HEAD, POST", pattern, method, path, allow)
					}
				}
			}
		}
	}
}

// On an http.Server without timeouts, a form holds its connection for at most 30
// seconds, whether or not it is read.
func TestSignIn_FR_04_FormThatNeverComes(t *testing.T) {
	for _, tt := range []struct {
		name, method, media string
		hidden              bool
		status              int
	}{
		{"a form", "POST", "application/x-www-form-urlencoded", false, 408},
		{"a form, behind a middleware", "POST", "application/x-www-form-urlencoded", true, 408},
		{"no form", "POST", "text/plain", false, 400},
		{"another method", "PUT", "text/plain", false, 405},
	} {
		synctest.Test(t, func(t *testing.T) {
			db := sql.OpenDB(noDatabase{})
			defer db.Close()
			a, err := account.New(account.Config{
				DB: db, Dialect: sqldb.SQLite, Issuer: "https://app.example", Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatalf("New() = %v", err)
			}
			mux := http.NewServeMux()
			a.Mount(mux)
			ours, theirs := net.Pipe()
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.hidden {
					w = struct{ http.ResponseWriter }{w}
				}
				mux.ServeHTTP(w, r)
			})}
			l := &oneConn{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
			l.conn <- theirs
			go func() { _ = srv.Serve(l) }()
			defer func() { ours.Close(); srv.Close(); synctest.Wait() }()
			began := time.Now()
			head := tt.method + " /sign-in HTTP/1.1\r\nHost: app.example\r\nContent-Type: " + tt.media + "\r\nContent-Length: 100\r\n\r\nemail="
			if _, err := io.WriteString(ours, head); err != nil {
				t.Fatalf("%s: send: %v", tt.name, err)
			}
			res, err := http.ReadResponse(bufio.NewReader(ours), nil)
			if err != nil {
				t.Fatalf("%s: read the response: %v", tt.name, err)
			}
			if took := time.Since(began); res.StatusCode != tt.status || took > 30*time.Second || !res.Close {
				t.Errorf("%s: status %d after %v, connection closed: %v; want %d within 30 seconds, closed", tt.name, res.StatusCode, took, res.Close, tt.status)
			}
		})
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, errors.New("the listener is closed")
	}
}
func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// PG-17: a file in the folder account replaces a page. New refuses a page that lacks a field.
func TestAccount_PG_17_OwnPages(t *testing.T) {
	db := sql.OpenDB(noDatabase{})
	defer db.Close()
	serve := func(page string) (string, error) {
		a, err := account.New(account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: "https://app.example", Views: fstest.MapFS{"account/sign_in.html": {Data: []byte(page)}}})
		if err != nil {
			return "", err
		}
		mux := http.NewServeMux()
		a.Mount(mux)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", "https://app.example/sign-in", nil))
		return w.Body.String(), nil
	}
	const form = `<form method="post" action="{{.SignIn}}"><input type="hidden" name="return_to" value="{{.ReturnTo}}">{{with .Token}}<input type="hidden" name="form_token" value="{{.}}">{{end}}<input name="email"><input name="password" type="password"><button>Hello</button></form>{{template "cancel" .}}`
	if body, err := serve(`{{define "main"}}` + form + `{{end}}`); err != nil || !strings.Contains(body, "<button>Hello</button>") || !strings.Contains(body, "app.example") {
		t.Errorf("the page is %s, %v, want ours in the layout", body, err)
	}
	for page, want := range map[string]string{
		`{{define "main"}}{{.Nope}}{{end}}`:        `account: Config.Views: account/sign_in.html:1:19: executing "main" at <.Nope>`,
		`{{define "main"}}` + form[:40]:            "account/sign_in.html:1: unexpected EOF",
		`{{define "main"}}<p>Hello</p>{{end}}`:     `the page lacks <form method="post" action="/sign-in"> and <input name="return_to"`,
		`<form method="post" action="/x">`:         `account/sign_in.html does not define "main"`,
		"{{define `main`}}" + form[1:] + "{{end}}": `the page lacks <form method="post" action="/sign-in">`,
	} {
		if _, err := serve(page); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() with the page %s = %v, want %s", page, err, want)
		}
	}
}
