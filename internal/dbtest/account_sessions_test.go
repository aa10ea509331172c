package dbtest_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	sessionsPage = "/account/sessions"

	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
)

// with returns a browser in which Ada signs in, with a User-Agent.
func (s *site) with(agent, address string) *visitor {
	v := s.visitor(address)
	r := v.form("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {adasPassword}}.Encode())
	r.Header.Set("User-Agent", agent)
	v.send(r)
	return v
}

// seenLongAgo makes a session look unused for a while.
func seenLongAgo(t *testing.T, db *sql.DB, id string, ago time.Duration) {
	t.Helper()
	mustExec(t, db, fmt.Sprintf("UPDATE passport_sessions SET seen_at = %d WHERE id = '%s'", time.Now().Add(-ago).UnixMicro(), id))
}

// The page lists browser, system, address and last use of each session, in words. It
// ends one, and the server is notified.
func TestAccountSessions_PA_3_ListAndEndOne(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		here, there := s.with(firefox, "192.0.2.1"), s.with(safari, "[2001:db8::2]")
		id := there.mustBe(ada).SessionID
		seenLongAgo(t, db, id, 3*time.Hour+time.Minute)
		all, err := s.Sessions(t.Context(), ada.ID)
		must(t, err)
		if len(all) != 2 || all[1].ID != id || all[1].Device != "Safari on iPhone" || all[1].Address != "2001:db8::2" ||
			all[0].Device != "Firefox on Linux" || all[0].SignedInAt.IsZero() || all[0].ExpiresAt.IsZero() || !all[0].EndedAt.IsZero() {
			t.Errorf("Sessions() = %+v, want both, the latest first", all)
		}
		r := httptest.NewRequest(http.MethodGet, sessionsPage, nil)
		r.Header.Set("User-Agent", firefox)
		body := strings.Join(strings.Fields(here.send(r).Body.String()), " ")
		for _, want := range []string{
			"<strong>Firefox on Linux</strong><span>This device · 192.0.2.1</span>", "Signed in just now",
			"<strong>Safari on iPhone</strong>", "3 hours ago</time> · 2001:db8::2", `name="session" value="` + id + `"`, "Sign out everywhere else",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("the page lacks %q:\n%s", want, body)
			}
		}
		s.ends.calls = nil
		w := here.post(sessionsPage, url.Values{"session": {id}})
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "That browser is signed out.") || strings.Contains(w.Body.String(), id) {
			t.Errorf("sign-out of the other browser: %d, want 200 and a page without it\n%s", w.Code, w.Body)
		}
		there.mustBeSignedOut("ended from another browser")
		here.mustBe(ada)
		if got, want := strings.Join(s.ends.calls, ", "), "session "+ada.ID+" "+id; got != want {
			t.Errorf("the server was notified of %q, want %q", got, want)
		}
		if w := here.post(sessionsPage, url.Values{"session": {id}}); w.Code != http.StatusOK {
			t.Errorf("the same form again: status %d, want 200", w.Code)
		}
	})
}

// All other sessions end, of this user only.
func TestAccountSessions_PA_3_EndAllOthers(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		bob, err := s.Create(t.Context(), account.NewUser{Email: "bob@example.com", PasswordHash: hashOf(t, "bobs password")})
		must(t, err)
		bobs := s.visitor("192.0.2.9")
		bobs.signIn("bob@example.com", "bobs password")
		here := s.with(firefox, "192.0.2.1")
		var others []*visitor
		for i := range 3 {
			others = append(others, s.with(safari, fmt.Sprintf("192.0.2.%d", i+2)))
		}
		s.ends.calls = nil
		if w := here.post(sessionsPage, url.Values{"all": {"others"}}); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "signed out everywhere else") {
			t.Errorf("sign-out of all others: %d, want 200\n%s", w.Code, w.Body)
		}
		for _, v := range others {
			v.mustBeSignedOut("ended from another browser")
		}
		here.mustBe(ada)
		bobs.mustBe(bob)
		if len(s.ends.calls) != len(others) {
			t.Errorf("the server was notified of %q, want each of %d sessions", s.ends.calls, len(others))
		}
		if n := len(column(t, db, "SELECT id FROM passport_sessions")); n != 2 {
			t.Errorf("%d sessions are stored, want this one and Bob's", n)
		}
		if body := here.get(sessionsPage).Body.String(); strings.Contains(body, "everywhere else") {
			t.Errorf("the page of the only session offers to end others:\n%s", body)
		}
	})
}

// A user can't end or see another user's session.
func TestAccountSessions_PA_3_SessionsOfOthers(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada := s.ada()
	_, err := s.Create(t.Context(), account.NewUser{Email: "bob@example.com", PasswordHash: hashOf(t, "bobs password")})
	must(t, err)
	v, bobs := s.with(firefox, "192.0.2.1"), s.visitor("192.0.2.9")
	bobs.signIn("bob@example.com", "bobs password")
	id := v.mustBe(ada).SessionID
	if body := bobs.get(sessionsPage).Body.String(); strings.Contains(body, id) || strings.Contains(body, "Firefox") {
		t.Errorf("Bob sees Ada's session:\n%s", body)
	}
	bobs.post(sessionsPage, url.Values{"session": {id}})
	bobs.post(sessionsPage, url.Values{"all": {"others"}})
	v.mustBe(ada)
	for _, form := range []url.Values{{}, {"all": {"everything"}}, {"session": {""}}} {
		if w := bobs.post(sessionsPage, form); w.Code != http.StatusBadRequest {
			t.Errorf("a form %v, which names no session: status %d, want 400", form, w.Code)
		}
	}
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		r := v.form(sessionsPage, "all=others")
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set(header[0], header[1])
		if w := v.send(r); w.Code != http.StatusForbidden {
			t.Errorf("the form with %s: %s: status %d, want 403", header[0], header[1], w.Code)
		}
	}
	for _, id := range []string{"", "unknown", "\x00", "\xff", strings.Repeat("a", 300)} {
		if err := s.EndSession(t.Context(), ada.ID, id); !isNotFound(err) {
			t.Errorf("EndSession(%.20q) = %v, want ErrNotFound", id, err)
		}
	}
	if w := s.visitor("192.0.2.3").get(sessionsPage); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-in?return_to=%2Faccount%2Fsessions" {
		t.Errorf("the page signed out: %d to %q, want the sign-in page", w.Code, w.Header().Get("Location"))
	}
	if w := v.post(sessionsPage, url.Values{"session": {id}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-out" {
		t.Errorf("sign-out of this browser: %d to %q, want the sign-out page", w.Code, w.Header().Get("Location"))
	}
}

// If the server fails, the browsers are signed out, the page says that apps are not, and
// the next attempt completes it.
func TestAccountSessions_PA_3_ServerFails(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada := s.ada()
	here, there := s.with(firefox, "192.0.2.1"), s.with(safari, "192.0.2.2")
	id := there.mustBe(ada).SessionID
	s.ends.err = fmt.Errorf("no reply: %w", oauth.ErrUnavailable)
	for _, form := range []url.Values{{"session": {id}}, {"all": {"others"}}} {
		w := here.post(sessionsPage, form)
		if body := w.Body.String(); w.Code != http.StatusServiceUnavailable || !strings.Contains(body, "not complete") || !strings.Contains(body, "Try again") || strings.Contains(body, "signed out") {
			t.Errorf("form %v: %d, want 503 and a page that says that the sign-out is not complete\n%s", form, w.Code, body)
		}
		there.mustBeSignedOut("ended for the browser")
	}
	s.ends.err = nil
	if w := here.post(sessionsPage, url.Values{"session": {id}}); w.Code != http.StatusOK {
		t.Errorf("the next attempt: status %d, want 200", w.Code)
	}
	if all, err := s.Sessions(t.Context(), ada.ID); err != nil || len(all) != 1 {
		t.Errorf("Sessions() = %+v, %v, want this session alone", all, err)
	}
}

// Address and browser are those of the last use. They are written at most once a minute,
// in the UPDATE that records the use: of concurrent requests, one writes.
func TestAccountSessions_PA_3_WritesOnceAMinute(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, _ *sql.DB, d sqldb.Dialect) {
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		db.SetMaxOpenConns(8)
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.with(firefox, "192.0.2.1")
		id := v.mustBe(ada).SessionID
		updates := func() (n int) {
			for _, text := range counter.Take().Texts {
				if strings.HasPrefix(text, "UPDATE passport_sessions") {
					n++
				}
			}
			return n
		}
		counter.Take()
		request := func(address string) {
			r := httptest.NewRequest(http.MethodGet, sessionsPage, nil)
			r.Header.Set("User-Agent", safari)
			other := s.visitor(address)
			other.cookies = map[string]string{sessionCookie: v.cookies[sessionCookie]}
			other.send(r)
		}
		for range 5 {
			request("192.0.2.7")
		}
		if n := updates(); n != 0 {
			t.Errorf("%d updates within a minute after the sign-in, want none", n)
		}
		seenLongAgo(t, db, id, 2*time.Minute)
		counter.Take()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { request("192.0.2.7") })
		}
		wg.Wait()
		all, err := s.Sessions(t.Context(), ada.ID)
		must(t, err)
		if len(all) != 1 || all[0].Device != "Safari on iPhone" || all[0].Address != "192.0.2.7" || time.Since(all[0].LastSeenAt) > time.Minute {
			t.Errorf("Sessions() = %+v, want the browser and the address of the last use", all)
		}
		counter.Take()
		request("192.0.2.8")
		if n := updates(); n != 0 {
			t.Errorf("%d updates within a minute after the last use, want none", n)
		}
	})
}

// A list has a limit, and its page says so.
func TestAccountSessions_PA_3_ManySessions(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	ada, v := s.ada(), s.with(firefox, "192.0.2.1")
	for i := range 2 * account.MaxSessions {
		mustExec(t, s.db, fmt.Sprintf(`INSERT INTO passport_sessions (id, digest, user_id, session_version, authenticated_at, seen_at, expires_at)
VALUES ('%d', 'digest %d', '%s', 1, %d, %[4]d, %d)`, i, i, ada.ID, time.Now().UnixMicro(), time.Now().Add(time.Hour).UnixMicro()))
	}
	if all, err := s.Sessions(t.Context(), ada.ID); err != nil || len(all) != account.MaxSessions {
		t.Errorf("Sessions() has %d, %v, want %d", len(all), err, account.MaxSessions)
	}
	if body := v.get(sessionsPage).Body.String(); !strings.Contains(body, "These are your latest sessions.") || !strings.Contains(body, "This device") {
		t.Error("the page of many sessions does not say so, or lacks this device")
	}
	must(t, s.EndOtherSessions(t.Context(), ada.ID, v.mustBe(ada).SessionID))
	if n := len(column(t, s.db, "SELECT id FROM passport_sessions")); n != 1 {
		t.Errorf("%d sessions are stored after all others have ended, want 1", n)
	}
}

// Nodes of the version before work on the new tables, and this version lists their
// sessions.
func TestAccountMigrate_PA_3_NodesOfTheVersionBefore(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.with(firefox, "192.0.2.1")
		id := v.mustBe(ada).SessionID
		now := time.Now()
		// The statements of that version.
		mustExec(t, db, fmt.Sprintf(`INSERT INTO passport_sessions (id, digest, user_id, session_version, authenticated_at, seen_at, expires_at)
VALUES ('old', '%s', '%s', 1, %d, %[3]d, %d)`, oauth.DigestOf(strings.Repeat("A", 52)), ada.ID, now.UnixMicro(), now.Add(time.Hour).UnixMicro()))
		mustExec(t, db, fmt.Sprintf(`UPDATE passport_sessions SET seen_at = %d WHERE id = '%s' AND seen_at < %[1]d`, now.UnixMicro(), id))
		old := s.visitor("192.0.2.2")
		old.cookies[sessionCookie] = strings.Repeat("A", 52)
		old.mustBe(ada)
		all, err := s.Sessions(t.Context(), ada.ID)
		must(t, err)
		i := slices.IndexFunc(all, func(s account.Session) bool { return s.ID == "old" })
		if len(all) != 2 || i < 0 || all[i].Device != "Unknown browser" || all[i].Address != "" {
			t.Errorf("Sessions() = %+v, want the session of the version before, of an unknown browser", all)
		}
		if body := v.get(sessionsPage).Body.String(); !strings.Contains(body, "Unknown browser") {
			t.Error("the page lacks the session of the version before")
		}
	})
}
