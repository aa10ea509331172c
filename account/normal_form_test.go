package account_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/account"
)

// The same text in the two forms that different systems enter.
const (
	composedPassword   = "caf\u00e9 \uac01 \u01f0 password"
	decomposedPassword = "cafe\u0301 \u1100\u1161\u11a8 j\u030c password"
)

func TestPassword_FR_29_EitherFormIsRight(t *testing.T) {
	forms := []string{composedPassword, decomposedPassword}
	for _, set := range forms {
		hash := account.NewHash(set)
		for _, typed := range forms {
			if ok, outdated, err := account.VerifyHash(hash, typed); !ok || outdated || err != nil {
				t.Errorf("set as %+q and typed as %+q: verify() = %v, %v, %v, want true, false, nil", set, typed, ok, outdated, err)
			}
		}
		if ok, _, _ := account.VerifyHash(hash, "cafe \uac01 \u01f0 password"); ok {
			t.Errorf("set as %+q: verify() of the password without the accent = true, want false", set)
		}
	}
	long := strings.Repeat("\u00e9", account.MaxPasswordBytes/2)
	if ok, _, _ := account.VerifyHash(account.NewHash(long), strings.Repeat("e\u0301", account.MaxPasswordBytes/2)); !ok {
		t.Error("verify() of the longest password in decomposed form = false, want true")
	}
}

// An old or imported hash is of the bytes that the user typed. The first sign-in
// replaces it with one that matches both forms.
func TestPassword_FR_29_HashesOfBytesAsTyped(t *testing.T) {
	old, err := bcrypt.GenerateFromPassword([]byte(decomposedPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if ok, outdated, err := account.VerifyHash(string(old), decomposedPassword); !ok || !outdated || err != nil {
		t.Errorf("verify() of a hash of the typed bytes = %v, %v, %v, want true, true, nil", ok, outdated, err)
	}
}

// A second form costs a second hash only if the two forms differ, and then for every
// account.
func TestSignIn_FR_29_FR_10_NoWorkTwice(t *testing.T) {
	hash := "$2y$10$" + strings.Repeat("a", 53)
	for _, stored := range []string{hash, ""} {
		once := account.WorkOf(stored, "wrong password", "$2y$10$")
		if got := account.WorkOf(stored, composedPassword, "$2y$10$"); got != once {
			t.Errorf("work for a composed password = %+v, want %+v as for plain letters", got, once)
		}
		twice := account.Work{Argon2: 2 * once.Argon2, Bcrypt: 2 * once.Bcrypt}
		if got := account.WorkOf(stored, decomposedPassword, "$2y$10$"); got != twice {
			t.Errorf("work for a decomposed password = %+v, want %+v, once for each form", got, twice)
		}
	}
}

func TestThrottle_FR_29_OneKeyForEachFormOfAnAddress(t *testing.T) {
	for _, pair := range [][2]string{
		{"ren\u00e9@example.com", "rene\u0301@example.com"}, {"REN\u00c9@example.com", "rene\u0301@example.com"},
		{"RENE\u0301@example.com", "ren\u00e9@example.com"}, {"\u0130pek@example.com", "I\u0307pek@example.com"},
		{"J\u030c@example.com", "\u01f0@example.com"}, {"\u212b@example.com", "\u00e5@example.com"},
	} {
		if a, b := account.EmailKey(pair[0]), account.EmailKey(pair[1]); a != b {
			t.Errorf("the keys of %+q and %+q are %+q and %+q, want one key", pair[0], pair[1], a, b)
		}
	}
}

// An account is found by its key, and tries are counted by the key of the typed text.
// Each text that finds an account must use the same counter.
func TestThrottle_FR_29_OneCounterForEachAccount(t *testing.T) {
	t.Parallel()
	check := func(typed string) {
		counter := account.EmailKey(typed)
		if again := account.EmailKey(counter); again != counter {
			t.Errorf("key of %+q = %+q, but the key of that key = %+q; want the same", typed, counter, again)
		}
		for _, key := range account.EmailKeys(typed) {
			if of := account.EmailKey(key); of != counter {
				t.Errorf("%+q finds the account with the key %+q and counter %+q, but its tries count under %+q; want one counter", typed, key, of, counter)
			}
		}
		if account.EmailKeys(typed)[0] != counter {
			t.Errorf("%+q does not find an account with its key %+q", typed, counter)
		}
	}
	marks := []string{"", "\u0301", "\u0307", "\u0308", "\u0323", "\u0345", "\u0307\u0307", "\u0307\u0323", "\u0307\u0301", "\u0342\u0345"}
	for r := range unicode.MaxRune {
		cased := unicode.ToLower(r) != r || unicode.ToUpper(r) != r
		if r < 0x400 || cased {
			check(string(r) + "@example.com")
		}
		for _, m := range marks {
			if cased { // only letters with a capital can change
				check(string(r) + m + "x@example.com")
			}
		}
	}
}
