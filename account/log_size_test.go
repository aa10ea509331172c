package account_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/sqldb"
)

// unreachable is a database that refuses connections.
type unreachable struct{}

func (unreachable) Connect(context.Context) (driver.Conn, error) { return nil, errors.New("no route") }
func (unreachable) Driver() driver.Driver                        { return nil }

// A request for a page can't fill the log with long lines or many lines.
func TestPages_FR_08_LargestOfEverything(t *testing.T) {
	var log bytes.Buffer
	accounts, err := account.New(account.Config{
		DB: sql.OpenDB(unreachable{}), Dialect: sqldb.SQLite, Issuer: "https://auth.example.com", Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	accounts.Mount(mux)
	large := strings.Repeat("/\u009b\"\\x", 2<<10)
	const form = "application/x-www-form-urlencoded"
	for _, path := range []string{"/sign-in", "/sign-out"} {
		for _, method := range []string{"GET", "POST", "DELETE", strings.Repeat("M", 60<<10)} {
			for _, part := range []string{"none", "form", "query", "body", "Content-Type", "Cookie", "Origin", "Referer", "X-Forwarded-For", "Sec-Fetch-Site", "Host", "User-Agent"} {
				fields := url.Values{"email": {"ada@example.com"}, "password": {"secret"}, "return_to": {"/"}, "unknown": {""}}
				if part == "form" {
					fields = url.Values{"email": {large}, "password": {large}, "return_to": {large}, large: {large}}
				}
				r := httptest.NewRequest("GET", "https://auth.example.com"+path, strings.NewReader(fields.Encode()))
				r.Method = method
				r.Header.Set("Content-Type", form)
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				switch part {
				case "none", "form":
				case "query":
					r.URL.RawQuery = "return_to=" + url.QueryEscape(large) + "&" + large
				case "body":
					r.Body = http.NoBody
				case "Host":
					r.Host = large
				default:
					r.Header.Set(part, large)
				}
				log.Reset()
				mux.ServeHTTP(httptest.NewRecorder(), r)
				if n := strings.Count(log.String(), "\n"); n > 2 || log.Len() > 4096 {
					t.Errorf("%.10s %s with a large %s: %d log lines with %d bytes, want at most 2 with 4096: %.300s", method, path, part, n, log.Len(), &log)
				}
			}
		}
	}
}
