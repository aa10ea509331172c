package console_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// slowPurge is a store with much to delete: each batch takes four seconds.
type slowPurge struct {
	memstore.Store
	batches int
}

func (s *slowPurge) Purge(context.Context, oauth.PurgeBefore, int) (int, error) {
	if s.batches == 0 {
		return 0, nil
	}
	s.batches--
	time.Sleep(4 * time.Second)
	return 1000, nil
}

// A purge that takes long says every ten seconds how far it is.
func TestPurge_ShowsProgress(t *testing.T) {
	for _, test := range []struct{ batches, lines int }{{2, 0}, {3, 1}, {8, 2}} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			newServer := func(context.Context) (*passport.Server, error) {
				keys, err := passport.GenerateKeys()
				if err != nil {
					return nil, err
				}
				return passport.New(passport.Config{
					Issuer: "https://shop.example.com", Store: &slowPurge{batches: test.batches}, Keys: keys, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				})
			}
			got := run(t, console.Options{Server: newServer}, "purge")
			if got.status != 0 || !strings.HasPrefix(got.stdout, "Deleted ") {
				t.Fatalf("passport purge = %+v", got)
			}
			if n := strings.Count(log.String(), `msg="purging ended records" rows=`); n != test.lines {
				t.Errorf("a purge of %d s logged %d lines of progress, want %d:\n%s", 4*test.batches, n, test.lines, log.String())
			}
		})
	}
}
