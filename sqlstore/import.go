package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// upsert stores rows of one table: new ones, and what has ended in existing ones.
type upsert struct {
	importTable
	width                        int            // how many columns
	standard, forMySQL, forStage map[int]string // by number of rows
	move                         string         // from the stage

	// The same for a table that had no rows. The statements are of one database.
	fresh     map[string]map[int]string
	moveFresh map[string]string
}

// importPages are the numbers of rows of an upsert, so that few texts serve all batches.
var importPages = []int{200, 20, 1}

// importTable is a table of imported records.
type importTable struct {
	what, name, columns, key string
	ended, later             []string // columns that are set only if they are NULL, and those that only rise
	repeats                  bool     // an import may store a key in several batches; all columns are of the key or in later
}

// upsert returns the statements of the table. They consist of constants.
func (t importTable) upsert() upsert {
	u := upsert{
		importTable: t, width: strings.Count(t.columns, ",") + 1, standard: map[int]string{}, forMySQL: map[int]string{}, forStage: map[int]string{},
		fresh: map[string]map[int]string{}, moveFresh: map[string]string{},
	}
	var standard, forMySQL, changed []string
	for _, c := range t.ended {
		changed = append(changed, t.name+"."+c+" IS NULL AND excluded."+c+" IS NOT NULL")
		standard = append(standard, c+" = COALESCE("+t.name+"."+c+", excluded."+c+")")
		forMySQL = append(forMySQL, c+" = COALESCE("+c+", VALUES("+c+"))")
	}
	for _, c := range t.later {
		changed = append(changed, "excluded."+c+" > "+t.name+"."+c)
		standard = append(standard, c+" = CASE WHEN excluded."+c+" > "+t.name+"."+c+" THEN excluded."+c+" ELSE "+t.name+"."+c+" END")
		forMySQL = append(forMySQL, c+" = GREATEST("+c+", VALUES("+c+"))")
	}
	row := "(?" + strings.Repeat(", ?", u.width-1) + ")"
	into := " (" + t.columns + ") "
	onConflict := " ON CONFLICT (" + t.key + ") DO UPDATE SET " + strings.Join(standard, ", ") + " WHERE " + strings.Join(changed, " OR ") // a row without a change is not written again
	for _, n := range importPages {
		values := into + "VALUES " + row + strings.Repeat(", "+row, n-1)
		u.standard[n] = "INSERT INTO " + t.name + values + onConflict
		u.forMySQL[n] = "INSERT INTO " + t.name + values + " ON DUPLICATE KEY UPDATE " + strings.Join(forMySQL, ", ")
		u.forStage[n] = "INSERT INTO " + t.stageName() + values
	}
	u.move = "INSERT INTO " + t.name + into + t.fromStage() + onConflict
	for dialect, insert := range insertFresh {
		u.moveFresh[dialect] = insert + t.name + into + t.fromStage()
		u.fresh[dialect] = map[int]string{}
		for _, n := range importPages {
			u.fresh[dialect][n] = insert + t.name + into + "VALUES " + row + strings.Repeat(", "+row, n-1)
		}
	}
	return u
}

var (
	importFamilies = importTable{
		"families", "oauth_families",
		"id, provider, user_id, client_id, session, auth_time, resources, personal, ends_with_session, created_at, expires_at, revoked_at", "id",
		[]string{"revoked_at"}, []string{"expires_at"}, false,
	}.upsert()

	importAccessTokens = importTable{
		"access tokens", "oauth_access_tokens",
		"id, family_id, client_id, name, scopes, attributes, issued_at, expires_at, revoked_at", "id",
		[]string{"revoked_at"}, nil, false,
	}.upsert()

	importRefreshTokens = importTable{
		"refresh tokens", "oauth_refresh_tokens",
		"digest, access_token_id, family_id, scopes, attributes, expires_at, spent_at", "digest",
		[]string{"spent_at"}, nil, false,
	}.upsert()

	importCodes = importTable{
		"codes", "oauth_auth_codes",
		"digest, family_id, scopes, redirect_uri, code_challenge, attributes, expires_at, spent_at", "digest",
		[]string{"spent_at"}, nil, false,
	}.upsert()

	importUnowned = importTable{
		"refresh tokens without an owner", "oauth_imported_refresh_tokens",
		"digest, access_token_id, created_at, expires_at, revoked_at", "digest",
		[]string{"revoked_at"}, []string{"created_at"}, false,
	}.upsert()

	importConsents = importTable{
		"consents", "oauth_consents",
		"provider, user_id, client_id, scope, granted_at, consent_version", "provider, user_id, client_id, scope, granted_at",
		nil, []string{"consent_version"}, true,
	}.upsert()

	// An import after the access token was purged finds no owner. If the refresh token was
	// imported before, its first row counts.
	ownedBefore = `UPDATE oauth_imported_refresh_tokens SET begun_at = created_at WHERE begun_at IS NULL AND digest IN ` + page + `
AND EXISTS (SELECT 1 FROM oauth_refresh_tokens r WHERE r.digest = oauth_imported_refresh_tokens.digest)`
)

// statements returns the statements for rows, by their number.
func (u upsert) statements(d sqldb.Dialect, s *stage) map[int]string {
	switch {
	case s.of(u) != nil:
		return u.forStage
	case s != nil && s.fresh:
		return u.fresh[d.Name]
	case d.Name == sqldb.MySQL.Name:
		return u.forMySQL
	}
	return u.standard
}

// save stores rows in the order of their keys, so that two writers don't wait for each
// other and the database appends where it can.
func (u upsert) save(ctx context.Context, tx *sqldb.Tx, texts map[int]string, rows [][]any) error {
	slices.SortFunc(rows, func(a, b []any) int {
		for i := range a {
			x, isText := a[i].(string)
			y, alike := b[i].(string)
			if n := strings.Compare(x, y); n != 0 || !isText || !alike {
				return n
			}
		}
		return 0
	})
	args := make([]any, 0, importPages[0]*u.width)
	for _, n := range importPages {
		for ; len(rows) >= n; rows = rows[n:] {
			args = args[:0]
			for _, row := range rows[:n] {
				args = append(args, row...)
			}
			if _, err := tx.Exec(ctx, texts[n], args...); err != nil {
				return fmt.Errorf("import %s: %w", u.what, err)
			}
		}
	}
	return nil
}

// Import implements [oauth.ImportStore]. The clients come first, each in a separate
// transaction. The rest is one transaction.
func (s *Store) Import(ctx context.Context, b *oauth.ImportBatch) error {
	for _, c := range b.Clients {
		if err := s.importClient(ctx, c); err != nil {
			return fmt.Errorf("import client %.100q: %w", c.Client.ID, err)
		}
	}
	versions, err := s.consentVersions(ctx, b.Consents)
	if err != nil {
		return err
	}
	rows, err := importRows(b, versions)
	if err != nil || !slices.ContainsFunc(rows, func(r importedRows) bool { return len(r.rows) > 0 }) {
		return err
	}
	stage := stageOf(ctx)
	err = s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, r := range rows {
			if err := r.save(ctx, tx, r.statements(s.db.Dialect(), stage), r.rows); err != nil {
				return err
			}
		}
		return s.keepOwners(ctx, tx, b.Unowned)
	})
	for _, r := range rows {
		if n := stage.of(r.upsert); n != nil && err == nil {
			n.Add(int64(len(r.rows)))
		}
	}
	return err
}

var versionsOf = `SELECT c.id, c.consent_version FROM oauth_clients c WHERE c.id IN ` + page

// consentVersions returns the ConsentVersion of each client that a consent names. The
// consents count for the clients as they are now.
func (s *Store) consentVersions(ctx context.Context, consents []oauth.ImportedConsent) (map[string]int64, error) {
	versions := map[string]int64{}
	var ids []any
	for _, c := range consents {
		if _, known := versions[c.ClientID]; !known && storable(c.ClientID) {
			versions[c.ClientID] = firstVersion
			ids = append(ids, c.ClientID)
		}
	}
	for some := range slices.Chunk(ids, purgePage) {
		err := s.db.Each(ctx, versionsOf, func(row sqldb.Row) error {
			var id string
			var version int64
			err := row.Scan(&id, sqldb.Number{N: &version})
			versions[id] = version
			return err
		}, padded(slices.Clone(some))...)
		if err != nil {
			return nil, fmt.Errorf("find the clients of consents: %w", err)
		}
	}
	return versions, nil
}

// keepOwners keeps refresh tokens without an owner from beginning a second family.
func (s *Store) keepOwners(ctx context.Context, tx *sqldb.Tx, unowned []*oauth.ImportedRefreshToken) error {
	for some := range slices.Chunk(unowned, purgePage) {
		keys := make([]any, 0, purgePage)
		for _, t := range some {
			keys = append(keys, string(t.Digest))
		}
		if _, err := tx.Exec(ctx, ownedBefore, padded(keys)...); err != nil {
			return fmt.Errorf("find the owners of refresh tokens: %w", err)
		}
	}
	return nil
}

type importedRows struct {
	upsert
	rows [][]any
}

var errNotImportable = errors.New("a record has an ID that cannot be stored, or no family or client")

// importRows returns the rows of a batch, those that others refer to first.
func importRows(b *oauth.ImportBatch, versions map[string]int64) ([]importedRows, error) {
	families, err1 := rowsOf(importFamilies, b.Families, importedFamily)
	access, err2 := rowsOf(importAccessTokens, b.AccessTokens, importedAccessToken)
	refresh, err3 := rowsOf(importRefreshTokens, b.RefreshTokens, importedRefreshToken)
	codes, err4 := rowsOf(importCodes, b.Codes, importedCode)
	unowned, err5 := rowsOf(importUnowned, b.Unowned, importedUnowned)
	consents := importedRows{upsert: importConsents}
	for _, c := range b.Consents {
		for _, scope := range c.Scopes {
			if !storable(c.User.Provider, c.User.ID, c.ClientID, scope) {
				return nil, errNotImportable
			}
			consents.rows = append(consents.rows, []any{c.User.Provider, c.User.ID, c.ClientID, scope, sqldb.At(c.GrantedAt), versions[c.ClientID]})
		}
	}
	return []importedRows{families, access, refresh, codes, unowned, consents}, cmp.Or(err1, err2, err3, err4, err5)
}

func rowsOf[T any](u upsert, records []T, row func(T) ([]any, error)) (importedRows, error) {
	all := importedRows{u, make([][]any, 0, len(records))}
	for _, r := range records {
		values, err := row(r)
		if err != nil {
			return all, err
		}
		all.rows = append(all.rows, values)
	}
	return all, nil
}

func importedFamily(f *oauth.Family) ([]any, error) {
	if f.ID == "" || !storable(f.ID, f.User.Provider, f.User.ID, f.ClientID) {
		return nil, errNotImportable
	}
	return []any{
		f.ID, f.User.Provider, f.User.ID, f.ClientID, string(f.Session), sqldb.When(f.AuthTime),
		sqldb.Joined(f.Resources), sqldb.Flag(f.Personal), sqldb.Flag(f.EndsWithSession), sqldb.At(f.CreatedAt), sqldb.At(f.ExpiresAt), sqldb.When(f.RevokedAt),
	}, nil
}

func importedAccessToken(t *oauth.AccessToken) ([]any, error) {
	if t.Client == nil || t.ID == "" || !storable(t.ID, t.Client.ID) {
		return nil, errNotImportable
	}
	var family any
	if t.Family != nil {
		family = t.Family.ID
	}
	attributes, err := sqldb.Encoded(t.Attributes)
	return []any{t.ID, family, t.Client.ID, t.Name, sqldb.Joined(t.Scopes), attributes, sqldb.At(t.IssuedAt), sqldb.At(t.ExpiresAt), sqldb.When(t.RevokedAt)}, err
}

func importedRefreshToken(t *oauth.RefreshToken) ([]any, error) {
	if t.Family == nil || !storable(string(t.Digest), t.AccessTokenID, t.Family.ID) {
		return nil, errNotImportable
	}
	attributes, err := sqldb.Encoded(t.Attributes)
	return []any{string(t.Digest), t.AccessTokenID, t.Family.ID, sqldb.Joined(t.Scopes), attributes, sqldb.At(t.ExpiresAt), sqldb.When(t.SpentAt)}, err
}

func importedCode(c *oauth.Code) ([]any, error) {
	if c.Family == nil || !storable(string(c.Digest), c.Family.ID) {
		return nil, errNotImportable
	}
	attributes, err := sqldb.Encoded(c.Attributes)
	return []any{string(c.Digest), c.Family.ID, sqldb.Joined(c.Scopes), c.RedirectURI, c.CodeChallenge, attributes, sqldb.At(c.ExpiresAt), sqldb.When(c.SpentAt)}, err
}

func importedUnowned(t *oauth.ImportedRefreshToken) ([]any, error) {
	if !storable(string(t.Digest), t.AccessTokenID) {
		return nil, errNotImportable
	}
	return []any{string(t.Digest), t.AccessTokenID, sqldb.At(t.CreatedAt), sqldb.At(t.ExpiresAt), sqldb.When(t.RevokedAt)}, nil
}
