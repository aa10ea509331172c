package passport_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// closedStore wraps a store and hides its optional powers.
type closedStore struct{ oauth.Store }

// oddStore has an Unwrap that doesn't return an oauth.Store.
type oddStore struct{ oauth.Store }

func (s oddStore) Unwrap() *memstore.Store { return nil }

// emptyStore unwraps to nothing.
type emptyStore struct{ oauth.Store }

func (s emptyStore) Unwrap() oauth.Store { return nil }

// loopingStore unwraps to itself.
type loopingStore struct{ oauth.Store }

func (s loopingStore) Unwrap() oauth.Store { return s }

// nilStore unwraps to a nil pointer.
type nilStore struct{ oauth.Store }

func (s nilStore) Unwrap() oauth.Store { return (*memstore.Store)(nil) }

// auditedStore hides all optional powers except the audit log.
type auditedStore struct {
	oauth.Store
	oauth.AuditStore
}

// New warns about each power that a store lacks and names the consequence. It does
// not warn about a power that the store has.
func TestNew_FR_44_LogsThePowersThatAStoreLacks(t *testing.T) {
	inner := new(memstore.Store)
	const all = "oauth.Checker oauth.AuditStore oauth.KeyStore oauth.FamilyLimitStore oauth.GrantPowerStore"
	for name, tt := range map[string]struct {
		store oauth.Store
		lacks string
	}{
		"a store with all powers":                      {inner, ""},
		"a wrapper with Unwrap":                        {wrapper{inner}, ""},
		"two wrappers with Unwrap":                     {wrapper{wrapper{inner}}, ""},
		"a wrapper without Unwrap":                     {closedStore{inner}, all},
		"a wrapper with Unwrap around one without":     {wrapper{closedStore{inner}}, all},
		"a wrapper whose Unwrap has another type":      {oddStore{inner}, all},
		"a wrapper whose Unwrap returns nil":           {emptyStore{inner}, all},
		"a wrapper whose Unwrap returns itself":        {loopingStore{inner}, all},
		"a wrapper whose Unwrap returns a nil pointer": {nilStore{inner}, all},
		"a wrapper with one power":                     {auditedStore{inner, inner}, "oauth.Checker oauth.KeyStore oauth.FamilyLimitStore oauth.GrantPowerStore"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			config := testkit.PlainConfig(t)
			config.Store, config.Logger = tt.store, slog.New(slog.NewTextHandler(&log, nil))
			_, err := passport.New(config)
			testkit.Check(t, err)
			lines := log.String()
			for power := range strings.FieldsSeq(all) {
				want := 0
				if strings.Contains(tt.lacks, power) {
					want = 1
				}
				if n := strings.Count(lines, "does not implement "+power+","); n != want {
					t.Errorf("New logs %d warnings that the store lacks %s, want %d:\n%s", n, power, want, lines)
				}
			}
			if tt.lacks != "" && (!strings.Contains(lines, "the audit log cannot be read") == strings.Contains(tt.lacks, "AuditStore") ||
				!strings.Contains(lines, "StoredKeys cannot keep the keys") || !strings.Contains(lines, "Unwrap() oauth.Store")) {
				t.Errorf("New logs\n%s\nwant the consequences and the remedy", lines)
			}
		})
	}
}
