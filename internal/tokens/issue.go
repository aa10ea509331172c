package tokens

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// Response is a successful token response (RFC 6749 §5.1).
type Response struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"` // OpenID Connect Core §3.1.3.3
	Scope        string `json:"scope"`              // never omitted: it may be less than the requested scope, or empty

	Refreshed *oauth.Family `json:"-"` // whose refresh token was used; nil for other grants
}

// Format implements [fmt.Formatter]. It prints no secret: only the scope.
func (r Response) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "tokens.Response(%s)", r.Scope) }

// LogValue implements [slog.LogValuer]: only the scope.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.Scope) }

// Request holds the tokens to issue: a grant's authorization, the permit of the client,
// and the time.
type Request struct {
	*oauth.Authorization
	Permit    Permit // of the client
	GrantType string
	Time      time.Time // when the whole request was received

	Ticket   *Ticket       // of the consent page, to be used up; nil without a page
	Name     string        // of a personal access token
	Limit    int           // of the user's live personal access tokens; zero for no limit
	Opaque   bool          // the access token is not a JWT
	ByUser   bool          // the user acts, not the client
	Consents []string      // of the user, to be stored with a new family
	Declined []string      // optional scopes that the user declined, to be stored with it
	Events   []event.Event // published after the events of the tokens

	user *oauth.User // the account of the subject; nil for a client
}

// client returns the client that the tokens are issued to.
func (i *Request) client() *oauth.Client { return i.Permit.client }

// Ticket is the ticket of a consent page. A grant cannot use one up.
type Ticket struct {
	ID      string
	Until   time.Time // when its row may be purged
	TokenID string    // the ID of its access token; a second click uses it to find the result of the first
}

// Issue issues tokens. No other function writes tokens, and it checks every
// authorization, so that neither a caller nor a grant can skip a check. The error
// for a missing user is [users.ErrGone], which each caller maps to the error code
// of its endpoint.
func (s *Service) Issue(ctx context.Context, i *Request) (*Response, *oauth.AccessToken, error) {
	if err := i.validate(); err != nil {
		return nil, nil, fmt.Errorf("grant %s: %w", i.GrantType, err)
	}
	if err := checkProvider(i.client(), i.Authorization); err != nil {
		return nil, nil, err
	}
	if !i.NewFamily && i.Family != nil && !i.Family.Live(i.Time) {
		return nil, nil, oauth.InvalidGrant.Errorf("the authorization was revoked or has ended")
	}
	if user, ok := i.Subject.User(); ok {
		account, err := s.users.Load(ctx, user)
		if err != nil {
			return nil, nil, err
		}
		i.user = account
	}
	s.limit(i)
	if i.NewFamily && !i.Family.Live(i.Time) {
		return nil, nil, oauth.InvalidGrant.Errorf("the session of the user has expired")
	}
	if i.Retried != nil {
		return s.reissue(ctx, i)
	}
	return s.issueNew(ctx, i)
}

// issueNew signs and stores new tokens, and publishes their events.
func (s *Service) issueNew(ctx context.Context, i *Request) (*Response, *oauth.AccessToken, error) {
	access := s.accessToken(i)
	refresh, raw := s.refreshToken(i, access)
	res, err := s.response(ctx, access, raw, i) // sign first: a signing failure must not use up the code
	if err != nil {
		return nil, nil, err
	}
	if i.Family != nil && i.Family.Personal {
		access.Hint = res.AccessToken[len(res.AccessToken)-oauth.HintLength:]
	}
	issuance := &oauth.Issuance{Time: i.Time, Spends: i.spends(), AccessToken: access, RefreshToken: refresh, Consents: i.Consents, Declined: i.Declined, ConsentVersion: i.client().ConsentVersion, PersonalLimit: i.Limit}
	if i.NewFamily {
		issuance.NewFamily = i.Family
	}
	events := make([]event.Event, 0, 2+len(i.Events))
	events = append(events, event.AccessTokenIssued{Meta: audit.Meta(ctx), Token: access, GrantType: i.GrantType})
	if refresh != nil {
		events = append(events, event.RefreshTokenIssued{Meta: audit.Meta(ctx), Token: refresh, Rotated: i.Spends.Purpose == oauth.SpendRefreshToken})
	}
	err = s.audit.Change(ctx, i.record(), func(record *oauth.AuditRecord) error {
		issuance.Audit = record
		return s.store.Issue(ctx, issuance)
	}, append(events, i.Events...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("store tokens: %w", err)
	}
	return res, access, nil
}

// limit reduces the authorization to the client's limits, and completes a new
// family. It changes a copy, because the authorization belongs to the grant.
func (s *Service) limit(i *Request) {
	a := *i.Authorization
	a.Scopes = s.policy.PermittedScopes(a.Scopes, i.client(), i.GrantType)
	a.RefreshScopes = s.policy.RefreshScopes(a.RefreshScopes, i.GrantType)
	a.Refresh = a.Refresh && (i.client().Refreshes() || a.Spends.Purpose == oauth.SpendRefreshToken)
	if a.NewFamily {
		a.Family = s.completed(&a, i)
		s.withoutSignIn(&a, i)
	}
	i.Authorization = &a
}

// completed returns the new family of an authorization with its lifetime: the one
// that the grant set, or else the lifetime of the client's families. The family ends
// with its session if the server or the client requires it.
func (s *Service) completed(a *oauth.Authorization, i *Request) *oauth.Family {
	family := *a.Family
	if family.ExpiresAt.IsZero() {
		family.ExpiresAt = i.Time.Add(s.policy.FamilyLife(i.client(), policy.RunsInBrowser(i.client())))
	}
	s.policy.BindToSession(&family, i.client(), a.Scopes, i.SessionExpiresAt)
	return &family
}

// tokenID returns the ID of the access token.
func (i *Request) tokenID() string {
	if i.Ticket != nil {
		return i.Ticket.TokenID
	}
	return uuid.NewV7()
}

// spends returns the one-time value that the write uses up. A grant cannot name a
// ticket.
func (i *Request) spends() oauth.Spend {
	if i.Ticket != nil {
		return oauth.Spend{Purpose: oauth.SpendTicket, ID: i.Ticket.ID, Until: i.Ticket.Until}
	}
	return i.Spends
}

func (s *Service) accessToken(i *Request) *oauth.AccessToken {
	t := &oauth.AccessToken{
		ID: i.tokenID(), Client: i.client(), Family: i.Family, Name: i.Name, Scopes: i.Scopes, Audience: s.policy.Audiences(i.Resources),
		Attributes: i.Attributes, IssuedAt: i.Time, ExpiresAt: i.Time.Add(s.policy.AccessTokenLife(i.client(), i.GrantType, i.Authorization)),
		InheritScopes: s.policy.InheritScopes,
	}
	if i.Family != nil && i.Family.ExpiresAt.Before(t.ExpiresAt) {
		t.ExpiresAt = i.Family.ExpiresAt
	}
	return t
}

// record returns the record for the audit log.
func (i *Request) record() oauth.AuditRecord {
	user, _ := i.Subject.User()
	actor := oauth.ForClient().Claim(i.client().ID)
	if i.ByUser {
		actor = i.Subject.Claim(i.client().ID)
	}
	return oauth.AuditRecord{Action: "token.issued", Actor: actor, User: user, ClientID: i.client().ID, Reason: i.GrantType, Time: i.Time}
}

// refreshToken returns the record of the refresh token that belongs to access, and
// the token itself. It returns neither if no refresh token is to be issued.
func (s *Service) refreshToken(i *Request, access *oauth.AccessToken) (*oauth.RefreshToken, string) {
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
	expires := i.Time.Add(s.policy.RefreshTokenLife(i.client()))
	if i.Family.ExpiresAt.Before(expires) {
		expires = i.Family.ExpiresAt
	}
	return &oauth.RefreshToken{
		Digest: oauth.DigestOf(raw), AccessTokenID: access.ID, Family: i.Family, Scopes: scopes, Attributes: i.Attributes, ExpiresAt: expires,
	}, raw
}

// successor returns the refresh token that replaces a spent one. It is derived from
// the spent one, so that a repeated request gets the same.
func successor(r *keyring.Root, spent string) string { return r.Derive("refresh token", spent) }

// reissue repeats the response to a refresh that is sent again: the same refresh
// token, and the access token rebuilt from its row.
func (s *Service) reissue(ctx context.Context, i *Request) (*Response, *oauth.AccessToken, error) {
	access, err := s.store.AccessToken(ctx, i.Retried.AccessTokenID)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find access token: %w", err)
	}
	if f := access.Family; f == nil || i.Family == nil || f.ID != i.Family.ID || f.User != i.Family.User || access.Client.ID != i.client().ID {
		return nil, nil, fmt.Errorf("grant %s: it repeats an access token of another family or client", i.GrantType)
	}
	if !sameSet(access.Scopes, i.Scopes) || !sameSet(s.policy.Audiences(access.Audience), s.policy.Audiences(i.Resources)) {
		return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before, for another scope or resource")
	}
	if !access.Live(i.Time) {
		return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before, and its tokens have been revoked or have expired")
	}
	for _, root := range s.keys.Roots() { // the first key may have changed in the meantime
		if raw := successor(root, i.Spends.ID); i.Retried.Digest.Matches(raw) {
			res, err := s.response(ctx, access, raw, i)
			return res, access, err
		}
	}
	return nil, nil, oauth.InvalidGrant.Errorf("the refresh token was used before, and the key of its successor was removed")
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}
