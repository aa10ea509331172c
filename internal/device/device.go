// Package device is the feature of device authorization (RFC 8628): the endpoint that
// devices call, and the page on which users decide about them.
package device

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/internal/authorize"
	"github.com/go-passport/passport/internal/endpoint"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Settings are the settings of the feature. passport.Device documents them.
type Settings struct {
	Lifetime, Interval time.Duration
	MaxPending         int
}

// The limits of the settings. A code that lives long gives an attacker time to talk a
// user into entering it (RFC 10027).
const (
	shortestLifetime, longestLifetime = time.Minute, 15 * time.Minute
	shortestInterval, longestInterval = time.Second, time.Minute
)

// pagePath is the path of the page, below the common path of the endpoints.
const pagePath = "/device"

func (s Settings) withDefaults() Settings {
	s.Lifetime = cmp.Or(s.Lifetime, 10*time.Minute)
	s.Interval = cmp.Or(s.Interval, 5*time.Second)
	s.MaxPending = cmp.Or(s.MaxPending, 10_000)
	return s
}

// faults returns the faults of the settings.
func (s Settings) faults(server feature.Server) (all []error) {
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			all = append(all, feature.Fault(format, args...)...)
		}
	}
	add(!server.HasUsers, "Features: Device needs users, who approve devices: set Users")
	add(s.Lifetime < shortestLifetime || s.Lifetime > longestLifetime, "Features: Device.Lifetime is %v: want 1m to 15m", s.Lifetime)
	add(s.Interval < shortestInterval || s.Interval > longestInterval, "Features: Device.Interval is %v: want 1s to 1m", s.Interval)
	add(s.MaxPending < 0, "Features: Device.MaxPending is %d: want a positive number, or 0 for the default", s.MaxPending)
	return all
}

// Part returns the grant, the metadata and the faults of the feature.
func (s Settings) Part(server feature.Server) feature.Part {
	return feature.Part{
		Name:   "Device",
		Grants: []oauth.Grant{grant.DeviceCode{}},
		Metadata: feature.Metadata{
			"device_authorization_endpoint":              server.URL(pagePath + "/code"),
			"token_endpoint_auth_methods_supported":      feature.PublicClients,
			"revocation_endpoint_auth_methods_supported": feature.PublicClients,
		},
		Faults: s.withDefaults().faults(server),
		Store:  checkStore,
	}
}

func checkStore(store oauth.Store) error {
	_, keeps := oauth.StoreAs[oauth.DeviceStore](store)
	if _, reads := oauth.StoreAs[oauth.DeviceReader](oauth.ReadOnly(store)); keeps && reads {
		return nil
	}
	return errors.New("the feature Device needs a store that is an oauth.DeviceStore and has the grant power oauth.DeviceReader: use sqlstore or memstore. If the store wraps another one, give it the method Unwrap() oauth.Store")
}

// Routes returns the endpoints of the feature.
func (s Settings) Routes(r *rooms.Rooms) []wire.Endpoint {
	s = s.withDefaults()
	devices := tokens.NewDevices(r.Tokens, tokens.DeviceSettings{Lifetime: s.Lifetime, Interval: s.Interval, Limit: s.MaxPending})
	page := r.Authorize.Devices(authorize.DevicesConfig{Path: r.Base + pagePath, GrantType: grant.DeviceCode{}.GrantType(), Codes: devices})
	r.SignInRequest = page.SignInRequest
	return []wire.Endpoint{
		wire.Single("passport.device", r.Base+pagePath, page, http.MethodGet, http.MethodPost, http.MethodDelete),
		wire.Single("passport.device.code", r.Base+pagePath+"/code", endpoint.DeviceCode(endpoint.DeviceConfig{
			Callers: endpoint.Callers{Clients: r.Clients, Log: r.Log, Origins: r.Policy.AllowedOrigins},
			Policy:  r.Policy, Tokens: r.Tokens, Devices: devices, GrantType: grant.DeviceCode{}.GrantType(), Page: r.Issuer.Scheme + "://" + r.Issuer.Host + r.Base + pagePath,
		}), http.MethodPost, http.MethodOptions),
	}
}
