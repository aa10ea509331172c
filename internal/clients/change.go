package clients

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/oauth"
)

// Update stores a changed client. It changes all fields except the ID, the secrets,
// the authentication method, and the times of creation and revocation. It returns
// [oauth.ErrConflict] if the client was changed since it was read: read it again
// and retry. On success c is the client as stored. Users are asked for consent
// again if the name, owner, redirect URIs or attributes have changed.
func (r *Registry) Update(ctx context.Context, c *oauth.Client) error {
	stored, err := r.changeable(ctx, c)
	if err != nil {
		return err
	}
	if err := r.check(c, stored); err != nil {
		return err
	}
	if err := r.UpdateChecked(ctx, c, "registration"); err != nil {
		return err
	}
	r.warnUnencrypted(ctx, c, stored.RedirectURIs)
	c.ConsentVersion = stored.ConsentVersion
	if !c.LooksLike(stored) {
		c.ConsentVersion++
	}
	return nil
}

// changeable returns the stored client, which c is about to replace.
func (r *Registry) changeable(ctx context.Context, c *oauth.Client) (*oauth.Client, error) {
	stored, err := r.store.Client(ctx, c.ID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find client %q: %w", c.ID, err)
	case stored.AuthMethod != c.AuthMethod:
		return nil, fmt.Errorf("update client %q: its authentication method is %q and cannot be changed: create another client", c.ID, stored.AuthMethod)
	}
	return stored, nil
}

// UpdateChecked stores a change that was checked. It does not validate the client:
// an operator can suspend a client even if, for example, one of its scopes no
// longer exists.
func (r *Registry) UpdateChecked(ctx context.Context, c *oauth.Client, what string) error {
	return r.update(ctx, c, nil, what)
}

// update stores a change in one write, with the metadata unless d is nil.
func (r *Registry) update(ctx context.Context, c *oauth.Client, d *description, what string) error {
	c.UpdatedAt = clock.Now()
	record := oauth.AuditRecord{Action: "client.changed", User: c.Owner, ClientID: c.ID, Reason: what, Time: c.UpdatedAt}
	err := r.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		var err error
		if d == nil {
			err = r.store.UpdateClient(ctx, c, record)
		} else {
			err = r.metadata.UpdateClientWithMetadata(ctx, c, d.metadata, d.logo, record)
		}
		if err != nil {
			return err
		}
		c.Version++ // before the event, because a subscriber may read c
		return nil
	}, event.ClientChanged{Meta: audit.Meta(ctx), ClientID: c.ID, What: what})
	if err != nil {
		return fmt.Errorf("update client %q: %w", c.ID, err)
	}
	return nil
}

// Suspend disables a client until [Registry.Resume]. The client gets no tokens, and
// its tokens are refused.
func (r *Registry) Suspend(ctx context.Context, id string) error {
	return r.change(ctx, id, "suspended", func(c *oauth.Client) bool {
		suspend := c.SuspendedAt.IsZero()
		if suspend {
			c.SuspendedAt = clock.Now()
		}
		return suspend
	})
}

// Resume enables a suspended client and its tokens.
func (r *Registry) Resume(ctx context.Context, id string) error {
	return r.change(ctx, id, "resumed", func(c *oauth.Client) bool {
		suspended := !c.SuspendedAt.IsZero()
		c.SuspendedAt = time.Time{}
		return suspended
	})
}

// change applies a change to the current client, and retries on a conflict. The
// function reports whether there is anything to change.
func (r *Registry) change(ctx context.Context, id, what string, change func(*oauth.Client) bool) error {
	for {
		c, err := r.store.Client(ctx, id)
		if err != nil {
			return fmt.Errorf("find client %q: %w", id, err)
		}
		if !change(c) {
			return nil
		}
		if err := r.UpdateChecked(ctx, c, what); !errors.Is(err, oauth.ErrConflict) {
			return err
		}
	}
}

// RotateSecret gives a confidential client a new secret, and returns it once. The
// old secrets stay valid for keepOld, so that deployments can switch; with 0 they
// end at once.
func (r *Registry) RotateSecret(ctx context.Context, clientID string, keepOld time.Duration) (string, error) {
	c, err := r.store.Client(ctx, clientID)
	switch {
	case err != nil:
		return "", fmt.Errorf("find client %q: %w", clientID, err)
	case c.Public():
		return "", fmt.Errorf("client %q is public: it has no secret", clientID)
	case !c.RevokedAt.IsZero():
		return "", fmt.Errorf("client %q is revoked: it cannot use a secret", clientID)
	case keepOld < 0:
		return "", fmt.Errorf("the old secret cannot end %v in the past: want 0 or more", -keepOld)
	}
	at := clock.Now()
	fresh := secret.New()
	record := oauth.AuditRecord{Action: "client.changed", User: c.Owner, ClientID: c.ID, Reason: "secret", Time: at}
	err = r.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return r.store.RotateSecret(ctx, clientID, oauth.Secret{Digest: oauth.DigestOf(fresh), CreatedAt: at}, at.Add(keepOld), record)
	}, event.ClientChanged{Meta: audit.Meta(ctx), ClientID: clientID, What: "secret"})
	if err != nil {
		return "", fmt.Errorf("rotate the secret of client %q: %w", clientID, err)
	}
	return fresh, nil
}

// Revoke revokes a client and all of its tokens, permanently. It returns
// [oauth.ErrNotFound] if the client does not exist.
func (r *Registry) Revoke(ctx context.Context, id string) error {
	at := clock.Now()
	record := oauth.AuditRecord{Action: "client.revoked", ClientID: id, Time: at}
	err := r.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return r.store.RevokeClient(ctx, id, at, record)
	}, event.ClientRevoked{Meta: audit.Meta(ctx), ClientID: id})
	if err != nil {
		return fmt.Errorf("revoke client %q: %w", id, err)
	}
	return nil
}
