package dbtest_test

import (
	"database/sql"
	"fmt"
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

const (
	security    = "/account/security"
	newPassword = "a new horse battery"
)

// change sends the form that changes the password.
func (v *visitor) change(current, password string) *httptest.ResponseRecorder {
	return v.post(security, url.Values{"current_password": {current}, "new_password": {password}, "confirm_password": {password}})
}

// signedIn returns a browser in which Ada is signed in.
func (s *site) signedIn(address string) *visitor {
	v := s.visitor(address)
	v.signIn("ada@example.com", adasPassword)
	return v
}

// A changed password ends the other sessions, and notifies the server. The session stays
// and gets a new cookie, so that a copy of the old one is worth nothing.
func TestAccountSecurity_PA_5_ChangePassword(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		here, there := s.signedIn("192.0.2.1"), s.signedIn("192.0.2.2")
		before, copied := here.mustBe(ada), s.visitor("192.0.2.3")
		copied.cookies[sessionCookie] = here.cookies[sessionCookie]
		if body := here.get(security).Body.String(); !strings.Contains(body, "<h1>Change your password</h1>") || !strings.Contains(body, `value="Ada@example.com"`) {
			t.Errorf("the page lacks the form, or the address for password managers:\n%s", body)
		}
		w := here.change(adasPassword, newPassword)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "All other sessions have ended") {
			t.Fatalf("changed password: %d, want 200 and a page that says that other sessions ended\n%s", w.Code, w.Body)
		}
		if u := here.mustBe(ada); u.SessionID != before.SessionID || !u.AuthenticatedAt.After(before.AuthenticatedAt) {
			t.Errorf("session %s, authenticated at %v, was %s, %v; want the same session, authenticated later", u.SessionID, u.AuthenticatedAt, before.SessionID, before.AuthenticatedAt)
		}
		there.mustBeSignedOut("another session, after the password changed")
		copied.mustBeSignedOut("a copy of the old cookie")
		if got, want := strings.Join(s.ends.calls, ", "), "password "+ada.ID+" "+before.SessionID; got != want {
			t.Errorf("the server was notified of %q, want %q", got, want)
		}
		if w := there.signIn("ada@example.com", adasPassword); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("sign-in with the old password: status %d, want 422", w.Code)
		}
		there.signIn("ada@example.com", newPassword)
		there.mustBe(ada)
		if log := s.log.b.String(); strings.Contains(log, newPassword) || strings.Contains(log, adasPassword) || !strings.Contains(log, "password changed") {
			t.Errorf("the log lacks the change, or has a password:\n%s", log)
		}
	})
}

// The current password is asked for with the counter of the sign-in page, so that a
// browser that was left open does not allow more guesses.
func TestAccountSecurity_PA_5_WrongPasswordsAreThrottled(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		v := s.signedIn("192.0.2.1")
		for i := range account.TriesPerPair {
			if w := v.change("wrong password", newPassword); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "not your current password") {
				t.Fatalf("try %d with a wrong password: status %d, want 422", i+1, w.Code)
			}
		}
		if w := v.change(adasPassword, newPassword); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			t.Errorf("right password after too many tries: status %d, want 429 with Retry-After", w.Code)
		}
		if w := s.visitor("192.0.2.1").signIn("ada@example.com", adasPassword); w.Code != http.StatusTooManyRequests {
			t.Errorf("sign-in after too many tries on the other page: status %d, want 429", w.Code)
		}
		v.mustBe(ada)
		if s.visitor("192.0.2.2").signIn("ada@example.com", adasPassword); len(s.ends.calls) != 0 {
			t.Errorf("the server was notified of %q, want nothing for a password that did not change", s.ends.calls)
		}
	})
}

// A form with a fault changes nothing, and does not count as an attempt.
func TestAccountSecurity_PA_5_FaultsInTheForm(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada := s.ada()
	v := s.signedIn("192.0.2.1")
	for range account.TriesPerPair { // none of them counts
		for want, form := range map[string]url.Values{
			"Enter your current password.":                              {"new_password": {newPassword}, "confirm_password": {newPassword}},
			"Enter a new password.":                                     {"current_password": {adasPassword}},
			"The password is too short: use at least 8 characters.":     {"current_password": {adasPassword}, "new_password": {"short"}, "confirm_password": {"short"}},
			"The password is too long: use at most 1024 bytes.":         {"current_password": {adasPassword}, "new_password": {strings.Repeat("x", 1025)}},
			"The passwords differ.":                                     {"current_password": {adasPassword}, "new_password": {newPassword}, "confirm_password": {"another " + newPassword}},
			`aria-invalid="true" aria-describedby="confirm-fault" auto`: {"current_password": {adasPassword}, "new_password": {newPassword}},
		} {
			if w := v.post(security, form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), newPassword) {
				t.Errorf("form %v: status %d, want 422, %q and no password\n%s", form, w.Code, want, w.Body)
			}
		}
	}
	v.mustBe(ada)
	if w := v.change(adasPassword, newPassword); w.Code != http.StatusOK {
		t.Errorf("the form without faults: status %d, want 200", w.Code)
	}
}

// Without a session the pages lead to the sign-in page and back. Forms of other sites
// change nothing.
func TestAccountSecurity_PA_5_SignedOutAndForeignForms(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com/base")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	for _, path := range []string{"/base/account", "/base" + security} {
		want := "/base/sign-in?return_to=" + url.QueryEscape(path)
		if w := v.get(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("GET %s signed out: %d to %q, want 303 to %q", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	form := url.Values{"current_password": {adasPassword}, "new_password": {newPassword}, "confirm_password": {newPassword}}
	if w := v.post("/base"+security, form); w.Code != http.StatusSeeOther {
		t.Errorf("the form signed out: status %d, want 303", w.Code)
	}
	v.post("/base/sign-in", url.Values{"email": {"ada@example.com"}, "password": {adasPassword}})
	v.mustBe(ada)
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		r := v.form("/base"+security, form.Encode())
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set(header[0], header[1])
		if w := v.send(r); w.Code != http.StatusForbidden {
			t.Errorf("the form with %s: %s: status %d, want 403", header[0], header[1], w.Code)
		}
	}
	if w := v.get("/base/account"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Ada@example.com") || !strings.Contains(w.Body.String(), `href="/base/account/security"`) {
		t.Errorf("GET /base/account = %d, want who is signed in, and a link to the password page\n%s", w.Code, w.Body)
	}
	if w := v.send(httptest.NewRequest(http.MethodPost, "/base/account", nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /base/account = %d, Allow: %q; want 405, GET, HEAD", w.Code, w.Header().Get("Allow"))
	}
	if w := v.get("/.well-known/change-password"); w.Code != http.StatusNotFound {
		t.Errorf("/.well-known/change-password of a server below a path = %d, want 404", w.Code)
	}
}

// Password managers find the page (https://www.w3.org/TR/change-password-url/).
func TestAccountSecurity_PA_5_WellKnownChangePassword(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	w := s.visitor("192.0.2.1").get("/.well-known/change-password")
	if w.Code != http.StatusFound || w.Header().Get("Location") != security {
		t.Errorf("/.well-known/change-password = %d to %q, want 302 to %s", w.Code, w.Header().Get("Location"), security)
	}
}

// Of concurrent changes in several sessions, one succeeds. The others end with their
// sessions, so that an attacker cannot undo the user's change.
func TestAccountSecurity_PA_5_ConcurrentChanges(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		db.SetMaxOpenConns(8)
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		const n = 4
		visitors := make([]*visitor, n)
		for i := range visitors {
			visitors[i] = s.signedIn(fmt.Sprintf("192.0.2.%d", i))
		}
		var wg sync.WaitGroup
		codes := make([]int, n)
		for i, v := range visitors {
			wg.Go(func() { codes[i] = v.change(adasPassword, fmt.Sprint("the new password ", i)).Code })
		}
		wg.Wait()
		winner := -1
		for i, code := range codes {
			switch {
			case code == http.StatusOK && winner < 0:
				winner = i
			case code == http.StatusOK, code >= http.StatusInternalServerError:
				t.Fatalf("responses of concurrent changes = %v, want one 200, and no server error", codes)
			}
		}
		if winner < 0 {
			t.Fatalf("responses of concurrent changes = %v, want one 200", codes)
		}
		for i, v := range visitors {
			if i == winner {
				v.mustBe(ada)
			} else {
				v.mustBeSignedOut("a session whose change failed")
			}
		}
		fresh := s.visitor("198.51.100.1")
		fresh.signIn("ada@example.com", fmt.Sprint("the new password ", winner))
		fresh.mustBe(ada)
	})
}

// If the server could not end what apps hold, the page says so, and the next change
// ends it.
func TestAccountSecurity_PA_5_ServerFails(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada := s.ada()
	v := s.signedIn("192.0.2.1")
	s.ends.err = fmt.Errorf("no reply: %w", oauth.ErrUnavailable)
	w := v.change(adasPassword, newPassword)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "apps may still have access") || strings.Contains(w.Body.String(), "have lost access") {
		t.Errorf("a change that the server did not follow: %d, want 503 and a page that says so\n%s", w.Code, w.Body)
	}
	v.mustBe(ada)
	s.ends.err = nil
	if w := v.change(newPassword, adasPassword); w.Code != http.StatusOK || len(s.ends.calls) != 2 {
		t.Errorf("the next change: %d, notified of %q; want 200 and a second notification", w.Code, s.ends.calls)
	}
}

// Without AccountPath there are no pages for signed-in users.
func TestAccountSecurity_PA_5_PathIsASetting(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	for path, exists := range map[string]bool{"": false, "/me": true, "/team/me": true} {
		a, err := account.New(account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: "https://app.example.com", AccountPath: path})
		must(t, err)
		must(t, a.Migrate(t.Context()))
		mux := http.NewServeMux()
		a.Mount(mux)
		for _, page := range []string{"/.well-known/change-password", "/account", security, path + "/security"} {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://app.example.com"+page, nil))
			if want := exists && !strings.HasPrefix(page, "/account"); (w.Code != http.StatusNotFound) != want {
				t.Errorf("AccountPath %q: GET %s = %d, want the page: %v", path, page, w.Code, want)
			}
		}
	}
	for _, path := range []string{"/", "account", "/account/", "/a//b", "/..", "/a/./b", "/{id}", "/a b", "/ä", "//account", "/a?b", "/a%2f"} {
		_, err := account.New(account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: "https://app.example.com", AccountPath: path})
		if err == nil || !strings.Contains(err.Error(), "Config.AccountPath") {
			t.Errorf("New() with AccountPath %q = %v, want an error that names the field", path, err)
		}
	}
}
