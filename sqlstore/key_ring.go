package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	selectKeyRing = `SELECT r.sealed, r.version FROM oauth_key_rings r WHERE r.name = 'keys'`
	insertKeyRing = `INSERT INTO oauth_key_rings (name, version, sealed) VALUES ('keys', 1, ?)`
	updateKeyRing = `UPDATE oauth_key_rings SET version = version + 1, sealed = ? WHERE name = 'keys' AND version = ?`
)

// KeyRing implements [oauth.KeyStore].
func (s *Store) KeyRing(ctx context.Context) (sealed string, version int64, err error) {
	err = s.db.Row(ctx, selectKeyRing, func(row sqldb.Row) error { return row.Scan(&sealed, &version) })
	return sealed, version, err
}

// SaveKeyRing implements [oauth.KeyStore].
func (s *Store) SaveKeyRing(ctx context.Context, sealed string, version int64) error {
	var saved bool
	var err error
	if version == 0 {
		saved, err = s.db.Insert(ctx, insertKeyRing, sealed)
	} else {
		var n int64
		n, err = s.db.Exec(ctx, updateKeyRing, sealed, version)
		saved = n > 0
	}
	switch {
	case err != nil:
		return fmt.Errorf("save keys: %w", err)
	case !saved:
		return oauth.ErrConflict
	}
	return nil
}
