package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// reader guards a route: it verifies each signature once, and reads the token's
// row for every request.
type reader struct {
	signer         *signer
	byID, byDigest *sql.Stmt
	mu             sync.RWMutex
	seen           map[[sha256.Size]byte]claims
}

func newReader(ctx context.Context, db *sql.DB, d sqldb.Dialect) (*reader, error) {
	q := `SELECT t.scopes, t.expires_at, t.revoked_at, f.user_id, f.expires_at, f.revoked_at
FROM oauth_access_tokens t LEFT JOIN oauth_families f ON f.id = t.family_id WHERE `
	place := "?"
	if d.Name == sqldb.Postgres.Name {
		place = "$1"
	}
	byID, err1 := db.PrepareContext(ctx, q+"t.id = "+place)
	byDigest, err2 := db.PrepareContext(ctx, q+"t.digest = "+place)
	return &reader{byID: byID, byDigest: byDigest}, errors.Join(err1, err2)
}

func (g *reader) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	user, err := g.user(r.Context(), bearer, time.Now())
	if err != nil {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"user": user})
}

func (g *reader) user(ctx context.Context, bearer string, now time.Time) (string, error) {
	q, key := g.byDigest, digestOf(bearer)
	if !strings.HasPrefix(bearer, "passport_pat_") {
		c, err := g.remember(bearer)
		if err != nil || now.Unix() >= c.Expires {
			return "", errToken
		}
		q, key = g.byID, c.ID
	}
	var scopes string
	var user sql.NullString
	var expires int64
	var revoked, ends, ended sql.NullInt64
	if err := q.QueryRowContext(ctx, key).Scan(&scopes, &expires, &revoked, &user, &ends, &ended); err != nil {
		return "", err
	}
	at := now.UnixMicro()
	if revoked.Valid || ended.Valid || at >= expires || at >= ends.Int64 || scopes != scope {
		return "", errToken
	}
	return user.String, nil
}

func (g *reader) remember(bearer string) (claims, error) {
	sum := sha256.Sum256([]byte(bearer))
	g.mu.RLock()
	c, ok := g.seen[sum]
	g.mu.RUnlock()
	if ok {
		return c, nil
	}
	c, err := g.signer.verify(bearer)
	if err != nil {
		return c, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[sum] = c
	return c, nil
}
