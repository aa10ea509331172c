package laravelimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// clients maps all clients, and checks for clashes with those of the target.
func (i *importer) clients(ctx context.Context) ([]*oauth.ImportedClient, error) {
	var all []*oauth.ImportedClient
	var clashes []error
	allNumbers, any := true, false
	err := i.source.eachClient(ctx, func(row *clientRow) error {
		imported, clash, err := i.client(ctx, row)
		if err != nil {
			return err
		}
		any, allNumbers = true, allNumbers && isNumber(row.id)
		if clash != nil {
			clashes = append(clashes, clash)
		}
		if imported != nil {
			all = append(all, imported)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	const most = 20
	if n := len(clashes); n > most {
		clashes = append(clashes[:most], fmt.Errorf("%d more client IDs are taken", n-most))
	}
	i.report.Settings.NumericClientIDs = any && allNumbers
	return all, errors.Join(clashes...)
}

// client maps one client. A revoked client is left out unless an earlier import has stored
// it.
func (i *importer) client(ctx context.Context, row *clientRow) (imported *oauth.ImportedClient, clash, err error) {
	k := &known{personal: row.isPersonal(), thirdParty: row.thirdParty(), createdAt: row.createdAt}
	i.build.clients[row.id] = k
	client, refused, why := i.build.client(row)
	for _, r := range refused {
		i.report.note(fmt.Sprintf("client %s (%.60s): the redirect URI %s", row.id, row.name, r))
	}
	stored, clash, err := i.stored(ctx, row.id)
	if err != nil || clash != nil {
		return nil, clash, err
	}
	switch {
	case why != nil:
		i.report.leaveOut("clients", why.Error(), 1)
		i.report.note(fmt.Sprintf("client %s (%.60s) is left out: %s", row.id, row.name, why))
		return nil, nil, nil
	case row.revoked && !stored:
		i.report.leaveOut("clients", whyRevoked, 1)
		k.client = client.Client
		return nil, nil, nil
	}
	k.client = client.Client
	if client.Bcrypt != "" {
		client.Secrets = []oauth.Secret{{Digest: oauth.Digest(client.Bcrypt), CreatedAt: client.CreatedAt}}
	} else if row.secret != "" && len(row.secret) < shortSecret && !row.revoked {
		i.report.note(fmt.Sprintf("client %s (%.60s): its secret has only %d characters; give it a new one after the switch", row.id, row.name, len(row.secret)))
	}
	i.report.Imported.Clients++
	if !row.revoked {
		i.report.provider(client.Provider).Clients++
		if slices.Contains(client.GrantTypes, passwordGrant) {
			i.report.Settings.PasswordClients++
		}
	}
	return &oauth.ImportedClient{Client: client.Client}, nil, nil
}

// shortSecret is the length below which a secret can be guessed from its digest.
const shortSecret = 32

// stored reports whether the target has the client of an earlier import. clash is the
// fault of a client with the same ID that was not imported.
func (i *importer) stored(ctx context.Context, id string) (stored bool, clash, err error) {
	if id == "" {
		return false, nil, nil
	}
	switch _, err := i.store.ImportedClient(ctx, id); {
	case err == nil:
		return true, nil, nil
	case !errors.Is(err, oauth.ErrNotFound):
		return false, nil, fmt.Errorf("find imported client: %w", err)
	}
	switch _, err := i.Target.Client(ctx, id); {
	case err == nil:
		return false, fmt.Errorf(`the target has a client with the ID %s that was not imported: import into an empty database, and register further clients there with client_ids = "uuid" until the switch`, id), nil
	case !errors.Is(err, oauth.ErrNotFound):
		return false, nil, fmt.Errorf("find client: %w", err)
	}
	return false, nil, nil
}

// personalClient finds the client with which Laravel issues personal access tokens to the
// users of the default provider: the newest one that is not revoked. Since version 13 each
// provider has one.
func (i *importer) personalClient(ctx context.Context, clients []*oauth.ImportedClient) error {
	var newest *oauth.Client
	var createdAt time.Time
	byID := map[string]*oauth.Client{}
	for _, c := range clients {
		k := i.build.clients[c.Client.ID]
		if !k.personal || c.Client.Provider != "" || !c.Client.RevokedAt.IsZero() {
			continue
		}
		byID[c.Client.ID] = c.Client
		if newest == nil || !k.createdAt.Before(createdAt) {
			newest, createdAt = c.Client, k.createdAt
		}
	}
	if i.source.columns[personalTable] != nil {
		err := i.source.each(ctx, `SELECT client_id FROM `+i.source.source.quoted(personalTable)+` ORDER BY id DESC LIMIT 100`, func(rows *sql.Rows) error {
			var client string
			err := rows.Scan(id{&client})
			if c := byID[client]; c != nil {
				newest = c
				byID = nil // the first one is the newest
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("find the client of personal access tokens: %w", err)
		}
	}
	if newest != nil {
		i.report.Settings.PersonalAccessClientID = newest.ID
		i.report.Settings.PersonalSecretHashed = len(newest.Secrets) == 1 && isBcrypt(string(newest.Secrets[0].Digest))
	}
	return nil
}
