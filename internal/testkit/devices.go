package testkit

import (
	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// DeviceGrant is the grant type of devices (RFC 8628 §3.4).
const DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// WithDevices turns on device authorization.
func WithDevices(c *passport.Config) { c.Features = append(c.Features, passport.Device{}) }

// DeviceClient registers a client for devices. It is public unless change says otherwise.
func (s *Server) DeviceClient(name string, change ...func(*passport.Registration)) *Client {
	s.T.Helper()
	r := passport.Registration{Name: name, AuthMethod: oauth.AuthNone, GrantTypes: []string{DeviceGrant, "refresh_token"}, RedirectURIs: []string{}}
	for _, f := range change {
		f(&r)
	}
	return s.Register(r)
}
