package passport

import (
	"time"

	"github.com/go-passport/passport/internal/device"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
)

// Device is the feature of device authorization (RFC 8628): a device without a browser,
// such as a TV or a command, shows a code that its user enters on another device. Only
// clients with the grant type "urn:ietf:params:oauth:grant-type:device_code" can use
// it. The store must be an [oauth.DeviceStore]; sqlstore and memstore are.
//
// [oauth.DeviceStore]: https://pkg.go.dev/github.com/go-passport/passport/oauth#DeviceStore
type Device struct {
	// Lifetime is how long a user can enter a code, from one minute to 15 minutes.
	// Default: 10 minutes.
	Lifetime time.Duration

	// Interval is how long a client must wait between two polls, from one second to a
	// minute. It grows for a client that polls too often. Default: 5 seconds.
	Interval time.Duration

	// MaxPending is the maximum number of codes of one client that wait for a user.
	// Default: 10,000.
	MaxPending int
}

// Part implements [Feature].
func (d Device) Part(s feature.Server) feature.Part { return device.Settings(d).Part(s) }

// Routes implements [Feature].
func (d Device) Routes(r *rooms.Rooms) []wire.Endpoint { return device.Settings(d).Routes(r) }
