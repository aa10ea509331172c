package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// field is a member of a token's header or claims, with its meaning.
type field struct {
	Name, Value, Meaning string
}

// decoded is a decoded JWT.
type decoded struct {
	Parts          []part // header, claims and signature, as they were sent
	Header, Claims []field
}

// part is one of the three parts of a token, with its color.
type part struct{ Class, Text string }

// These explain the members of an access token (RFC 9068), in the order of the page.
var accessTokenHeader = []field{
	{Name: "typ", Meaning: "The type: an access token. It keeps other kinds of tokens apart (RFC 9068)."},
	{Name: "alg", Meaning: "The algorithm of the signature."},
	{Name: "kid", Meaning: "The ID of the public key that verifies it. The keys are at jwks_uri."},
}

var accessTokenClaims = []field{
	{Name: "iss", Meaning: "The issuer."},
	{Name: "sub", Meaning: "The subject: your account."},
	{Name: "client_id", Meaning: "The application that got it."},
	{Name: "aud", Meaning: "The audience: the API that it is for. Other APIs must refuse it."},
	{Name: "scope", Meaning: "The scopes that you allowed."},
	{Name: "iat", Meaning: "The time of issue."},
	{Name: "exp", Meaning: "The time of expiry. It is soon, because anyone with a copy can use the token."},
	{Name: "auth_time", Meaning: "The time at which you typed your password. The application never saw it."},
	{Name: "jti", Meaning: "The ID of the token. The server has a row with this ID, so it can revoke the token at once."},
}

// These explain the members of an ID token (OpenID Connect Core §2).
var idTokenHeader = []field{
	{Name: "typ", Meaning: "The type. It differs from that of an access token."},
	{Name: "alg", Meaning: "The algorithm of the signature: one that every application can verify."},
	{Name: "kid", Meaning: "The ID of the public key that verifies it."},
}

var idTokenClaims = []field{
	{Name: "iss", Meaning: "The issuer: Order Tracker compares it with the server that it asked."},
	{Name: "sub", Meaning: "You. It never changes, so Order Tracker finds your account with it, not with your address."},
	{Name: "aud", Meaning: "The application that the token is for. Other applications must refuse it."},
	{Name: "name", Meaning: "Your name, because you allowed the scope profile."},
	{Name: "email", Meaning: "Your address, because you allowed the scope email."},
	{Name: "email_verified", Meaning: "Whether the address is known to be yours."},
	{Name: "updated_at", Meaning: "The time at which your name or address last changed."},
	{Name: "auth_time", Meaning: "The time at which you typed your password."},
	{Name: "amr", Meaning: "How you signed in: pwd is a password (RFC 8176)."},
	{Name: "nonce", Meaning: "The value that Order Tracker sent. It shows that the token is for this sign-in."},
	{Name: "at_hash", Meaning: "A hash of the access token, which binds the two together."},
	{Name: "sid", Meaning: "Your session. When you sign out, the server can tell Order Tracker which one has ended."},
	{Name: "iat", Meaning: "The time of issue."},
	{Name: "exp", Meaning: "The time of expiry."},
}

// decode decodes a JWT without verification, for a page that shows it.
func decode(jwt string, headerMeanings, claimMeanings []field) (*decoded, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token is not a JWT")
	}
	header, err := fields(parts[0], headerMeanings)
	if err != nil {
		return nil, err
	}
	claims, err := fields(parts[1], claimMeanings)
	if err != nil {
		return nil, err
	}
	return &decoded{
		Parts:  []part{{"part1", parts[0]}, {"part2", parts[1]}, {"part3", parts[2]}},
		Header: header, Claims: claims,
	}, nil
}

func fields(part string, known []field) ([]field, error) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, fmt.Errorf("decode token: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("decode token: %w", err)
	}
	var found []field
	for _, f := range known {
		if raw, ok := members[f.Name]; ok {
			f.Value = shown(f.Name, raw)
			found = append(found, f)
			delete(members, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		found = append(found, field{Name: name, Value: shown(name, members[name])})
	}
	return found, nil
}

// shown returns a member's value for people: times as dates, texts without quotes.
func shown(name string, raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var seconds int64
	if json.Unmarshal(raw, &seconds) == nil && slices.Contains([]string{"iat", "exp", "auth_time", "nbf", "updated_at"}, name) {
		return fmt.Sprintf("%d, %s", seconds, time.Unix(seconds, 0).UTC().Format("2 January 2006 15:04:05 UTC"))
	}
	return string(bytes.TrimSpace(raw))
}
