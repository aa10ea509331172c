package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// familyColumns are followed by the time of revocation, which depends on the joined
// record: see cutAt and cutCodeAt.
const familyColumns = `f.id, f.provider, f.user_id, f.client_id, f.session, f.auth_time, f.resources, f.personal, f.ends_with_session, f.created_at, f.expires_at, f.sid, f.acr, f.amr`

// familyRow scans familyColumns and the time of revocation. In a LEFT JOIN there
// may be no family.
type familyRow struct {
	id, provider, user, client, session sql.NullString
	family                              oauth.Family
}

// fields appends the scan destinations.
func (r *familyRow) fields(fields []any) []any {
	f := &r.family
	return append(fields,
		&r.id, &r.provider, &r.user, &r.client, &r.session, sqldb.Micros{T: &f.AuthTime}, sqldb.List{L: &f.Resources}, sqldb.Bool{B: &f.Personal},
		sqldb.Bool{B: &f.EndsWithSession}, sqldb.Micros{T: &f.CreatedAt}, sqldb.Micros{T: &f.ExpiresAt},
		sqldb.Text{S: &f.SID}, sqldb.Text{S: &f.ACR}, sqldb.List{L: &f.AMR}, sqldb.Micros{T: &f.RevokedAt})
}

// record returns the family, or nil if the row has none.
func (r *familyRow) record() *oauth.Family {
	if !r.id.Valid {
		return nil
	}
	f := &r.family
	f.ID, f.ClientID, f.Session = r.id.String, r.client.String, oauth.Digest(r.session.String)
	f.User = oauth.UserRef{Provider: r.provider.String, ID: r.user.String}
	return f
}

const (
	insertIntoFamilies = `INSERT INTO oauth_families
(id, provider, user_id, client_id, session, auth_time, resources, personal, ends_with_session, created_at, expires_at, revoked_at, acr, amr, sid)
`
	newFamilyValues = `?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`

	insertFamily = insertIntoFamilies + `VALUES (` + newFamilyValues + `)`

	// The OFFSET is the limit minus one. The query counts families that are not revoked
	// and not expired.
	insertFamilyWithin = insertIntoFamilies + `SELECT ` + newFamilyValues + ` FROM (SELECT 1 AS one) o
WHERE NOT EXISTS (SELECT 1 FROM (SELECT f.id FROM oauth_families f WHERE f.provider = ? AND f.user_id = ? AND f.personal = 1
AND f.revoked_at IS NULL AND f.expires_at > ? AND ` + ofLiveClient + ` AND ` + notCut + ` ORDER BY f.expires_at DESC, f.id DESC LIMIT 1 OFFSET ?) x)`
)

// insertedFamily returns the values for insertFamily.
func insertedFamily(f *oauth.Family) []any {
	return []any{
		f.ID, f.User.Provider, f.User.ID, f.ClientID, string(f.Session), sqldb.When(f.AuthTime),
		sqldb.Joined(f.Resources), sqldb.Flag(f.Personal), sqldb.Flag(f.EndsWithSession), sqldb.At(f.CreatedAt), sqldb.At(f.ExpiresAt), sqldb.When(f.RevokedAt),
		sqldb.Optional(f.ACR), sqldb.Joined(f.AMR), sqldb.Optional(f.SID),
	}
}

func (s *Store) saveFamily(ctx context.Context, tx *sqldb.Tx, f *oauth.Family) error {
	q, row, err := s.beginSession(ctx, tx, f)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, q, row...)
	if err == nil && n == 0 {
		err = errors.New("its client session is missing")
	}
	if err != nil {
		return fmt.Errorf("save family: %w", err)
	}
	return nil
}

// beginFamily returns the statement and values that insert a new family. The statement
// inserts no row at the limit of personal access tokens.
func beginFamily(i *oauth.Issuance) (q string, row []any) {
	f := i.NewFamily
	if i.PersonalLimit <= 0 || !f.Personal {
		return insertFamily, insertedFamily(f)
	}
	return insertFamilyWithin, append(insertedFamily(f), f.User.Provider, f.User.ID, sqldb.At(i.Time), i.PersonalLimit-1)
}

// IssueCode implements [oauth.FamilyStore].
func (s *Store) IssueCode(ctx context.Context, b *oauth.CodeIssuance) error {
	return s.change(ctx, b.Audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		if b.Ticket != "" {
			if err := useOnce(ctx, tx, oauth.SpendTicket, b.Ticket, b.Until); err != nil {
				return false, err
			}
		}
		if err := s.saveFamily(ctx, tx, b.Family); err != nil {
			return false, err
		}
		if err := saveCode(ctx, tx, b.Code, b.Family.ID); err != nil {
			return false, err
		}
		return true, consentTo{b.Consents, b.Declined, b.ConsentVersion}.save(ctx, tx, b.Family)
	})
}

const (
	revokeFamily = `UPDATE oauth_families SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`
	familyExists = `SELECT f.id FROM oauth_families f WHERE f.id = ?`
)

// RevokeFamily implements [oauth.FamilyStore].
func (s *Store) RevokeFamily(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if !storable(id) {
		return oauth.ErrNotFound
	}
	revoked := false
	err := s.change(ctx, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, revokeFamily, sqldb.At(at), id)
		revoked = n > 0
		return revoked, err
	})
	if err != nil {
		return fmt.Errorf("revoke family: %w", err)
	}
	if revoked {
		return nil
	}
	return s.exists(ctx, familyExists, id)
}

// RevokeFamilies implements [oauth.FamilyStore].
func (s *Store) RevokeFamilies(ctx context.Context, which oauth.FamilyFilter, at time.Time, audit *oauth.AuditRecord) error {
	if err := which.Validate(); err != nil {
		return err
	}
	if !storable(which.User.Provider, which.User.ID, which.ClientID, string(which.Session), string(which.ExceptSession)) {
		return oauth.ErrNotFound
	}
	c := cutOff{FamilyFilter: which, at: sqldb.At(at)}
	return s.change(ctx, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		changed, err := c.apply(ctx, tx)
		if err != nil {
			return false, err
		}
		return changed, s.endSessions(ctx, tx, c, c)
	})
}

// EndSession implements [oauth.FamilyStore].
func (s *Store) EndSession(ctx context.Context, user oauth.UserRef, session oauth.Digest, at time.Time, audit *oauth.AuditRecord) error {
	which := oauth.FamilyFilter{User: user, Session: session}
	if err := which.Validate(); err != nil || session == "" {
		return cmp.Or(err, errors.New("sqlstore: EndSession needs a session"))
	}
	if !storable(user.Provider, user.ID, string(session)) {
		return oauth.ErrNotFound
	}
	codes, tokens := which, which
	codes.Unredeemed, tokens.EndsWithSession = true, true
	return s.change(ctx, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		unredeemed, bound := cutOff{FamilyFilter: codes, at: sqldb.At(at)}, cutOff{FamilyFilter: tokens, at: sqldb.At(at)}
		ended, err := unredeemed.apply(ctx, tx)
		if err != nil {
			return false, err
		}
		more, err := bound.apply(ctx, tx)
		if err != nil {
			return false, err
		}
		return ended || more, s.endSessions(ctx, tx, cutOff{FamilyFilter: which, at: sqldb.At(at)}, unredeemed, bound)
	})
}
