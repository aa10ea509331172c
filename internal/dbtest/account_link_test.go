package dbtest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// follow opens a link.
func (v *visitor) follow(l *account.Link) *httptest.ResponseRecorder {
	return v.get(strings.TrimPrefix(l.URL, "http://"+v.host))
}

// tokenOf returns the token of a link.
func tokenOf(t *testing.T, l *account.Link) string {
	t.Helper()
	u, err := url.Parse(l.URL)
	must(t, err)
	return u.Query().Get("token")
}

// choose sends the form of a link to choose a password.
func (v *visitor) choose(l *account.Link, password string) *httptest.ResponseRecorder {
	return v.post("/set-password", url.Values{"token": {tokenOf(v.t, l)}, "new_password": {password}, "confirm_password": {password}})
}

// wantDead fails the test if a link still works.
func (v *visitor) wantDead(what string, l *account.Link) {
	v.t.Helper()
	if w := v.follow(l); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "work any more") {
		v.t.Errorf("%s: opening the link = %d, want 404 and a page that says so", what, w.Code)
	}
	for path := range map[string]bool{"/set-password": true, "/verify-email": true} {
		form := url.Values{"token": {tokenOf(v.t, l)}, "new_password": {"a password of a thief"}, "confirm_password": {"a password of a thief"}}
		if w := v.post(path, form); w.Code != http.StatusNotFound {
			v.t.Errorf("%s: the form to %s = %d, want 404", what, path, w.Code)
		}
	}
}

// An invited user chooses a password, once. Opening the link changes nothing.
func TestAccountLink_PG_04_Invite(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		first, err := s.Invite(t.Context(), " Ada@example.com", "Ada")
		must(t, err)
		if left := time.Until(first.ExpiresAt); left < account.InviteTTL-time.Minute || left > account.InviteTTL || !first.User.Invited {
			t.Errorf("Invite() = %+v, which works for %v, want an invited user and %v", first.User, left, account.InviteTTL)
		}
		v := s.visitor("192.0.2.1")
		for _, password := range []string{"", " ", "password", tokenOf(t, first)} {
			if w := v.signIn("ada@example.com", password); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("sign-in of an invited user with %q: status %d, want 422", password, w.Code)
			}
		}
		second, err := s.Invite(t.Context(), "ADA@example.com", "Another name")
		must(t, err)
		if second.User.ID != first.User.ID || second.User.Name != "Ada" {
			t.Errorf("the second Invite() = %+v, want the same account", second.User)
		}
		v.wantDead("a replaced invitation", first)
		for range 2 {
			if w := v.follow(second); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Ada@example.com") || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("opening the link: %d %v, want the form\n%s", w.Code, w.Header(), w.Body)
			}
		}
		if w := v.choose(second, "short"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "too short") {
			t.Errorf("a short password: %d, want 422", w.Code)
		}
		if w := v.choose(second, newPassword); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Your password is set") {
			t.Fatalf("the form: %d, want 200\n%s", w.Code, w.Body)
		}
		v.wantDead("a used invitation", second)
		v.signIn("ada@example.com", newPassword)
		u := v.mustBe(first.User).Data.(*account.User)
		if u.Invited {
			t.Error("the account is still invited after the user chose a password")
		}
		if _, err := s.Invite(t.Context(), "ada@example.com", ""); !errors.Is(err, oauth.ErrConflict) {
			t.Errorf("Invite() of an account with a password = %v, want ErrConflict", err)
		}
		if dead := column(t, db, "SELECT digest FROM passport_account_links"); len(dead) != 0 {
			t.Errorf("links stored after their use = %q, want none", dead)
		}
	})
}

// A reset ends all sessions, notifies the server, and lets a user sign in who mistyped
// the old password too often.
func TestAccountLink_PG_04_Reset(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		there, v := s.signedIn("192.0.2.2"), s.visitor("192.0.2.1")
		for range account.TriesPerPair {
			v.signIn("ada@example.com", "forgotten")
		}
		l, err := s.ResetLink(t.Context(), ada.ID)
		must(t, err)
		other, err := s.VerifyLink(t.Context(), ada.ID)
		must(t, err)
		if left := time.Until(l.ExpiresAt); left < account.ResetTTL-time.Minute || left > account.ResetTTL {
			t.Errorf("the link works for %v, want %v", left, account.ResetTTL)
		}
		v.follow(l)
		there.mustBe(ada)
		s.ends.calls = nil
		if w := v.choose(l, newPassword); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "All sessions have ended") {
			t.Fatalf("the form: %d, want 200\n%s", w.Code, w.Body)
		}
		there.mustBeSignedOut("the password was reset")
		if got, want := strings.Join(s.ends.calls, ", "), "password "+ada.ID+" "; got != want {
			t.Errorf("the server was notified of %q, want %q", got, want)
		}
		v.wantDead("a used link", l)
		v.wantDead("a link from before the reset", other)
		if w := v.signIn("ada@example.com", newPassword); w.Code != http.StatusSeeOther {
			t.Errorf("sign-in with the new password: %d, want 303", w.Code)
		}
		v.mustBe(ada)
		if log := s.log.b.String(); strings.Contains(log, tokenOf(t, l)) || strings.Contains(log, newPassword) || !strings.Contains(log, "password chosen by link") {
			t.Errorf("the log lacks the reset, or has the link or the password:\n%s", log)
		}
		if dump := strings.Join(column(t, db, "SELECT digest FROM passport_account_links"), " "); strings.Contains(dump, tokenOf(t, l)) {
			t.Error("the database has the token of a link")
		}
	})
}

// Of concurrent forms of one link, one sets its password.
func TestAccountLink_PG_04_WorksOnce(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		db.SetMaxOpenConns(8)
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		l, err := s.ResetLink(t.Context(), ada.ID)
		must(t, err)
		const n = 6
		var wg sync.WaitGroup
		codes := make([]int, n)
		for i := range n {
			wg.Go(func() {
				codes[i] = s.visitor(fmt.Sprintf("192.0.2.%d", i)).choose(l, fmt.Sprint("the new password ", i)).Code
			})
		}
		wg.Wait()
		winner := -1
		for i, code := range codes {
			switch {
			case code == http.StatusOK && winner < 0:
				winner = i
			case code != http.StatusNotFound:
				t.Fatalf("responses = %v, want one 200, and 404 for the rest", codes)
			}
		}
		v := s.visitor("198.51.100.1")
		v.signIn("ada@example.com", fmt.Sprint("the new password ", winner))
		v.mustBe(ada)
	})
}

// A link ends with its time, with a changed password, and when the account is disabled.
// It does only what it is for.
func TestAccountLink_PG_04_Ends(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		for what, end := range map[string]func(){
			"expired": func() {
				mustExec(t, db, fmt.Sprintf("UPDATE passport_account_links SET expires_at = %d", time.Now().UnixMicro()-1))
			},
			"the password changed": func() { must(t, s.SetPassword(t.Context(), ada.ID, adasPassword, "")) },
			"the account was disabled": func() {
				must(t, s.Disable(t.Context(), ada.ID, true))
				for _, link := range []func() (*account.Link, error){
					func() (*account.Link, error) { return s.ResetLink(t.Context(), ada.ID) },
					func() (*account.Link, error) { return s.VerifyLink(t.Context(), ada.ID) },
				} {
					if _, err := link(); !isNotFound(err) {
						t.Errorf("a link for a disabled account = %v, want ErrNotFound", err)
					}
				}
			},
			"the account was enabled again": func() { must(t, s.Disable(t.Context(), ada.ID, true)); must(t, s.Disable(t.Context(), ada.ID, false)) },
			"another link replaced it":      func() { _, err := s.ResetLink(t.Context(), ada.ID); must(t, err) },
		} {
			must(t, s.Disable(t.Context(), ada.ID, false))
			l, err := s.ResetLink(t.Context(), ada.ID)
			must(t, err)
			end()
			v.wantDead(what, l)
		}
		must(t, s.Disable(t.Context(), ada.ID, false))
		l, err := s.ResetLink(t.Context(), ada.ID)
		must(t, err)
		if w := v.post("/verify-email", url.Values{"token": {tokenOf(t, l)}}); w.Code != http.StatusNotFound {
			t.Errorf("the link to reset a password at the page for email: %d, want 404", w.Code)
		}
		if w := v.follow(l); w.Code != http.StatusOK {
			t.Errorf("the link after use for another purpose: %d, want 200", w.Code)
		}
		mustExec(t, db, fmt.Sprintf("UPDATE passport_account_links SET expires_at = %d", time.Now().Add(-time.Hour).UnixMicro()))
		for n := 1; n > 0; {
			n, err = s.Purge(t.Context(), oauth.EndedBefore(time.Now()), 1)
			must(t, err)
		}
		if left := column(t, db, "SELECT digest FROM passport_account_links"); len(left) != 0 {
			t.Errorf("links stored after a purge = %q, want none", left)
		}
	})
}

// A user confirms the address, by POST only.
func TestAccountLink_PG_04_Verify(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		there := s.signedIn("192.0.2.2")
		l, err := s.VerifyLink(t.Context(), ada.ID)
		must(t, err)
		if w := v.follow(l); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Ada@example.com") {
			t.Errorf("opening the link: %d, want the address\n%s", w.Code, w.Body)
		}
		if u, err := s.User(t.Context(), ada.ID); err != nil || !u.EmailVerifiedAt.IsZero() {
			t.Errorf("User() after the link was opened = %+v, %v, want no verified address yet", u, err)
		}
		if w := v.post("/verify-email", url.Values{"token": {tokenOf(t, l)}}); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Ada@example.com is confirmed.") {
			t.Errorf("the form: %d, want 200\n%s", w.Code, w.Body)
		}
		if u, err := s.User(t.Context(), ada.ID); err != nil || time.Since(u.EmailVerifiedAt) > time.Minute {
			t.Errorf("User() = %+v, %v, want EmailVerifiedAt now", u, err)
		}
		v.wantDead("a used link", l)
		there.mustBe(ada)
	})
}

// Tokens that no link has, and forms of other sites, change nothing.
func TestAccountLink_PG_04_HostileRequests(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	l, err := s.ResetLink(t.Context(), ada.ID)
	must(t, err)
	token := tokenOf(t, l)
	for _, wrong := range []string{"", "x", strings.ToLower(token), token[1:], token + "A", string(oauth.DigestOf(token)), strings.Repeat("A", 52), "\x00", "'", strings.Repeat("A", 9000)} {
		for _, path := range []string{"/set-password", "/verify-email"} {
			if w := v.get(path + "?token=" + url.QueryEscape(wrong)); w.Code != http.StatusNotFound {
				t.Errorf("GET %s with the token %.60q: %d, want 404", path, wrong, w.Code)
			}
		}
	}
	form := url.Values{"token": {token}, "new_password": {newPassword}, "confirm_password": {newPassword}}
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		r := v.form("/set-password", form.Encode())
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set(header[0], header[1])
		if w := v.send(r); w.Code != http.StatusForbidden {
			t.Errorf("the form with %s: %s: status %d, want 403", header[0], header[1], w.Code)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		v.send(httptest.NewRequest(method, "/set-password?"+form.Encode(), nil))
	}
	v.signIn("ada@example.com", adasPassword)
	v.mustBe(ada)
	testkit.WantHidden(t, *l, token)
	testkit.WantHidden(t, l, token)
	for _, id := range []string{"", "unknown", "\x00", strings.Repeat("a", 300)} {
		if _, err := s.ResetLink(t.Context(), id); !isNotFound(err) {
			t.Errorf("ResetLink(%.20q) = %v, want ErrNotFound", id, err)
		}
	}
	if _, err := s.Invite(t.Context(), "not an address", strings.Repeat("x", 101)); err == nil || !strings.Contains(err.Error(), "name is too long") {
		t.Errorf("Invite() = %v, want all faults", err)
	}
}

// If the server fails, the password is set, and the page says that apps may still have
// access.
func TestAccountLink_PG_04_ServerFails(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	l, err := s.ResetLink(t.Context(), ada.ID)
	must(t, err)
	s.ends.err = fmt.Errorf("no reply: %w", oauth.ErrUnavailable)
	if w := v.choose(l, newPassword); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "Apps may still have access") || strings.Contains(w.Body.String(), "have lost access") {
		t.Errorf("a reset that the server did not follow: %d, want 503 and a page that says so\n%s", w.Code, w.Body)
	}
	s.ends.err = nil
	v.signIn("ada@example.com", newPassword)
	v.mustBe(ada)
}
