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

// testShop is the shop as its tests see it.
type testShop struct {
	*Shop
	auth    *passporttest.Server
	handler http.Handler
}

// newShop returns the shop with a database of its own. Passport's records are in
// memory: Config says nothing of a store.
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

// customer makes an account.
func (s *testShop) customer(t *testing.T, name string) *Customer {
	t.Helper()
	c, err := s.AddCustomer(t.Context(), strings.ToLower(name)+"@example.com", name, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve returns what the shop answers.
func (s *testShop) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// wantGet fails unless the client gets this from a path.
func wantGet(t *testing.T, client *http.Client, path string, status int, says ...string) {
	t.Helper()
	res, err := client.Get(path)
	if err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, fmt.Sprintf("GET %s", path), res, status, says...)
}

func wantAnswer(t *testing.T, what string, res *http.Response, status int, says ...string) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Errorf("%s is answered %d %s, want %d", what, res.StatusCode, body, status)
	}
	for _, text := range says {
		if !strings.Contains(string(body), text) {
			t.Errorf("%s is answered %s, want %q in it", what, body, text)
		}
	}
	return string(body)
}
