package account_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

var hostileReturns = []string{
	"https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/%5Cevil.example",
	"/%2Fevil.example", "/%2f%2fevil.example", "/%252fevil.example", "/\t/evil.example", "/\n/evil.example", "/a//b", "javascript:alert(1)",
	"evil.example", "", " /x", "http:/x", "http:x", "/%00", "/\x7f", "/a\xff", "//", "/..//evil.example", strings.Repeat("/a", 40000),
}

// A return address is a path on this host, even after a proxy has decoded it.
func TestReturnTo_NeverRepeat_B15(t *testing.T) {
	for _, s := range hostileReturns {
		if got := account.LocalPath(s, "/home"); got != "/home" {
			t.Errorf("localPath(%.60q) = %.60q, want the fallback", s, got)
		}
	}
	for _, s := range []string{"/", "/oauth/authorize?client_id=a&redirect_uri=https%3A%2F%2Fb.example%2Fcb&state=%2F%2Fx", "/a?b=//c", "/ü"} {
		if got := account.LocalPath(s, "/home"); got != s {
			t.Errorf("localPath(%q) = %q, want it unchanged", s, got)
		}
	}
}

// Every accepted return address keeps the browser on the same host.
func FuzzReturnTo(f *testing.F) {
	for _, s := range hostileReturns {
		f.Add(s)
	}
	f.Add("/oauth/authorize?client_id=a")
	base, _ := url.Parse("https://app.example/sign-in")
	f.Fuzz(func(t *testing.T, s string) {
		got := account.LocalPath(s, "/home")
		if got == "/home" {
			return
		}
		u, err := base.Parse(got)
		if err != nil || u.Host != "app.example" || u.Scheme != "https" || strings.HasPrefix(u.Path, "//") {
			t.Errorf("localPath(%q) redirects to %v, %v; want a path on app.example", s, u, err)
		}
		if strings.ContainsAny(got, "\\\r\n\t\x00") {
			t.Errorf("localPath(%q) = %q, want no character that browsers read differently", s, got)
		}
	})
}

// A Cookie header never causes a panic. The database is queried only for the digest of
// a single cookie in the format that we set.
func FuzzSessionCookie(f *testing.F) {
	f.Add("passport-session=ABC")
	f.Add("passport-session=" + strings.Repeat("A", 52))
	f.Add("a=b; passport-session=\"" + strings.Repeat("7", 52) + "\"")
	f.Add("passport-session=" + strings.Repeat("A", 52) + "; passport-session=" + strings.Repeat("B", 52))
	f.Add("\x00;;=,\"")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = []string{header}
		digest, ok := account.SessionDigest(r)
		all := r.CookiesNamed("passport-session")
		switch {
		case !ok && digest == "":
		case len(all) != 1:
			t.Errorf("digest of %q was looked up, but it has %d session cookies; want no query", header, len(all))
		case digest != oauth.DigestOf(all[0].Value) || !ourCookie.MatchString(all[0].Value):
			t.Errorf("digest of %q = %s, want the digest of its one cookie", header, digest)
		}
	})
}

var ourCookie = regexp.MustCompile(`^[A-Z2-7]{52}$`)

const argonOfSecret = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$"

func TestPassword_ImportedHashes(t *testing.T) {
	b, err := bcrypt.GenerateFromPassword([]byte("secret-password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	salt := []byte("sixteen bytes ok")
	argon2i := "$argon2i$v=19$m=64,t=2,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" +
		base64.RawStdEncoding.EncodeToString(argon2.Key([]byte("secret-password"), salt, 2, 64, 1, 32))
	laravel := "$2y$" + strings.TrimPrefix(string(b), "$2a$")
	for name, hash := range map[string]string{"bcrypt": string(b), "bcrypt as PHP writes it": laravel, "argon2i as PHP writes it": argon2i} {
		ok, outdated, err := account.VerifyHash(hash, "secret-password")
		if !ok || !outdated || err != nil {
			t.Errorf("%s: verify() = %v, %v, %v, want true, true, nil", name, ok, outdated, err)
		}
		if ok, _, _ := account.VerifyHash(hash, "secret-passwore"); ok {
			t.Errorf("%s: verify() of a wrong password = true, want false", name)
		}
	}
	if ok, _, err := account.VerifyHash("", "anything"); ok || err != nil {
		t.Errorf("verify() without an account = %v, %v, want false, nil", ok, err)
	}
}

func TestPassword_TooExpensiveHashesAreRefused(t *testing.T) {
	for _, hash := range []string{
		"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1000000,p=1$c29tZXNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2i$v=19$m=65536,t=5,p=1$c29tZXNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA", "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA", argonOfSecret, "plain", "$2x$10$" + strings.Repeat("a", 53), "$",
	} {
		if account.ParsesHash(hash) {
			t.Errorf("parseHash(%q) = nil, want an error", hash)
		}
		_, _, err := account.VerifyHash(hash, "x")
		if err == nil || strings.Contains(err.Error(), hash) && len(hash) > 5 {
			t.Errorf("verify() against %q = %v, want an error that does not quote it", hash, err)
		}
	}
}

// Our hashes are salted PHC strings. Each matches its own password only, of any length.
func TestPassword_RoundTrip(t *testing.T) {
	for _, password := range []string{"passport", "pässwörter", strings.Repeat("x", account.MaxPasswordBytes)} {
		hash := account.NewHash(password)
		if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || hash == account.NewHash(password) {
			t.Errorf("the hash of %.10q is %.60s, want argon2id with 19 MiB, salted", password, hash)
		}
		if ok, outdated, err := account.VerifyHash(hash, password); !ok || outdated || err != nil {
			t.Errorf("verify(%.10q) = %v, %v, %v, want true, false, nil", password, ok, outdated, err)
		}
		for _, other := range []string{"", password + "x", strings.ToUpper(password), password[1:]} {
			if ok, _, _ := account.VerifyHash(hash, other); ok {
				t.Errorf("verify(%.10q) = true with the hash of %.10q, want false", other, password)
			}
		}
	}
}

// Sign-ins beyond the limit wait for a slot, and fail with ErrUnavailable if none
// becomes free.
func TestPassword_HashingWaitsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enter := account.Queue(2)
		release, err := enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := enter(t.Context()); err != nil {
			t.Fatalf("enter() for the second slot = %v, want nil", err)
		}
		if _, err := enter(t.Context()); !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("enter() without a free slot = %v, want ErrUnavailable", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("enter() after the caller's deadline = %v, want DeadlineExceeded", err)
		}
		release()
		if _, err := enter(t.Context()); err != nil {
			t.Errorf("enter() after a slot became free = %v, want nil", err)
		}
	})
}

// The work of a stored hash is bounded, even if the database holds a faulty one.
func FuzzPasswordHash(f *testing.F) {
	f.Add(argonOfSecret + "AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$2y$10$abcdefghijklmnopqrstuuK")
	f.Add("$2b$10$" + strings.Repeat("a", 53))
	f.Add(account.NewHash("passport"))
	f.Add(argonOfSecret + "AAAAAAAAAAAA" + strings.Repeat("\n", 300) + "AAAAAAAAAA")
	f.Fuzz(func(t *testing.T, stored string) {
		if !account.ParsesHash(stored) {
			return
		}
		memory, passes, threads := account.HashCost(stored)
		if memory > 256<<10 || passes > 16 || threads > 16 || len(stored) > 255 {
			t.Errorf("parseHash(%q) = nil, but it costs %d KiB, %d passes, %d threads; want an error", stored, memory, passes, threads)
		}
	})
}

// All spellings of an address have the same key.
func TestThrottle_NeverRepeat_F2_OneKeyPerAccount(t *testing.T) {
	want := account.EmailKey("ada@example.com")
	for _, spelling := range []string{"ADA@example.com", " ada@example.com ", "Ada@Example.COM", "\tada@example.com\n"} {
		if got := account.EmailKey(spelling); got != want {
			t.Errorf("the key of %q is %q, want %q", spelling, got, want)
		}
	}
	same := [][2]string{{"2001:db8::1", "2001:db8::ffff:2"}, {"::ffff:192.0.2.1", "192.0.2.1"}}
	for _, pair := range same {
		if a, b := account.Subscriber(pair[0]), account.Subscriber(pair[1]); a != b {
			t.Errorf("subscribers of %s and %s = %s, %s; want the same", pair[0], pair[1], a, b)
		}
	}
	if a, b := account.Subscriber("2001:db8:0:1::1"), account.Subscriber("2001:db8:0:2::1"); a == b {
		t.Error("addresses of two /64 networks have the same subscriber, want two")
	}
}

func TestConfig_AllFaultsAtOnce(t *testing.T) {
	_, err := account.New(account.Config{Issuer: "app.example", Provider: "client", SessionTTL: 1, HashConcurrency: -1})
	for _, want := range []string{"DB", "Dialect", "Issuer", "Provider", "SessionTTL", "HashConcurrency"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+want) {
			t.Errorf("New() = %v, want it to name %s", err, want)
		}
	}
}

// If the issuer is on loopback, the pages respond only to loopback names. Otherwise the
// owner of another site could point its name at this machine (DNS rebinding).
func TestMount_FR_13_PagesRespondToLoopbackNamesOnly(t *testing.T) {
	for _, issuer := range []string{"http://127.0.0.1:8000", "http://localhost:8000/auth"} {
		var log bytes.Buffer
		db := sql.OpenDB(noDatabase{})
		defer db.Close()
		a, err := account.New(account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: issuer, AccountPath: "/account", Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		a.Mount(mux)
		u, _ := url.Parse(issuer)
		for _, path := range []string{"/sign-in", "/sign-out", "/set-password", "/verify-email", "/account", "/account/sessions", "/account/security"} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"} {
				for host, foreign := range map[string]bool{
					"evil.example:8000": true, "": true, "127.0.0.1.evil.example": true,
					"localhost:9000": false, "LOCALHOST.": false, "[::1]:8000": false, "127.0.0.2": false,
				} {
					r := httptest.NewRequest(method, u.Path+path, strings.NewReader("email=ada%40example.com&password=x"))
					r.Host = host
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					w := httptest.NewRecorder()
					mux.ServeHTTP(w, r)
					if (w.Code == http.StatusMisdirectedRequest) != foreign {
						t.Errorf("%s %s at Host %q with the issuer %s: status %d, want 421: %v", method, path, host, issuer, w.Code, foreign)
					}
					if foreign && len(w.Result().Cookies()) > 0 {
						t.Errorf("%s %s at Host %q sets a cookie, want none", method, path, host)
					}
				}
			}
		}
		if !strings.Contains(log.String(), "Config.Issuer") || !strings.Contains(log.String(), "evil.example:8000") {
			t.Errorf("log = %s, want it to name the host and Config.Issuer", log.String())
		}
	}
}
