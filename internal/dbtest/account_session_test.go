package dbtest_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// inBubble runs a test in a synctest bubble, on SQLite: sockets would hang there.
func inBubble(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000"))
	})
}

func TestAccount_IdleSessionEnds(t *testing.T) {
	inBubble(t, func(_ *testing.T, s *site) {
		ada, v := s.ada(), s.visitor("192.0.2.1")
		v.signIn("ada@example.com", adasPassword)
		for range 3 {
			time.Sleep(account.DefaultSessionIdleTTL - 2*time.Minute)
			v.mustBe(ada)
		}
		time.Sleep(account.DefaultSessionIdleTTL)
		v.mustBeSignedOut("unused for the idle time")
	})
}

func TestAccount_UsedSessionEndsToo(t *testing.T) {
	inBubble(t, func(_ *testing.T, s *site) {
		ada, v := s.ada(), s.visitor("192.0.2.1")
		v.signIn("ada@example.com", adasPassword)
		for range 29 {
			time.Sleep(24 * time.Hour)
			v.mustBe(ada)
		}
		time.Sleep(24 * time.Hour)
		v.mustBeSignedOut("30 days after the sign-in")
	})
}

// A new sign-in changes AuthenticatedAt, as prompt=login requires (OpenID Connect Core
// §3.1.2.1). Using the session does not.
func TestAccount_NewSignInChangesAuthenticatedAt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		ada, v := s.ada(), s.visitor("192.0.2.1")
		v.signIn("ada@example.com", adasPassword)
		first := v.mustBe(ada).AuthenticatedAt
		time.Sleep(time.Hour)
		if at := v.mustBe(ada).AuthenticatedAt; !at.Equal(first) {
			t.Errorf("AuthenticatedAt after an hour of use = %v, want %v", at, first)
		}
		if w := v.get("/sign-in?prompt=login&return_to=%2Foauth%2Fauthorize"); !strings.Contains(w.Body.String(), `name="password"`) {
			t.Error("the sign-in page with prompt=login shows no form to a signed-in user")
		}
		v.signIn("ada@example.com", adasPassword)
		if at := v.mustBe(ada).AuthenticatedAt; !at.Equal(time.Now().Truncate(time.Microsecond)) {
			t.Errorf("AuthenticatedAt after a new sign-in = %v, want now", at)
		}
	})
}

// A page costs one SELECT for the signed-in user, and one write a minute.
func TestAccount_CurrentUserIsOneSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, counter := dbtest.Count(t, dbtest.URL(t, sqldb.SQLite))
		s := newSite(t, db, sqldb.SQLite, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		v.signIn("ada@example.com", adasPassword)
		counter.Take()
		for range 50 {
			v.mustBe(ada)
		}
		if got := counter.Take(); got.Statements != 50 || got.Reads != 50 {
			t.Errorf("50 × CurrentUser: %d statements, %d of them reads; want 50 reads", got.Statements, got.Reads)
		}
		time.Sleep(time.Minute)
		for range 50 {
			v.mustBe(ada)
		}
		if got := counter.Take(); got.Reads != 50 || got.Statements != 51 {
			t.Errorf("50 × CurrentUser a minute later: %d statements, %d of them reads; want 50 reads and one write", got.Statements, got.Reads)
		}
		s.visitor("192.0.2.1").mustBeSignedOut("no cookie")
		stranger := s.visitor("192.0.2.1")
		stranger.cookies[sessionCookie] = "not our value"
		stranger.mustBeSignedOut("a cookie in another format")
		if got := counter.Take(); got.Statements != 0 {
			t.Errorf("CurrentUser() without our cookie runs %q, want no statement", got.Texts)
		}
	})
}

// If a browser sends two session cookies, neither is used: an attacker may have planted
// one of them.
func TestAccount_UI_01_TwoSessionCookies(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	s.ada()
	v := s.visitor("192.0.2.1")
	v.signIn("ada@example.com", adasPassword)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, value := range []string{v.cookies[sessionCookie], strings.Repeat("A", 52)} {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: value})
	}
	if u, err := s.CurrentUser(r); !isNotFound(err) {
		t.Errorf("CurrentUser() with two session cookies = %v, %v, want ErrNotFound", u, err)
	}
}

// A sign-in in a browser where another user is signed in ends that session and its
// grants. If that fails, neither user is signed in.
func TestNeverRepeat_F1_AnotherUserInTheSameBrowser(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		bob, err := s.Create(t.Context(), account.NewUser{Email: "bob@example.com", PasswordHash: hashOf(t, "bob's password")})
		if err != nil {
			t.Fatal(err)
		}
		v.signIn("ada@example.com", adasPassword)
		was, cookie := v.mustBe(ada).SessionID, v.cookies[sessionCookie]

		s.ends.err = oauth.ErrUnavailable
		if w := v.signIn("bob@example.com", "bob's password"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("sign-in while the other session cannot be ended: status %d, want 503", w.Code)
		}
		v.mustBeSignedOut("after the failed sign-in")

		s.ends.err = nil
		v.signIn("bob@example.com", "bob's password")
		if now := v.mustBe(bob).SessionID; now == was {
			t.Error("Bob's session has the ID of Ada's session")
		}
		if last := s.ends.calls[len(s.ends.calls)-1]; last != "session "+ada.ID+" "+was {
			t.Errorf("the server was notified of %q, want Ada's session", last)
		}
		v.cookies[sessionCookie] = cookie
		v.mustBeSignedOut("Ada's cookie")
	})
}

// If a sign-in checked the old password before a change, its session is invalid, even
// if it is stored after the change.
func TestAccount_RT_08_PasswordChangesDuringSignIn(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			var s *site
			var ada *account.User
			var once sync.Once
			db := dbtest.Wrap(t, dbtest.URL(t, d), dbtest.Hooks{After: func(op dbtest.Op, query string, err error) error {
				if op == dbtest.OpQuery && strings.Contains(query, "password, session_version") {
					once.Do(func() {
						if err := s.SetPassword(context.Background(), ada.ID, "another password", ""); err != nil {
							t.Errorf("SetPassword() = %v", err)
						}
					})
				}
				return err
			}})
			s = newSite(t, db, d, "http://127.0.0.1:8000")
			ada = s.ada()
			v := s.visitor("192.0.2.1")
			v.signIn("ada@example.com", adasPassword)
			v.mustBeSignedOut("signed in with a password that changed during the sign-in")
			if w := v.signIn("ada@example.com", adasPassword); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("sign-in with the old password: status %d, want 422", w.Code)
			}
			v.signIn("ada@example.com", "another password")
			v.mustBe(ada)
		})
	}
}

// Enabling an account again does not revive its sessions.
func TestAccount_EnabledAgain(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		v.signIn("ada@example.com", adasPassword)
		for _, disabled := range []bool{true, true, false, false} { // a second call is not an error
			if err := s.Disable(t.Context(), ada.ID, disabled); err != nil {
				t.Fatalf("Disable(%v) = %v", disabled, err)
			}
		}
		v.mustBeSignedOut("a session from before the account was disabled")
		v.signIn("ada@example.com", adasPassword)
		v.mustBe(ada)
		if err := s.Disable(t.Context(), "unknown", true); !isNotFound(err) {
			t.Errorf("Disable() of an unknown account = %v, want ErrNotFound", err)
		}
	})
}

// Purge deletes only sessions and counts that have ended.
func TestAccount_Purge(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		ada, old, young := s.ada(), s.visitor("192.0.2.1"), s.visitor("192.0.2.2")
		old.signIn("ada@example.com", adasPassword)
		old.signIn("bob@example.com", "wrong")
		time.Sleep(account.DefaultSessionTTL + time.Second)
		young.signIn("ada@example.com", adasPassword)
		total := 0
		for {
			n, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now()), 1)
			if err != nil {
				t.Fatal(err)
			}
			if total += n; n == 0 {
				break
			}
		}
		young.mustBe(ada)
		for table, want := range map[string]int{"passport_sessions": 1, "passport_sign_in_attempts": 3, "passport_users": 1} {
			if got := len(column(t, s.db, "SELECT 1 FROM "+table)); got != want {
				t.Errorf("%s has %d rows after the purge, want %d", table, got, want)
			}
		}
		if total == 0 {
			t.Error("Purge() deleted nothing")
		}
	})
}

// An idle or expired session ends for apps too, and not only for the browser.
func TestAccount_FR_09_PurgeEndsIdleAndExpiredSessions(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		sessions := map[string]string{}
		for i, which := range []string{"alive", "idle", "expired"} {
			v := s.visitor(fmt.Sprintf("192.0.2.%d", i))
			v.signIn("ada@example.com", adasPassword)
			u := v.mustBe(ada)
			if left := time.Until(u.SessionExpiresAt); left < account.DefaultSessionTTL-time.Minute || left > account.DefaultSessionTTL {
				t.Errorf("SessionExpiresAt is in %v, want %v", left, account.DefaultSessionTTL)
			}
			sessions[which] = u.SessionID
		}
		long := time.Now().Add(-account.DefaultSessionIdleTTL).UnixMicro()
		for which, column := range map[string]string{"idle": "seen_at", "expired": "expires_at"} {
			if _, err := db.ExecContext(t.Context(), fmt.Sprintf("UPDATE passport_sessions SET %s = %d WHERE id = '%s'", column, long, sessions[which])); err != nil {
				t.Fatal(err)
			}
		}
		s.ends.err = fmt.Errorf("no reply: %w", oauth.ErrUnavailable)
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now().Add(-time.Hour)), 10); err == nil {
			t.Error("Purge() = nil, want an error because the server did not end the grants")
		}
		s.ends.err = nil
		s.ends.calls = nil
		n, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now().Add(-time.Hour)), 10)
		if err != nil || n != 2 {
			t.Errorf("Purge() = %d, %v, want 2 sessions", n, err)
		}
		for _, which := range []string{"idle", "expired"} {
			if want := "session " + ada.ID + " " + sessions[which]; !slices.Contains(s.ends.calls, want) {
				t.Errorf("the server was not notified of the %s session; it was notified of %q", which, s.ends.calls)
			}
		}
		if left := column(t, db, "SELECT id FROM passport_sessions"); len(left) != 1 || left[0] != sessions["alive"] {
			t.Errorf("sessions after the purge = %q, want only the live session %s", left, sessions["alive"])
		}
	})
}

// A session that is used between the purge's SELECT and its write stays alive.
func TestAccount_FR_09_PurgeMeetsASessionInUse(t *testing.T) {
	var s *site
	db := dbtest.Wrap(t, dbtest.URL(t, sqldb.SQLite), dbtest.Hooks{After: func(op dbtest.Op, query string, err error) error {
		if op == dbtest.OpQuery && strings.Contains(query, "seen_at <= ?") {
			if _, err := s.db.ExecContext(context.Background(), "UPDATE passport_sessions SET seen_at = ?", time.Now().UnixMicro()); err != nil {
				t.Error(err)
			}
		}
		return err
	}})
	s = newSite(t, db, sqldb.SQLite, "http://127.0.0.1:8000")
	ada, v := s.ada(), s.visitor("192.0.2.1")
	v.signIn("ada@example.com", adasPassword)
	long := time.Now().Add(-account.DefaultSessionIdleTTL).UnixMicro()
	if _, err := db.ExecContext(t.Context(), "UPDATE passport_sessions SET seen_at = ?", long); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now()), 10); n != 0 || err != nil {
		t.Errorf("Purge() = %d, %v, want no session ended", n, err)
	}
	if len(s.ends.calls) != 0 {
		t.Errorf("the server was notified of %q, want no notification for a session in use", s.ends.calls)
	}
	v.mustBe(ada)
}
