package idtoken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// Claims returns the claims about a user that the scopes ask for, in the form of
// UserInfo: without sub (OpenID Connect Core §5.4). A claim without a value is left out.
//
// Its errors never have an [oauth.Error], so clients get a server_error: a client must not
// take a user without claims for a user who has none.
func (s *Service) Claims(ctx context.Context, user *oauth.User, client *oauth.Client, scopes []string) (map[string]any, error) {
	if s.OpenID.UserClaims == nil || !slices.ContainsFunc(s.claimScopes(), func(scope string) bool { return s.has(scopes, scope) }) {
		return map[string]any{}, nil
	}
	found, err := s.OpenID.UserClaims(ctx, user, client, scopes)
	if err != nil {
		return nil, ofApplication(err)
	}
	claims, err := s.granted(found, scopes)
	if err != nil {
		return nil, fmt.Errorf("OpenID.UserClaims for the user %.100q: %w", user.ID, err)
	}
	return claims, nil
}

// ofApplication returns the error of UserClaims with its text. Of the errors that it
// wraps it keeps only those that mean the same here.
func ofApplication(err error) error {
	text := "OpenID.UserClaims: " + err.Error()
	for _, kept := range []error{oauth.ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kept) {
			return fmt.Errorf("%s (%w)", text, kept)
		}
	}
	return errors.New(text)
}

// claimScopes returns the scopes that ask for claims.
func (s *Service) claimScopes() []string {
	return slices.AppendSeq(slices.Clone(dataScopes), maps.Values(s.extra))
}

// has reports whether the granted scopes include a scope. A granted * does not: it means
// the application's API.
func (s *Service) has(granted []string, scope string) bool {
	return slices.ContainsFunc(granted, func(g string) bool {
		return g != oauth.AllScopes && oauth.Covers([]string{g}, scope, s.InheritScopes)
	})
}

// gives reports whether the application declares a standard claim.
func (s *Service) gives(name string) bool {
	return s.OpenID.StandardClaims == nil || slices.Contains(s.OpenID.StandardClaims, name)
}

// granted returns the claims of the granted scopes. A fault in a claim that isn't asked
// for does not matter, except for the names of extra claims: those are the application's
// code, not a user's data.
func (s *Service) granted(c openid.Claims, scopes []string) (map[string]any, error) {
	claims := map[string]any{}
	for _, scope := range dataScopes {
		if !s.has(scopes, scope) {
			continue
		}
		for _, m := range standard[scope] {
			if !s.gives(m.name) {
				continue
			}
			value, err := m.value(&c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.field, err)
			}
			if value != nil {
				claims[m.name] = value
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Extra)) {
		value, err := s.extraClaim(name, c.Extra[name], scopes)
		if err != nil {
			return nil, fmt.Errorf("the extra claim %q: %w", name, err)
		}
		if value != nil {
			claims[name] = value
		}
	}
	return claims, nil
}

// extraClaim returns the value of an extra claim as JSON; nil if it has none or isn't
// granted.
func (s *Service) extraClaim(name string, value any, scopes []string) (any, error) {
	scope, declared := s.extra[name]
	switch {
	case Reserved(name):
		return nil, errors.New("the server sets that claim; choose another name")
	case FieldOf(name) != "":
		return nil, fmt.Errorf("set Claims.%s instead", FieldOf(name))
	case !declared:
		return nil, errors.New("declare it in OpenID.ExtraClaims, with the scope that asks for it")
	case !s.has(scopes, scope):
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("return a value that can be encoded as JSON: %w", err)
	}
	if bytes.Equal(text, []byte("null")) || bytes.Equal(text, []byte(`""`)) {
		return nil, nil
	}
	return json.RawMessage(text), nil
}

// protocolClaims are the claims that only the server may set.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "cnf", "act", "may_act",
	"typ", "sid", "nonce", "azp", "at_hash", "c_hash", "s_hash", "events", "authorization_details",
}

// Reserved reports whether only the server may set a claim. A reader that ignores the case
// of names would confuse two spellings.
func Reserved(name string) bool {
	return slices.ContainsFunc(protocolClaims, func(claim string) bool { return strings.EqualFold(claim, name) })
}

// Supported returns the names of the claims that ID tokens and UserInfo may have, for
// claims_supported (OpenID Connect Discovery §3).
func (s *Service) Supported() []string {
	names := []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"}
	if s.OpenID.UserClaims == nil {
		return names
	}
	for _, scope := range dataScopes {
		for _, m := range standard[scope] {
			if s.gives(m.name) {
				names = append(names, m.name)
			}
		}
	}
	return append(names, slices.Sorted(maps.Keys(s.extra))...)
}
