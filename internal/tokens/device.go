package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/usercode"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// Devices begins and decides device authorization requests (RFC 8628). It is safe for
// concurrent use.
type Devices struct {
	service  *Service
	store    oauth.DeviceStore
	settings DeviceSettings
	guesses  *guesses
}

// DeviceSettings are the settings of [Devices]. All are required.
type DeviceSettings struct {
	Lifetime time.Duration // of a device code
	Interval time.Duration // between two polls
	Limit    int           // of the pending device codes of a client
}

// NewDevices returns the devices of a server, or nil if its store does not
// implement [oauth.DeviceStore].
func NewDevices(s *Service, settings DeviceSettings) *Devices {
	store, ok := oauth.StoreAs[oauth.DeviceStore](s.store)
	if !ok {
		return nil
	}
	return &Devices{s, store, settings, newGuesses()}
}

// DeviceRequest is a checked request for a device code.
type DeviceRequest struct {
	Permit    Permit // of the client
	Scopes    []string
	Resources []string
	Label     string
	Address   string
	UserAgent string
	Time      time.Time
}

// BegunDevice has the codes of a new device authorization request.
type BegunDevice struct {
	DeviceCode string
	UserCode   string // as the device shows it
	Code       *oauth.DeviceCode
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (b BegunDevice) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "tokens.BegunDevice(%s)", b.Code.ClientID)
}

// maxCollisions is how many user codes are tried. With a million codes that are taken,
// one in 25,000 tries fails.
const maxCollisions = 5

// Begin stores a new device code. Its error is [oauth.ErrLimit] if the client has too
// many pending ones.
func (d *Devices) Begin(ctx context.Context, r *DeviceRequest) (*BegunDevice, error) {
	if r.Permit.client == nil {
		return nil, errNoPermit
	}
	for try := 1; ; try++ {
		device, user := secret.New(), usercode.New()
		c := &oauth.DeviceCode{
			Digest: oauth.DeviceDigest(device), UserDigest: d.userDigests(user)[0], ClientID: r.Permit.client.ID, Scopes: r.Scopes, Resources: r.Resources,
			Label: r.Label, Address: r.Address, UserAgent: r.UserAgent,
			CreatedAt: r.Time, ExpiresAt: r.Time.Add(d.settings.Lifetime), Interval: d.settings.Interval,
		}
		err := d.store.CreateDeviceCode(ctx, c, d.settings.Limit)
		if errors.Is(err, oauth.ErrConflict) && try < maxCollisions {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("store device code: %w", err)
		}
		return &BegunDevice{device, usercode.Shown(user), c}, nil
	}
}

// userDigests returns the digest of a user code under each key, first that of the first
// key. A user code is short: without a key, its digest could be reversed.
func (d *Devices) userDigests(code string) (all []oauth.Digest) {
	for _, root := range d.service.keys.Roots() {
		all = append(all, oauth.Digest(root.Derive("user code", code)))
	}
	return all
}

// Device returns a device code by its digest, or [oauth.ErrNotFound].
func (d *Devices) Device(ctx context.Context, digest oauth.Digest) (*oauth.DeviceCode, error) {
	return d.store.DeviceCode(ctx, digest)
}

// DevicesOf returns the device codes that a user approved; see
// [oauth.DeviceStore.DevicesOf].
func (d *Devices) DevicesOf(ctx context.Context, user oauth.UserRef) ([]*oauth.DeviceCode, error) {
	return d.store.DevicesOf(ctx, user)
}

// Find returns the device code for the text that a user typed or opened, also one that
// was decided or has expired. It returns [oauth.ErrNotFound] for a wrong code. After too
// many of them its error is that of [throttle.Error], even for a right one: the user must
// wait. user is empty for a browser without a signed-in user, which must sign in instead.
// The address of the caller is that of ctx.
func (d *Devices) Find(ctx context.Context, user oauth.UserRef, typed string) (*oauth.DeviceCode, error) {
	code, ok := usercode.Normalize(typed)
	if !ok {
		return nil, oauth.ErrNotFound // not a guess: no code looks like this
	}
	return d.guesses.find(ctx, user, func() (*oauth.DeviceCode, error) {
		for _, digest := range d.userDigests(code) {
			found, err := d.store.DeviceCodeOfUser(ctx, digest)
			if !errors.Is(err, oauth.ErrNotFound) {
				return found, err
			}
		}
		return nil, oauth.ErrNotFound
	})
}

// pickUp is how long after the end of a device code an approved device gets its tokens:
// its next poll may come after the last second in which the user can approve.
const pickUp = time.Minute

// DeviceDecision is the decision of a signed-in user about a device code.
type DeviceDecision struct {
	Device  *oauth.DeviceCode
	Permit  Permit // of the client of the device code
	Account *users.Account
	Scopes  []string  // that the user granted, among those of the device code
	Time    time.Time // of the request
}

// Approve stores the approval of a user, and begins a family for the device. If another
// request has decided, or the code has expired, it returns [oauth.ErrSpent].
func (d *Devices) Approve(ctx context.Context, a *DeviceDecision) error {
	s, user, client := d.service, a.Account.Ref, a.Permit.client
	if client == nil || client.ID != a.Device.ClientID {
		return errNoPermit
	}
	if !client.Active() || !actsFor(client, user) {
		return fmt.Errorf("the client is suspended, or acts for the users of another provider: %w", oauth.ErrSpent)
	}
	family := &oauth.Family{
		ID: uuid.NewV7(), User: user, ClientID: client.ID, AuthTime: a.Account.User.AuthenticatedAt.UTC().Truncate(time.Microsecond),
		Resources: a.Device.Resources, Session: users.SessionDigest(a.Account.User.SessionID),
		CreatedAt: a.Time, ExpiresAt: a.Time.Add(s.policy.FamilyLife(client, false)),
	}
	if slices.Contains(a.Scopes, idtoken.Scope) {
		family.ACR, family.AMR = a.Account.User.ACR, slices.Clone(a.Account.User.AMR)
	}
	s.policy.BindToSession(family, client, a.Scopes, a.Account.User.SessionExpiresAt)
	approval := &oauth.DeviceApproval{Time: a.Time, Family: family, Code: &oauth.Code{
		Digest: a.Device.Digest, Family: family, Scopes: a.Scopes, ExpiresAt: policy.Earlier(a.Device.ExpiresAt.Add(pickUp), a.Account.User.SessionExpiresAt),
	}}
	err := s.audit.Change(ctx, a.record("device.approved"), func(record *oauth.AuditRecord) error {
		approval.Audit = record
		return d.store.ApproveDeviceCode(ctx, approval)
	}, event.DeviceApproved{Meta: audit.Meta(ctx), User: user, ClientID: client.ID, Scopes: a.Scopes, Device: a.Device})
	if err != nil {
		return fmt.Errorf("store the approval of a device: %w", err)
	}
	return s.LimitFamilies(ctx, user, client.ID, a.Time)
}

// Deny stores the denial of a user. Its errors are those of [Devices.Approve].
func (d *Devices) Deny(ctx context.Context, a *DeviceDecision) error {
	denial := &oauth.DeviceDenial{Digest: a.Device.Digest, Time: a.Time}
	err := d.service.audit.Change(ctx, a.record("device.denied"), func(record *oauth.AuditRecord) error {
		denial.Audit = record
		return d.store.DenyDeviceCode(ctx, denial)
	})
	if err != nil {
		return fmt.Errorf("store the denial of a device: %w", err)
	}
	return nil
}

// record returns the audit record of the decision.
func (a *DeviceDecision) record(action string) oauth.AuditRecord {
	user := a.Account.Ref
	return oauth.AuditRecord{Action: action, Actor: oauth.ForUser(user).Claim(""), User: user, ClientID: a.Device.ClientID, Time: a.Time}
}
