// Package lastused notes when tokens are used, and writes this to the store in batches.
package lastused

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/useragent"
	"github.com/go-passport/passport/oauth"
)

const (
	// every is the time between two notes of a family.
	every = time.Minute

	// maxFamilies bounds the number of families in memory, and so the number of tokens
	// that are noted in a minute. They take about 5 MB.
	maxFamilies = 16_384

	// keepFor is how long a use waits for the store. It is less than the time between
	// the end of a family and its purge, so that no use is written for a purged family.
	keepFor = 30 * time.Minute

	// batch is how many uses one call of the store writes.
	batch = 500

	// shards is the number of locks. A lock is held for less than a microsecond.
	shards = 64
)

// Uses notes when the tokens of families are used. A nil *Uses notes nothing. Create one
// with [New]. It is safe for concurrent use, and starts no goroutine.
type Uses struct {
	store    oauth.LastUsedStore
	timeOnly bool
	log      *slog.Logger

	begun   atomic.Int64 // calls of Begin without End
	dropped atomic.Int64 // uses since the last Flush
	seed    maphash.Seed
	shards  [shards]shard
}

type shard struct {
	mu       sync.Mutex
	families map[string]use // by ID
	_        [48]byte       // one shard for each cache line
}

// use is the last noted use of a family.
type use struct {
	at             time.Time
	address, agent string
	written        bool
}

// New returns a Uses that writes to the store. timeOnly says that addresses and programs
// are not noted. New returns nil without a store.
func New(store oauth.LastUsedStore, timeOnly bool, log *slog.Logger) *Uses {
	if store == nil {
		return nil
	}
	return &Uses{store: store, timeOnly: timeOnly, log: log, seed: maphash.MakeSeed()}
}

// Begin says that Flush will be called from now on. Without it, Note does nothing: no
// call would ever write the uses. Call End for each call.
func (u *Uses) Begin() {
	if u != nil {
		u.begun.Add(1)
	}
}

// End ends what Begin began.
func (u *Uses) End() {
	if u != nil {
		u.begun.Add(-1)
	}
}

// Note notes that a token of a family was used, at most once a minute. r is the request
// with the token, with its address from package reqinfo. It is nil if only an API knows
// that request. Note does nothing for a nil family, or one that is not stored.
func (u *Uses) Note(f *oauth.Family, r *http.Request) {
	if u == nil || f == nil || f.ID == "" || u.begun.Load() == 0 {
		return
	}
	now := time.Now()
	s := u.shard(f.ID)
	s.mu.Lock()
	last, known := s.families[f.ID]
	full := !known && len(s.families) >= maxFamilies/shards
	s.mu.Unlock()
	switch {
	case known && now.Sub(last.at) < every:
		return
	case full:
		u.dropped.Add(1)
		return
	}
	noted := use{at: now}
	if r != nil && !u.timeOnly {
		noted.address, noted.agent = address(r), useragent.Program(r.UserAgent(), oauth.MaxAgent)
	}
	s.note(f.ID, noted)
}

func (u *Uses) shard(id string) *shard { return &u.shards[maphash.String(u.seed, id)%shards] }

func (s *shard) note(id string, noted use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.families == nil {
		s.families = map[string]use{}
	}
	if !s.families[id].at.After(noted.at) {
		s.families[strings.Clone(id)] = noted // the ID may be a part of a whole row
	}
}

// address returns the IP address of the client that sent r. It is empty if there is none,
// such as for a Unix socket.
func address(r *http.Request) string {
	ip, err := netip.ParseAddr(reqinfo.From(r.Context()).Address)
	if err != nil {
		return ""
	}
	return ip.WithZone("").String()
}

// Flush writes the uses that were noted. After an error the next call writes the rest
// again: a use is kept for half an hour.
func (u *Uses) Flush(ctx context.Context) error {
	if u == nil {
		return nil
	}
	if n := u.dropped.Swap(0); n > 0 {
		u.log.WarnContext(ctx, "some uses of tokens were not noted: too many tokens were used in one minute", "uses", n, "limit", maxFamilies)
	}
	for some := range slices.Chunk(u.waiting(time.Now()), batch) {
		if err := u.store.SaveUses(ctx, some); err != nil {
			return fmt.Errorf("save when tokens were last used: %w", err)
		}
		for _, saved := range some {
			u.shard(saved.FamilyID).written(saved)
		}
	}
	return nil
}

// waiting returns the uses that are not written. It forgets those that no longer matter:
// they are written and older than a minute, or too old to be written.
func (u *Uses) waiting(now time.Time) (waiting []oauth.Use) {
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		for id, noted := range s.families {
			age := now.Sub(noted.at)
			switch {
			case noted.written && age >= every || age >= keepFor:
				delete(s.families, id)
			case !noted.written:
				waiting = append(waiting, oauth.Use{FamilyID: id, At: noted.at, Address: noted.address, Agent: noted.agent})
			}
		}
		s.mu.Unlock()
	}
	return waiting
}

// written records that a use was written, unless there is a later one.
func (s *shard) written(saved oauth.Use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if noted, ok := s.families[saved.FamilyID]; ok && noted.at.Equal(saved.At) {
		s.families[saved.FamilyID] = use{at: noted.at, written: true}
	}
}
