package oauth

import (
	"context"
	"time"
)

// DeviceCode is a device authorization request (RFC 8628 §3.1). A device without a
// browser sent it. A user decides about it in a browser, on another device.
type DeviceCode struct {
	// Digest is the digest of the device code; see [DeviceDigest]. UserDigest is a
	// keyed digest of the user code, which is short. Both are unique.
	Digest, UserDigest Digest

	ClientID  string
	Scopes    []string // the requested scopes
	Resources []string // the requested resources (RFC 8707); nil if there are none

	// What the request tells about the device. None of it is verified.
	Label     string // what the device calls itself, at most 100 characters; empty if it said nothing
	Address   string // the IP address that the request came from
	UserAgent string // at most 255 bytes

	CreatedAt time.Time // when the request arrived
	ExpiresAt time.Time

	// Interval is the time between two polls that the client must keep. It grows by
	// [DeviceSlowDown] with each poll that comes too early. PolledAt is the time of the
	// last poll; zero before the first one.
	Interval time.Duration
	PolledAt time.Time

	// DecidedAt is the time of the decision; zero until there is one. User is the user
	// who approved, and FamilyID the ID of the family that began with it. Both are empty
	// if a user denied the request.
	DecidedAt time.Time
	User      UserRef
	FamilyID  string
}

// Pending reports whether the request still waits for a decision. It may have
// expired.
func (c *DeviceCode) Pending() bool { return c.DecidedAt.IsZero() }

// Approved reports whether the user approved the request.
func (c *DeviceCode) Approved() bool { return c.FamilyID != "" }

// Denied reports whether the user denied the request.
func (c *DeviceCode) Denied() bool { return !c.Pending() && !c.Approved() }

// DeviceSlowDown is how much the interval of a device code grows with each poll that
// comes too early (RFC 8628 §3.5). DevicePollTolerance is how much too early a poll may
// come: the time that requests take varies, and the clocks of nodes differ.
const (
	DeviceSlowDown      = 5 * time.Second
	DevicePollTolerance = time.Second
)

// DeviceDigest returns the digest of a device code. It is never the digest of an
// authorization code, so that neither can be used as the other.
func DeviceDigest(deviceCode string) Digest { return DigestOf(deviceCode) + ".device" }

// DeviceStore is a [Store] that keeps device codes. The device grant needs it. The
// grant itself finds the method DeviceCode among the [GrantPowerStore] powers, as a
// [DeviceReader].
//
// An approval begins a family and stores a [Code] with the digest of the device code.
// So everything that ends a family or an unredeemed authorization code also ends an approved
// device code that was not redeemed. [TokenStore.Issue] uses the Code up for
// [SpendDeviceCode] as it does for [SpendCode].
//
// [Purger.Purge] deletes a device code that has expired, unless its family is still
// stored: it deletes that one together with the family, because lists of connected
// apps show the device.
type DeviceStore interface {
	DeviceReader

	// CreateDeviceCode stores a new device code. It returns [ErrConflict] if one of the
	// digests is taken: the caller then chooses other codes. It returns [ErrLimit] if
	// the client already has limit pending device codes that have not expired at
	// c.CreatedAt. The write itself checks the limit. Concurrent calls may exceed it by
	// their own number.
	CreateDeviceCode(ctx context.Context, c *DeviceCode, limit int) error

	// DeviceCodeOfUser returns the device code with a UserDigest, also one that was
	// decided or has expired.
	DeviceCodeOfUser(ctx context.Context, userDigest Digest) (*DeviceCode, error)

	// PollDeviceCode records a poll, and reports whether it came too early: less than
	// the interval after the last poll, minus [DevicePollTolerance]. It then increases
	// the interval by [DeviceSlowDown]. Of several polls at the same time, one at most
	// is in time. A device code that was decided stays as it is, and the poll is in time.
	PollDeviceCode(ctx context.Context, d Digest, at time.Time) (early bool, err error)

	// ApproveDeviceCode stores the decision, a family, and its code. It returns
	// [ErrSpent] if the device code was decided before or has expired at a.Time.
	ApproveDeviceCode(ctx context.Context, a *DeviceApproval) error

	// DenyDeviceCode stores the decision. It returns [ErrSpent] as ApproveDeviceCode
	// does.
	DenyDeviceCode(ctx context.Context, d *DeviceDenial) error

	// DevicesOf returns the device codes that a user approved, the newest first. It
	// returns [MaxListed] at most. Their families may have ended.
	DevicesOf(ctx context.Context, user UserRef) ([]*DeviceCode, error)
}

// DeviceReader reads device codes for a [Grant]; see [GrantPowerStore].
type DeviceReader interface {
	// DeviceCode returns the device code with a digest, also one that was decided or has
	// expired.
	DeviceCode(ctx context.Context, d Digest) (*DeviceCode, error)
}

// DeviceApproval is one write of the page on which users decide about devices. It
// remembers no consent: each device is asked about.
type DeviceApproval struct {
	Time   time.Time
	Family *Family // begins with the approval; its User approves
	Code   *Code   // its Digest is that of the device code, its Scopes are the granted ones
	Audit  *AuditRecord
}

// DeviceDenial is the other decision.
type DeviceDenial struct {
	Digest Digest // of the device code
	Time   time.Time
	Audit  *AuditRecord
}

// PendingDeviceError is the error of [DevicePending].
type PendingDeviceError struct{ Digest Digest }

// Error says that the user has not decided.
func (e *PendingDeviceError) Error() string { return "the user has not decided yet" }

// DevicePending returns an error for the poll of a device code that waits for its
// user. A grant only reads. So the endpoint records the poll, and responds with
// authorization_pending or slow_down (RFC 8628 §3.5).
func DevicePending(d Digest) error { return &PendingDeviceError{d} }
