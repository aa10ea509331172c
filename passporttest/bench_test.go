package passporttest_test

import (
	"testing"
	"time"

	"github.com/go-passport/passport"
)

// A suite of thousands of tests makes thousands of tokens.
func TestToken_TakesLessThanAMillisecond(t *testing.T) {
	auth := newAPI(t, passport.Config{})
	user := auth.User("42")
	for name, issue := range map[string]func(){
		"a user's token":   func() { auth.Token(user, "orders") },
		"a client's token": func() { auth.ClientToken("stock") },
	} {
		// The quickest of many: the others tell what else the machine does.
		quickest := time.Hour
		for range 200 {
			start := time.Now()
			issue()
			quickest = min(quickest, time.Since(start))
		}
		if quickest >= time.Millisecond {
			t.Errorf("%s takes %v, want less than a millisecond", name, quickest)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	auth := newAPI(b, passport.Config{})
	user := auth.User("42")
	for b.Loop() {
		auth.Token(user, "orders")
	}
}

func BenchmarkClientToken(b *testing.B) {
	auth := newAPI(b, passport.Config{})
	for b.Loop() {
		auth.ClientToken("stock")
	}
}

func BenchmarkNewServer(b *testing.B) {
	for b.Loop() {
		newAPI(b, passport.Config{})
	}
}
