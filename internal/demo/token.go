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

// field is a member of a token's header or claims, with what it is for.
type field struct {
	Name, Value, Meaning string
}

// decoded is an access token taken apart: a JWT (RFC 9068).
type decoded struct {
	Parts          []part // header, claims and signature, as they were sent
	Header, Claims []field
}

// part is one of the three parts of a token, in its colour.
type part struct{ Class, Text string }

// headerMeanings and claimMeanings explain what a token may hold, in the
// order in which it is shown.
var headerMeanings = []field{
	{Name: "typ", Meaning: "An access token, so that nobody takes it for a token of another kind (RFC 9068)."},
	{Name: "alg", Meaning: "How it is signed."},
	{Name: "kid", Meaning: "Which of the server's public keys verifies it; they are at jwks_uri."},
}

var claimMeanings = []field{
	{Name: "iss", Meaning: "Who issued it."},
	{Name: "sub", Meaning: "For whom it speaks: an account, never a client that acts for itself."},
	{Name: "client_id", Meaning: "Which application it was given to."},
	{Name: "aud", Meaning: "Which API it is for. Others must refuse it."},
	{Name: "scope", Meaning: "What you allowed, and no more."},
	{Name: "iat", Meaning: "When it was issued."},
	{Name: "exp", Meaning: "When it ends. It is short-lived, because whoever holds it can use it."},
	{Name: "auth_time", Meaning: "When you typed your password. The application never saw it."},
	{Name: "jti", Meaning: "Its own ID. The server keeps a row under it, so the token can be revoked at once."},
}

// decode takes a JWT apart. It verifies nothing: an application has no use for
// what is inside its access token, and here it is only shown.
func decode(jwt string) (*decoded, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil, errors.New("the access token is no JWT")
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

// shown returns a member's value for people: times as such, texts without quotes.
func shown(name string, raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var seconds int64
	if json.Unmarshal(raw, &seconds) == nil && slices.Contains([]string{"iat", "exp", "auth_time", "nbf"}, name) {
		return fmt.Sprintf("%d, %s", seconds, time.Unix(seconds, 0).UTC().Format("2 January 2006 15:04:05 UTC"))
	}
	return string(bytes.TrimSpace(raw))
}
