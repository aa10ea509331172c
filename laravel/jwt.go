package laravel

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// longestToken is the longest access token, in bytes.
const longestToken = 16 << 10

// jwtHeader is the header of an access token of Laravel Passport. The tokens of this
// server have another typ or a kid. A jti is in tokens of old versions.
type jwtHeader struct {
	Typ string `json:"typ"`
	Alg string `json:"alg"`
	Jti string `json:"jti"`
}

// IsAccessToken implements [feature.Foreign].
func (f *foreign) IsAccessToken(bearer string) bool {
	encoded, _, ok := strings.Cut(bearer, ".")
	if !ok || len(bearer) > longestToken || len(f.keys) == 0 {
		return false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return false
	}
	var h jwtHeader
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(&h) != nil || h.Typ != "JWT" || h.Alg != "RS256" {
		return false
	}
	_, err = d.Token()
	return errors.Is(err, io.EOF)
}

// instant is a time in a token, in Unix seconds with a fraction. Laravel Passport 10 with
// version 4.0 of lcobucci/jwt writes the number as a text.
type instant float64

// UnmarshalJSON implements [json.Unmarshaler].
func (i *instant) UnmarshalJSON(raw []byte) error {
	if len(raw) > 2 && raw[0] == '"' {
		raw = raw[1 : len(raw)-1]
	}
	return json.Unmarshal(raw, (*float64)(i))
}

// jwtClaims are the claims of an access token.
type jwtClaims struct {
	Audience  string   `json:"aud"` // the client
	ID        string   `json:"jti"`
	IssuedAt  *instant `json:"iat"`
	NotBefore *instant `json:"nbf"`
	Expires   *instant `json:"exp"`
	Subject   string   `json:"sub"` // the ID of the user; empty, or the client, if the client acts for itself

	// Tokens of Laravel Passport have none of these. An ID token or a logout token has.
	Issuer string          `json:"iss"`
	Nonce  string          `json:"nonce"`
	Events json.RawMessage `json:"events"`
}

var (
	errNotOurs = oauth.InvalidToken.Errorf("the token is not one of ours")
	errEnded   = oauth.InvalidToken.Errorf("the token has expired or was revoked")
	errUnknown = oauth.InvalidToken.Errorf("the token is unknown")
)

// verify returns the claims of a token that one of the keys has signed and that is valid
// at the given time.
func (f *foreign) verify(bearer string, at time.Time) (*jwtClaims, error) {
	signed, encoded, ok := cutLast(bearer)
	if !ok {
		return nil, errNotOurs
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, errNotOurs
	}
	digest := sha256.Sum256([]byte(signed))
	if !slices.ContainsFunc(f.keys, func(k *rsa.PublicKey) bool { return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature) == nil }) {
		return nil, errNotOurs
	}
	_, payload, _ := strings.Cut(signed, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return nil, errNotOurs
	}
	c := new(jwtClaims)
	if json.Unmarshal(raw, c) != nil || c.ID == "" || c.Audience == "" || c.Issuer != "" || c.Nonce != "" || c.Events != nil {
		return nil, errNotOurs
	}
	if !c.validAt(at) {
		return nil, errEnded
	}
	return c, nil
}

// cutLast cuts a token before its signature. A token has three parts.
func cutLast(bearer string) (signed, signature string, ok bool) {
	i := strings.LastIndexByte(bearer, '.')
	if i < 0 || strings.Count(bearer, ".") != 2 || strings.ContainsAny(bearer, "\r\n") {
		return "", "", false
	}
	return bearer[:i], bearer[i+1:], true
}

// validAt reports whether the token is valid at a time. The clocks of the two servers may
// differ by [oauth.ClockSkew]; the expiry is exact.
func (c *jwtClaims) validAt(at time.Time) bool {
	later := func(t *instant) bool { return t != nil && seconds(*t).After(at.Add(oauth.ClockSkew)) }
	return c.Expires != nil && at.Before(seconds(*c.Expires)) && !later(c.IssuedAt) && !later(c.NotBefore)
}

// seconds returns the time of a claim.
func seconds(t instant) time.Time {
	const latest = 1 << 40 // beyond any calendar of ours, and within that of Go
	whole, fraction := math.Modf(float64(min(max(t, 0), latest)))
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}
