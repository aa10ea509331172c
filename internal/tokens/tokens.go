// Package tokens issues, verifies, finds and revokes tokens. No other package uses
// the store's methods for tokens, families and consents.
package tokens

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Store is the part of an [oauth.Store] that this package uses.
type Store interface {
	oauth.FamilyStore
	oauth.TokenStore
	oauth.ConsentStore
}

// Config holds the dependencies of a [Service]. All fields but Claims and IDTokens are required.
type Config struct {
	Issuer       string
	OpaquePrefix string // of opaque access tokens
	Store        Store  // from [Stamped]
	Keys         *keyring.Live
	Policy       *policy.Policy
	Users        *users.Directory
	Audit        audit.Log
	FamilyLimit  int  // of the live families of a user at a client; zero for no limit
	TimeOnly     bool // lists have no address and no program of a last use

	// Claims returns additional claims of a JWT access token.
	Claims func(ctx context.Context, token *oauth.AccessToken) (map[string]any, error)

	// Client returns the client with an ID, or [oauth.ErrNotFound].
	Client func(ctx context.Context, id string) (*oauth.Client, error)

	IDTokens *idtoken.Service // nil if the server isn't an OpenID provider

	// SessionsEnded is called after sessions of a user have ended.
	SessionsEnded func(ctx context.Context)

	// Foreign accepts tokens of another server; nil for none. MayOpen refuses a client that
	// has presented too many values that the other server did not make; NotOpened counts
	// such a value.
	Foreign   feature.Foreign
	MayOpen   func(ctx context.Context, clientID string) error
	NotOpened func(ctx context.Context, clientID string)
}

// Service issues, verifies, finds and revokes the tokens of a server. It is safe
// for concurrent use.
type Service struct {
	issuer       string
	opaquePrefix string
	store        Store
	keys         *keyring.Live
	policy       *policy.Policy
	users        *users.Directory
	audit        audit.Log
	familyLimit  int
	timeOnly     bool
	moreClaims   func(ctx context.Context, token *oauth.AccessToken) (map[string]any, error)
	client       func(ctx context.Context, id string) (*oauth.Client, error)
	idTokens     *idtoken.Service
	ended        func(ctx context.Context)
	foreign      feature.Foreign
	mayOpen      func(ctx context.Context, clientID string) error
	notOpened    func(ctx context.Context, clientID string)
}

// New returns a service.
func New(c Config) *Service {
	return &Service{c.Issuer, c.OpaquePrefix, c.Store, c.Keys, c.Policy, c.Users, c.Audit, c.FamilyLimit, c.TimeOnly, c.Claims, c.Client, c.IDTokens, c.SessionsEnded, c.Foreign, c.MayOpen, c.NotOpened}
}

// OpaquePrefix returns the prefix of opaque access tokens.
func (s *Service) OpaquePrefix() string { return s.opaquePrefix }

// Token returns an access token by its ID, or [oauth.ErrNotFound].
func (s *Service) Token(ctx context.Context, id string) (*oauth.AccessToken, error) {
	return s.store.AccessToken(ctx, id)
}

// TokensOf yields the access tokens of a user, including ended ones; see
// [oauth.TokenStore.TokensOf].
func (s *Service) TokensOf(ctx context.Context, user oauth.UserRef) iter.Seq2[*oauth.AccessToken, error] {
	return s.store.TokensOf(ctx, user)
}

// TokensOfClient yields the access tokens of a client by the time of issue,
// including ended ones.
func (s *Service) TokensOfClient(ctx context.Context, clientID string) iter.Seq2[*oauth.AccessToken, error] {
	return s.store.TokensOfClient(ctx, clientID)
}

// Connections returns the newest access token of each live family of a user, except
// personal access tokens; see [oauth.TokenStore.Connections].
func (s *Service) Connections(ctx context.Context, user oauth.UserRef, at time.Time) ([]*oauth.AccessToken, error) {
	list, err := s.store.Connections(ctx, user, at)
	return s.shown(list), err
}

// PersonalTokens returns the personal access tokens of a user; see
// [oauth.TokenStore.PersonalTokens].
func (s *Service) PersonalTokens(ctx context.Context, user oauth.UserRef) ([]*oauth.AccessToken, error) {
	list, err := s.store.PersonalTokens(ctx, user)
	return s.shown(list), err
}

// shown returns tokens without what the server no longer keeps about their last use. It
// changes copies, because a store may return the same record to several readers.
func (s *Service) shown(list []*oauth.AccessToken) []*oauth.AccessToken {
	if !s.timeOnly {
		return list
	}
	all := make([]*oauth.AccessToken, 0, len(list))
	for _, t := range list {
		token := *t
		token.LastUsedAddress, token.LastUsedAgent = "", ""
		all = append(all, &token)
	}
	return all
}

// Code returns an authorization code, or [oauth.ErrNotFound].
func (s *Service) Code(ctx context.Context, d oauth.Digest) (*oauth.Code, error) {
	return s.store.Code(ctx, d)
}

// IssueCode stores a family and its authorization code; see
// [oauth.FamilyStore.IssueCode]. The permit is that of the family's client.
func (s *Service) IssueCode(ctx context.Context, p Permit, c *oauth.CodeIssuance, events ...event.Event) error {
	if p.client == nil || p.client.ID != c.Family.ClientID {
		return errNoPermit
	}
	user := c.Family.User
	record := oauth.AuditRecord{
		Action: "code.issued", Actor: oauth.ForUser(user).Claim(""), User: user, ClientID: c.Family.ClientID, Time: c.Family.CreatedAt,
	}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		c.Audit = record
		return s.store.IssueCode(ctx, c)
	}, events...)
	if err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	return nil
}

// UseTicket uses up the ticket of a consent page, or returns [oauth.ErrSpent].
func (s *Service) UseTicket(ctx context.Context, id string, until time.Time) error {
	return s.store.UseOnce(ctx, oauth.SpendTicket, id, until)
}

// Consented returns the names that the user has consented to for the client, and those
// that the user declined; see [oauth.ConsentStore.Consented].
func (s *Service) Consented(ctx context.Context, user oauth.UserRef, c *oauth.Client) (granted, declined []string, err error) {
	granted, declined, err = s.store.Consented(ctx, user, c)
	if err != nil {
		return nil, nil, fmt.Errorf("find consent: %w", err)
	}
	return granted, declined, nil
}

// Reach queries the store for a code that does not exist, and returns the store's
// error.
func (s *Service) Reach(ctx context.Context) error {
	_, err := s.store.Code(ctx, oauth.DigestOf(""))
	if errors.Is(err, oauth.ErrNotFound) {
		return nil
	}
	return err
}
