// Package backchannel sends the logout tokens that tell clients that a user has signed
// out (OpenID Connect Back-Channel Logout §2.5). The store has an outbox of notices,
// written in the transaction that ends the sessions.
package backchannel

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/fetch"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/oauth"
)

const (
	// every is the time between two looks into the outbox. A node that ends a session
	// looks at once.
	every = 5 * time.Second

	// perClient is the number of concurrent tries for a client, so that a slow client does
	// not delay the others. concurrent is the number of all tries; it is enough for every
	// client that a lease can except.
	perClient  = 3
	concurrent = perClient * oauth.MaxLogoutExcept

	// tryTime is the maximum time for a try, and for storing its result. After leaseTime
	// another node tries.
	tryTime   = 10 * time.Second
	leaseTime = time.Minute
)

// Config holds the dependencies of a [Sender]. All fields but the last two are
// required.
type Config struct {
	Store    oauth.LogoutStore
	Client   func(ctx context.Context, id string) (*oauth.Client, error)
	IDTokens *idtoken.Service
	Allowed  []string // hosts that may be in private networks
	Audit    audit.Log
	Log      *slog.Logger

	Fetch      Fetcher // by default the client of package fetch, with the allowed hosts
	FetchOwned Fetcher // for clients that users own; by default without allowed hosts
}

// Fetcher sends forms.
type Fetcher interface {
	PostForm(ctx context.Context, target string, form url.Values) (*fetch.Response, error)
}

// Sender sends logout tokens. A nil Sender is of a server that isn't an OpenID provider;
// it does nothing. A Sender is safe for concurrent use.
type Sender struct {
	Config

	woken   chan struct{}
	running atomic.Int64 // calls of Run
	notRun  notRun

	mu   sync.Mutex
	busy map[string]int // the number of tries for each client
	all  int            // the number of all tries
}

// New returns a Sender, or nil for a server that isn't an OpenID provider.
func New(c Config) (*Sender, error) {
	if c.IDTokens == nil {
		return nil, nil //nolint:nilnil // a nil Sender works
	}
	if c.Fetch == nil {
		hosts, err := fetch.ParseHosts(c.Allowed)
		if err != nil {
			return nil, err
		}
		c.Fetch = fetch.New(fetch.Config{Allowed: hosts, Concurrent: concurrent})
	}
	if c.FetchOwned == nil {
		c.FetchOwned = fetch.New(fetch.Config{Concurrent: concurrent})
	}
	return &Sender{Config: c, woken: make(chan struct{}, 1), busy: map[string]int{}}, nil
}

// Run sends logout tokens until ctx ends, and then waits for the tries that have begun.
// Several nodes may run it at once.
func (s *Sender) Run(ctx context.Context) {
	if s == nil {
		return
	}
	s.running.Add(1)
	defer s.running.Add(-1)
	tick := time.NewTicker(every)
	defer tick.Stop()
	var tries sync.WaitGroup
	defer tries.Wait()
	for {
		s.sendDue(ctx, &tries)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.woken:
		}
	}
}

// wake makes Run look into the outbox at once.
func (s *Sender) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// sendDue begins a try for each notice that is due, while there are free turns.
func (s *Sender) sendDue(ctx context.Context, tries *sync.WaitGroup) {
	for ctx.Err() == nil {
		free, busy := s.turns()
		if free == 0 {
			return
		}
		at := clock.Now()
		notices, err := s.Store.LeaseLogouts(ctx, &oauth.LogoutLease{
			ID: rand.Text(), Time: at, Until: at.Add(leaseTime), Limit: free, PerClient: perClient, Except: busy,
		})
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "the outbox of logout tokens could not be read; the next attempt is in 5 seconds", "err", err)
		}
		if len(notices) == 0 {
			return
		}
		for _, n := range notices {
			s.begin(n.ClientID)
		}
		for _, n := range notices {
			tries.Go(func() {
				defer s.end(n.ClientID)
				s.try(context.WithoutCancel(ctx), n)
			})
		}
	}
}

// turns returns the number of free turns, and the clients that must not have another one.
func (s *Sender) turns() (free int, busy []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.busy {
		busy = append(busy, id)
	}
	if len(busy) >= oauth.MaxLogoutExcept {
		return 0, nil
	}
	return concurrent - s.all, busy
}

func (s *Sender) begin(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy[clientID]++
	s.all++
}

// end wakes Run if the client has no more tries: it may have more notices.
func (s *Sender) end(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.busy[clientID]--; s.busy[clientID] == 0 {
		delete(s.busy, clientID)
		s.wake()
	}
}
