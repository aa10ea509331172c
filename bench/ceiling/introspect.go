package main

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// introspection handles an API's requests: it reads the rows of the API and the
// token for every request, and verifies each signature once.
type introspection struct {
	reader     *reader
	api, token *sql.Stmt
}

func newIntrospection(ctx context.Context, db *sql.DB, d sqldb.Dialect, r *reader) (*introspection, error) {
	place := "?"
	if d.Name == sqldb.Postgres.Name {
		place = "$1"
	}
	api, err1 := db.PrepareContext(ctx, `SELECT c.audience, s.digest FROM oauth_clients c JOIN oauth_client_secrets s ON s.client_id = c.id
WHERE c.revoked_at IS NULL AND c.suspended_at IS NULL AND s.expires_at IS NULL AND c.id = `+place)
	token, err2 := db.PrepareContext(ctx, `SELECT t.scopes, t.client_id, t.issued_at, t.expires_at, t.revoked_at, f.provider, f.user_id, f.expires_at, f.revoked_at, c.revoked_at, c.suspended_at
FROM oauth_access_tokens t JOIN oauth_families f ON f.id = t.family_id JOIN oauth_clients c ON c.id = t.client_id WHERE t.id = `+place)
	return &introspection{r, api, token}, errors.Join(err1, err2)
}

// description is the response about a token. For an inactive one it has no other
// fields.
type description struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
}

func (i *introspection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	id, secret, _ := r.BasicAuth()
	var audience, digest string
	err := i.api.QueryRowContext(r.Context(), id).Scan(&audience, &digest)
	if r.ParseForm() != nil || err != nil || subtle.ConstantTimeCompare([]byte(digest), []byte(digestOf(secret))) != 1 {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	about, err := i.describe(r.Context(), r.PostForm.Get("token"), audience, now)
	if err != nil && !errors.Is(err, errToken) {
		refuse(w, http.StatusServiceUnavailable, "temporarily_unavailable")
		return
	}
	writeJSON(w, http.StatusOK, about)
}

func (i *introspection) describe(ctx context.Context, token, audience string, now time.Time) (d description, err error) {
	c, err := i.reader.remember(token)
	if err != nil || now.Unix() >= c.Expires || c.Audience != audience {
		return d, errToken
	}
	var provider, user string
	var issued, expires, ends int64
	var revoked, ended, gone, suspended sql.NullInt64
	err = i.token.QueryRowContext(ctx, c.ID).Scan(&d.Scope, &d.ClientID, &issued, &expires, &revoked, &provider, &user, &ends, &ended, &gone, &suspended)
	at := now.UnixMicro()
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return d, errToken
	case err != nil:
		return d, err
	case revoked.Valid || ended.Valid || gone.Valid || suspended.Valid || at >= expires || at >= ends:
		return description{}, errToken
	}
	d.Active, d.Subject, d.Audience, d.Issuer = true, provider+":"+user, c.Audience, c.Issuer
	d.ID, d.TokenType, d.IssuedAt, d.Expires = c.ID, "Bearer", issued/1e6, expires/1e6
	return d, nil
}
