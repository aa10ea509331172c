package idtoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// everything are claims in every field.
func everything(openid.Claims) openid.Claims {
	return openid.Claims{
		Name: "Alice Liddell", FamilyName: "Liddell", GivenName: "Alice", MiddleName: "P", Nickname: "Al", PreferredUsername: "alice",
		Profile: "https://example.com/alice", Picture: "https://example.com/alice.png", Website: "http://alice.example", Gender: "female",
		Birthdate: "1852-05-04", Zoneinfo: "Europe/London", Locale: "en-GB", UpdatedAt: time.Unix(1700000000, 5),
		Email: "alice@example.com", EmailVerified: true, PhoneNumber: "+14255551212",
		Address: openid.Address{Formatted: "1 Road\nOxford", StreetAddress: "1 Road", Locality: "Oxford", Region: "Oxon", PostalCode: "OX1", Country: "UK"},
	}
}

// claims returns the claims of scopes as a client sees them: decoded from JSON.
func claims(t *testing.T, settings feature.OpenID, scopes ...string) (map[string]any, error) {
	t.Helper()
	s, _ := newService(t, settings, ecKey(t))
	found, err := s.Claims(context.Background(), &oauth.User{ID: "alice"}, client, scopes)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	decoded := map[string]any{}
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded, nil
}

func TestClaims_OI_85_OI_100_OI_101_OI_103_Scopes(t *testing.T) {
	for scope, want := range map[string]map[string]any{
		"openid": {},
		"read":   {},
		"*":      {}, // all scopes of the API, not the data of the user
		"profile": {
			"name": "Alice Liddell", "family_name": "Liddell", "given_name": "Alice", "middle_name": "P", "nickname": "Al", "preferred_username": "alice",
			"profile": "https://example.com/alice", "picture": "https://example.com/alice.png", "website": "http://alice.example", "gender": "female",
			"birthdate": "1852-05-04", "zoneinfo": "Europe/London", "locale": "en-GB", "updated_at": 1700000000.0,
		},
		"email": {"email": "alice@example.com", "email_verified": true},
		"phone": {"phone_number": "+14255551212", "phone_number_verified": false},
		"address": {"address": map[string]any{
			"formatted": "1 Road\nOxford", "street_address": "1 Road", "locality": "Oxford", "region": "Oxon", "postal_code": "OX1", "country": "UK",
		}},
	} {
		got, err := claims(t, claimsOf(everything), "openid", scope)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Claims() of %s = %v, %v, want %v", scope, got, err, want)
		}
	}
}

// A claim without a value is left out: no null and no empty text.
func TestClaims_OI_84_OI_103_WithoutValues(t *testing.T) {
	settings := claimsOf(func(c openid.Claims) openid.Claims {
		var list []string
		c.EmailVerified, c.PhoneNumberVerified = true, true // of nothing
		c.Extra = map[string]any{"a": nil, "b": "", "c": list, "d": (*int)(nil), "e": []string{}, "f": false, "g": 0}
		return c
	})
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		settings.ExtraClaims = append(settings.ExtraClaims, openid.ExtraClaim{Name: name, Scope: "profile"})
	}
	got, err := claims(t, settings, "openid", "profile", "email", "phone", "address")
	if want := map[string]any{"e": []any{}, "f": false, "g": 0.0}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Claims() without values = %v, %v, want %v", got, err, want)
	}
}

func TestClaims_OI_101_OI_102_Values(t *testing.T) {
	for _, tt := range []struct {
		scope string
		set   func(*openid.Claims)
		want  string // in the error; empty for none
	}{
		{"profile", func(c *openid.Claims) { c.Birthdate = "0000-02-29" }, ""},
		{"profile", func(c *openid.Claims) { c.Birthdate = "1970" }, ""},
		{"profile", func(c *openid.Claims) { c.Birthdate = "4.5.1852" }, "Birthdate"},
		{"profile", func(c *openid.Claims) { c.Birthdate = "1852-13-01" }, "Birthdate"},
		{"profile", func(c *openid.Claims) { c.Birthdate = "0000" }, "Birthdate"},
		{"profile", func(c *openid.Claims) { c.Picture = "/alice.png" }, "Picture"},
		{"profile", func(c *openid.Claims) { c.Picture = "javascript:alert(1)" }, "Picture"},
		{"profile", func(c *openid.Claims) { c.Website = "https:alice" }, "Website"},
		{"profile", func(c *openid.Claims) { c.Profile = "ftp://example.com" }, "Profile"},
		{"profile", func(c *openid.Claims) { c.Zoneinfo = "Etc/GMT+1" }, ""},
		{"profile", func(c *openid.Claims) { c.Zoneinfo = "America/Argentina/Buenos_Aires" }, ""},
		{"profile", func(c *openid.Claims) { c.Zoneinfo = "+01:00" }, "Zoneinfo"},
		{"profile", func(c *openid.Claims) { c.Locale = "sr-Latn-RS" }, ""},
		{"profile", func(c *openid.Claims) { c.Locale = "fr_CA" }, "such as fr-CA"},
		{"profile", func(c *openid.Claims) { c.Name = "Alice\nAdmin" }, "Name"},
		{"profile", func(c *openid.Claims) { c.UpdatedAt = time.Now().Add(time.Hour) }, "in the future"},
		{"email", func(c *openid.Claims) { c.Email = "alice" }, "Email"},
		{"email", func(c *openid.Claims) { c.Email = "a@b@c" }, "Email"},
		{"email", func(c *openid.Claims) { c.Email = "alice@example.com\nbcc" }, "Email"},
		{"phone", func(c *openid.Claims) { c.PhoneNumber = "+1 (425) 555-1212;ext=5678" }, ""},
		{"phone", func(c *openid.Claims) { c.PhoneNumber = "425 555" }, "E.164"},
		{"address", func(c *openid.Claims) { c.Address.Locality = "Oxford\x00" }, "Address"},
	} {
		var c openid.Claims
		tt.set(&c)
		settings := claimsOf(func(openid.Claims) openid.Claims { return c })
		_, err := claims(t, settings, "openid", tt.scope)
		if tt.want == "" && err != nil {
			t.Errorf("Claims() of %+v = %v", c, err)
		}
		if tt.want != "" {
			wantError(t, fmt.Sprintf("Claims() of %+v", c), err, tt.want)
			if err != nil && strings.Contains(err.Error(), "alice@") {
				t.Errorf("the error has the data of the user: %v", err)
			}
		}
		if _, err := claims(t, settings, "openid", "read"); err != nil {
			t.Errorf("a claim that isn't asked for is an error: %v", err)
		}
	}
}

// The clock of the database may be ahead, but a client never sees a time in the future.
func TestClaims_OI_101_UpdatedAtWithSkew(t *testing.T) {
	got, err := claims(t, claimsOf(func(c openid.Claims) openid.Claims {
		c.UpdatedAt = time.Now().Add(30 * time.Second)
		return c
	}), "openid", "profile")
	if at, ok := got["updated_at"].(float64); err != nil || !ok || int64(at) > time.Now().Unix() {
		t.Errorf("Claims() = %v, %v, want updated_at of now", got, err)
	}
}

func TestClaims_OI_104_OI_106_ExtraClaims(t *testing.T) {
	returns := func(extra map[string]any) feature.OpenID {
		settings := claimsOf(func(c openid.Claims) openid.Claims {
			c.Extra = extra
			return c
		})
		settings.ExtraClaims = []openid.ExtraClaim{{Name: "groups", Scope: "groups", Description: "your groups"}, {Name: "name#ja-Kana-JP", Scope: "profile"}}
		return settings
	}
	extra := map[string]any{"groups": []string{"staff"}, "name#ja-Kana-JP": "アリス"}
	got, err := claims(t, returns(extra), "openid", "groups")
	if err != nil || len(got) != 1 || !reflect.DeepEqual(got["groups"], []any{"staff"}) {
		t.Errorf("Claims() of groups = %v, %v", got, err)
	}
	got, err = claims(t, returns(extra), "openid", "profile")
	if err != nil || len(got) != 1 || got["name#ja-Kana-JP"] != "アリス" {
		t.Errorf("Claims() of profile = %v, %v", got, err)
	}
	for name, want := range map[string]string{
		"roles": "declare it in OpenID.ExtraClaims", "sub": "the server sets that claim", "SID": "the server sets that claim",
		"email": "set Claims.Email instead", "Updated_At": "set Claims.UpdatedAt instead",
	} {
		_, err := claims(t, returns(map[string]any{name: "x"}), "openid", "groups")
		wantError(t, "Claims() with the extra claim "+name, err, want)
	}
	_, err = claims(t, returns(map[string]any{"groups": make(chan int)}), "openid", "groups")
	wantError(t, "Claims() with a channel", err, "encoded as JSON")
}

// An error of the function is the server's, whatever it wraps.
func TestClaims_ErrorOfTheFunction(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want oauth.ErrorCode
	}{
		{errors.New("the directory is down"), oauth.ServerError},
		{oauth.AccessDenied.Errorf("no"), oauth.ServerError},
		{fmt.Errorf("find user: %w", oauth.ErrNotFound), oauth.ServerError},
		{oauth.ErrSpent, oauth.ServerError},
		{fmt.Errorf("find user: %w", oauth.ErrUnavailable), oauth.TemporarilyUnavailable},
	} {
		settings := feature.OpenID{UserClaims: func(context.Context, *oauth.User, *oauth.Client, []string) (openid.Claims, error) {
			return openid.Claims{}, tt.err
		}}
		_, err := claims(t, settings, "openid", "profile")
		wantError(t, "Claims()", err, tt.err.Error())
		if got := oauth.AsError(err).Code; got != tt.want || errors.Is(err, oauth.ErrSpent) || errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("the error %v of UserClaims is %v for the client, want %v", tt.err, got, tt.want)
		}
		if _, err := claims(t, settings, "openid"); err != nil {
			t.Errorf("UserClaims was called for the scope openid alone: %v", err)
		}
	}
}

func TestSupported_OI_163(t *testing.T) {
	settings := claimsOf(everything)
	settings.ExtraClaims = []openid.ExtraClaim{{Name: "groups", Scope: "groups"}}
	s, _ := newService(t, settings, ecKey(t))
	names := s.Supported()
	found, err := claims(t, settings, "openid", "profile", "email", "address", "phone")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(slices.Collect(maps.Keys(found)), "sub", "groups", "auth_time") {
		if !slices.Contains(names, name) {
			t.Errorf("Supported() lacks %s", name)
		}
	}
	s, _ = newService(t, feature.OpenID{}, ecKey(t))
	if slices.Contains(s.Supported(), "email") {
		t.Error("Supported() of a server without UserClaims has email")
	}
}
