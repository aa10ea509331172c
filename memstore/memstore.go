// Package memstore stores Passport's records in memory, for tests and trials.
//
//	store := new(memstore.Store)
//
// It implements all of [oauth.Store]. All records are lost when the process ends.
package memstore

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/oauth"
)

// Store implements [oauth.Store] and its optional powers. The zero Store is empty and
// ready to use. It is safe for concurrent use, and must not be copied.
//
// It stores records by value and joins client and family when it reads, like a
// database. A record that a caller holds never changes, and a caller's changes to
// it do not affect the store.
type Store struct {
	mu       sync.Mutex
	clients  table[string, oauth.Client]
	families table[string, oauth.Family]
	codes    table[oauth.Digest, codeRow]
	access   table[string, accessRow]
	refresh  table[oauth.Digest, refreshRow]
	consents table[consentKey, time.Time]
	once     table[onceKey, time.Time]
	pending  table[oauth.Digest, oauth.PendingRequest]
	metadata table[string, metadataRow]
	lastUsed table[string, oauth.Use] // by the ID of the family
	devices  table[oauth.Digest, oauth.DeviceCode]
	userCode table[oauth.Digest, oauth.Digest] // maps a user code to its device code
	sessions table[sessionKey, clientSession]
	notices  table[string, notice]
	logouts  table[string, oauth.LogoutStatus] // by the ID of the client
	cutOffs  map[oauth.UserRef][]cutOff
	opaque   table[oauth.Digest, string] // maps to the ID of the access token
	lastID   int64                       // of the numbered clients

	keyRing        string // as saved
	keyRingVersion int64
	imports        imports
	log            []oauth.AuditRecord
}

var (
	_ oauth.Store      = (*Store)(nil)
	_ oauth.AuditStore = (*Store)(nil)
	_ oauth.KeyStore   = (*Store)(nil)
	_ oauth.Checker    = (*Store)(nil)

	_ oauth.PendingRequestStore = (*Store)(nil)
	_ oauth.FamilyLimitStore    = (*Store)(nil)
	_ oauth.ConsentListStore    = (*Store)(nil)
	_ oauth.ClientMetadataStore = (*Store)(nil)
	_ oauth.LastUsedStore       = (*Store)(nil)
	_ oauth.ImportStore         = (*Store)(nil)
	_ oauth.DeviceStore         = (*Store)(nil)
	_ oauth.LogoutStore         = (*Store)(nil)
	_ oauth.GrantPowerStore     = (*Store)(nil)
	_ oauth.DeviceReader        = deviceReader{}
)

// Check implements [oauth.Checker]. A map has no settings to check.
func (s *Store) Check(context.Context) error { return nil }

// Rows refer to other records by ID and contain no copy of them.
type (
	codeRow struct {
		oauth.Code // without its Family
		family     string
	}
	accessRow struct {
		oauth.AccessToken // without Client and Family
		client, family    string
	}
	refreshRow struct {
		oauth.RefreshToken // without Family and Successor
		family             string
		successor          oauth.Digest
	}
	onceKey struct {
		purpose oauth.Purpose
		id      string
	}
)

// table is a map that is allocated at the first write.
type table[K comparable, V any] map[K]V

func (t *table[K, V]) put(k K, v V) {
	if *t == nil {
		*t = table[K, V]{}
	}
	(*t)[k] = v
}

func (t table[K, V]) has(k K) bool {
	_, there := t[k]
	return there
}

// change makes an atomic change, and stores its audit record if anything changed. f
// must check before it changes anything. The context may be that of an import.
func (s *Store) change(ctx context.Context, audit *oauth.AuditRecord, f func() (changed bool, err error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overtaken(ctx) {
		return oauth.ErrImportOvertaken
	}
	changed, err := f()
	if err == nil && changed {
		s.keep(audit)
	}
	return err
}

func (s *Store) keep(audit *oauth.AuditRecord) {
	if audit == nil {
		return
	}
	record := *audit
	record.Time = micros(record.Time)
	s.log = append(s.log, record)
}

// AuditLog implements [oauth.AuditStore].
func (s *Store) AuditLog(_ context.Context, since time.Time) iter.Seq2[*oauth.AuditRecord, error] {
	return list(func() (found []*oauth.AuditRecord) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, record := range s.log {
			if !record.Time.Before(micros(since)) {
				found = append(found, &record)
			}
		}
		slices.SortStableFunc(found, func(a, b *oauth.AuditRecord) int { return a.Time.Compare(b.Time) })
		return found
	})
}

// list yields the records that collect returns when the loop begins. The store is
// not locked during the loop, so the loop may call it.
func list[T any](collect func() []*T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for _, record := range collect() {
			if !yield(record, nil) {
				return
			}
		}
	}
}

func byClientID(a, b *oauth.Client) int     { return cmp.Compare(a.ID, b.ID) }
func byTokenID(a, b *oauth.AccessToken) int { return strings.Compare(a.ID, b.ID) }

// storable reports whether any store can store these IDs.
func storable(ids ...string) bool {
	for _, id := range ids {
		if len(id) > 255 || !utf8.ValidString(id) || strings.Contains(id, "\x00") {
			return false
		}
	}
	return true
}

// micros returns a time as every store returns it: in UTC, in microseconds.
func micros(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}
