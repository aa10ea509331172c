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
	// A code that a cut-off has ended can't be spent: the session may have ended after
	// the code was read.
	spendCode = `UPDATE oauth_auth_codes SET spent_at = ? WHERE digest = ? AND spent_at IS NULL
AND NOT EXISTS (SELECT 1 FROM oauth_families f JOIN oauth_cut_offs x ON ` + cutMatches + `
WHERE f.id = oauth_auth_codes.family_id AND x.unredeemed = 1)`

	spendRefreshToken = `UPDATE oauth_refresh_tokens SET spent_at = ?, successor = ? WHERE digest = ? AND spent_at IS NULL`

	// The access tokens of other servers live long, so a refresh ends them.
	revokeReplaced = `UPDATE oauth_access_tokens SET revoked_at = ? WHERE revoked_at IS NULL
AND id = (SELECT r.access_token_id FROM oauth_refresh_tokens r WHERE r.digest = ?)
AND family_id = (SELECT r.family_id FROM oauth_refresh_tokens r WHERE r.digest = ?)`

	insertAccessToken = `INSERT INTO oauth_access_tokens (id, digest, family_id, client_id, name, hint, scopes, audience, attributes, issued_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertRefreshToken = `INSERT INTO oauth_refresh_tokens (digest, access_token_id, family_id, scopes, attributes, expires_at) VALUES (?, ?, ?, ?, ?, ?)`

	insertOnce = `INSERT INTO oauth_once (purpose, digest, keep_until) VALUES (?, ?, ?)`
)

// Issue implements [oauth.TokenStore].
func (s *Store) Issue(ctx context.Context, i *oauth.Issuance) error {
	if i.Spends.Purpose == oauth.SpendRefreshToken && i.RefreshToken == nil {
		return errors.New("sqlstore: a refresh token is spent without a successor")
	}
	access, err := accessTokenRow(i.AccessToken)
	if err != nil {
		return fmt.Errorf("save access token: %w", err)
	}
	write := sqldb.Member{
		Key: string(i.Spends.Purpose) + " " + i.Spends.ID,
		Run: func(ctx context.Context, tx *sqldb.Tx) error {
			if err := s.issue(ctx, tx, i, access); err != nil {
				return err
			}
			return saveAudit(ctx, tx, i.Audit)
		},
	}
	if alone(i) {
		// A single statement is a transaction by itself.
		write.Alone = func(ctx context.Context) error {
			if _, err := s.db.Exec(ctx, insertAccessToken, access...); err != nil {
				return fmt.Errorf("save access token: %w", err)
			}
			return nil
		}
	}
	if q, args, ok := s.atOnce(i, access); ok {
		write.Run = func(ctx context.Context, tx *sqldb.Tx) error {
			if err := issueAtOnce(ctx, tx.Exec, q, args); err != nil {
				return err
			}
			return saveAudit(ctx, tx, i.Audit)
		}
		if i.Audit == nil {
			write.Alone = func(ctx context.Context) error { return issueAtOnce(ctx, s.db.Exec, q, args) }
		}
	}
	return s.db.Group(ctx, write)
}

// alone reports whether the access token is the only write.
func alone(i *oauth.Issuance) bool {
	return i.Spends.Purpose == "" && i.NewFamily == nil && i.RefreshToken == nil && i.Audit == nil
}

// issue spends the code or refresh token first. If it returns [oauth.ErrSpent], it has
// written nothing.
func (s *Store) issue(ctx context.Context, tx *sqldb.Tx, i *oauth.Issuance, access []any) error {
	if err := spend(ctx, tx, i); err != nil {
		return err
	}
	if i.NewFamily != nil {
		q, row := beginFamily(i)
		if q == insertFamily {
			var err error
			if q, row, err = s.beginSession(ctx, tx, i.NewFamily); err != nil {
				return err
			}
		}
		switch n, err := tx.Exec(ctx, q, row...); {
		case err != nil:
			return fmt.Errorf("save family: %w", err)
		case n == 0:
			return oauth.ErrLimit
		}
		if err := (consentTo{i.Consents, i.Declined, i.ConsentVersion}).save(ctx, tx, i.NewFamily); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, insertAccessToken, access...); err != nil {
		return fmt.Errorf("save access token: %w", err)
	}
	if i.RefreshToken == nil {
		return nil
	}
	return saveRefreshToken(ctx, tx, i.RefreshToken)
}

func insertedRefreshToken(r *oauth.RefreshToken) ([]any, error) {
	attributes, err := sqldb.Encoded(r.Attributes)
	return []any{string(r.Digest), r.AccessTokenID, r.Family.ID, sqldb.Joined(r.Scopes), attributes, sqldb.At(r.ExpiresAt)}, err
}

func saveRefreshToken(ctx context.Context, tx *sqldb.Tx, r *oauth.RefreshToken) error {
	row, err := insertedRefreshToken(r)
	if err == nil {
		_, err = tx.Exec(ctx, insertRefreshToken, row...)
	}
	if err != nil {
		return fmt.Errorf("save refresh token: %w", err)
	}
	return nil
}

func accessTokenRow(t *oauth.AccessToken) ([]any, error) {
	var family any
	if t.Family != nil {
		family = t.Family.ID
	}
	attributes, err := sqldb.Encoded(t.Attributes)
	return []any{
		t.ID, sqldb.Optional(string(t.Digest)), family, t.Client.ID, t.Name, sqldb.Optional(t.Hint), sqldb.Joined(t.Scopes), sqldb.Joined(t.Audience), attributes,
		sqldb.At(t.IssuedAt), sqldb.At(t.ExpiresAt),
	}, err
}

func spend(ctx context.Context, tx *sqldb.Tx, i *oauth.Issuance) (err error) {
	var n int64
	switch i.Spends.Purpose {
	case "":
		return nil
	case oauth.SpendCode, oauth.SpendDeviceCode:
		n, err = tx.Exec(ctx, spendCode, sqldb.At(i.Time), i.Spends.ID)
	case oauth.SpendRefreshToken:
		n, err = tx.Exec(ctx, spendRefreshToken, sqldb.At(i.Time), string(i.RefreshToken.Digest), i.Spends.ID)
	default:
		return useOnce(ctx, tx, i.Spends.Purpose, i.Spends.ID, i.Spends.Until)
	}
	switch {
	case err != nil:
		return fmt.Errorf("spend the %s: %w", i.Spends.Purpose, err)
	case n == 0:
		return oauth.ErrSpent
	}
	if replacesImported(i) {
		if _, err := tx.Exec(ctx, revokeReplaced, sqldb.At(i.Time), i.Spends.ID, i.Spends.ID); err != nil {
			return fmt.Errorf("revoke the replaced access token: %w", err)
		}
	}
	return nil
}

// replacesImported reports whether an issuance replaces an imported refresh token.
func replacesImported(i *oauth.Issuance) bool {
	return i.Spends.Purpose == oauth.SpendRefreshToken && oauth.Digest(i.Spends.ID).Imported()
}

// UseOnce implements [oauth.TokenStore].
func (s *Store) UseOnce(ctx context.Context, purpose oauth.Purpose, id string, until time.Time) error {
	return once(s.db.Insert(ctx, insertOnce, onceRow(purpose, id, until)...))
}

func useOnce(ctx context.Context, tx *sqldb.Tx, purpose oauth.Purpose, id string, until time.Time) error {
	return once(tx.Insert(ctx, insertOnce, onceRow(purpose, id, until)...))
}

// onceRow returns the row of a one-time value. It stores a digest of the ID, which has
// a fixed length.
func onceRow(purpose oauth.Purpose, id string, until time.Time) []any {
	return []any{string(purpose), string(oauth.DigestOf(id)), sqldb.At(until)}
}

func once(inserted bool, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("use once: %w", err)
	case !inserted:
		return oauth.ErrSpent
	}
	return nil
}
