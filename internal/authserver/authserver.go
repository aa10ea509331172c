// Package authserver is the authorization server, as an API in another process sees it:
// its metadata (RFC 8414), its keys (RFC 7517), and its introspection endpoint (RFC
// 7662).
//
// It starts no goroutine: everything is fetched in the goroutine of a request that needs
// it. Concurrent requests share a fetch, and the end of one request does not end it.
package authserver

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/internal/claims"
	"github.com/go-passport/passport/internal/recent"
)

// The limits of a fetch.
const (
	fetchTimeout     = 3 * time.Second // for metadata and keys together, and for an introspection
	maxMetadata      = 64 << 10
	maxKeys          = 256 << 10
	maxIntrospection = 64 << 10
)

// The times of fetched keys.
const (
	refreshAfter = 5 * time.Minute // as long as a server lets caches store its keys
	usableFor    = 24 * time.Hour
	retryAfter   = time.Minute // with usable keys
	firstRetry   = time.Second // without
)

// Config configures [New]. Issuer and Client are required.
type Config struct {
	Issuer  string
	Origins []string     // of endpoints, in addition to the issuer's
	Client  *http.Client // must not follow redirects
	Log     *slog.Logger

	// Authenticate adds the API's credentials to a request for introspection; nil if the
	// API has none. TTL is how long a response is used.
	Authenticate func(*http.Request)
	TTL          time.Duration
}

// Server is an authorization server. It is safe for concurrent use.
type Server struct {
	Config

	current atomic.Pointer[known]

	mu           sync.Mutex
	flight       chan struct{} // closed at the end of the current fetch; nil without one
	tried        time.Time     // start of the last fetch
	triedUnknown time.Time     // start of the last fetch because of an unknown key
	err          error         // of the last fetch

	asking  map[digest]*question // guarded by mu
	answers recent.Map[digest, answer]
}

// New returns a server. It fetches nothing before the first request.
func New(c Config) *Server {
	return &Server{Config: c, asking: map[digest]*question{}}
}

// Token is what the server says about an access token.
type Token struct {
	claims.Claims
	Scope    string `json:"scope"`
	AuthTime int64  `json:"auth_time"`
}

// known is what was fetched from the server.
type known struct {
	metadata
	keys keySet
	at   time.Time // before the fetch
}

// usable reports whether the keys may still be used. k may be nil.
func (k *known) usable(now time.Time) bool { return k != nil && now.Sub(k.at) < usableFor }

// known returns what was fetched. It fetches first if nothing is usable. It refreshes
// after a while, and if the caller met an unknown key: then it returns the old values if
// the last such fetch was less than a minute ago.
func (s *Server) known(ctx context.Context, unknownKey bool) (*known, error) {
	now := time.Now()
	k := s.current.Load()
	if k.usable(now) && !unknownKey && now.Sub(k.at) < refreshAfter {
		return k, nil
	}
	s.mu.Lock()
	k = s.current.Load()
	flight := s.flight
	switch {
	case flight != nil && k.usable(now) && !unknownKey: // another request refreshes them
		s.mu.Unlock()
		return k, nil
	case flight != nil:
		s.mu.Unlock()
		return s.await(ctx, flight)
	case !s.due(k, now, unknownKey):
		defer s.mu.Unlock()
		return s.outcome(now)
	}
	s.flight, s.tried = make(chan struct{}), now
	if unknownKey {
		s.triedUnknown = now
	}
	s.mu.Unlock()
	s.fetch(ctx, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outcome(now)
}

// due reports whether a fetch is allowed. An attacker can send any number of unknown
// keys, and a server that is away must not get a fetch for each request.
func (s *Server) due(k *known, now time.Time, unknownKey bool) bool {
	switch {
	case !k.usable(now):
		return now.Sub(s.tried) >= firstRetry
	case unknownKey:
		return now.Sub(s.triedUnknown) >= retryAfter
	}
	return now.Sub(s.tried) >= retryAfter
}

// await waits for the fetch of another request.
func (s *Server) await(ctx context.Context, flight chan struct{}) (*known, error) {
	select {
	case <-flight:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.outcome(time.Now())
	case <-ctx.Done():
		return nil, unavailable{"wait for the keys", context.Cause(ctx)}
	}
}

// outcome returns the usable values, or the error of the last fetch. The caller holds
// the lock.
func (s *Server) outcome(now time.Time) (*known, error) {
	if k := s.current.Load(); k.usable(now) {
		return k, nil
	}
	return nil, s.err
}

// fetch fetches the metadata and the keys, in the goroutine of one request, for every
// request that waits. The end of that request does not end the fetch.
func (s *Server) fetch(ctx context.Context, now time.Time) {
	var k *known
	var err error = errPanicked
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		old := s.current.Load()
		if s.err = err; err == nil {
			s.current.Store(k.after(old))
		} else if old.usable(now) {
			s.Log.WarnContext(ctx, "the keys of the authorization server could not be refreshed: older ones stay in use for at most a day",
				"issuer", s.Issuer, "fetched", old.at.UTC().Format(time.RFC3339), "err", err)
		}
		close(s.flight)
		s.flight = nil
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	k, err = s.discover(ctx, now)
}

// after keeps the verified signatures of the old value if the keys are the same.
func (k *known) after(old *known) *known {
	if old != nil && k.keys.equal(old.keys) {
		k.keys = old.keys
	}
	return k
}

func (s *Server) discover(ctx context.Context, now time.Time) (*known, error) {
	text, err := s.get(ctx, metadataURL(s.Issuer), maxMetadata)
	if err != nil {
		return nil, unavailable{"fetch the metadata of the authorization server", err}
	}
	k := &known{at: now}
	if k.metadata, err = parseMetadata(text, s.Issuer, s.Origins); err != nil {
		return nil, unavailable{"read the metadata of the authorization server", err}
	}
	if text, err = s.get(ctx, k.jwks, maxKeys); err != nil {
		return nil, unavailable{"fetch the keys of the authorization server", err}
	}
	if k.keys, err = parseKeys(text); err != nil {
		return nil, unavailable{"read the keys of the authorization server", err}
	}
	return k, nil
}
