package endpoint_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// A client can use the grant only if an operator registered it for that. A user can't.
func TestDevice_DV_10_OperatorsOnly(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	ask(s, s.Spa()).WantJSONError(400, "unauthorized_client")
	b := s.Browser().SignIn("alice")
	created := b.Ask("POST", "/oauth/clients", map[string]any{
		"name": "Mine", "redirect": "https://mine.example.com/cb", "confidential": false, "grant_types": []string{testkit.DeviceGrant}, "device": true,
	})
	id, _ := created.JSON()["id"].(string)
	mine, err := s.Client(t.Context(), id)
	s.Works(err)
	ask(s, &testkit.Client{Client: mine}).WantJSONError(400, "unauthorized_client")
}

// Without the feature, a registration for the grant says how to turn it on.
func TestDevice_DV_07_FeatureIsOff(t *testing.T) {
	_, err := testkit.NewServer(t).CreateClient(t.Context(), passport.Registration{Name: "TV", GrantTypes: []string{testkit.DeviceGrant}})
	if err == nil || !strings.Contains(err.Error(), "add passport.Device{} to Features") {
		t.Errorf("CreateClient() = %v, want how to turn the feature on", err)
	}
}

// The tokens of devices can live shorter and have fewer scopes than those of codes.
func TestDevice_DV_11_ShorterAndFewer(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices, func(c *passport.Config) {
		c.AccessTokenTTLByGrant = map[string]time.Duration{testkit.DeviceGrant: 5 * time.Minute}
	})
	c := s.DeviceClient("Player", func(r *passport.Registration) { r.Scopes = []string{"read"} })
	ask(s, c, "scope", "write").WantJSONError(400, "invalid_scope")
	code := codesFor(s, c)
	decidePage(s.Browser().SignIn("alice"), code).Allow()
	if tokens := polled(s, c, code.device).Tokens(); tokens.Expires != 300 || tokens.Scope != "read" {
		t.Errorf("tokens = %+v, want five minutes and the scope read", tokens)
	}
}

func TestDevice_DV_08_Settings(t *testing.T) {
	for want, device := range map[string]passport.Device{
		"Device.Lifetime is 16m0s": {Lifetime: 16 * time.Minute}, "Device.Lifetime is 59s": {Lifetime: 59 * time.Second}, "Device.Lifetime is -1m0s": {Lifetime: -time.Minute},
		"Device.Interval is 500ms": {Interval: 500 * time.Millisecond}, "Device.Interval is 2m0s": {Interval: 2 * time.Minute},
		"Device.MaxPending is -1": {MaxPending: -1},
	} {
		c := testkit.PlainConfig(t)
		c.Features = []passport.Feature{device}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "Config.Features: "+want) {
			t.Errorf("Validate() with %+v = %v, want %q", device, err, want)
		}
	}
	c := testkit.PlainConfig(t)
	c.Features, c.Users = []passport.Feature{passport.Device{}}, nil
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "Device needs users") {
		t.Errorf("Validate() without users = %v", err)
	}
	c = testkit.PlainConfig(t)
	c.Features, c.Store = []passport.Feature{passport.Device{}}, struct{ oauth.Store }{c.Store} // hides the powers
	if _, err := passport.New(c); err == nil || !strings.Contains(err.Error(), "oauth.DeviceStore") {
		t.Errorf("New() with a store without device codes = %v", err)
	}
}

// crowded is a store in which the next codes are taken.
type crowded struct {
	*memstore.Store
	taken int
}

func (s *crowded) CreateDeviceCode(ctx context.Context, c *oauth.DeviceCode, limit int) error {
	if s.taken > 0 {
		s.taken--
		return oauth.ErrConflict
	}
	return s.Store.CreateDeviceCode(ctx, c, limit)
}

// A code that is taken is replaced by another one.
func TestDevice_DV_08_TakenCodes(t *testing.T) {
	store := &crowded{Store: new(memstore.Store)}
	s := testkit.NewServer(t, testkit.WithDevices, func(c *passport.Config) { c.Store = store })
	c := s.DeviceClient("Player")
	store.taken = 4
	codesFor(s, c)
	store.taken = 5
	ask(s, c).WantJSONError(500, "server_error")
	codesFor(s, c)
}
