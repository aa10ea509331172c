package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	deviceColumns = `d.digest, d.user_digest, d.client_id, d.scopes, d.resources, d.label, d.address, d.agent,
d.created_at, d.expires_at, d.poll_interval, d.polled_at, d.decided_at, d.provider, d.user_id, d.family_id`

	selectDevice       = `SELECT ` + deviceColumns + ` FROM oauth_device_codes d WHERE d.digest = ?`
	selectDeviceOfUser = `SELECT ` + deviceColumns + ` FROM oauth_device_codes d WHERE d.user_digest = ?`

	// The query repeats oauth.MaxListed.
	selectDevicesOf = `SELECT ` + deviceColumns + ` FROM oauth_device_codes d WHERE d.provider = ? AND d.user_id = ?
ORDER BY d.decided_at DESC LIMIT 1000`

	// The INSERT reads the count from a derived table, because MySQL can't read the
	// table itself there.
	insertDevice = `INSERT INTO oauth_device_codes
(digest, user_digest, client_id, scopes, resources, label, address, agent, created_at, expires_at, poll_interval)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM (SELECT COUNT(*) AS n FROM oauth_device_codes d
WHERE d.client_id = ? AND d.decided_at IS NULL AND d.expires_at > ?) x WHERE x.n < ?`

	deviceExists = `SELECT d.digest FROM oauth_device_codes d WHERE d.digest = ?`
	userCodeUsed = `SELECT d.digest FROM oauth_device_codes d WHERE d.user_digest = ?`

	pollInTime = `UPDATE oauth_device_codes SET polled_at = ? WHERE digest = ? AND decided_at IS NULL
AND (polled_at IS NULL OR polled_at + poll_interval <= ?)`

	pollEarly = `UPDATE oauth_device_codes SET poll_interval = poll_interval + ?, polled_at = ? WHERE digest = ? AND decided_at IS NULL`

	approveDevice = `UPDATE oauth_device_codes SET decided_at = ?, provider = ?, user_id = ?, family_id = ?
WHERE digest = ? AND decided_at IS NULL AND expires_at > ?`

	denyDevice = `UPDATE oauth_device_codes SET decided_at = ? WHERE digest = ? AND decided_at IS NULL AND expires_at > ?`
)

// dropDevices deletes device codes by digest. The device code of a family goes with the
// family.
const dropDevices = `DELETE FROM oauth_device_codes WHERE digest IN `

var expiredDevices = sweep{
	find: `SELECT d.digest FROM oauth_device_codes d WHERE d.family_id IS NULL AND d.expires_at <= ? ORDER BY d.expires_at LIMIT 100`,
	drop: dropDevices + page,
}

// GrantPowers implements [oauth.GrantPowerStore].
func (s *Store) GrantPowers() []any { return []any{deviceReader{s.device}} }

// deviceReader is the power of grants to read device codes.
type deviceReader struct {
	read func(context.Context, string, oauth.Digest) (*oauth.DeviceCode, error)
}

// DeviceCode implements [oauth.DeviceReader].
func (r deviceReader) DeviceCode(ctx context.Context, d oauth.Digest) (*oauth.DeviceCode, error) {
	return r.read(ctx, selectDevice, d)
}

// DeviceCode implements [oauth.DeviceStore].
func (s *Store) DeviceCode(ctx context.Context, d oauth.Digest) (*oauth.DeviceCode, error) {
	return s.device(ctx, selectDevice, d)
}

// DeviceCodeOfUser implements [oauth.DeviceStore].
func (s *Store) DeviceCodeOfUser(ctx context.Context, userDigest oauth.Digest) (*oauth.DeviceCode, error) {
	return s.device(ctx, selectDeviceOfUser, userDigest)
}

func (s *Store) device(ctx context.Context, q string, d oauth.Digest) (*oauth.DeviceCode, error) {
	if !storable(string(d)) {
		return nil, oauth.ErrNotFound
	}
	c := new(oauth.DeviceCode)
	if err := s.db.Row(ctx, q, func(row sqldb.Row) error { return scanDevice(row, c) }, string(d)); err != nil {
		return nil, err
	}
	return c, nil
}

func scanDevice(row sqldb.Row, c *oauth.DeviceCode) error {
	*c = oauth.DeviceCode{}
	return row.Scan(&c.Digest, &c.UserDigest, &c.ClientID, sqldb.List{L: &c.Scopes}, sqldb.List{L: &c.Resources}, &c.Label, &c.Address, &c.UserAgent,
		sqldb.Micros{T: &c.CreatedAt}, sqldb.Micros{T: &c.ExpiresAt}, sqldb.Span{D: &c.Interval}, sqldb.Micros{T: &c.PolledAt}, sqldb.Micros{T: &c.DecidedAt},
		sqldb.Text{S: &c.User.Provider}, sqldb.Text{S: &c.User.ID}, sqldb.Text{S: &c.FamilyID})
}

// DevicesOf implements [oauth.DeviceStore].
func (s *Store) DevicesOf(ctx context.Context, user oauth.UserRef) (found []*oauth.DeviceCode, err error) {
	if !storable(user.Provider, user.ID) {
		return nil, nil
	}
	err = s.db.Each(ctx, selectDevicesOf, func(row sqldb.Row) error {
		c := new(oauth.DeviceCode)
		found = append(found, c)
		return scanDevice(row, c)
	}, user.Provider, user.ID)
	return found, err
}

// CreateDeviceCode implements [oauth.DeviceStore].
func (s *Store) CreateDeviceCode(ctx context.Context, c *oauth.DeviceCode, limit int) error {
	inserted, err := s.db.Insert(ctx, insertDevice, string(c.Digest), string(c.UserDigest), c.ClientID, sqldb.Joined(c.Scopes), sqldb.Joined(c.Resources),
		c.Label, c.Address, c.UserAgent, sqldb.At(c.CreatedAt), sqldb.At(c.ExpiresAt), c.Interval.Microseconds(), c.ClientID, sqldb.At(c.CreatedAt), limit)
	if err != nil {
		return fmt.Errorf("save device code: %w", err)
	}
	if inserted {
		return nil
	}
	err = s.exists(ctx, userCodeUsed, string(c.UserDigest))
	if errors.Is(err, oauth.ErrNotFound) {
		err = s.exists(ctx, deviceExists, string(c.Digest))
	}
	switch {
	case err == nil:
		return fmt.Errorf("a device code has these digests: %w", oauth.ErrConflict)
	case errors.Is(err, oauth.ErrNotFound):
		return fmt.Errorf("the client already has %d pending device codes: %w", limit, oauth.ErrLimit)
	}
	return fmt.Errorf("find device code: %w", err)
}

// PollDeviceCode implements [oauth.DeviceStore]. A poll in time is one statement. The
// second statement counts a poll as early, also if a concurrent one was in time.
func (s *Store) PollDeviceCode(ctx context.Context, d oauth.Digest, at time.Time) (early bool, err error) {
	if !storable(string(d)) {
		return false, oauth.ErrNotFound
	}
	n, err := s.db.Exec(ctx, pollInTime, sqldb.At(at), string(d), sqldb.At(at.Add(oauth.DevicePollTolerance)))
	if err == nil && n == 0 {
		n, err = s.db.Exec(ctx, pollEarly, oauth.DeviceSlowDown.Microseconds(), sqldb.At(at), string(d))
		early = n > 0
	}
	switch {
	case err != nil:
		return false, fmt.Errorf("poll device code: %w", err)
	case n > 0:
		return early, nil
	}
	return false, s.exists(ctx, deviceExists, string(d))
}

// ApproveDeviceCode implements [oauth.DeviceStore].
func (s *Store) ApproveDeviceCode(ctx context.Context, a *oauth.DeviceApproval) error {
	user, at := a.Family.User, sqldb.At(a.Time)
	return s.decideDevice(ctx, a.Code.Digest, a.Audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, approveDevice, at, user.Provider, user.ID, a.Family.ID, string(a.Code.Digest), at)
		if err != nil || n == 0 {
			return false, err
		}
		if err := s.saveFamily(ctx, tx, a.Family); err != nil {
			return false, err
		}
		return true, saveCode(ctx, tx, a.Code, a.Family.ID)
	})
}

// DenyDeviceCode implements [oauth.DeviceStore].
func (s *Store) DenyDeviceCode(ctx context.Context, d *oauth.DeviceDenial) error {
	return s.decideDevice(ctx, d.Digest, d.Audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, denyDevice, sqldb.At(d.Time), string(d.Digest), sqldb.At(d.Time))
		return n > 0, err
	})
}

// decideDevice runs one decision. If the device code can't be decided, it returns
// [oauth.ErrSpent].
func (s *Store) decideDevice(ctx context.Context, d oauth.Digest, audit *oauth.AuditRecord, decide func(context.Context, *sqldb.Tx) (bool, error)) error {
	if !storable(string(d)) {
		return oauth.ErrNotFound
	}
	decided := false
	err := s.change(ctx, audit, func(ctx context.Context, tx *sqldb.Tx) (_ bool, err error) {
		decided, err = decide(ctx, tx)
		return decided, err
	})
	if err != nil {
		return fmt.Errorf("decide device code: %w", err)
	}
	if decided {
		return nil
	}
	if err := s.exists(ctx, deviceExists, string(d)); err != nil {
		return err
	}
	return oauth.ErrSpent
}
