package passport_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// probedStore is a store whose Check returns err.
type probedStore struct {
	oauth.Store
	err error
}

func (c *probedStore) Unwrap() oauth.Store         { return c.Store }
func (c *probedStore) Check(context.Context) error { return c.err }

// A node is ready exactly while its store responds.
func TestReady_OP_04_ChecksTheStore(t *testing.T) {
	away := errors.New("connection refused")
	checked := &probedStore{Store: new(memstore.Store)}
	watched := &testkit.WatchedStore{Store: new(memstore.Store)}
	for name, tt := range map[string]struct {
		store oauth.Store
		fail  func(error)
	}{
		"a store that checks itself": {checked, func(err error) { checked.err = err }},
		"one inside a wrapper":       {&testkit.WatchedStore{Store: checked}, func(err error) { checked.err = err }},
		"one that does not":          {closedStore{watched}, func(err error) { watched.Failing("Code", err) }},
	} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Store = tt.store })
		for _, want := range []error{nil, away, nil} {
			if tt.fail(want); !errors.Is(s.Ready(t.Context()), want) {
				t.Errorf("%s: Ready() = %v, want %v", name, s.Ready(t.Context()), want)
			}
		}
	}
}
