package dbtest_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const adasPassword = "correct horse battery"

// site is an application with accounts. It records its log and the calls to the server.
type site struct {
	*account.Accounts
	t    *testing.T
	host string // of the issuer
	db   *sql.DB
	mux  *http.ServeMux
	log  *lockedBuffer
	ends *ends
}

// ends records the calls to the server.
type ends struct {
	mu    sync.Mutex
	calls []string
	err   error

	// giveUp cancels the caller's context, if it is set. The call fails if it uses that
	// context.
	giveUp context.CancelFunc
}

func (e *ends) EndSession(ctx context.Context, user oauth.UserRef, sessionID string) error {
	return e.record(ctx, "session "+user.ID+" "+sessionID)
}

func (e *ends) PasswordChanged(ctx context.Context, user oauth.UserRef, except string) error {
	return e.record(ctx, "password "+user.ID+" "+except)
}

func (e *ends) RevokeUser(ctx context.Context, user oauth.UserRef) error {
	return e.record(ctx, "user "+user.ID)
}

func (e *ends) ForgetToken(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "first-party", MaxAge: -1})
}

func (e *ends) record(ctx context.Context, call string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.giveUp != nil {
		e.giveUp()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	e.calls = append(e.calls, call)
	return e.err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func newSite(t *testing.T, db *sql.DB, d sqldb.Dialect, issuer string) *site {
	t.Helper()
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, host: u.Host, db: db, mux: http.NewServeMux(), log: &lockedBuffer{}, ends: &ends{}}
	a, err := account.New(account.Config{
		DB: db, Dialect: d, Issuer: issuer, HashConcurrency: 2, AccountPath: "/account",
		Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Accounts = a
	if err := a.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Connect(s.ends)
	a.Mount(s.mux)
	return s
}

func (s *site) ada() *account.User {
	s.t.Helper()
	u, err := s.Create(s.t.Context(), account.NewUser{Email: "Ada@example.com", Name: "Ada", Password: adasPassword})
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// visitor is a browser with one cookie jar, at one address.
type visitor struct {
	*site
	address string
	cookies map[string]string
	last    []*http.Cookie
}

func (s *site) visitor(address string) *visitor {
	return &visitor{site: s, address: address, cookies: map[string]string{}}
}

func (v *visitor) send(r *http.Request) *httptest.ResponseRecorder {
	r.RemoteAddr = v.address + ":1234"
	if r.Host == "example.com" { // the test sets no host
		r.Host = v.host
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	v.mux.ServeHTTP(w, r)
	v.last = w.Result().Cookies()
	for _, c := range v.last {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w
}

func (v *visitor) get(path string) *httptest.ResponseRecorder {
	return v.send(httptest.NewRequest(http.MethodGet, path, nil))
}

func (v *visitor) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

func (v *visitor) signIn(email, password string) *httptest.ResponseRecorder {
	return v.post("/sign-in", url.Values{"email": {email}, "password": {password}, "return_to": {"/next?a=b"}})
}

// currentUser returns the signed-in user.
func (v *visitor) currentUser() (*oauth.User, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return v.CurrentUser(r)
}

func (v *visitor) mustBe(want *account.User) *oauth.User {
	v.t.Helper()
	u, err := v.currentUser()
	if err != nil || u.ID != want.ID || u.SessionID == "" || u.AuthenticatedAt.IsZero() {
		v.t.Fatalf("CurrentUser() = %+v, %v, want %s with a session and a time of sign-in", u, err, want.ID)
	}
	return u
}

func (v *visitor) mustBeSignedOut(why string) {
	v.t.Helper()
	if u, err := v.currentUser(); !isNotFound(err) {
		v.t.Errorf("%s: CurrentUser() = %+v, %v, want ErrNotFound", why, u, err)
	}
}

func withAccountsOn(t *testing.T, test func(t *testing.T, db *sql.DB, d sqldb.Dialect)) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) { test(t, dbtest.Open(t, d), d) })
	}
}

// A right password signs in, on every database. The session row holds a digest.
func TestAccount_SignIn(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		if w := v.signIn("ada@example.com", "wrong"); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("wrong password: status %d, want 422", w.Code)
		}
		v.mustBeSignedOut("after a wrong password")
		w := v.signIn(" ADA@example.com ", adasPassword)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/next?a=b" {
			t.Fatalf("right password: %d to %q, want 303 to the return address\n%s", w.Code, w.Header().Get("Location"), w.Body)
		}
		u := v.mustBe(ada)
		if data, ok := u.Data.(*account.User); !ok || data.Email != "Ada@example.com" {
			t.Errorf("Data = %#v, want the *account.User", u.Data)
		}
		if w := v.get("/sign-in"); !strings.Contains(w.Body.String(), "Ada") {
			t.Error("the sign-in page does not show the signed-in user")
		}
	})
}

// TestNeverRepeat_F1_NewSessionAtSignIn: a sign-in invalidates the session cookie that
// the browser had before (ZITADEL CVE-2024-28197).
func TestNeverRepeat_F1_NewSessionAtSignIn(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	planted := strings.Repeat("A", 52)
	v.cookies[sessionCookie] = planted
	v.signIn("ada@example.com", adasPassword)
	first := v.mustBe(ada)
	if v.cookies[sessionCookie] == planted {
		t.Fatal("the browser still has the planted cookie after the sign-in")
	}
	old := s.visitor("192.0.2.1")
	old.cookies[sessionCookie] = planted
	old.mustBeSignedOut("the planted cookie")

	old.cookies[sessionCookie] = v.cookies[sessionCookie]
	v.signIn("ada@example.com", adasPassword)
	old.mustBeSignedOut("the cookie from before the second sign-in")
	if second := v.mustBe(ada); second.SessionID != first.SessionID || !second.AuthenticatedAt.After(first.AuthenticatedAt) {
		t.Errorf("second sign-in: session %s at %v, was %s at %v; want the same session, authenticated later",
			second.SessionID, second.AuthenticatedAt, first.SessionID, first.AuthenticatedAt)
	}
}

// The session cookie is bound to this host and scheme, and scripts can't read it.
func TestAccount_UI_01_SessionCookie(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "https://app.example.com")
	s.ada()
	v := s.visitor("192.0.2.1")
	v.signIn("ada@example.com", adasPassword)
	for _, c := range v.last {
		if !strings.HasPrefix(c.Name, "__Host-passport-session-") {
			continue
		}
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Path != "/" {
			t.Errorf("cookie %s: want Secure, HttpOnly, SameSite=Lax, Path=/ and no Domain", c.Raw[:40])
		}
		return
	}
	t.Errorf("%d cookies without a __Host- session cookie, want one", len(v.last))
}

// Every page has the security headers. A form of another site signs no user in or out.
func TestAccount_AZ_25_AZ_26_UI_03_PagesAndForeignForms(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "https://app.example.com")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	for _, w := range []*httptest.ResponseRecorder{v.get("/sign-in"), v.get("/sign-out"), v.signIn("x", "y")} {
		h := w.Header()
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("headers of a page = %v, want the security headers", h)
		}
	}
	v.signIn("ada@example.com", adasPassword)
	v.mustBe(ada)
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		for _, path := range []string{"/sign-in", "/sign-out"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("email=ada%40example.com&password=x"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header[0], header[1])
			if w := v.send(r); w.Code != http.StatusForbidden {
				t.Errorf("POST %s with %s: %s: status %d, want 403", path, header[0], header[1], w.Code)
			}
		}
	}
	v.get("/sign-out")
	v.mustBe(ada)
}

// TestNeverRepeat_F2_OneCounter: all spellings of an address, the page and the password
// grant share one counter. The response does not reveal whether the account exists
// (authelia CVE-2025-24806).
func TestNeverRepeat_F2_C4_OneCounter(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		pages := map[string]string{}
		for _, name := range []string{"ada@example.com", "bob@example.com"} {
			v := s.visitor("192.0.2." + fmt.Sprint(len(pages)+1))
			for i := range account.TriesPerPair {
				spelling := strings.ToUpper(name[:i%3]) + name[i%3:]
				w := v.signIn(spelling, "wrong password")
				if w.Code != http.StatusUnprocessableEntity {
					t.Fatalf("try %d as %s: status %d, want 422", i+1, spelling, w.Code)
				}
				pages[name] = strings.ReplaceAll(w.Body.String(), spelling, "NAME")
			}
			w := v.signIn(name, adasPassword)
			if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: right password after too many tries: status %d, want 429 with Retry-After", name, w.Code)
			}
			v.mustBeSignedOut("throttled")
		}
		if pages["ada@example.com"] != pages["bob@example.com"] {
			t.Error("the page reveals whether the account exists")
		}
		other := s.visitor("198.51.100.7")
		if w := other.signIn("ada@example.com", adasPassword); w.Code != http.StatusSeeOther {
			t.Errorf("the user from another address: status %d, want 303", w.Code)
		}
		other.mustBe(ada)
	})
}

// 64 concurrent guesses count as 64.
func TestNeverRepeat_F2_ConcurrentGuesses(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		db.SetMaxOpenConns(16)
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		s.ada()
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := map[int]int{}
		for range 64 {
			wg.Go(func() {
				w := s.visitor("192.0.2.1").signIn("ada@example.com", "wrong password")
				mu.Lock()
				seen[w.Code]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if seen[http.StatusUnprocessableEntity] != account.TriesPerPair || seen[http.StatusTooManyRequests] != 64-account.TriesPerPair {
			t.Errorf("responses by status = %v, want %d × 422 and the rest 429", seen, account.TriesPerPair)
		}
	})
}

// TestNeverRepeat_F3_ParallelSignIns: concurrent sign-ins never mix up users (tinyauth
// CVE-2026-33544).
func TestNeverRepeat_F3_ParallelSignIns(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := newSite(t, db, sqldb.SQLite, "http://127.0.0.1:8000")
	users := make([]*account.User, 100)
	for i := range users {
		u, err := s.Create(t.Context(), account.NewUser{Email: fmt.Sprintf("user%d@example.com", i), PasswordHash: hashOf(t, fmt.Sprint("password of ", i))})
		if err != nil {
			t.Fatal(err)
		}
		users[i] = u
	}
	var wg sync.WaitGroup
	for i, u := range users {
		wg.Go(func() {
			v := s.visitor(fmt.Sprintf("192.0.2.%d", i))
			w := v.signIn(u.Email, fmt.Sprint("password of ", i))
			for w.Code == http.StatusServiceUnavailable { // retry on a slow machine
				w = v.signIn(u.Email, fmt.Sprint("password of ", i))
			}
			if w.Code != http.StatusSeeOther {
				t.Errorf("user %d: status %d, want 303", i, w.Code)
				return
			}
			if got, err := v.currentUser(); err != nil || got.ID != u.ID {
				t.Errorf("user %d signed in: CurrentUser() = %+v, %v, want that user", i, got, err)
			}
		})
	}
	wg.Wait()
}

// If a caller cancels after the first write, the second write still happens.
func TestAccount_FR_07_CallerCancelsHalfWay(t *testing.T) {
	for name, run := range map[string]func(s *site, v *visitor, ada *account.User, ctx context.Context) error{
		"SetPassword": func(s *site, _ *visitor, ada *account.User, ctx context.Context) error {
			return s.SetPassword(ctx, ada.ID, "another "+adasPassword, "")
		},
		"Disable": func(s *site, _ *visitor, ada *account.User, ctx context.Context) error {
			return s.Disable(ctx, ada.ID, true)
		},
		"SignOut": func(s *site, v *visitor, _ *account.User, ctx context.Context) error {
			r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
			for name, value := range v.cookies {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			return s.SignOut(httptest.NewRecorder(), r)
		},
	} {
		s := sqliteSite(t, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		v.signIn("ada@example.com", adasPassword)
		before := len(s.ends.calls)
		ctx, cancel := context.WithCancel(t.Context())
		s.ends.giveUp = cancel
		if err := run(s, v, ada, ctx); err != nil {
			t.Errorf("%s canceled after the first write = %v, want nil", name, err)
		}
		if got := s.ends.calls[before:]; len(got) != 1 {
			t.Errorf("%s canceled after the first write notifies the server of %q, want one call", name, got)
		}
		v.mustBeSignedOut(name)
	}
}

func TestNeverRepeat_B19_SignOut(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	v.signIn("ada@example.com", adasPassword)
	session := v.mustBe(ada).SessionID
	v.cookies["first-party"] = "sealed"
	s.ends.err = fmt.Errorf("no reply: %w", oauth.ErrUnavailable)
	if w := v.post("/sign-out", nil); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "signed out") {
		t.Errorf("failed sign-out: status %d, want 503 and a page that does not say \"signed out\"", w.Code)
	}
	if v.cookies[sessionCookie] == "" || v.cookies["first-party"] == "" {
		t.Error("the failed sign-out deleted a cookie, so the user cannot try again")
	}
	s.ends.err = nil
	if w := v.post("/sign-out", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "You are signed out") {
		t.Errorf("sign-out: status %d, want 200 and \"You are signed out\"", w.Code)
	}
	v.mustBeSignedOut("signed out")
	if v.cookies["first-party"] != "" {
		t.Error("the first-party cookie is still in the browser after the sign-out")
	}
	if got := s.ends.calls[len(s.ends.calls)-1]; got != "session "+ada.ID+" "+session {
		t.Errorf("the server was notified of %q, want the session", got)
	}
}

// A changed password ends the other sessions and notifies the server. A disabled
// account is signed out at once.
func TestAccount_RT_08_PasswordChangedAndDisabled(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		here, there := s.visitor("192.0.2.1"), s.visitor("192.0.2.2")
		here.signIn("ada@example.com", adasPassword)
		there.signIn("ada@example.com", adasPassword)
		session := here.mustBe(ada).SessionID
		there.mustBe(ada)
		if err := s.SetPassword(t.Context(), ada.ID, "another password", session); err != nil {
			t.Fatal(err)
		}
		here.mustBe(ada)
		there.mustBeSignedOut("another session, after the password changed")
		if len(s.ends.calls) != 1 || s.ends.calls[0] != "password "+ada.ID+" "+session {
			t.Errorf("the server was notified of %q, want the changed password", s.ends.calls)
		}
		if err := s.Disable(t.Context(), ada.ID, true); err != nil {
			t.Fatal(err)
		}
		here.mustBeSignedOut("disabled")
		if _, err := s.UserByID(t.Context(), ada.ID); !isNotFound(err) {
			t.Errorf("UserByID() of a disabled account = %v, want ErrNotFound", err)
		}
		if w := there.signIn("ada@example.com", "another password"); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("sign-in to a disabled account: status %d, want 422 as for a wrong password", w.Code)
		}
	})
}

// TestNeverRepeat_C7_C10_AccountSecrets: neither the log nor the database contains a
// password or a cookie.
func TestNeverRepeat_C7_C10_OP_02_AccountSecrets(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	s.ada()
	v := s.visitor("192.0.2.1")
	v.signIn("ada@example.com", "wrong-canary-password")
	v.signIn("typed-into-the-wrong-field", "x")
	v.signIn("ada@example.com", adasPassword)
	canaries := []string{adasPassword, "wrong-canary-password", "typed-into-the-wrong-field", v.cookies[sessionCookie]}
	for where, text := range map[string]string{"log": s.log.b.String(), "database": dumpSQLite(t, s.db)} {
		for i, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("secret %d is in the %s", i, where)
			}
		}
	}
	if !strings.Contains(s.log.b.String(), "the password is wrong") {
		t.Error("the log does not say which check failed")
	}
}
