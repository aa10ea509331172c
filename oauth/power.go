package oauth

import (
	"context"
	"iter"
	"reflect"
	"time"
)

// KeyStore is a [Store] that can keep the server's keys. The keys are sealed,
// and the store cannot open them.
type KeyStore interface {
	// KeyRing returns the last saved keys and their version, or [ErrNotFound].
	KeyRing(ctx context.Context) (sealed string, version int64, err error)

	// SaveKeyRing replaces the keys of the given version, 0 if there are none,
	// and increments the version. If the stored version differs, it returns
	// [ErrConflict].
	SaveKeyRing(ctx context.Context, sealed string, version int64) error
}

// Checker is a [Store] that can check whether its database is set up safely and has
// all tables and columns. Check reports all faults, each with its remedy. It changes
// nothing, and is cheap enough to be called every second.
type Checker interface {
	Check(ctx context.Context) error
}

// FamilyLimitStore is a [Store] that finds users with more live families at a client
// than a limit, so that passport.Server.Run can end the oldest.
type FamilyLimitStore interface {
	// AboveFamilyLimit yields the users and clients with more than keep live families
	// at the time at, as [FamilyStore.LimitFamilies] counts them. At least one live
	// family of the user at the client began after since. It yields no user twice for a client, and no
	// revoked client. Each value can be passed to LimitFamilies, also inside the loop.
	//
	// It reads, in pages, the IDs of all clients and the families that began after
	// since, and for each user and client of these the other families too.
	AboveFamilyLimit(ctx context.Context, keep int, since, at time.Time) iter.Seq2[*FamilyLimit, error]
}

// GrantPowerStore is a [Store] with optional powers for grants, such as the reading
// of device codes. A grant finds them with [StoreAs].
type GrantPowerStore interface {
	// GrantPowers returns the powers, each as a value of a separate type. The type
	// has the methods of the power and no others: a grant can reach each method by
	// a type assertion. StoreAs leaves out a value that is a part of Store, such as
	// a struct that embeds the whole store.
	GrantPowers() []any
}

// ReadOnly returns the view of a store that the server gives to grants. Its methods
// are those of [TokenReader]: neither a type assertion nor [StoreAs] reaches the
// store, a wrapper or a method that writes.
func ReadOnly(store Store) TokenReader { return reader{store} }

// reader does not embed the store, whose methods would then be its own.
type reader struct{ store Store }

func (r reader) Client(ctx context.Context, id string) (*Client, error) {
	return r.store.Client(ctx, id)
}

func (r reader) Code(ctx context.Context, d Digest) (*Code, error) { return r.store.Code(ctx, d) }

func (r reader) AccessToken(ctx context.Context, id string) (*AccessToken, error) {
	return r.store.AccessToken(ctx, id)
}

func (r reader) OpaqueToken(ctx context.Context, d Digest) (*AccessToken, error) {
	return r.store.OpaqueToken(ctx, d)
}

func (r reader) RefreshToken(ctx context.Context, d Digest) (*RefreshToken, error) {
	return r.store.RefreshToken(ctx, d)
}

// StoreAs looks for the power T in store and in the stores that it wraps, in this
// order. A store has a power if it implements T, or if T is among its
// [GrantPowerStore] powers. The optional powers of a [Store] are [Checker],
// [AuditStore], [KeyStore], [PendingRequestStore], [FamilyLimitStore],
// [ConsentListStore], [ClientMetadataStore], [LastUsedStore], [DeviceStore],
// [ImportStore], [LogoutStore], [PresentedStore] and [GrantPowerStore]. passport.New logs
// a warning for each power that a store lacks.
//
// For the [TokenReader] of a grant it returns only [GrantPowerStore] powers. No
// other value would be safe: a store with the power T also has the methods that
// write, and a type assertion finds them.
func StoreAs[T any](store any) (power T, ok bool) {
	r, narrow := store.(reader)
	if narrow {
		if power, ok = store.(T); ok {
			return power, true
		}
		store = r.store
	}
	for range maxWrappers {
		if isNil(store) {
			break
		}
		if power, ok = store.(T); ok && !narrow {
			return power, true
		}
		if power, ok = grantPower[T](store); ok {
			return power, true
		}
		w, wraps := store.(interface{ Unwrap() Store })
		if !wraps {
			break
		}
		store = w.Unwrap()
	}
	var none T
	return none, false
}

// maxWrappers bounds the search for a wrapper whose Unwrap returns the wrapper.
const maxWrappers = 100

// isNil reports whether a store is nil, or an interface with a nil pointer in it.
func isNil(store any) bool {
	v := reflect.ValueOf(store)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func grantPower[T any](store any) (power T, ok bool) {
	s, has := store.(GrantPowerStore)
	if !has {
		return power, false
	}
	for _, value := range s.GrantPowers() {
		if power, ok = value.(T); ok && !isPartOfStore(value) {
			return power, true
		}
	}
	var none T
	return none, false
}

func isPartOfStore(value any) bool {
	switch value.(type) {
	case ClientStore, FamilyStore, TokenStore, ConsentStore, Purger, KeyStore, interface{ Unwrap() Store }:
		return true
	}
	return false
}
