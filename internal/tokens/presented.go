package tokens

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/oauth"
)

// Reader reads codes and tokens for grants.
type Reader struct {
	store oauth.Store
	joint oauth.PresentedStore // nil if the store does not implement it
	plain oauth.TokenReader
}

// NewReader returns a reader of the server's store. Access tokens are read as from
// [Stamped].
func NewReader(store oauth.Store, inherit bool) *Reader {
	joint, ok := store.(oauth.PresentedStore)
	if ok && !same(joint.Presenting(), store) {
		joint = nil
	}
	stamped := Stamped(store, inherit)
	return &Reader{stamped, joint, oauth.ReadOnly(stamped)}
}

// same reports whether two stores are the same value. Values that cannot be compared
// are not.
func same(a, b oauth.Store) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

// Present reads a client together with the code or refresh token that it presents.
// It returns the client with its secrets, and a reader for the grant that has the
// value. The client is nil if the caller must read it separately: the store cannot
// read both at once, or the value belongs to another client.
func (r *Reader) Present(ctx context.Context, clientID string, value oauth.Spend) (*oauth.Client, oauth.TokenReader, error) {
	if r.joint == nil {
		return nil, r.plain, nil
	}
	var client *oauth.Client
	var err error
	p := &presented{Store: r.store}
	switch value.Purpose {
	case oauth.SpendCode:
		var code *oauth.Code
		client, code, err = r.joint.ClientWithCode(ctx, clientID, oauth.Digest(value.ID))
		p.code.Store(code)
	case oauth.SpendRefreshToken:
		var token *oauth.RefreshToken
		client, token, err = r.joint.ClientWithRefreshToken(ctx, clientID, oauth.Digest(value.ID))
		p.refresh.Store(token)
	default:
		return nil, r.plain, nil
	}
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, r.plain, nil
	case err != nil:
		return nil, nil, fmt.Errorf("find the client with its %s: %w", value.Purpose, err)
	}
	return client, oauth.ReadOnly(p), nil
}

// presented is a store that has read one code or refresh token. It returns this
// record once. A grant that is called again, because another request used up the
// value, must read the new state.
type presented struct {
	oauth.Store
	code    atomic.Pointer[oauth.Code]
	refresh atomic.Pointer[oauth.RefreshToken]
}

// Unwrap gives grants access to the store's optional interfaces; see [oauth.StoreAs].
func (p *presented) Unwrap() oauth.Store { return p.Store }

// Code implements [oauth.TokenStore].
func (p *presented) Code(ctx context.Context, d oauth.Digest) (*oauth.Code, error) {
	if c := p.code.Swap(nil); c != nil && secret.Equal(string(c.Digest), string(d)) {
		return c, nil
	}
	return p.Store.Code(ctx, d)
}

// RefreshToken implements [oauth.TokenStore].
func (p *presented) RefreshToken(ctx context.Context, d oauth.Digest) (*oauth.RefreshToken, error) {
	if t := p.refresh.Swap(nil); t != nil && secret.Equal(string(t.Digest), string(d)) {
		return t, nil
	}
	return p.Store.RefreshToken(ctx, d)
}
