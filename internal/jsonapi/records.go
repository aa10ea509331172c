package jsonapi

import (
	"context"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/jsonid"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

// The records of the JSON API, with their fields in this order. They are separate
// types, so that a new field of a stored record is not published by accident.

// timestamp is a time in the JSON API's format.
type timestamp time.Time

// MarshalText implements [encoding.TextMarshaler]: UTC with six decimals.
func (t timestamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000000Z"), nil
}

// clientRecord is a client.
type clientRecord struct {
	ID             any       `json:"id"`
	UserID         any       `json:"user_id"` // nil for the operator's own clients
	Name           string    `json:"name"`
	Provider       *string   `json:"provider"`
	Redirect       string    `json:"redirect"` // separated by commas
	PersonalAccess bool      `json:"personal_access_client"`
	Password       bool      `json:"password_client"`
	Revoked        bool      `json:"revoked"`
	CreatedAt      timestamp `json:"created_at"`
	UpdatedAt      timestamp `json:"updated_at"`

	RedirectURIs []string `json:"redirect_uris"`
	GrantTypes   []string `json:"grant_types"`
	Confidential bool     `json:"confidential"`

	AllowedOrigins []string `json:"allowed_origins,omitempty"`

	metadataRecord
	openIDRecord
	Verified bool `json:"verified,omitempty"` // no request of this API changes it
}

// metadataRecord is the metadata of a client that its owner may change.
type metadataRecord struct {
	ClientURI string   `json:"client_uri,omitempty"`
	PolicyURI string   `json:"policy_uri,omitempty"`
	TOSURI    string   `json:"tos_uri,omitempty"`
	Contacts  []string `json:"contacts,omitempty"`
}

// with adds the metadata of the client, unless it is nil.
func (c *clientRecord) with(m *oauth.ClientMetadata) *clientRecord {
	if m != nil {
		c.metadataRecord = metadataRecord{m.ClientURI, m.PolicyURI, m.TOSURI, m.Contacts}
		c.Verified = m.Verified
	}
	return c
}

// described returns the records of clients with their metadata.
func (a *API) described(ctx context.Context, clients ...*oauth.Client) ([]*clientRecord, error) {
	metadata, err := a.Clients.MetadataOf(ctx, clients)
	if err != nil {
		return nil, err
	}
	all := make([]*clientRecord, 0, len(clients))
	for _, c := range clients {
		all = append(all, a.clientRecord(c).with(metadata[c.ID]))
	}
	return all, nil
}

// newClientRecord is a newly created client, the only record that has the secret.
// The order of its fields differs from clientRecord's.
type newClientRecord struct {
	PlainSecret    *string   `json:"plainSecret"`
	UserID         any       `json:"user_id"`
	Name           string    `json:"name"`
	Secret         *string   `json:"secret"` // nil for a public client
	Provider       *string   `json:"provider"`
	Redirect       string    `json:"redirect"`
	PersonalAccess bool      `json:"personal_access_client"`
	Password       bool      `json:"password_client"`
	Revoked        bool      `json:"revoked"`
	UpdatedAt      timestamp `json:"updated_at"`
	CreatedAt      timestamp `json:"created_at"`
	ID             any       `json:"id"`

	RedirectURIs []string `json:"redirect_uris"`
	GrantTypes   []string `json:"grant_types"`
	Confidential bool     `json:"confidential"`

	metadataRecord
	openIDRecord
}

func (a *API) clientRecord(c *oauth.Client) *clientRecord {
	shown := &clientRecord{
		ID: jsonid.Value(c.ID, a.NumericClientIDs), Name: c.Name, Provider: orNull(c.Provider), Redirect: joinRedirects(c.RedirectURIs),
		PersonalAccess: c.Allows(tokens.PersonalAccess), Password: c.Allows("password"), Revoked: !c.RevokedAt.IsZero(),
		CreatedAt: timestamp(c.CreatedAt), UpdatedAt: timestamp(c.UpdatedAt),
		RedirectURIs: orEmpty(c.RedirectURIs), GrantTypes: orEmpty(c.GrantTypes), Confidential: !c.Public(), AllowedOrigins: c.AllowedOrigins, openIDRecord: openIDRecordOf(c),
	}
	if c.UpdatedAt.IsZero() {
		shown.UpdatedAt = timestamp(c.CreatedAt)
	}
	if c.Owner.ID != "" {
		shown.UserID = jsonid.Value(c.Owner.ID, a.NumericUserIDs)
	}
	return shown
}

func (a *API) newClientRecord(created *oauth.ClientCreation, plain string) *newClientRecord {
	c, secret := a.clientRecord(created.Client).with(created.Metadata), orNull(plain)
	return &newClientRecord{
		PlainSecret: secret, UserID: c.UserID, Name: c.Name, Secret: secret, Provider: c.Provider, Redirect: c.Redirect,
		PersonalAccess: c.PersonalAccess, Password: c.Password, Revoked: c.Revoked, UpdatedAt: c.UpdatedAt, CreatedAt: c.CreatedAt, ID: c.ID,
		RedirectURIs: c.RedirectURIs, GrantTypes: c.GrantTypes, Confidential: c.Confidential, metadataRecord: c.metadataRecord, openIDRecord: c.openIDRecord,
	}
}

// tokenRecord is the record of a user's access token. It never holds the token
// itself.
type tokenRecord struct {
	ID        string        `json:"id"`
	UserID    any           `json:"user_id"`
	ClientID  any           `json:"client_id"`
	Name      *string       `json:"name"` // of a personal access token
	Scopes    []string      `json:"scopes"`
	Revoked   bool          `json:"revoked"`
	CreatedAt timestamp     `json:"created_at"`
	UpdatedAt timestamp     `json:"updated_at"`
	ExpiresAt timestamp     `json:"expires_at"`
	Client    *clientRecord `json:"client,omitempty"` // in lists

	// The last use, in lists, if it is known.
	LastUsedAt      *timestamp `json:"last_used_at,omitempty"`
	LastUsedAddress string     `json:"last_used_address,omitempty"`
	LastUsedAgent   string     `json:"last_used_agent,omitempty"`
}

func (a *API) tokenRecord(t *oauth.AccessToken) *tokenRecord {
	return &tokenRecord{
		ID: t.ID, UserID: jsonid.Value(t.Family.User.ID, a.NumericUserIDs), ClientID: jsonid.Value(t.Client.ID, a.NumericClientIDs), Name: orNull(t.Name), Scopes: orEmpty(t.Scopes),
		Revoked:   !t.RevokedAt.IsZero() || !t.Family.RevokedAt.IsZero(),
		CreatedAt: timestamp(t.IssuedAt), UpdatedAt: timestamp(t.IssuedAt), ExpiresAt: timestamp(t.ExpiresAt),
	}
}

// tokenRecords returns the records of a list, each with its client.
func (a *API) tokenRecords(tokens []*oauth.AccessToken) []*tokenRecord {
	shown := make([]*tokenRecord, 0, len(tokens))
	for _, t := range tokens {
		item := a.tokenRecord(t)
		item.Client = a.clientRecord(t.Client)
		if !t.LastUsedAt.IsZero() {
			item.LastUsedAt, item.LastUsedAddress, item.LastUsedAgent = new(timestamp(t.LastUsedAt)), t.LastUsedAddress, t.LastUsedAgent
		}
		shown = append(shown, item)
	}
	return shown
}

// scopeRecord is a registered scope.
type scopeRecord struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Group       string `json:"group,omitempty"`
	CanChange   bool   `json:"can_change,omitempty"`
	Sensitive   bool   `json:"sensitive,omitempty"`
	Optional    bool   `json:"optional,omitempty"`
}

// newTokenRecord is a newly created personal access token.
type newTokenRecord struct {
	AccessToken string       `json:"accessToken"` // shown only once
	Token       *tokenRecord `json:"token"`
}

// joinRedirects joins URIs with commas, and percent-encodes commas inside them.
func joinRedirects(uris []string) string {
	encoded := make([]string, 0, len(uris))
	for _, uri := range uris {
		encoded = append(encoded, withoutComma(uri))
	}
	return strings.Join(encoded, ",")
}

func withoutComma(uri string) string { return strings.ReplaceAll(uri, ",", "%2C") }

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// orEmpty returns a list that JSON encodes as [] instead of null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
