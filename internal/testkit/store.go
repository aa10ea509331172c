package testkit

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/go-passport/passport/oauth"
)

// WatchedStore is a Store around another. Before each verb it asks fail, whose
// error it returns in place of the verb's answer; it counts the calls. A pause
// holds a verb up before it reaches the inner store.
type WatchedStore struct {
	oauth.Store
	fail  func(verb string) error
	Pause func(verb string)

	mu    sync.Mutex
	calls map[string]int
}

// Unwrap makes the powers of the inner store found.
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

// Failing makes one verb fail from now on, no verb when it is empty.
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

// Count returns how often a verb was called.
func (w *WatchedStore) Count(verb string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[verb]
}

func (w *WatchedStore) Client(ctx context.Context, id string) (*oauth.Client, error) {
	if err := w.before("Client"); err != nil {
		return nil, err
	}
	return w.Store.Client(ctx, id)
}

func (w *WatchedStore) IssueCode(ctx context.Context, b *oauth.CodeIssuance) error {
	if err := w.before("Begin"); err != nil {
		return err
	}
	return w.Store.IssueCode(ctx, b)
}

func (w *WatchedStore) RevokeFamily(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("RevokeFamily"); err != nil {
		return err
	}
	return w.Store.RevokeFamily(ctx, id, at, audit)
}

func (w *WatchedStore) RevokeFamilies(ctx context.Context, which oauth.FamilyFilter, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("RevokeFamilies"); err != nil {
		return err
	}
	return w.Store.RevokeFamilies(ctx, which, at, audit)
}

func (w *WatchedStore) Code(ctx context.Context, d oauth.Digest) (*oauth.Code, error) {
	if err := w.before("Code"); err != nil {
		return nil, err
	}
	return w.Store.Code(ctx, d)
}

func (w *WatchedStore) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	if err := w.before("AccessToken"); err != nil {
		return nil, err
	}
	return w.Store.AccessToken(ctx, id)
}

func (w *WatchedStore) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	if err := w.before("OpaqueToken"); err != nil {
		return nil, err
	}
	return w.Store.OpaqueToken(ctx, d)
}

func (w *WatchedStore) RefreshToken(ctx context.Context, d oauth.Digest) (*oauth.RefreshToken, error) {
	if err := w.before("RefreshToken"); err != nil {
		return nil, err
	}
	return w.Store.RefreshToken(ctx, d)
}

func (w *WatchedStore) Issue(ctx context.Context, i *oauth.Issuance) error {
	if err := w.before("Issue"); err != nil {
		return err
	}
	return w.Store.Issue(ctx, i)
}

func (w *WatchedStore) UseOnce(ctx context.Context, purpose oauth.Purpose, id string, until time.Time) error {
	if err := w.before("UseOnce"); err != nil {
		return err
	}
	return w.Store.UseOnce(ctx, purpose, id, until)
}

func (w *WatchedStore) Consented(ctx context.Context, user oauth.UserRef, c *oauth.Client) ([]string, error) {
	if err := w.before("Consented"); err != nil {
		return nil, err
	}
	return w.Store.Consented(ctx, user, c)
}

func (w *WatchedStore) EndSession(ctx context.Context, user oauth.UserRef, session oauth.Digest, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("EndSession"); err != nil {
		return err
	}
	return w.Store.EndSession(ctx, user, session, at, audit)
}

func (w *WatchedStore) RevokeToken(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("RevokeToken"); err != nil {
		return err
	}
	return w.Store.RevokeToken(ctx, id, at, audit)
}

func (w *WatchedStore) Disconnect(ctx context.Context, d *oauth.Disconnection) (revoked, withdrawn bool, err error) {
	if err := w.before("Disconnect"); err != nil {
		return false, false, err
	}
	return w.Store.Disconnect(ctx, d)
}

func (w *WatchedStore) TokensOf(ctx context.Context, user oauth.UserRef) iter.Seq2[*oauth.AccessToken, error] {
	if err := w.before("TokensOf"); err != nil {
		return func(yield func(*oauth.AccessToken, error) bool) { yield(nil, err) }
	}
	return w.Store.TokensOf(ctx, user)
}

func (w *WatchedStore) Withdraw(ctx context.Context, user oauth.UserRef, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	if err := w.before("Withdraw"); err != nil {
		return err
	}
	return w.Store.Withdraw(ctx, user, clientID, at, audit)
}
