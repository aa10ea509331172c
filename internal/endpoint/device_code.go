package endpoint

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

// Requests for device codes of a public client within these limits have no consequence.
// Anyone can send them. A confidential client proves who it is, and has no such limit.
const (
	DeviceCodes       = 60 // of one client from one address
	DeviceCodesWithin = 10 * time.Minute
)

// DeviceConfig holds the dependencies of the device authorization endpoint.
type DeviceConfig struct {
	Callers
	Policy    *policy.Policy
	Tokens    *tokens.Service
	Devices   *tokens.Devices
	GrantType string // of the device grant
	Page      string // the URL of the page on which users enter the user code
}

// deviceEndpoint is /oauth/device/code (RFC 8628 §3.1).
type deviceEndpoint struct {
	DeviceConfig
	throttle *throttle.Throttle
}

// DeviceCode returns the device authorization endpoint.
func DeviceCode(c DeviceConfig) http.Handler {
	e := &deviceEndpoint{c, throttle.New(clients.MaxCounters, throttle.Limits{Pair: throttle.Limit{Failures: DeviceCodes, Within: DeviceCodesWithin}})}
	return endpoint{name: "device authorization", scripts: true, origins: c.Origins, log: c.Log, serve: e.serve}
}

// deviceResponse is a successful response (RFC 8628 §3.2).
type deviceResponse struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// serve handles a request for a device code.
func (e *deviceEndpoint) serve(r *http.Request) (any, *oauth.Client, error) {
	call, err := e.read(r, nil)
	if err != nil {
		return nil, nil, err
	}
	begun, err := e.begin(r, call)
	if err != nil {
		return nil, call.client, clients.Named(call.client.ID, err)
	}
	return &deviceResponse{
		DeviceCode: begun.DeviceCode, UserCode: begun.UserCode, VerificationURI: e.Page,
		VerificationURIComplete: e.Page + "?user_code=" + url.QueryEscape(begun.UserCode),
		ExpiresIn:               int64(begun.Code.ExpiresAt.Sub(begun.Code.CreatedAt).Seconds()), Interval: int64(begun.Code.Interval.Seconds()),
	}, call.client, nil
}

func (e *deviceEndpoint) begin(r *http.Request, c *call) (*tokens.BegunDevice, error) {
	permit, err := e.Tokens.Permit(r.Context(), c.client)
	if err != nil {
		return nil, err
	}
	if !c.client.Allows(e.GrantType) {
		return nil, oauth.UnauthorizedClient.Errorf("the client may not use the grant %s", e.GrantType)
	}
	scopes, err := e.Policy.RequestedScopes(c.client, c.form.Get("scope"), e.GrantType)
	if err != nil {
		return nil, err
	}
	resources, err := e.Policy.RequestedResources(c.form["resource"])
	if err != nil {
		return nil, err
	}
	label, err := deviceLabel(c.form.Get("device_name"))
	if err != nil {
		return nil, err
	}
	address := reqinfo.From(r.Context()).Address
	if c.client.Public() {
		if refused := e.throttle.Settle(throttle.Attempt{Name: c.client.ID, Address: address}, false); refused != nil {
			return nil, fmt.Errorf("%w: %w", refused, oauth.SlowDown.Errorf("too many requests for device codes: wait before the next one"))
		}
	}
	begun, err := e.Devices.Begin(r.Context(), &tokens.DeviceRequest{
		Permit: permit, Scopes: scopes, Resources: resources, Label: label, Address: address, UserAgent: bounded(r.UserAgent(), 255), Time: c.time,
	})
	if errors.Is(err, oauth.ErrLimit) {
		return nil, fmt.Errorf("the client has too many device codes that wait for a user; raise Device.MaxPending: %w",
			oauth.TemporarilyUnavailable.Errorf("too many devices of this client wait for a user: try again later"))
	}
	return begun, err
}

// maxDeviceName is the maximum length of a device's name, in characters.
const maxDeviceName = 100

// deviceLabel checks what a device calls itself. Users see it.
func deviceLabel(name string) (string, error) {
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > maxDeviceName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", oauth.InvalidRequest.Errorf("device_name must have at most %d printable characters", maxDeviceName)
	}
	return name, nil
}

// bounded returns the start of a text that can be stored.
func bounded(text string, size int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	for len(text) > size {
		_, last := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-cmp.Or(last, 1)]
	}
	return text
}
