package laravelimport

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Keys are the keys of the Laravel application.
type Keys struct {
	App    []AppKey       // the current one first
	Public *rsa.PublicKey // signs the access tokens; nil if it was not given
}

// ParsePublicKey reads an RSA key from PEM text: a public key, or the public part of a
// private key. Laravel Passport writes both with CRLF, and .env has \n for a line end.
func ParsePublicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, `\n`, "\n")))
	if block == nil {
		return nil, errors.New("the key is not PEM text: want oauth-public.key or oauth-private.key of Laravel")
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, errors.New("the key can't be read: want an RSA key without a passphrase")
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key, nil
	case *rsa.PrivateKey:
		return &key.PublicKey, nil
	}
	return nil, errors.New("the key is not an RSA key: Laravel Passport signs with RS256")
}

// check verifies that the keys belong to the installation. checked says what has proved
// the application key; it is empty if nothing could.
func (s *Snapshot) check(ctx context.Context, keys Keys, samples []string) (checked string, err error) {
	if len(keys.App) == 0 {
		return "", errors.New("the application key is missing: without it no refresh token works; name the file .env with --env, or give APP_KEY with --app-key")
	}
	for _, sample := range samples {
		kind, err := s.checkSample(ctx, keys, strings.TrimSpace(sample))
		if err != nil {
			return "", err
		}
		if kind != jwtSample {
			checked = kind
		}
	}
	if checked != "" {
		return checked, nil
	}
	return s.probe(ctx, keys)
}

// jwtSample is the kind of a sample that says nothing about the application key.
const jwtSample = "an access token"

// errAppKey is the fault of a key of another application.
var errAppKey = errors.New("the application key is wrong")

// checkSample checks a value that the installation issued.
func (s *Snapshot) checkSample(ctx context.Context, keys Keys, sample string) (kind string, err error) {
	if parts := strings.Split(sample, "."); len(parts) == 3 {
		return jwtSample, s.checkJWT(ctx, keys.Public, parts)
	}
	if unescaped, err := url.PathUnescape(sample); err == nil {
		sample = unescaped // a cookie, as a browser shows it
	}
	opens := func(k AppKey) bool { return k.opensToken(sample) }
	kind = "a code or refresh token"
	if e, ok := parseEnvelope(sample); ok {
		kind, opens = "an encrypted cookie", func(k AppKey) bool { return k.opensEnvelope(e) }
	} else if !strings.HasPrefix(strings.ToLower(sample), "def50200") {
		return "", errors.New("a line of --verify is not a value of Laravel: want an access token, a refresh token, a code or an encrypted cookie on each line")
	}
	if slices.ContainsFunc(keys.App, opens) {
		return kind, nil
	}
	return "", fmt.Errorf("%w: it does not open %s of --verify; give the APP_KEY of the application that issued it", errAppKey, kind)
}

// checkJWT checks that the key verifies an access token and that the database has its row.
func (s *Snapshot) checkJWT(ctx context.Context, key *rsa.PublicKey, parts []string) error {
	if key == nil {
		return errors.New("--verify has an access token, but there is no key to verify it: name the folder of oauth-public.key with --keys")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
		return errors.New("the key of --keys does not verify the access token of --verify: name the folder with the oauth-public.key of this application")
	}
	var claims struct {
		JTI string `json:"jti"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return errors.New("an access token of --verify has no JSON in it")
	}
	found := false
	err = s.each(ctx, `SELECT 1 FROM `+s.source.quoted(accessTable)+` WHERE id = ?`, func(*sql.Rows) error {
		found = true
		return nil
	}, claims.JTI)
	if err == nil && !found {
		err = errors.New("the database of --from has no row for the access token of --verify: it is the database of another application, or the token was purged")
	}
	return err
}

// probe looks for values that Laravel has encrypted with the application key: secrets of
// two-factor sign-in, and encrypted sessions. Most installations have none.
func (s *Snapshot) probe(ctx context.Context, keys Keys) (checked string, err error) {
	for _, p := range []struct{ table, column string }{{"users", "two_factor_secret"}, {"users", "two_factor_recovery_codes"}, {"sessions", "payload"}} {
		if !s.probes[p.table].has(p.column) {
			continue
		}
		values, err := s.samplesOf(ctx, p.table, p.column)
		if err != nil {
			return "", fmt.Errorf("read %s.%s: %w", p.table, p.column, err)
		}
		if len(values) == 0 {
			continue
		}
		for _, v := range values {
			for _, k := range keys.App {
				if k.opensEnvelope(v) {
					return p.table + "." + p.column, nil
				}
			}
		}
		return "", fmt.Errorf("%w: it does not open %s.%s in the database of --from; give the APP_KEY of this application", errAppKey, p.table, p.column)
	}
	return "", nil
}

func (s *Snapshot) samplesOf(ctx context.Context, table, column string) (values []envelope, err error) {
	q := `SELECT ` + column + ` FROM ` + s.source.quoted(table) + ` WHERE ` + column + ` LIKE ? OR ` + column + ` LIKE ? LIMIT 20`
	encodedTwice := base64.RawStdEncoding.EncodeToString([]byte(envelopePrefix + "x"))[:8] // Laravel encodes the payload of a session
	err = s.each(ctx, q, func(rows *sql.Rows) error {
		var v string
		if err := rows.Scan(text{&v}); err != nil {
			return err
		}
		if inner, err := base64.StdEncoding.DecodeString(v); err == nil && strings.HasPrefix(string(inner), envelopePrefix) {
			v = string(inner)
		}
		if e, ok := parseEnvelope(v); ok {
			values = append(values, e)
		}
		return nil
	}, envelopePrefix+"%", encodedTwice+"%")
	return values, err
}
