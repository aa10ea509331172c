package testkit

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// WatchedStore wraps a Store and counts the calls of each method. Before each call it
// calls Pause, then fail. If fail returns an error, the method returns that error
// without a call of the inner store.
type WatchedStore struct {
	oauth.Store
	fail  func(verb string) error
	Pause func(verb string)

	mu    sync.Mutex
	calls map[string]int
}

// Unwrap returns the inner store, so that [oauth.StoreAs] finds its optional
// interfaces.
func (w *WatchedStore) Unwrap() oauth.Store { return w.Store }

func (w *WatchedStore) before(verb string) error {
	w.mu.Lock()
	if w.calls == nil {
		w.calls = map[string]int{}
	}
	w.calls[verb]++
	fail, pause := w.fail, w.Pause
	w.mu.Unlock()
	if pause != nil {
		pause(verb)
	}
	if fail != nil {
		return fail(verb)
	}
	return nil
}

// Failing makes a method fail from now on. With an empty verb, no method fails.
func (w *WatchedStore) Failing(verb string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = func(called string) error {
		if called == verb {
			return err
		}
		return nil
	}
}

// Count returns how often a method was called.
func (w *WatchedStore) Count(verb string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[verb]
}

// Client implements [oauth.Store].
func (w *WatchedStore) Client(ctx context.Context, id string) (*oauth.Client, error) {
	if err := w.before("Client"); err != nil {
		return nil, err
	}
	return w.Store.Client(ctx, id)
}

// IssueCode implements [oauth.Store].
func (w *WatchedStore) IssueCode(ctx context.Context, b *oauth.CodeIssuance) error {
	if err := w.before("Begin"); err != nil {
		return err
	}
	return w.Store.IssueCode(ctx, b)
}

// RevokeFamily implements [oauth.Store].
func (w *WatchedStore) RevokeFamily(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("RevokeFamily"); err != nil {
		return err
	}
	return w.Store.RevokeFamily(ctx, id, at, audit)
}

// RevokeFamilies implements [oauth.Store].
func (w *WatchedStore) RevokeFamilies(ctx context.Context, which oauth.FamilyFilter, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("RevokeFamilies"); err != nil {
		return err
	}
	return w.Store.RevokeFamilies(ctx, which, at, audit)
}

// Code implements [oauth.Store].
func (w *WatchedStore) Code(ctx context.Context, d oauth.Digest) (*oauth.Code, error) {
	if err := w.before("Code"); err != nil {
		return nil, err
	}
	return w.Store.Code(ctx, d)
}

// AccessToken implements [oauth.Store].
func (w *WatchedStore) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	if err := w.before("AccessToken"); err != nil {
		return nil, err
	}
	return w.Store.AccessToken(ctx, id)
}

// OpaqueToken implements [oauth.Store].
func (w *WatchedStore) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	if err := w.before("OpaqueToken"); err != nil {
		return nil, err
	}
	return w.Store.OpaqueToken(ctx, d)
}

// RefreshToken implements [oauth.Store].
func (w *WatchedStore) RefreshToken(ctx context.Context, d oauth.Digest) (*oauth.RefreshToken, error) {
	if err := w.before("RefreshToken"); err != nil {
		return nil, err
	}
	return w.Store.RefreshToken(ctx, d)
}

// Issue implements [oauth.Store].
func (w *WatchedStore) Issue(ctx context.Context, i *oauth.Issuance) error {
	if err := w.before("Issue"); err != nil {
		return err
	}
	return w.Store.Issue(ctx, i)
}

// UseOnce implements [oauth.Store].
func (w *WatchedStore) UseOnce(ctx context.Context, purpose oauth.Purpose, id string, until time.Time) error {
	if err := w.before("UseOnce"); err != nil {
		return err
	}
	return w.Store.UseOnce(ctx, purpose, id, until)
}

// Consented implements [oauth.Store].
func (w *WatchedStore) Consented(ctx context.Context, user oauth.UserRef, c *oauth.Client) (granted, declined []string, err error) {
	if err := w.before("Consented"); err != nil {
		return nil, nil, err
	}
	return w.Store.Consented(ctx, user, c)
}

// EndSession implements [oauth.Store].
func (w *WatchedStore) EndSession(ctx context.Context, user oauth.UserRef, session oauth.Digest, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("EndSession"); err != nil {
		return err
	}
	return w.Store.EndSession(ctx, user, session, at, audit)
}

// RevokeToken implements [oauth.Store].
func (w *WatchedStore) RevokeToken(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("RevokeToken"); err != nil {
		return err
	}
	return w.Store.RevokeToken(ctx, id, at, audit)
}

// RevokeTokensOfClient implements [oauth.Store].
func (w *WatchedStore) RevokeTokensOfClient(ctx context.Context, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("RevokeTokensOfClient"); err != nil {
		return err
	}
	return w.Store.RevokeTokensOfClient(ctx, clientID, at, audit)
}

// TokensOfClient implements [oauth.Store].
func (w *WatchedStore) TokensOfClient(ctx context.Context, clientID string) iter.Seq2[*oauth.AccessToken, error] {
	if err := w.before("TokensOfClient"); err != nil {
		return func(yield func(*oauth.AccessToken, error) bool) { yield(nil, err) }
	}
	return w.Store.TokensOfClient(ctx, clientID)
}

// Disconnect implements [oauth.Store].
func (w *WatchedStore) Disconnect(ctx context.Context, d *oauth.Disconnection) (revoked, withdrawn bool, err error) {
	if err := w.before("Disconnect"); err != nil {
		return false, false, err
	}
	return w.Store.Disconnect(ctx, d)
}

// TokensOf implements [oauth.Store].
func (w *WatchedStore) TokensOf(ctx context.Context, user oauth.UserRef) iter.Seq2[*oauth.AccessToken, error] {
	if err := w.before("TokensOf"); err != nil {
		return func(yield func(*oauth.AccessToken, error) bool) { yield(nil, err) }
	}
	return w.Store.TokensOf(ctx, user)
}

// Connections implements [oauth.Store].
func (w *WatchedStore) Connections(ctx context.Context, user oauth.UserRef, at time.Time) ([]*oauth.AccessToken, error) {
	if err := w.before("Connections"); err != nil {
		return nil, err
	}
	return w.Store.Connections(ctx, user, at)
}

// PersonalTokens implements [oauth.Store].
func (w *WatchedStore) PersonalTokens(ctx context.Context, user oauth.UserRef) ([]*oauth.AccessToken, error) {
	if err := w.before("PersonalTokens"); err != nil {
		return nil, err
	}
	return w.Store.PersonalTokens(ctx, user)
}

// Withdraw implements [oauth.Store].
func (w *WatchedStore) Withdraw(ctx context.Context, user oauth.UserRef, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("Withdraw"); err != nil {
		return err
	}
	return w.Store.Withdraw(ctx, user, clientID, at, audit)
}

// ErrOutOfReach is the error of a database that is unreachable.
var ErrOutOfReach = fmt.Errorf("dial tcp 10.0.0.1:5432: %w", oauth.ErrUnavailable)

// untouchable is a store whose methods all panic.
type untouchable struct{ oauth.Store }

// WithoutStore returns the server with a store whose methods all panic.
func WithoutStore(t *testing.T, s *Server) *Server {
	t.Helper()
	return s.In(t).Restart(func(c *passport.Config) { c.Store = untouchable{} })
}

// Watched returns a server whose store can be made to fail.
func Watched(t *testing.T, change ...func(*passport.Config)) (*Server, *WatchedStore) {
	t.Helper()
	store := &WatchedStore{Store: new(memstore.Store)}
	s := NewServer(t, slices.Concat([]func(*passport.Config){func(c *passport.Config) { c.Store = store }}, change)...)
	return s, store
}

// Total returns how many methods were called since the last call of Total.
func (w *WatchedStore) Total() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, calls := range w.calls {
		n += calls
	}
	clear(w.calls)
	return n
}
