package passport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// tokenResponse is a successful token response (RFC 6749 §5.1).
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"` // always: it may be less than what was asked for, and nothing
}

// issuing is what is to be issued: what a grant allowed, to which client, when.
type issuing struct {
	*oauth.Authorization
	client    *oauth.Client
	grantType string
	time      time.Time // when the request came in

	ticket   *ticket  // of the consent page that is used up; nil without a page
	name     string   // of a personal access token
	opaque   bool     // no JWT
	byUser   bool     // it is the user's own doing, not the client's
	consents []string // of the user, to be remembered with a new family
	events   []Event  // published after those of the tokens
}

// issue is the only writer of tokens. It checks every authorization in the same
// way, so no caller and no grant can leave out a check. A user who is gone is
// [users.ErrGone], which each caller maps to the error code of its endpoint.
func (s *Server) issue(ctx context.Context, i *issuing) (*tokenResponse, *oauth.AccessToken, error) {
	if err := i.validate(); err != nil {
		return nil, nil, fmt.Errorf("grant %s: %w", i.grantType, err)
	}
	if err := s.actsFor(i.client, i.Authorization); err != nil {
		return nil, nil, err
	}
	if !i.NewFamily && i.Family != nil && !i.Family.Live(i.time) {
		return nil, nil, oauth.InvalidGrant.Errorf("the authorization was revoked or has ended")
	}
	if user, ok := i.Subject.User(); ok {
		if _, err := s.users.Load(ctx, user); err != nil {
			return nil, nil, err
		}
	}
	s.limit(i)
	if i.Retried != nil {
		return s.reissue(ctx, i)
	}
	return s.issueNew(ctx, i)
}

// issueNew signs and stores new tokens and publishes their events.
func (s *Server) issueNew(ctx context.Context, i *issuing) (*tokenResponse, *oauth.AccessToken, error) {
	access := s.accessToken(i)
	refresh, raw := s.refreshToken(i, access)
	res, err := s.response(ctx, access, raw, i) // sign first: a signing failure must not use up the code
	if err != nil {
		return nil, nil, err
	}
	issuance := &oauth.Issuance{Time: i.time, Spends: i.spends(), AccessToken: access, RefreshToken: refresh, Consents: i.consents, ConsentVersion: i.client.ConsentVersion}
	if i.NewFamily {
		issuance.NewFamily = i.Family
	}
	events := []Event{AccessTokenIssued{Meta: audit.Meta(ctx), Token: access, GrantType: i.grantType}}
	if refresh != nil {
		events = append(events, RefreshTokenIssued{Meta: audit.Meta(ctx), Token: refresh, Rotated: i.Spends.Purpose == oauth.SpendRefreshToken})
	}
	err = s.audit.Change(ctx, i.record(), func(record *oauth.AuditRecord) error {
		issuance.Audit = record
		return s.config.Store.Issue(ctx, issuance)
	}, append(events, i.events...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("store tokens: %w", err)
	}
	return res, access, nil
}

// limit takes away what the client may not have, and completes a new family. It
// changes a copy: the authorization belongs to the grant.
func (s *Server) limit(i *issuing) {
	a := *i.Authorization
	a.Scopes = s.policy.PermittedScopes(a.Scopes, i.client, i.grantType)
	a.RefreshScopes = s.policy.RefreshScopes(a.RefreshScopes, i.grantType)
	a.Refresh = a.Refresh && (i.client.Allows("refresh_token") || a.Spends.Purpose == oauth.SpendRefreshToken)
	if a.NewFamily {
		a.Family = s.completed(a.Family, i)
	}
	i.Authorization = &a
}

// completed returns a new family as it is stored: it ends with its session where
// the server or the client says so, and lives as long as the client's families
// unless the grant set its end.
func (s *Server) completed(f *oauth.Family, i *issuing) *oauth.Family {
	family := *f
	if !family.Personal { // a personal access token has no session
		family.EndsWithSession = family.EndsWithSession || s.config.FamiliesEndWithSession || i.client.EndsWithSession
	}
	if family.ExpiresAt.IsZero() {
		family.ExpiresAt = i.time.Add(s.policy.FamilyLife(i.client, policy.RunsInBrowser(i.client)))
	}
	return &family
}

// tokenID is the ID of the access token. It follows from the ticket, so that a
// second click finds what the first one made.
func (i *issuing) tokenID() string {
	if i.ticket != nil {
		return i.ticket.tokenID()
	}
	return uuid.NewV7()
}

// spends is the one-time value that the write uses up. No grant can name a ticket.
func (i *issuing) spends() oauth.Spend {
	if i.ticket != nil {
		return oauth.Spend{Purpose: oauth.SpendTicket, ID: i.ticket.ID, Until: i.ticket.until()}
	}
	return i.Spends
}

func (s *Server) accessToken(i *issuing) *oauth.AccessToken {
	t := s.stamp(&oauth.AccessToken{
		ID: i.tokenID(), Client: i.client, Family: i.Family, Name: i.name, Scopes: i.Scopes, Audience: s.policy.Audiences(i.Resources),
		Attributes: i.Attributes, IssuedAt: i.time, ExpiresAt: i.time.Add(s.policy.AccessTokenLife(i.client, i.grantType, i.Authorization)),
	})
	if i.Family != nil && i.Family.ExpiresAt.Before(t.ExpiresAt) {
		t.ExpiresAt = i.Family.ExpiresAt
	}
	return t
}

// record is that of the audit log.
func (i *issuing) record() oauth.AuditRecord {
	user, _ := i.Subject.User()
	actor := oauth.ForClient().Claim(i.client.ID)
	if i.byUser {
		actor = i.Subject.Claim(i.client.ID)
	}
	return oauth.AuditRecord{Action: "token.issued", Actor: actor, User: user, ClientID: i.client.ID, Reason: i.grantType, Time: i.time}
}

// validate refuses an authorization that is not well formed: without a subject,
// for a user without the family that ends the token, for a client with a family.
func (i *issuing) validate() error {
	a := i.Authorization
	if a == nil {
		return errors.New("it returned neither an authorization nor an error")
	}
	user, isUser := a.Subject.User()
	switch {
	case !a.Subject.Valid():
		return errors.New("it names no subject")
	case isUser && !storable.Text(user.ID):
		return errors.New("it names a user whose ID cannot be stored: want UTF-8 without control characters, at most 255 bytes")
	case isUser && (a.Family == nil || a.Family.User != user):
		return errors.New("it authorizes a user without a family of that user")
	case !isUser && a.Family != nil:
		return errors.New("it authorizes a client with a family")
	case !isUser && (a.NewFamily || a.Refresh):
		return errors.New("it begins a family, or wants a refresh token, for a client that acts for itself")
	case isUser:
		if err := i.validateFamily(); err != nil {
			return err
		}
	}
	return i.validateSpend()
}

// validateFamily refuses a family that would not end what it has to: a row without
// a family's ID is a client's own token, and a family that claims to be younger
// than the request slips past what was revoked in the meantime.
func (i *issuing) validateFamily() error {
	switch f := i.Family; {
	case f.ID == "":
		return errors.New("its family has no ID")
	case f.ClientID != i.client.ID && (i.NewFamily || i.Refresh || i.Spends.Purpose == oauth.SpendCode):
		// An access token alone may join it, as one that was exchanged for
		// another does, and ends with it.
		return errors.New("its family is another client's")
	case i.NewFamily && (f.CreatedAt.IsZero() || f.CreatedAt.After(i.time)):
		return errors.New("its new family was not created when the request came in: use TokenRequest.Time")
	case i.NewFamily && !f.ExpiresAt.IsZero() && !i.time.Before(f.ExpiresAt):
		return errors.New("its new family has ended already: set ExpiresAt, or leave it to the server")
	}
	return nil
}

// validateSpend refuses one-time values that could clash with ours, or never go, or
// go before they are worth nothing.
func (i *issuing) validateSpend() error {
	switch p := i.Spends.Purpose; {
	case i.ticket != nil && i.Spends != oauth.Spend{}:
		return errors.New("it uses up a one-time value beside the ticket of the consent page")
	case (p == "") != (i.Spends.ID == ""):
		return errors.New("its one-time value needs a purpose and an ID")
	case p != "" && p != oauth.SpendCode && p != oauth.SpendRefreshToken && !p.Custom():
		return errors.New("the purpose of its one-time value needs a dot in its name")
	case p.Custom() && !i.Spends.Until.After(i.time):
		return errors.New("it does not say how long its one-time value is kept")
	case p == oauth.SpendRefreshToken && !i.Refresh:
		return errors.New("it spends a refresh token without replacing it")
	}
	return nil
}

// refreshToken returns the record of the refresh token that belongs to access,
// and the token itself; neither when none is to be issued.
func (s *Server) refreshToken(i *issuing, access *oauth.AccessToken) (*oauth.RefreshToken, string) {
	if !i.Refresh {
		return nil, ""
	}
	raw := secret.New()
	if i.Spends.Purpose == oauth.SpendRefreshToken {
		raw = successor(s.keys.Roots().First(), i.Spends.ID)
	}
	scopes := i.RefreshScopes
	if scopes == nil {
		scopes = i.Scopes
	}
	expires := i.time.Add(s.policy.RefreshTokenLife(i.client))
	if i.Family.ExpiresAt.Before(expires) {
		expires = i.Family.ExpiresAt
	}
	return &oauth.RefreshToken{
		Digest: oauth.DigestOf(raw), AccessTokenID: access.ID, Family: i.Family, Scopes: scopes, Attributes: i.Attributes, ExpiresAt: expires,
	}, raw
}

// successor returns the refresh token that replaces a spent one: derived from
// it, so that sending the request again yields the same.
func successor(r *keyring.Root, spent string) string { return r.Derive("refresh token", spent) }

// reissue answers a refresh that was sent again with what it got before: the
// same refresh token, and the access token rebuilt from its row.
func (s *Server) reissue(ctx context.Context, i *issuing) (*tokenResponse, *oauth.AccessToken, error) {
	access, err := s.config.Store.AccessToken(ctx, i.Retried.AccessTokenID)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find access token: %w", err)
	}
	if f := access.Family; f == nil || i.Family == nil || f.ID != i.Family.ID || f.User != i.Family.User || access.Client.ID != i.client.ID {
		return nil, nil, fmt.Errorf("grant %s: it answers again with an access token of another family or client", i.grantType)
	}
	if !sameSet(access.Scopes, i.Scopes) || !sameSet(access.Audience, s.policy.Audiences(i.Resources)) {
		return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before, for another scope or resource")
	}
	if !access.Live(i.time) {
		return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before, and what it got has ended")
	}
	for _, root := range s.keys.Roots() { // the key may have been changed in between
		if raw := successor(root, i.Spends.ID); i.Retried.Digest.Matches(raw) {
			res, err := s.response(ctx, access, raw, i)
			return res, access, err
		}
	}
	return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before, and the key that its successor was made with is gone")
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// reservedClaims are those that only the server sets.
var reservedClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "cnf", "act", "may_act",
	"typ", "sid", "nonce", "azp", "at_hash", "c_hash", "s_hash", "events", "authorization_details",
}

// claims are those of a JWT access token (RFC 9068 §2.2).
func (s *Server) claims(ctx context.Context, t *oauth.AccessToken) (map[string]any, error) {
	claims := map[string]any{
		"iss": s.config.Issuer, "sub": t.Subject().Claim(t.Client.ID), "client_id": t.Client.ID, "jti": t.ID,
		"iat": t.IssuedAt.Unix(), "exp": t.ExpiresAt.Unix(), "aud": t.Audience,
	}
	if len(t.Audience) == 1 {
		claims["aud"] = t.Audience[0]
	}
	if len(t.Scopes) > 0 {
		claims["scope"] = strings.Join(t.Scopes, " ")
	}
	if t.Family != nil && !t.Family.AuthTime.IsZero() {
		claims["auth_time"] = t.Family.AuthTime.Unix()
	}
	if s.config.Claims == nil {
		return claims, nil
	}
	more, err := s.config.Claims(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("Config.Claims: %w", err)
	}
	for name := range more {
		// Readers that do not tell case apart would take the one for the other.
		if slices.ContainsFunc(reservedClaims, func(reserved string) bool { return strings.EqualFold(reserved, name) }) {
			return nil, fmt.Errorf("Config.Claims returned %q: that claim is the server's own; choose another name", name)
		}
	}
	maps.Copy(claims, more)
	return claims, nil
}

// response is what the client gets, at the time of its request. It completes the
// record of an opaque token.
func (s *Server) response(ctx context.Context, t *oauth.AccessToken, refresh string, i *issuing) (*tokenResponse, error) {
	res := &tokenResponse{
		TokenType: "Bearer", ExpiresIn: int64(t.ExpiresAt.Sub(i.time) / time.Second), RefreshToken: refresh, Scope: strings.Join(t.Scopes, " "),
	}
	if i.opaque {
		res.AccessToken = opaque.New(s.config.PersonalTokenPrefix)
		t.Digest = oauth.DigestOf(res.AccessToken)
		return res, nil
	}
	claims, err := s.claims(ctx, t)
	if err != nil {
		return nil, err
	}
	res.AccessToken, err = s.keys.Sign("at+jwt", claims)
	if err != nil {
		return nil, fmt.Errorf("sign access token: %w", err)
	}
	if n := len(res.AccessToken); n > jws.MaxBytes {
		return nil, fmt.Errorf("sign access token: it has %d bytes, and no guard admits more than %d; Config.Claims may return less", n, jws.MaxBytes)
	}
	return res, nil
}
