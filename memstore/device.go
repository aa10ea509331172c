package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

func cloneDevice(c oauth.DeviceCode) *oauth.DeviceCode {
	c.Scopes, c.Resources = slices.Clone(c.Scopes), slices.Clone(c.Resources)
	c.CreatedAt, c.ExpiresAt, c.PolledAt, c.DecidedAt = micros(c.CreatedAt), micros(c.ExpiresAt), micros(c.PolledAt), micros(c.DecidedAt)
	return &c
}

// deviceReader is the power of grants to read device codes.
type deviceReader struct {
	read func(oauth.Digest) (*oauth.DeviceCode, error)
}

// DeviceCode implements [oauth.DeviceReader].
func (r deviceReader) DeviceCode(_ context.Context, d oauth.Digest) (*oauth.DeviceCode, error) {
	return r.read(d)
}

// GrantPowers implements [oauth.GrantPowerStore].
func (s *Store) GrantPowers() []any { return []any{deviceReader{s.device}} }

func (s *Store) device(d oauth.Digest) (*oauth.DeviceCode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.devices[d]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return cloneDevice(c), nil
}

// DeviceCode implements [oauth.DeviceStore].
func (s *Store) DeviceCode(_ context.Context, d oauth.Digest) (*oauth.DeviceCode, error) {
	return s.device(d)
}

// DeviceCodeOfUser implements [oauth.DeviceStore].
func (s *Store) DeviceCodeOfUser(_ context.Context, userDigest oauth.Digest) (*oauth.DeviceCode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.devices[s.userCode[userDigest]]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return cloneDevice(c), nil
}

// CreateDeviceCode implements [oauth.DeviceStore].
func (s *Store) CreateDeviceCode(ctx context.Context, c *oauth.DeviceCode, limit int) error {
	return s.change(ctx, nil, func() (bool, error) {
		if s.devices.has(c.Digest) || s.userCode.has(c.UserDigest) {
			return false, oauth.ErrConflict
		}
		pending := 0
		for _, other := range s.devices {
			if other.ClientID == c.ClientID && other.Pending() && other.ExpiresAt.After(micros(c.CreatedAt)) {
				pending++
			}
		}
		if pending >= limit {
			return false, oauth.ErrLimit
		}
		created := cloneDevice(*c)
		created.PolledAt, created.DecidedAt, created.User, created.FamilyID = time.Time{}, time.Time{}, oauth.UserRef{}, ""
		s.devices.put(c.Digest, *created)
		s.userCode.put(c.UserDigest, c.Digest)
		return true, nil
	})
}

// PollDeviceCode implements [oauth.DeviceStore].
func (s *Store) PollDeviceCode(ctx context.Context, d oauth.Digest, at time.Time) (early bool, err error) {
	err = s.change(ctx, nil, func() (bool, error) {
		c, ok := s.devices[d]
		switch {
		case !ok:
			return false, oauth.ErrNotFound
		case !c.Pending():
			return false, nil
		}
		if early = !c.PolledAt.IsZero() && at.Before(c.PolledAt.Add(c.Interval-oauth.DevicePollTolerance)); early {
			c.Interval += oauth.DeviceSlowDown
		}
		c.PolledAt = micros(at)
		s.devices.put(d, c)
		return true, nil
	})
	return early, err
}

// ApproveDeviceCode implements [oauth.DeviceStore].
func (s *Store) ApproveDeviceCode(ctx context.Context, a *oauth.DeviceApproval) error {
	return s.change(ctx, a.Audit, func() (bool, error) {
		c, err := s.undecided(a.Code.Digest, a.Time)
		switch {
		case err != nil:
			return false, err
		case s.families.has(a.Family.ID):
			return false, taken("family", a.Family.ID)
		case s.codes.has(a.Code.Digest):
			return false, taken("code", a.Code.Digest)
		}
		c.DecidedAt, c.User, c.FamilyID = micros(a.Time), a.Family.User, a.Family.ID
		s.devices.put(c.Digest, c)
		s.putFamily(a.Family)
		code := codeRow{*cloneCode(*a.Code), a.Family.ID}
		code.SpentAt = time.Time{}
		s.codes.put(code.Digest, code)
		return true, nil
	})
}

// DenyDeviceCode implements [oauth.DeviceStore].
func (s *Store) DenyDeviceCode(ctx context.Context, d *oauth.DeviceDenial) error {
	return s.change(ctx, d.Audit, func() (bool, error) {
		c, err := s.undecided(d.Digest, d.Time)
		if err != nil {
			return false, err
		}
		c.DecidedAt = micros(d.Time)
		s.devices.put(c.Digest, c)
		return true, nil
	})
}

// undecided returns a device code about which a user may decide.
func (s *Store) undecided(d oauth.Digest, at time.Time) (oauth.DeviceCode, error) {
	c, ok := s.devices[d]
	switch {
	case !ok:
		return c, oauth.ErrNotFound
	case !c.Pending() || !c.ExpiresAt.After(micros(at)):
		return c, oauth.ErrSpent
	}
	return c, nil
}

// DevicesOf implements [oauth.DeviceStore].
func (s *Store) DevicesOf(_ context.Context, user oauth.UserRef) (found []*oauth.DeviceCode, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.devices {
		if c.User == user && c.Approved() {
			found = append(found, cloneDevice(c))
		}
	}
	slices.SortFunc(found, func(a, b *oauth.DeviceCode) int { return b.DecidedAt.Compare(a.DecidedAt) })
	return found[:min(len(found), oauth.MaxListed)], nil
}
