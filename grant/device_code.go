package grant

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/oauth"
)

// DeviceCode exchanges a device code for tokens after its user has approved it
// (RFC 8628 §3.4). The store must be an [oauth.DeviceStore].
type DeviceCode struct{}

// GrantType implements [oauth.Grant].
func (DeviceCode) GrantType() string { return "urn:ietf:params:oauth:grant-type:device_code" }

// Authorize implements [oauth.Grant]. A poll of another client changes nothing.
//
// A device code that was redeemed before is a replay, as for an authorization code:
// either the client or an attacker has used it. A device whose response was lost begins
// again.
func (DeviceCode) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	if r.Form.Get("device_code") == "" {
		return nil, oauth.InvalidRequest.Errorf("device_code is missing")
	}
	store, ok := oauth.StoreAs[oauth.DeviceReader](r.Store)
	if !ok {
		return nil, errors.New("the store has no grant power oauth.DeviceReader")
	}
	device, err := store.DeviceCode(ctx, oauth.DeviceDigest(r.Form.Get("device_code")))
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, oauth.InvalidGrant.Errorf("the device code is unknown")
	}
	if err != nil {
		return nil, fmt.Errorf("find device code: %w", err)
	}
	switch {
	case device.ClientID != r.Client.ID:
		return nil, oauth.InvalidGrant.Errorf("the device code was issued to another client")
	case device.Approved():
		return redeem(ctx, r, device)
	case device.Denied():
		return nil, oauth.AccessDenied.Errorf("the user declined")
	case !r.Time.Before(device.ExpiresAt):
		return nil, errDeviceExpired
	}
	return nil, oauth.DevicePending(device.Digest)
}

var errDeviceExpired = oauth.ExpiredToken.Errorf("the device code has expired: begin again")

// redeem authorizes a device that its user approved.
func redeem(ctx context.Context, r *oauth.TokenRequest, device *oauth.DeviceCode) (*oauth.Authorization, error) {
	code, err := r.Store.Code(ctx, device.Digest)
	if errors.Is(err, oauth.ErrNotFound) { // purged
		return nil, oauth.InvalidGrant.Errorf("the authorization was revoked or has ended")
	}
	if err != nil {
		return nil, fmt.Errorf("find the approval of a device code: %w", err)
	}
	switch {
	case code.Family.ClientID != r.Client.ID:
		return nil, oauth.InvalidGrant.Errorf("the device code was issued to another client")
	case !code.Family.Live(r.Time):
		return nil, oauth.InvalidGrant.Errorf("the authorization was revoked or has ended")
	case !code.SpentAt.IsZero():
		return nil, oauth.Replayed(oauth.SpendDeviceCode, code.Family)
	case !r.Time.Before(code.ExpiresAt):
		return nil, errDeviceExpired
	}
	return redeemed(code, oauth.SpendDeviceCode, r)
}
