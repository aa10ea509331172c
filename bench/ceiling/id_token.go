package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-passport/passport/bench/internal/server"
)

// idTokens signs the ID tokens of the clients that get one.
type idTokens struct {
	issuer, subject string
	rsa             *rsa.PrivateKey
	ecdsa           *ecdsa.PrivateKey
}

func newIDTokens(s *signer) (*idTokens, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	return &idTokens{s.issuer, s.subject, key, s.key}, nil
}

// idClaims are the claims of an ID token.
type idClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Hash     string `json:"at_hash"`
}

// sign returns the ID token beside an access token; empty for a client that gets none.
func (s *idTokens) sign(client, access string, now time.Time) (string, error) {
	if client != server.RS256Client && client != server.ES256Client {
		return "", nil
	}
	hash := sha256.Sum256([]byte(access))
	payload, err := json.Marshal(idClaims{s.issuer, s.subject, client, now.Unix(), now.Unix() + 3600, base64.RawURLEncoding.EncodeToString(hash[:16])})
	if err != nil {
		return "", err
	}
	if client == server.ES256Client {
		return signES256(s.ecdsa, idHeader("ES256"), payload)
	}
	token := idHeader("RS256") + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(token))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.rsa, crypto.SHA256, sum[:])
	return token + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

func idHeader(alg string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","kid":"ceiling","typ":"JWT"}`))
}

// userInfo is UserInfo: what a guard does, and the claims in place of the response of an
// API.
type userInfo struct{ reader *reader }

func (u userInfo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, err := u.reader.user(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), time.Now())
	if err != nil {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"sub": "users:" + user, "name": "Alice"})
}
