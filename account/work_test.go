package account_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
)

// The test counts the work of a sign-in, so it does not depend on the machine.
func TestSignIn_FR_10_WorkIsEqualForEveryAccount(t *testing.T) {
	const (
		argonTail = "$c29tZXNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA"
		ours      = "m=19456,t=2,p=1"
	)
	bcryptTail := strings.Repeat("a", 53)
	hashOf := func(cost string) string {
		if cost == "$argon2" { // the table shows no more of argon2i
			return "$argon2i$v=19$m=1024,t=2,p=2" + argonTail
		}
		if strings.HasPrefix(cost, "$") {
			return cost + bcryptTail
		}
		return "$argon2id$v=19$" + cost + argonTail
	}
	for name, costs := range map[string][]string{
		"our hashes only":              {ours},
		"bcrypt":                       {ours, "$2y$12$"},
		"bcrypt of several costs":      {ours, "$2y$12$", "$2a$04$", "$2b$10$"},
		"only bcrypt":                  {"$2y$10$", "$2y$11$"},
		"cheaper argon2id":             {ours, "m=64,t=1,p=1", "m=9216,t=4,p=1"},
		"more expensive argon2id":      {ours, "m=65536,t=3,p=4", "m=47104,t=1,p=1"},
		"argon2i":                      {ours, "$argon2", "$2y$10$"},
		"both kinds, and unknown ones": {ours, "$2y$12$", "m=65536,t=4,p=2", "m=12288,t=3,p=1", "plain", "$2x$14$", "m=9999999,t=1,p=1", "$2y$31$"},
	} {
		t.Run(name, func(t *testing.T) {
			want := account.WorkOf("", "wrong", costs...)
			for _, cost := range append(costs, "damaged") {
				for _, password := range []string{"wrong", strings.Repeat("x", 80), strings.Repeat("x", account.MaxPasswordBytes+1)} {
					got := account.WorkOf(hashOf(cost), password, costs...)
					if got.Bcrypt != want.Bcrypt || !near(got.Argon2, want.Argon2) {
						t.Errorf("work for a wrong password of %d bytes and a hash with %q = %+v, for an unknown user %+v; want the same", len(password), cost, got, want)
					}
				}
			}
			for _, cost := range costs {
				if alone := account.WorkOf(hashOf(cost), "wrong"); alone.Bcrypt > want.Bcrypt || alone.Argon2 > want.Argon2 {
					t.Errorf("work for an unknown user = %+v, less than for the hash with %q: %+v", want, cost, alone)
				}
			}
		})
	}
}

// A disabled account refuses its right password like a wrong one, so both must take the
// same work, in every form.
func TestSignIn_FR_10_FR_29_WorkIsEqualForARightPassword(t *testing.T) {
	const argon2 = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzYWx0$AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
	bcrypt := "$2y$10$" + strings.Repeat("a", 53)
	for _, stored := range []string{argon2, bcrypt} {
		for name, tt := range map[string]struct{ right, typed, wrong string }{
			"plain letters":                   {"right password", "right password", "wrong password"},
			"composed":                        {composedPassword, composedPassword, composedPassword + "x"},
			"typed decomposed, hash composed": {composedPassword, decomposedPassword, decomposedPassword + "x"},
			"typed decomposed, hash of that":  {decomposedPassword, decomposedPassword, decomposedPassword + "x"},
		} {
			right, ok := account.WorkOfMatch(stored, tt.right, tt.typed, "$2y$10$", "m=65536,t=3,p=4")
			if !ok {
				t.Fatalf("%s: verify() of the right password for %.20s = false, want true", name, stored)
			}
			wrong, ok := account.WorkOfMatch(stored, tt.right, tt.wrong, "$2y$10$", "m=65536,t=3,p=4")
			if ok || right != wrong {
				t.Errorf("%s: work for the right password for %.20s = %+v, for a wrong one %+v; want the same", name, stored, right, wrong)
			}
		}
	}
}

// near allows for the granularity of argon2id's memory parameter.
func near(a, b uint64) bool { return max(a, b)-min(a, b) <= max(a, b)/100 }
