package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
)

func digestOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// header is the header of every access token.
var header = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"ceiling","typ":"at+jwt"}`))

type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	ID       string `json:"jti"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Scope    string `json:"scope"`
}

type signer struct {
	key             *ecdsa.PrivateKey
	issuer, subject string
}

func newSigner(issuer, subject string) (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &signer{key, issuer, subject}, err
}

func (s *signer) sign(w *write) (string, error) {
	c := claims{s.issuer, s.subject, w.client, w.id, s.issuer, w.issued.Unix(), w.expires.Unix(), scope}
	if w.kind == spendNothing {
		c.Subject = w.client
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return signES256(s.key, header, payload)
}

func signES256(key *ecdsa.PrivateKey, header string, payload []byte) (string, error) {
	token := header + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(token))
	r, t, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	t.FillBytes(raw[32:])
	return token + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}

var errToken = errors.New("not a token of ours")

func (s *signer) verify(token string) (c claims, err error) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !strings.HasPrefix(token, header+".") {
		return c, errToken
	}
	raw, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if err != nil || len(raw) != 64 {
		return c, errToken
	}
	sum := sha256.Sum256([]byte(token[:i]))
	if !ecdsa.Verify(&s.key.PublicKey, sum[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		return c, errToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(token[len(header)+1 : i])
	if err == nil {
		err = json.Unmarshal(payload, &c)
	}
	return c, err
}
