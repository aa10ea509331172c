package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport/passporttest"
	"github.com/go-passport/passport/sqlstore"
)

// testShop is the shop for tests.
type testShop struct {
	*Shop
	auth    *passporttest.Server
	handler http.Handler
}

// newShop returns the shop with its own database. Passport's records are in memory,
// because Config has no store.
func newShop(t *testing.T) *testShop {
	t.Helper()
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN(filepath.Join(t.TempDir(), "orders.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	shop := &Shop{db: db}
	if err := shop.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	auth := passporttest.NewServer(t, shop.Config())
	handler := shop.Handler(auth.Server)
	auth.Serve(handler)
	return &testShop{shop, auth, handler}
}

// customer creates an account.
func (s *testShop) customer(t *testing.T, name string) *Customer {
	t.Helper()
	c, err := s.AddCustomer(t.Context(), strings.ToLower(name)+"@example.com", name, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve returns the shop's response.
func (s *testShop) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// wantGet fails the test unless a GET of the path returns the status and the texts.
func wantGet(t *testing.T, client *http.Client, path string, status int, says ...string) {
	t.Helper()
	res, err := client.Get(path)
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t, fmt.Sprintf("GET %s", path), res, status, says...)
}

func wantResponse(t *testing.T, what string, res *http.Response, status int, says ...string) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Errorf("%s: response %d %s, want %d", what, res.StatusCode, body, status)
	}
	for _, text := range says {
		if !strings.Contains(string(body), text) {
			t.Errorf("%s: response %s, want %q in it", what, body, text)
		}
	}
	return string(body)
}
