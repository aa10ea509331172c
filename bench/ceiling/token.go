package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-passport/passport/bench/internal/server"
	"github.com/go-passport/passport/internal/uuid"
)

// endpoint answers at /oauth/token.
type endpoint struct {
	secrets map[string]string // client ID to the digest of its secret
	signer  *signer
	writer  *writer
}

// digests reads the clients: what a cache would hold.
func digests(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT client_id, digest FROM oauth_client_secrets`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var id, digest string
		if err := rows.Scan(&id, &digest); err != nil {
			return nil, err
		}
		all[id] = digest
	}
	return all, rows.Err()
}

// answer is the token response.
type answer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

// What is issued is for this scope and lives so long.
const (
	scope      = "read"
	accessLife = time.Hour
	freshLife  = 30 * 24 * time.Hour
	familyLife = 365 * 24 * time.Hour
)

// password is the digest of the one user's.
var password = []byte(digestOf(server.Password))

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	id, secret, _ := r.BasicAuth()
	if err := r.ParseForm(); err != nil || subtle.ConstantTimeCompare([]byte(e.secrets[id]), []byte(digestOf(secret))) != 1 {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	out := &write{client: id, id: uuid.NewV7(), issued: now, expires: now.Add(accessLife), done: make(chan error, 1)}
	res := answer{TokenType: "Bearer", ExpiresIn: int64(accessLife / time.Second), Scope: scope}
	switch r.PostForm.Get("grant_type") {
	case "client_credentials":
	case "authorization_code":
		out.kind, out.spends = spendCode, digestOf(r.PostForm.Get("code"))
	case "refresh_token":
		out.kind, out.spends = spendRefresh, digestOf(r.PostForm.Get("refresh_token"))
	case "password":
		if r.PostForm.Get("username") != server.Username || subtle.ConstantTimeCompare([]byte(digestOf(r.PostForm.Get("password"))), password) != 1 {
			refuse(w, http.StatusBadRequest, "invalid_grant")
			return
		}
		out.kind, out.family, out.familyEnds = newFamily, uuid.NewV7(), now.Add(familyLife)
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	if out.kind != spendNothing {
		res.RefreshToken = rand.Text() + rand.Text()
		out.refresh, out.ends = digestOf(res.RefreshToken), now.Add(freshLife)
	}
	var err error
	if res.AccessToken, err = e.signer.sign(out); err == nil {
		err = e.writer.save(out)
	}
	switch {
	case errors.Is(err, errSpent):
		refuse(w, http.StatusBadRequest, "invalid_grant")
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "temporarily_unavailable")
	default:
		answerJSON(w, http.StatusOK, res)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	answerJSON(w, status, map[string]string{"error": code})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
