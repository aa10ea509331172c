package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	insertImportedClient = `INSERT INTO oauth_imported_clients (client_id, secret, ciphertexts_until, imported_at) VALUES (?, ?, ?, ?)`

	selectImportedClient = `SELECT m.secret, m.ciphertexts_until, m.imported_at, (SELECT MAX(o.expires_at) FROM oauth_imported_refresh_tokens o) FROM oauth_imported_clients m WHERE m.client_id = ?`

	raiseCiphertexts = `UPDATE oauth_imported_clients SET ciphertexts_until = ? WHERE client_id = ? AND (ciphertexts_until IS NULL OR ciphertexts_until < ?)`
	setImportSecret  = `UPDATE oauth_imported_clients SET secret = ? WHERE client_id = ?`
	dropSecretsOf    = `DELETE FROM oauth_client_secrets WHERE client_id = ?`
	setAuthMethod    = `UPDATE oauth_clients SET auth_method = ? WHERE id = ? AND auth_method <> ?`
	raiseCount       = `UPDATE oauth_counters SET value = ? WHERE name = 'client_id' AND value < ?`
)

// ImportedClient implements [oauth.ImportStore].
func (s *Store) ImportedClient(ctx context.Context, id string) (*oauth.ImportedClient, error) {
	if !storable(id) {
		return nil, oauth.ErrNotFound
	}
	found := &oauth.ImportedClient{Client: &oauth.Client{ID: id}}
	var secret string
	unowned := sqldb.Micros{T: new(time.Time)}
	err := s.db.Row(ctx, selectImportedClient, func(row sqldb.Row) error {
		return row.Scan(&secret, sqldb.Micros{T: &found.CiphertextsUntil}, sqldb.Micros{T: &found.Client.CreatedAt}, unowned)
	}, id)
	if err != nil {
		return nil, err
	}
	if secret != "" {
		found.Client.Secrets = []oauth.Secret{{Digest: oauth.Digest(secret)}}
	}
	if unowned.T.After(found.CiphertextsUntil) {
		found.CiphertextsUntil = *unowned.T
	}
	return found, nil
}

// importClient creates a client, or changes it to what the other server has now.
func (s *Store) importClient(ctx context.Context, c *oauth.ImportedClient) error {
	if c.Client.ID == "" || !storable(c.Client.ID) || len(c.Client.Secrets) > 1 {
		return errors.New("its ID cannot be stored, or it has several secrets")
	}
	if err := c.Client.Validate(); err != nil {
		return err
	}
	known, err := s.ImportedClient(ctx, c.Client.ID)
	if errors.Is(err, oauth.ErrNotFound) {
		return s.createImported(ctx, c)
	}
	if err != nil {
		return err
	}
	if err := s.updateImported(ctx, c.Client); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, setAuthMethod, string(c.Client.AuthMethod), c.Client.ID, string(c.Client.AuthMethod)); err != nil {
			return err
		}
		if until := sqldb.At(c.CiphertextsUntil); !c.CiphertextsUntil.IsZero() {
			if _, err := tx.Exec(ctx, raiseCiphertexts, until, c.Client.ID, until); err != nil {
				return err
			}
		}
		if importSecret(c.Client) == importSecret(known.Client) {
			return nil
		}
		return setSecret(ctx, tx, c.Client)
	})
}

// importSecret returns the digest or hash of a client's secret; empty without one.
func importSecret(c *oauth.Client) string {
	if len(c.Secrets) == 0 {
		return ""
	}
	return string(c.Secrets[0].Digest)
}

// createImported creates a client with its mark. The counter of IDs rises above its ID.
func (s *Store) createImported(ctx context.Context, c *oauth.ImportedClient) error {
	attributes, err := sqldb.Encoded(c.Client.Attributes)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		inserted, err := tx.Insert(ctx, insertImportedClient, c.Client.ID, importSecret(c.Client), sqldb.When(c.CiphertextsUntil), sqldb.At(c.Client.CreatedAt))
		if err == nil && !inserted {
			err = oauth.ErrConflict // another import has just created it
		}
		if err != nil {
			return err
		}
		if err := (newClient{Client: c.Client, attributes: attributes}).save(ctx, tx, c.Client.ID); err != nil {
			return err
		}
		return raiseCounter(ctx, tx, c.Client.ID)
	})
}

// raiseCounter makes the numbers of new clients begin after an ID that is a number.
func raiseCounter(ctx context.Context, tx *sqldb.Tx, id string) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != id {
		return nil //nolint:nilerr // not a number that the counter can reach
	}
	if _, err := tx.Insert(ctx, startCount, "client_id", 0); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, raiseCount, n, n)
	return err
}

// updateImported changes a stored client to what the other server has now. A client that
// was deleted here stays away.
func (s *Store) updateImported(ctx context.Context, c *oauth.Client) error {
	for range 3 { // another change may come in between
		stored, err := s.Client(ctx, c.ID)
		if errors.Is(err, oauth.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		next := *stored
		next.Name, next.Owner, next.Provider = c.Name, c.Owner, c.Provider
		next.RedirectURIs, next.GrantTypes, next.Scopes = c.RedirectURIs, c.GrantTypes, c.Scopes
		if !next.LooksLike(stored) || next.Provider != stored.Provider || !slices.Equal(next.GrantTypes, stored.GrantTypes) || !slices.Equal(next.Scopes, stored.Scopes) {
			err = s.UpdateClient(ctx, &next, nil)
		}
		if err == nil && !c.RevokedAt.IsZero() && stored.RevokedAt.IsZero() {
			err = s.RevokeClient(ctx, c.ID, c.RevokedAt, nil)
		}
		if !errors.Is(err, oauth.ErrConflict) {
			return err
		}
	}
	return oauth.ErrConflict
}

// setSecret replaces all secrets of a client: the other server has a new one.
func setSecret(ctx context.Context, tx *sqldb.Tx, c *oauth.Client) error {
	if _, err := tx.Exec(ctx, setImportSecret, importSecret(c), c.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, dropSecretsOf, c.ID); err != nil {
		return err
	}
	for _, secret := range c.Secrets {
		if _, err := tx.Insert(ctx, insertSecret, string(secret.Digest), sqldb.At(secret.CreatedAt), sqldb.When(secret.ExpiresAt), c.ID); err != nil {
			return err
		}
	}
	return nil
}
