package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/sqlstore"
)

const (
	testKey = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	tokenID = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0011223344556677"
)

// laravelApplication creates the database of a Laravel application in the current folder,
// and returns a token that it has issued, and the public key.
func laravelApplication(t *testing.T) (db *sql.DB, token, public string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:laravel.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	tomorrow := time.Now().Add(24 * time.Hour)
	for _, q := range []string{
		`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT, password TEXT)`,
		`CREATE TABLE oauth_clients (id INTEGER PRIMARY KEY, user_id INTEGER, name TEXT, secret TEXT, provider TEXT, redirect TEXT, personal_access_client BOOLEAN, password_client BOOLEAN, revoked BOOLEAN, created_at DATETIME, updated_at DATETIME)`,
		`CREATE TABLE oauth_access_tokens (id TEXT PRIMARY KEY, user_id INTEGER, client_id INTEGER, name TEXT, scopes TEXT, revoked BOOLEAN, created_at DATETIME, updated_at DATETIME, expires_at DATETIME)`,
		`CREATE TABLE oauth_refresh_tokens (id TEXT PRIMARY KEY, access_token_id TEXT, revoked BOOLEAN, expires_at DATETIME)`,
		`CREATE TABLE oauth_auth_codes (id TEXT PRIMARY KEY, user_id INTEGER, client_id INTEGER, scopes TEXT, revoked BOOLEAN, expires_at DATETIME)`,
		`INSERT INTO users VALUES (7, 'Ada', 'ada@example.com', '` + string(hash) + `')`,
		`INSERT INTO oauth_clients VALUES (4, NULL, 'App', 'secret-of-the-app-secret-of-the-app-1234', NULL, 'https://app.example/callback', 0, 0, 0, '2026-01-01 00:00:00', NULL)`,
		`INSERT INTO oauth_access_tokens VALUES ('` + tokenID + `', 7, 4, NULL, '["place-orders"]', 0, '2026-01-01 00:00:00', NULL, '` + tomorrow.UTC().Format(time.DateTime) + `')`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err := os.WriteFile("oauth-public.key", []byte(public), 0o600); err != nil {
		t.Fatal(err)
	}
	return db, signed(t, key, tomorrow), public
}

// signed returns an access token as Laravel Passport writes it.
func signed(t *testing.T, key *rsa.PrivateKey, expires time.Time) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"aud": "4", "jti": tokenID, "iat": 1767225600.5, "nbf": 1767225600.5, "exp": float64(expires.Unix()), "sub": "7", "scopes": []string{"place-orders"}})
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// passportCommand runs the command passport.
func passportCommand(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := console.New(console.Options{Env: []string{}})
	cmd.SetArgs(append(args, "--database-url", "sqlite:passport.sqlite"))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	if status := console.Run(context.Background(), cmd); status != 0 {
		t.Fatalf("passport %v = %d: %s", args, status, out.String())
	}
}

func TestLaravel(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := passport.WriteKeys("storage", "", 0, false); err != nil {
		t.Fatal(err)
	}
	old, token, public := laravelApplication(t)
	importing := []string{"import", "laravel", "--from", "sqlite:laravel.sqlite", "--app-key", testKey, "--keys", "."}
	passportCommand(t, "migrate")
	passportCommand(t, importing...)
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("passport.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	beside, err := application(t.Context(), old, db, Settings{AppKey: testKey, PublicKey: public, Beside: true})
	if err != nil {
		t.Fatal(err)
	}
	status(t, beside, "GET", "/api/user", token, http.StatusOK)
	status(t, beside, "POST", "/api/orders", token, http.StatusCreated)
	status(t, beside, "POST", "/oauth/token", "", http.StatusNotFound) // Laravel's

	passportCommand(t, append(importing, "--switch")...)
	handler, err := application(t.Context(), old, db, Settings{AppKey: testKey, PublicKey: public})
	if err != nil {
		t.Fatal(err)
	}
	if body := status(t, handler, "GET", "/api/user", token, http.StatusOK); !strings.Contains(body, `"id":7`) {
		t.Errorf("GET /api/user = %s, want the user 7", body)
	}
	status(t, handler, "GET", "/api/user", token+"x", http.StatusUnauthorized)
	signIn(t, handler)
}

// signIn signs in with the password of Laravel.
func signIn(t *testing.T, handler http.Handler) {
	t.Helper()
	for password, want := range map[string]int{"correct horse": http.StatusSeeOther, "wrong horse": http.StatusUnauthorized} {
		form := url.Values{"email": {"ada@example.com"}, "password": {password}, "return_to": {"//evil.example"}}
		r := httptest.NewRequest("POST", "http://127.0.0.1:8080/login", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want || strings.Contains(w.Header().Get("Location"), "evil") {
			t.Errorf("POST /login with %q = %d to %q, want %d and no foreign page", password, w.Code, w.Header().Get("Location"), want)
		}
	}
}

func status(t *testing.T, handler http.Handler, method, path, token string, want int) string {
	t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != want {
		t.Errorf("%s %s = %d: %s; want %d", method, path, w.Code, w.Body, want)
	}
	return w.Body.String()
}
