package dbtest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
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

// byPassword is what a password grant asks, from an address.
func (s *site) byPassword(address, name, password string) (*oauth.User, error) {
	ctx := reqinfo.With(s.t.Context(), reqinfo.Info{ID: "r1", Address: address})
	return s.UserByPassword(ctx, name, password)
}

// TestNeverRepeat_F2_PasswordGrantSharesTheCount: an endpoint that does not
// count is a way around the count (authelia CVE-2025-24806).
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
			t.Errorf("the page after too many tries at both: status %d, want 429", w.Code)
		}
	})
}

// The window ends when it says, however often somebody tried meanwhile.
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

// A success forgets what the pair failed before, and counts for nothing itself.
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

// One address that goes through many accounts is stopped, also if it has a whole
// network of IPv6 addresses.
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

// Many addresses that try one account are stopped, and its owner comes in
// nevertheless from where they signed in before.
func TestAccount_StrangersDoNotLockTheOwnerOut(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	ada, owner := s.ada(), s.visitor("192.0.2.1")
	owner.signIn("ada@example.com", adasPassword)
	for i := range account.TriesPerAccount {
		if w := s.visitor(fmt.Sprintf("198.51.100.%d", i)).signIn("ada@example.com", "wrong"); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("stranger %d: status %d, want 422", i, w.Code)
		}
	}
	if w := s.visitor("203.0.113.1").signIn("ada@example.com", adasPassword); w.Code != http.StatusTooManyRequests {
		t.Errorf("one stranger more: status %d, want 429", w.Code)
	}
	again := s.visitor("192.0.2.1")
	again.signIn("ada@example.com", adasPassword)
	again.mustBe(ada)
	if w := s.visitor("203.0.113.1").signIn("ada@example.com", adasPassword); w.Code != http.StatusTooManyRequests {
		t.Errorf("a stranger after the owner signed in: status %d, want 429", w.Code)
	}
}

// The address is the one that a trusted proxy reports; nobody else is believed.
func TestAccount_OP_01_ThrottleBehindAProxy(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	s.ada()
	statusOf := func(forwarded, password string) int {
		v := s.visitor("192.0.2.1")
		r := v.form("/sign-in", "email=ada%40example.com&password="+password)
		r.Header.Set("X-Forwarded-For", forwarded)
		return v.send(r).Code
	}
	for i := range account.TriesPerPair {
		if got := statusOf(fmt.Sprintf("203.0.113.%d", i), "wrong"); got != http.StatusUnprocessableEntity {
			t.Fatalf("try %d: status %d, want 422", i, got)
		}
	}
	if got := statusOf("203.0.113.99", "wrong"); got != http.StatusTooManyRequests {
		t.Errorf("another X-Forwarded-For from the same address: status %d, want 429", got)
	}
}

// While a password is checked its try counts: guesses that are in the air
// together cannot all be the last one. Nor do people who come together, with
// their own right passwords and from one address, stop one another.
func TestNeverRepeat_F2_F3_ManyFromOneAddress(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		db.SetMaxOpenConns(16)
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		for i := range account.TriesPerAddress + 10 {
			if _, err := s.Create(t.Context(), account.NewUser{Email: fmt.Sprintf("user%d@example.com", i), PasswordHash: hashOf(t, fmt.Sprint("password of ", i))}); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i := range account.TriesPerAddress + 10 {
			wg.Go(func() {
				u, err := s.byPassword("192.0.2.1", fmt.Sprintf("user%d@example.com", i), fmt.Sprint("password of ", i))
				if err != nil || u.Data.(*account.User).Email != fmt.Sprintf("user%d@example.com", i) {
					t.Errorf("user %d of many at once from one address: %v, %v", i, u, err)
				}
			})
		}
		wg.Wait()
	})
}

// A count that cannot be stored lets nobody in: what guards the door fails shut.
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
		t.Errorf("signing in while tries cannot be counted: status %d, want 503 with Retry-After", w.Code)
	}
	if _, err := s.byPassword("192.0.2.1", "ada@example.com", adasPassword); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("UserByPassword() while tries cannot be counted = %v, want ErrUnavailable", err)
	}
	broken.Store(false)
	v.mustBeNobody("the sign-in failed")
}
