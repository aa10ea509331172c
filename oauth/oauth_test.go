package oauth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

var at = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// error_description has only printable ASCII without quotes and backslashes,
// for any input (RFC 6749 §5.2).
func TestError_AZ_23_DescriptionIsPrintable(t *testing.T) {
	e := oauth.InvalidScope.Errorf("the scope %s does not exist", "a\"b\\c\r\n\x00é\u202E\xff")
	for _, c := range []byte(e.Description) {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			t.Errorf("Description = %q, which contains %#x", e.Description, c)
		}
	}
}

func TestError_IsItsCode(t *testing.T) {
	err := fmt.Errorf("the log says more: %w", oauth.InvalidGrant.Errorf("the code has expired"))
	if !errors.Is(err, oauth.InvalidGrant) || errors.Is(err, oauth.InvalidScope) {
		t.Errorf("errors.Is(%v, code) must be true for invalid_grant and false for other codes", err)
	}
	if e := oauth.AsError(err); e.Description != "the code has expired" {
		t.Errorf("AsError() = %v, want only the public part", e)
	}
	for err, want := range map[error]oauth.ErrorCode{
		errors.New("a password is hunter2"):             oauth.ServerError,
		fmt.Errorf("x: %w", oauth.ErrUnavailable):       oauth.TemporarilyUnavailable,
		fmt.Errorf("x: %w", error(oauth.LoginRequired)): oauth.LoginRequired,
	} {
		if e := oauth.AsError(err); e.Code != want || e.Description != "" || e.Error() != string(want) {
			t.Errorf("AsError(%v) = %v, want the bare %s", err, e, want)
		}
	}
}

func TestError_StatusOfEachCode(t *testing.T) {
	for code, want := range map[oauth.ErrorCode]int{
		oauth.InvalidClient: 401, oauth.InvalidToken: 401, oauth.InsufficientScope: 403, oauth.AccessDenied: 403,
		oauth.ServerError: 500, oauth.TemporarilyUnavailable: 503, oauth.InvalidGrant: 400, oauth.InvalidRequest: 400,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s.Status() = %d, want %d", code, got, want)
		}
	}
}

// A client authenticates with any of its unexpired secrets. A client without
// secrets cannot authenticate.
func TestClient_Authenticates(t *testing.T) {
	c := &oauth.Client{Secrets: []oauth.Secret{
		{Digest: oauth.DigestOf("old"), ExpiresAt: at},
		{Digest: oauth.DigestOf("new")},
	}}
	for _, test := range []struct {
		secret string
		at     time.Time
		want   bool
	}{
		{"new", at, true}, {"old", at.Add(-time.Second), true}, {"old", at, false}, {"", at, false}, {"other", at, false},
		{string(oauth.DigestOf("new")), at, false},
	} {
		if got := c.Authenticates(test.secret, test.at); got != test.want {
			t.Errorf("Authenticates(%q, %v) = %v, want %v", test.secret, test.at, got, test.want)
		}
	}
	if (&oauth.Client{}).Authenticates("", at) {
		t.Error("Authenticates() = true for an empty secret and a client without secrets")
	}
}

func TestAuthMethod_Accepts(t *testing.T) {
	for _, test := range []struct {
		m, used oauth.AuthMethod
		want    bool
	}{
		{oauth.AuthSecret, oauth.AuthBasic, true}, {oauth.AuthSecret, oauth.AuthPost, true}, {oauth.AuthSecret, oauth.AuthNone, false},
		{oauth.AuthBasic, oauth.AuthPost, false}, {oauth.AuthPost, oauth.AuthBasic, false}, {oauth.AuthNone, oauth.AuthBasic, false},
		{oauth.AuthNone, oauth.AuthNone, true}, {"", oauth.AuthNone, false},
	} {
		if got := test.m.Accepts(test.used); got != test.want {
			t.Errorf("%q.Accepts(%q) = %v, want %v", test.m, test.used, got, test.want)
		}
	}
}

// No ID makes a client pass as a user or a user as a client (CVE-2026-39976).
func TestSubject_NeverRepeat_E10(t *testing.T) {
	user := oauth.UserRef{Provider: "users", ID: "42"}
	if got := oauth.ForUser(user).Claim("42"); got != "users:42" {
		t.Errorf("Claim() of a user = %q, want users:42", got)
	}
	if got := oauth.ForClient().Claim("42"); got != "client:42" {
		t.Errorf("Claim() of a client = %q, want client:42", got)
	}
	if _, ok := oauth.ForClient().User(); ok {
		t.Error("User() of a client's subject = true")
	}
	for name, s := range map[string]oauth.Subject{"zero": {}, "no ID": oauth.ForUser(oauth.UserRef{Provider: "users"}), "no provider": oauth.ForUser(oauth.UserRef{ID: "1"})} {
		if s.Valid() {
			t.Errorf("Valid() = true for a subject with %s", name)
		}
	}
}

func TestToken_LivesWithClientAndFamily(t *testing.T) {
	live := func() *oauth.AccessToken {
		return &oauth.AccessToken{
			Client: &oauth.Client{}, Family: &oauth.Family{ExpiresAt: at.Add(time.Hour)}, ExpiresAt: at.Add(time.Minute),
		}
	}
	if !live().Live(at) {
		t.Fatal("Live() = false for a valid token")
	}
	for name, end := range map[string]func(*oauth.AccessToken){
		"token expired":    func(t *oauth.AccessToken) { t.ExpiresAt = at },
		"token revoked":    func(t *oauth.AccessToken) { t.RevokedAt = at },
		"client revoked":   func(t *oauth.AccessToken) { t.Client.RevokedAt = at },
		"client suspended": func(t *oauth.AccessToken) { t.Client.SuspendedAt = at },
		"family revoked":   func(t *oauth.AccessToken) { t.Family.RevokedAt = at },
		"family expired":   func(t *oauth.AccessToken) { t.Family.ExpiresAt = at },
	} {
		token := live()
		if end(token); token.Live(at) {
			t.Errorf("%s: Live() = true", name)
		}
	}
}

func TestFamilyFilter(t *testing.T) {
	user := oauth.UserRef{Provider: "users", ID: "1"}
	family := &oauth.Family{User: user, ClientID: "c", Session: "s", Personal: true}
	for name, test := range map[string]struct {
		f    oauth.FamilyFilter
		want bool
	}{
		"user":                {oauth.FamilyFilter{User: user}, true},
		"other provider":      {oauth.FamilyFilter{User: oauth.UserRef{Provider: "staff", ID: "1"}}, false},
		"other client":        {oauth.FamilyFilter{User: user, ClientID: "d"}, false},
		"session":             {oauth.FamilyFilter{User: user, Session: "s"}, true},
		"other session":       {oauth.FamilyFilter{User: user, Session: "t"}, false},
		"except session":      {oauth.FamilyFilter{User: user, ExceptSession: "s"}, false},
		"except another":      {oauth.FamilyFilter{User: user, ExceptSession: "t"}, true},
		"keep personal":       {oauth.FamilyFilter{User: user, KeepPersonal: true}, false},
		"ends with a session": {oauth.FamilyFilter{User: user, EndsWithSession: true}, false},
	} {
		if got := test.f.Matches(family); got != test.want {
			t.Errorf("%s: Matches() = %v, want %v", name, got, test.want)
		}
	}
	for _, f := range []oauth.FamilyFilter{{}, {ClientID: "c"}, {User: oauth.UserRef{ID: "1"}}, {User: oauth.UserRef{Provider: "users"}}} {
		if f.Validate() == nil {
			t.Errorf("Validate() of %+v = nil: a filter without a user must never mean all", f)
		}
	}
}

type wrapper struct{ oauth.Store }

func (w wrapper) Unwrap() oauth.Store { return w.Store }

func TestStoreAs_FindsPowersThroughWrappers(t *testing.T) {
	inner := new(memstore.Store)
	if found, ok := oauth.StoreAs[oauth.AuditStore](wrapper{wrapper{inner}}); !ok || found != oauth.AuditStore(inner) {
		t.Errorf("StoreAs() = %v, %v, want the store inside", found, ok)
	}
	if _, ok := oauth.StoreAs[interface{ Fly() }](wrapper{inner}); ok {
		t.Error("StoreAs() found an interface that no store has")
	}
	if _, ok := oauth.StoreAs[oauth.Checker](nil); ok {
		t.Error("StoreAs(nil) = true")
	}
}

// The log value of a digest finds a row, but does not match the digest.
func TestDigest_LogsItsBeginning(t *testing.T) {
	d := oauth.DigestOf("secret")
	if got := d.LogValue(); got.Kind() != slog.KindString || len(got.String()) != 8 || !strings.HasPrefix(string(d), got.String()) {
		t.Errorf("LogValue() = %v, want the first 8 characters", got)
	}
}

// The names of providers in Laravel often have underscores.
func TestValidProvider_LP_1(t *testing.T) {
	for name, want := range map[string]bool{
		"users": true, "admin_users": true, "staff-2": true,
		"": false, "client": false, "Staff": false, "a:b": false, "a b": false, "ä": false, "a\n": false,
	} {
		if got := oauth.ValidProvider(name); got != want {
			t.Errorf("ValidProvider(%q) = %v, want %v", name, got, want)
		}
	}
}
