package passport

import (
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// The records as the JSON API shows them, field by field in this order. They are
// written out here, so that nothing is shown because somebody added a field to a
// record.

// apiTime is a time as the JSON API writes it.
type apiTime time.Time

// MarshalText implements [encoding.TextMarshaler]: in UTC with six decimals.
func (t apiTime) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000000Z"), nil
}

// apiClient is a client.
type apiClient struct {
	ID             any     `json:"id"`
	UserID         any     `json:"user_id"` // nil for one of the operator's own
	Name           string  `json:"name"`
	Provider       *string `json:"provider"`
	Redirect       string  `json:"redirect"` // with commas between them
	PersonalAccess bool    `json:"personal_access_client"`
	Password       bool    `json:"password_client"`
	Revoked        bool    `json:"revoked"`
	CreatedAt      apiTime `json:"created_at"`
	UpdatedAt      apiTime `json:"updated_at"`

	RedirectURIs []string `json:"redirect_uris"`
	GrantTypes   []string `json:"grant_types"`
	Confidential bool     `json:"confidential"`
}

// apiNewClient is a client that was just made, the only one that is shown with
// its secret. Its fields have an order of their own.
type apiNewClient struct {
	PlainSecret    *string `json:"plainSecret"`
	UserID         any     `json:"user_id"`
	Name           string  `json:"name"`
	Secret         *string `json:"secret"` // nil for a public client
	Provider       *string `json:"provider"`
	Redirect       string  `json:"redirect"`
	PersonalAccess bool    `json:"personal_access_client"`
	Password       bool    `json:"password_client"`
	Revoked        bool    `json:"revoked"`
	UpdatedAt      apiTime `json:"updated_at"`
	CreatedAt      apiTime `json:"created_at"`
	ID             any     `json:"id"`

	RedirectURIs []string `json:"redirect_uris"`
	GrantTypes   []string `json:"grant_types"`
	Confidential bool     `json:"confidential"`
}

func (s *Server) apiClient(c *oauth.Client) *apiClient {
	shown := &apiClient{
		ID: s.clientIDJSON(c.ID), Name: c.Name, Provider: orNull(c.Provider), Redirect: joinRedirects(c.RedirectURIs),
		PersonalAccess: c.Allows(personalAccess), Password: c.Allows("password"), Revoked: !c.RevokedAt.IsZero(),
		CreatedAt: apiTime(c.CreatedAt), UpdatedAt: apiTime(c.UpdatedAt),
		RedirectURIs: orEmpty(c.RedirectURIs), GrantTypes: orEmpty(c.GrantTypes), Confidential: !c.Public(),
	}
	if c.UpdatedAt.IsZero() {
		shown.UpdatedAt = apiTime(c.CreatedAt)
	}
	if c.Owner.ID != "" {
		shown.UserID = s.userIDJSON(c.Owner)
	}
	return shown
}

func (s *Server) apiNewClient(made *NewClient) *apiNewClient {
	c, secret := s.apiClient(made.Client), orNull(made.Secret)
	return &apiNewClient{
		PlainSecret: secret, UserID: c.UserID, Name: c.Name, Secret: secret, Provider: c.Provider, Redirect: c.Redirect,
		PersonalAccess: c.PersonalAccess, Password: c.Password, Revoked: c.Revoked, UpdatedAt: c.UpdatedAt, CreatedAt: c.CreatedAt, ID: c.ID,
		RedirectURIs: c.RedirectURIs, GrantTypes: c.GrantTypes, Confidential: c.Confidential,
	}
}

// apiToken is a user's access token: its record, never the token.
type apiToken struct {
	ID        string     `json:"id"`
	UserID    any        `json:"user_id"`
	ClientID  any        `json:"client_id"`
	Name      *string    `json:"name"` // of a personal access token
	Scopes    []string   `json:"scopes"`
	Revoked   bool       `json:"revoked"`
	CreatedAt apiTime    `json:"created_at"`
	UpdatedAt apiTime    `json:"updated_at"`
	ExpiresAt apiTime    `json:"expires_at"`
	Client    *apiClient `json:"client,omitempty"` // in lists
}

func (s *Server) apiToken(t *oauth.AccessToken) *apiToken {
	return &apiToken{
		ID: t.ID, UserID: s.userIDJSON(t.Family.User), ClientID: s.clientIDJSON(t.Client.ID), Name: orNull(t.Name), Scopes: orEmpty(t.Scopes),
		Revoked:   !t.RevokedAt.IsZero() || !t.Family.RevokedAt.IsZero(),
		CreatedAt: apiTime(t.IssuedAt), UpdatedAt: apiTime(t.IssuedAt), ExpiresAt: apiTime(t.ExpiresAt),
	}
}

// apiTokens are tokens in a list, each with its client.
func (s *Server) apiTokens(tokens []*oauth.AccessToken) []*apiToken {
	shown := make([]*apiToken, 0, len(tokens))
	for _, t := range tokens {
		item := s.apiToken(t)
		item.Client = s.apiClient(t.Client)
		shown = append(shown, item)
	}
	return shown
}

// apiScope is a registered scope.
type apiScope struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}

// apiNewToken is a personal access token that was just made.
type apiNewToken struct {
	AccessToken string    `json:"accessToken"` // shown this once
	Token       *apiToken `json:"token"`
}

// joinRedirects writes URIs with commas between them, and a comma in one
// percent-encoded.
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

// orEmpty makes sure that JSON has a list, not null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
