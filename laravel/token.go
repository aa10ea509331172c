package laravel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/oauth"
)

// AccessToken implements [feature.Foreign].
func (f *foreign) AccessToken(ctx context.Context, bearer string, at time.Time) (*oauth.AccessToken, error) {
	claims, err := f.verify(bearer, at)
	if err != nil {
		return nil, err
	}
	row, err := f.laravelRow(ctx, claims.ID)
	if err != nil {
		return nil, err
	}
	if row != nil && (row.ended || row.client != claims.Audience) {
		return nil, errEnded
	}
	t, err := f.reader.AccessToken(ctx, claims.ID)
	switch {
	case errors.Is(err, oauth.ErrNotFound) && row != nil:
		t, err = f.unimported(ctx, claims, row)
	case errors.Is(err, oauth.ErrNotFound):
		return nil, errUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("find access token: %w", err)
	}
	if !claims.names(t) {
		return nil, errUnknown
	}
	return t, nil
}

// names reports whether the claims are those of an imported record. The token of another
// record must not be accepted, whatever key has signed it.
func (c *jwtClaims) names(t *oauth.AccessToken) bool {
	switch {
	case t.ID != c.ID || t.Client.ID != c.Audience || t.Digest != "" || t.Audience != nil:
		return false
	case t.Family == nil:
		return c.Subject == "" || c.Subject == c.Audience
	}
	return oauth.Imported(t.Family.ID) && t.Family.User.ID == c.Subject
}

// unimported returns the record of a token that Laravel has issued since the last import.
// Its client was imported.
func (f *foreign) unimported(ctx context.Context, claims *jwtClaims, row *row) (*oauth.AccessToken, error) {
	client, err := f.reader.Client(ctx, row.client)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, fmt.Errorf("its client %.100q was not imported: import again: %w", row.client, errUnknown)
	}
	if err != nil {
		return nil, err
	}
	client.Secrets = nil
	issued, expires := seconds(*cmp.Or(claims.IssuedAt, claims.Expires)), seconds(*claims.Expires)
	t := &oauth.AccessToken{ID: claims.ID, Client: client, Name: row.name, Scopes: row.scopes, IssuedAt: issued, ExpiresAt: expires}
	if row.user != "" {
		t.Family = &oauth.Family{
			ID: oauth.ImportedFamilyID(claims.ID), User: f.user(client, row.user), ClientID: client.ID, CreatedAt: issued, ExpiresAt: expires,
		}
	}
	return t, nil
}

// user returns the user of a client with an ID.
func (f *foreign) user(c *oauth.Client, id string) oauth.UserRef {
	return oauth.UserRef{Provider: cmp.Or(c.Provider, oauth.DefaultProvider), ID: id}
}
