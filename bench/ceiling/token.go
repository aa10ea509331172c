package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-passport/passport/bench/internal/server"
	"github.com/go-passport/passport/internal/uuid"
)

// endpoint handles /oauth/token.
type endpoint struct {
	records *records
	signer  *signer
	ids     *idTokens
	writer  *writer
}

// response is the token response.
type response struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`
}

// The scope and the lifetimes of issued tokens.
const (
	scope      = "read"
	accessLife = time.Hour
	freshLife  = 30 * 24 * time.Hour
	familyLife = 365 * 24 * time.Hour
)

// password is the digest of the only user's password.
var password = []byte(digestOf(server.Password))

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res, err := e.issue(r, time.Now())
	switch {
	case errors.Is(err, errClient):
		refuse(w, http.StatusUnauthorized, "invalid_client")
	case errors.Is(err, errGrant), errors.Is(err, errSpent):
		refuse(w, http.StatusBadRequest, "invalid_grant")
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "temporarily_unavailable")
	default:
		writeJSON(w, http.StatusOK, res)
	}
}

func (e *endpoint) issue(r *http.Request, now time.Time) (*response, error) {
	id, secret, _ := r.BasicAuth()
	if err := r.ParseForm(); err != nil {
		return nil, errGrant
	}
	out := &write{client: id, id: uuid.NewV7(), issued: now, expires: now.Add(accessLife), done: make(chan error, 1)}
	if err := e.allow(r.Context(), r.PostForm, secret, out); err != nil {
		return nil, err
	}
	res := &response{TokenType: "Bearer", ExpiresIn: int64(accessLife / time.Second), Scope: scope}
	if out.kind != spendNothing {
		res.RefreshToken = rand.Text() + rand.Text()
		out.refresh, out.ends = digestOf(res.RefreshToken), now.Add(freshLife)
	}
	var err error
	if res.AccessToken, err = e.signer.sign(out); err != nil {
		return nil, err
	}
	if res.IDToken, err = e.ids.sign(out.client, res.AccessToken, now); err != nil {
		return nil, err
	}
	return res, e.writer.save(out)
}

// allow reads the records of the request, and sets the value that its write uses
// up.
func (e *endpoint) allow(ctx context.Context, form url.Values, secret string, out *write) error {
	switch form.Get("grant_type") {
	case "client_credentials":
		return e.records.authenticate(ctx, out.client, secret)
	case "authorization_code":
		out.kind, out.spends = spendCode, digestOf(form.Get("code"))
		return e.records.redeem(ctx, e.records.code, secret, out)
	case "refresh_token":
		out.kind, out.spends = spendRefresh, digestOf(form.Get("refresh_token"))
		return e.records.redeem(ctx, e.records.refresh, secret, out)
	case "password":
		out.kind, out.family, out.familyEnds = newFamily, uuid.NewV7(), out.issued.Add(familyLife)
		if form.Get("username") != server.Username || subtle.ConstantTimeCompare([]byte(digestOf(form.Get("password"))), password) != 1 {
			return errGrant
		}
		return e.records.authenticate(ctx, out.client, secret)
	}
	return errGrant
}

func refuse(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]string{"error": code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
