package dbtest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// byPassword checks a password like the password grant, for a request from an address.
func (s *site) byPassword(address, name, password string) (*oauth.User, error) {
	ctx := reqinfo.With(s.t.Context(), reqinfo.Info{ID: "r1", Address: address})
	return s.UserByPassword(ctx, name, password)
}

// TestNeverRepeat_F2_PasswordGrantSharesTheCount: an attacker could go around a counter
// that only one endpoint has (authelia CVE-2025-24806).
func TestNeverRepeat_F2_PasswordGrantSharesTheCount(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		if u, err := s.byPassword("192.0.2.9", "ADA@example.com", adasPassword); err != nil || u.ID != ada.ID {
			t.Fatalf("UserByPassword() = %v, %v, want Ada", u, err)
		}
		v := s.visitor("192.0.2.1")
		for i := range account.TriesPerPair {
			if i%2 == 0 {
				v.signIn("ada@example.com", "wrong")
			} else if _, err := s.byPassword("192.0.2.1", "Ada@example.com ", "wrong"); !isNotFound(err) {
				t.Fatalf("UserByPassword() with a wrong password = %v, want ErrNotFound", err)
			}
		}
		if _, err := s.byPassword("192.0.2.1", "ada@example.com", adasPassword); !isNotFound(err) || errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("UserByPassword() with the right password after too many tries = %v, want ErrNotFound", err)
		}
		if w := v.signIn("ada@example.com", adasPassword); w.Code != http.StatusTooManyRequests {
			t.Errorf("the page after too many tries on both: status %d, want 429", w.Code)
		}
	})
}

// The window ends at its time, even if refused tries continue.
func TestAccount_ThrottleEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site) {
		ada, v := s.ada(), s.visitor("192.0.2.1")
		for range account.TriesPerPair {
			v.signIn("ada@example.com", "wrong")
		}
		time.Sleep(10 * time.Minute)
		for range 5 {
			w := v.signIn("ada@example.com", adasPassword)
			if after, _ := strconv.Atoi(w.Header().Get("Retry-After")); w.Code != http.StatusTooManyRequests || after != 300 {
				t.Fatalf("after 10 minutes: status %d, Retry-After %q, want 429 and 300", w.Code, w.Header().Get("Retry-After"))
			}
		}
		time.Sleep(5 * time.Minute)
		v.signIn("ada@example.com", adasPassword)
		v.mustBe(ada)
	})
}

// A success clears the failures of the pair, and does not count itself.
func TestAccount_SuccessIsNotCounted(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada, v := s.ada(), s.visitor("192.0.2.1")
		for round := range 2 {
			for range account.TriesPerPair - 1 {
				if w := v.signIn("ada@example.com", "wrong"); w.Code != http.StatusUnprocessableEntity {
					t.Fatalf("round %d: status %d, want 422", round, w.Code)
				}
			}
			for range 2 {
				v.signIn("ada@example.com", adasPassword)
				v.mustBe(ada)
			}
		}
	})
}

// One address that tries many accounts is stopped, even with a whole network of IPv6
// addresses.
func TestAccount_ThrottleByAddress(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	s.ada()
	for i := range account.TriesPerAddress {
		v := s.visitor(fmt.Sprintf("[2001:db8::%x]", i+1))
		if w := v.signIn(fmt.Sprintf("user%d@example.com", i), "wrong"); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("account %d: status %d, want 422", i, w.Code)
		}
	}
	if w := s.visitor("[2001:db8::ffff]").signIn("ada@example.com", adasPassword); w.Code != http.StatusTooManyRequests {
		t.Errorf("from the network that tried %d accounts: status %d, want 429", account.TriesPerAddress, w.Code)
	}
	if w := s.visitor("[2001:db8:0:1::1]").signIn("ada@example.com", adasPassword); w.Code != http.StatusSeeOther {
		t.Errorf("from another network: status %d, want 303", w.Code)
	}
}

// Many addresses that try one account are stopped. The user can still sign in from an
// address that they used before.
func TestAccount_AttackersDoNotLockTheUserOut(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	ada, owner := s.ada(), s.visitor("192.0.2.1")
	owner.signIn("ada@example.com", adasPassword)
	for i := range account.TriesPerAccount {
		if w := s.visitor(fmt.Sprintf("198.51.100.%d", i)).signIn("ada@example.com", "wrong"); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("attacker %d: status %d, want 422", i, w.Code)
		}
	}
	if w := s.visitor("203.0.113.1").signIn("ada@example.com", adasPassword); w.Code != http.StatusTooManyRequests {
		t.Errorf("one more attacker: status %d, want 429", w.Code)
	}
	again := s.visitor("192.0.2.1")
	again.signIn("ada@example.com", adasPassword)
	again.mustBe(ada)
	if w := s.visitor("203.0.113.1").signIn("ada@example.com", adasPassword); w.Code != http.StatusTooManyRequests {
		t.Errorf("an attacker after the user signed in: status %d, want 429", w.Code)
	}
}

// Only a trusted proxy can set the client's address.
func TestAccount_OP_01_ThrottleBehindAProxy(t *testing.T) {
	for _, test := range []struct {
		name    string
		proxies []netip.Prefix
		want    int
	}{
		{"no proxy is trusted", nil, http.StatusTooManyRequests},
		{"the proxy is trusted", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, http.StatusUnprocessableEntity},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := sqliteSite(t, "http://127.0.0.1:8000")
			a, err := account.New(account.Config{
				DB: s.db, Dialect: sqldb.SQLite, Issuer: "http://127.0.0.1:8000", TrustedProxies: test.proxies, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			s.mux = http.NewServeMux()
			a.Mount(s.mux)
			statusFrom := func(address string) int {
				v := s.visitor("192.0.2.1")
				r := v.form("/sign-in", "email=ada%40example.com&password=wrong")
				r.Header.Set("X-Forwarded-For", "198.51.100.1, "+address)
				return v.send(r).Code
			}
			for i := range account.TriesPerPair {
				if got := statusFrom(fmt.Sprintf("203.0.113.%d", i)); got != http.StatusUnprocessableEntity {
					t.Fatalf("try %d: status %d, want 422", i, got)
				}
			}
			if got := statusFrom("203.0.113.99"); got != test.want {
				t.Errorf("another address in X-Forwarded-For: status %d, want %d", got, test.want)
			}
		})
	}
}

// An attacker behind a proxy that adds ports counts as one address, and does not lock
// out users from other addresses.
func TestAccount_FR_20_PortsInForwardedFor(t *testing.T) {
	s := sqliteSite(t, "http://127.0.0.1:8000")
	s.ada()
	a, err := account.New(account.Config{
		DB: s.db, Dialect: sqldb.SQLite, Issuer: "http://127.0.0.1:8000", Logger: slog.New(slog.DiscardHandler),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mux = http.NewServeMux()
	a.Mount(s.mux)
	signIn := func(forwarded, email, password string) int {
		v := s.visitor("192.0.2.1")
		r := v.form("/sign-in", url.Values{"email": {email}, "password": {password}}.Encode())
		r.Header.Set("X-Forwarded-For", forwarded)
		return v.send(r).Code
	}
	for i := range account.TriesPerAddress {
		if got := signIn(fmt.Sprintf("203.0.113.9:%d", 40_000+i), fmt.Sprintf("user%d@example.com", i), "wrong"); got != http.StatusUnprocessableEntity {
			t.Fatalf("try %d of the attacker: status %d, want 422", i, got)
		}
	}
	if got := signIn("203.0.113.9:51234", "last@example.com", "wrong"); got != http.StatusTooManyRequests {
		t.Errorf("one more try of the attacker: status %d, want 429", got)
	}
	for _, forwarded := range []string{"198.51.100.7:51234", "[2001:db8::1]:443", "[2001:db8:1::1]"} {
		if got := signIn(forwarded, "ada@example.com", adasPassword); got != http.StatusSeeOther {
			t.Errorf("user at %s: status %d, want 303", forwarded, got)
		}
	}
}

// A try counts while its password is being checked, so concurrent guesses cannot pass a
// limit. But users with right passwords who sign in concurrently from one address do
// not stop each other.
func TestNeverRepeat_F2_F3_ManyFromOneAddress(t *testing.T) {
	s := sqliteSite(t, "http://127.0.0.1:8000")
	const many = account.TriesPerAddress + 10
	name := func(i int) string { return fmt.Sprintf("user%d@example.com", i) }
	password := func(i int) string { return fmt.Sprint("password of ", i) }
	for i := range many {
		if _, err := s.Create(t.Context(), account.NewUser{Email: name(i), PasswordHash: hashOf(t, password(i))}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			u, err := s.byPassword("192.0.2.1", name(i), password(i))
			for errors.Is(err, oauth.ErrUnavailable) && t.Context().Err() == nil { // retry on a slow machine
				u, err = s.byPassword("192.0.2.1", name(i), password(i))
			}
			if err != nil || u.Data.(*account.User).Email != name(i) {
				t.Errorf("concurrent sign-in %d of %d from one address = %v, %v, want the user", i, many, u, err)
			}
		})
	}
	wg.Wait()
}

// If a try cannot be counted, the sign-in is refused.
func TestAccount_OP_04_NoCountNoSignIn(t *testing.T) {
	var broken atomic.Bool
	db := dbtest.Wrap(t, dbtest.URL(t, sqldb.SQLite), dbtest.Hooks{Before: func(op dbtest.Op, _ string) error {
		if broken.Load() && op == dbtest.OpExec {
			return errors.New("the disk is gone")
		}
		return nil
	}})
	s := newSite(t, db, sqldb.SQLite, "http://127.0.0.1:8000")
	s.ada()
	v := s.visitor("192.0.2.1")
	broken.Store(true)
	if w := v.signIn("ada@example.com", adasPassword); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("sign-in while tries cannot be counted: status %d, want 503 with Retry-After", w.Code)
	}
	if _, err := s.byPassword("192.0.2.1", "ada@example.com", adasPassword); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("UserByPassword() while tries cannot be counted = %v, want ErrUnavailable", err)
	}
	broken.Store(false)
	v.mustBeSignedOut("the sign-in failed")
}
