package oauth_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// deviceReader is an optional power that the package does not know.
type deviceReader interface {
	DeviceCode(ctx context.Context, userCode string) (string, error)
}

// devices is the power as a store gives it to grants.
type devices struct{}

func (devices) DeviceCode(_ context.Context, userCode string) (string, error) {
	return "device of " + userCode, nil
}

// deviceStore gives the power to grants, beside values that it must not give.
type deviceStore struct{ *memstore.Store }

func (s deviceStore) GrantPowers() []any {
	return []any{
		nil, s, s.Store, wrapper{s.Store}, struct{ oauth.TokenStore }{s.Store}, struct{ oauth.KeyStore }{s.Store},
		struct {
			devices
			*memstore.Store
		}{Store: s.Store},
		devices{},
	}
}

var reading = []string{"AccessToken", "Client", "Code", "OpaqueToken", "RefreshToken"}

func methodsOf(v any) (names []string) {
	for m := range reflect.TypeOf(v).Methods() {
		names = append(names, m.Name)
	}
	return names
}

// found reports whether a type assertion or StoreAs makes a T out of a value.
func found[T any](v any) bool {
	_, asserted := v.(T)
	_, ok := oauth.StoreAs[T](v)
	return asserted || ok
}

// A grant cannot reach a method that writes.
func TestReadOnly_ReachesNoMethodThatWrites(t *testing.T) {
	inner := new(memstore.Store)
	for name, store := range map[string]oauth.Store{
		"a store": inner, "with powers": deviceStore{inner}, "wrapped": wrapper{wrapper{deviceStore{inner}}},
	} {
		r := oauth.ReadOnly(store)
		if got := methodsOf(r); !slices.Equal(got, reading) {
			t.Errorf("%s: ReadOnly() has the methods %v, want %v", name, got, reading)
		}
		for field := range reflect.TypeOf(r).Fields() {
			if field.IsExported() {
				t.Errorf("%s: ReadOnly() shows its field %s", name, field.Name)
			}
		}
		for what, ok := range map[string]bool{
			"Store":                found[oauth.Store](r),
			"ClientStore":          found[oauth.ClientStore](r),
			"FamilyStore":          found[oauth.FamilyStore](r),
			"TokenStore":           found[oauth.TokenStore](r),
			"ConsentStore":         found[oauth.ConsentStore](r),
			"Purger":               found[oauth.Purger](r),
			"KeyStore":             found[oauth.KeyStore](r),
			"AuditStore":           found[oauth.AuditStore](r),
			"GrantPowerStore":      found[oauth.GrantPowerStore](r),
			"the type of memstore": found[*memstore.Store](r),
			"the wrapper":          found[wrapper](r),
			"the store inside":     found[deviceStore](r),
			"Unwrap() Store":       found[interface{ Unwrap() oauth.Store }](r),
			"Unwrap() any":         found[interface{ Unwrap() any }](r),
			"Issue": found[interface {
				Issue(context.Context, *oauth.Issuance) error
			}](r),
			"UseOnce": found[interface {
				UseOnce(context.Context, oauth.Purpose, string, time.Time) error
			}](r),
			"IssueCode": found[interface {
				IssueCode(context.Context, *oauth.CodeIssuance) error
			}](r),
			"RevokeFamily": found[interface {
				RevokeFamily(context.Context, string, time.Time, *oauth.AuditRecord) error
			}](r),
			"CreateClient": found[interface {
				CreateClient(context.Context, *oauth.Client, *oauth.AuditRecord) error
			}](r),
			"a power with the whole store": found[interface {
				deviceReader
				oauth.TokenStore
			}](r),
		} {
			if ok {
				t.Errorf("%s: a grant finds %s", name, what)
			}
		}
		if itself, ok := oauth.StoreAs[any](r); !ok || itself != r {
			t.Errorf("%s: StoreAs[any]() = %v, %v, want the reader itself", name, itself, ok)
		}
	}
}

// A grant finds a power that the store gives to grants, through wrappers too, and
// no other methods. The server finds it in the whole store.
func TestStoreAs_FindsPowersOfGrants(t *testing.T) {
	store := wrapper{wrapper{deviceStore{new(memstore.Store)}}}
	for name, from := range map[string]any{"reader": oauth.ReadOnly(store), "store": store} {
		power, ok := oauth.StoreAs[deviceReader](from)
		if !ok {
			t.Fatalf("StoreAs() of the %s finds no power", name)
		}
		if got := methodsOf(power); !slices.Equal(got, []string{"DeviceCode"}) {
			t.Errorf("StoreAs() of the %s gives a power with the methods %v, want DeviceCode alone", name, got)
		}
		if code, err := power.DeviceCode(t.Context(), "WXYZ"); err != nil || code != "device of WXYZ" {
			t.Errorf("DeviceCode() = %q, %v, want the store's code", code, err)
		}
	}
	for _, r := range []oauth.TokenReader{nil, oauth.ReadOnly(nil), oauth.ReadOnly(new(memstore.Store))} {
		if power, ok := oauth.StoreAs[deviceReader](r); ok || power != nil {
			t.Errorf("StoreAs() of a store without the power = %v, %v, want none", power, ok)
		}
	}
}

// A reader returns the store's records.
func TestReadOnly_Reads(t *testing.T) {
	s := new(memstore.Store)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := &oauth.Client{ID: "c", CreatedAt: at}
	f := &oauth.Family{ID: "f", User: oauth.UserRef{Provider: "users", ID: "1"}, ClientID: "c", CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	code := &oauth.Code{Digest: oauth.DigestOf("code"), Family: f, ExpiresAt: at.Add(time.Minute)}
	issuance := &oauth.Issuance{
		Time: at, Spends: oauth.Spend{Purpose: oauth.SpendCode, ID: string(code.Digest)},
		AccessToken:  &oauth.AccessToken{ID: "a", Digest: oauth.DigestOf("opaque"), Client: c, Family: f, IssuedAt: at, ExpiresAt: at.Add(time.Hour)},
		RefreshToken: &oauth.RefreshToken{Digest: oauth.DigestOf("refresh"), AccessTokenID: "a", Family: f, ExpiresAt: at.Add(time.Hour)},
	}
	for _, err := range []error{
		s.CreateClient(t.Context(), c, nil), s.IssueCode(t.Context(), &oauth.CodeIssuance{Family: f, Code: code}), s.Issue(t.Context(), issuance),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := oauth.ReadOnly(wrapper{s})
	client, err := r.Client(t.Context(), "c")
	if err != nil || client.ID != "c" {
		t.Errorf("Client() = %+v, %v", client, err)
	}
	if code, err := r.Code(t.Context(), code.Digest); err != nil || code.SpentAt.IsZero() || code.Family.ID != "f" {
		t.Errorf("Code() = %+v, %v, want the spent code", code, err)
	}
	if token, err := r.AccessToken(t.Context(), "a"); err != nil || token.Family.ID != "f" || token.Client.ID != "c" {
		t.Errorf("AccessToken() = %+v, %v", token, err)
	}
	if token, err := r.OpaqueToken(t.Context(), oauth.DigestOf("opaque")); err != nil || token.ID != "a" {
		t.Errorf("OpaqueToken() = %+v, %v", token, err)
	}
	if token, err := r.RefreshToken(t.Context(), oauth.DigestOf("refresh")); err != nil || token.AccessTokenID != "a" {
		t.Errorf("RefreshToken() = %+v, %v", token, err)
	}
}
