package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Poll records the poll of a device that waits for its user, and returns the error for
// the client (RFC 8628 §3.5).
func (s *Service) Poll(ctx context.Context, pending *oauth.PendingDeviceError, at time.Time) error {
	store, ok := oauth.StoreAs[oauth.DeviceStore](s.store)
	if !ok {
		return errors.New("a grant returned oauth.DevicePending, but the store does not implement oauth.DeviceStore")
	}
	early, err := store.PollDeviceCode(ctx, pending.Digest, at)
	switch {
	case err != nil:
		return fmt.Errorf("record the poll of a device: %w", err)
	case early:
		return oauth.SlowDown.Errorf("the client polls too often: add %d seconds to its interval", int(oauth.DeviceSlowDown.Seconds()))
	}
	return oauth.AuthorizationPending.Errorf("the user has not decided yet")
}
