package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// importTable is a table of imported records.
type importTable struct {
	what, name, columns, key string

	ended, later []string // columns that are set only if they are NULL, and those that only rise
	random       bool     // its keys arrive in no order
	repeats      bool     // an import may store a key in several batches; all columns are of the key or in later

	rows func(*oauth.ImportBatch, consentVersions) ([][]any, error)
}

// importTables are the tables of a batch, those that others refer to first. Access tokens
// arrive in the order of their IDs, and so do families: see [oauth.ImportedFamilyID].
var importTables = []*importTable{
	{
		what: "families", name: "oauth_families", key: "id",
		columns: "id, provider, user_id, client_id, session, auth_time, resources, personal, ends_with_session, created_at, expires_at, revoked_at",
		ended:   []string{"revoked_at"}, later: []string{"expires_at"},
		rows: func(b *oauth.ImportBatch, _ consentVersions) ([][]any, error) {
			return rowsOf(b.Families, importedFamily)
		},
	},
	{
		what: "access tokens", name: "oauth_access_tokens", key: "id",
		columns: "id, family_id, client_id, name, scopes, attributes, issued_at, expires_at, revoked_at",
		ended:   []string{"revoked_at"},
		rows: func(b *oauth.ImportBatch, _ consentVersions) ([][]any, error) {
			return rowsOf(b.AccessTokens, importedAccessToken)
		},
	},
	{
		what: "refresh tokens", name: "oauth_refresh_tokens", key: "digest", random: true,
		columns: "digest, access_token_id, family_id, scopes, attributes, expires_at, spent_at",
		ended:   []string{"spent_at"},
		rows: func(b *oauth.ImportBatch, _ consentVersions) ([][]any, error) {
			return rowsOf(b.RefreshTokens, importedRefreshToken)
		},
	},
	{
		what: "codes", name: "oauth_auth_codes", key: "digest",
		columns: "digest, family_id, scopes, redirect_uri, code_challenge, attributes, expires_at, spent_at",
		ended:   []string{"spent_at"},
		rows:    func(b *oauth.ImportBatch, _ consentVersions) ([][]any, error) { return rowsOf(b.Codes, importedCode) },
	},
	{
		what: "refresh tokens without an owner", name: "oauth_imported_refresh_tokens", key: "digest",
		columns: "digest, access_token_id, created_at, expires_at, revoked_at",
		ended:   []string{"revoked_at"}, later: []string{"created_at"},
		rows: func(b *oauth.ImportBatch, _ consentVersions) ([][]any, error) {
			return rowsOf(b.Unowned, importedUnowned)
		},
	},
	{
		what: "consents", name: "oauth_consents", key: "provider, user_id, client_id, scope, granted_at", random: true, repeats: true,
		columns: "provider, user_id, client_id, scope, granted_at, consent_version",
		later:   []string{"consent_version"},
		rows:    importedConsents,
	},
}

// stageName returns the name of the stage of the table.
func (t *importTable) stageName() string {
	return strings.Replace(t.name, "oauth_", "oauth_staged_", 1)
}

// insertFresh begins the statement that fills an empty table. A row that is there already
// is a fault. OR FAIL spares SQLite the journal that would undo a part of a statement: the
// transaction is undone as a whole.
var insertFresh = map[string]string{
	sqldb.SQLite.Name:   "INSERT OR FAIL INTO ",
	sqldb.Postgres.Name: "INSERT INTO ",
}

// insert returns the statement that inserts what a query or a list of values gives. fresh
// means that the table had no rows. Otherwise the statement stores new rows, and what has
// ended in existing ones. It consists of constants.
func (t *importTable) insert(d sqldb.Dialect, fresh bool, rows string) string {
	into := t.name + " (" + t.columns + ") " + rows
	if begin := insertFresh[d.Name]; fresh && begin != "" {
		return begin + into
	}
	var set, changed []string
	for _, c := range t.ended {
		if d.Name == sqldb.MySQL.Name {
			set = append(set, c+" = COALESCE("+c+", VALUES("+c+"))")
			continue
		}
		set = append(set, c+" = COALESCE("+t.name+"."+c+", excluded."+c+")")
		changed = append(changed, t.name+"."+c+" IS NULL AND excluded."+c+" IS NOT NULL")
	}
	for _, c := range t.later {
		if d.Name == sqldb.MySQL.Name {
			set = append(set, c+" = GREATEST("+c+", VALUES("+c+"))")
			continue
		}
		set = append(set, c+" = CASE WHEN excluded."+c+" > "+t.name+"."+c+" THEN excluded."+c+" ELSE "+t.name+"."+c+" END")
		changed = append(changed, "excluded."+c+" > "+t.name+"."+c)
	}
	if d.Name == sqldb.MySQL.Name {
		return "INSERT INTO " + into + " ON DUPLICATE KEY UPDATE " + strings.Join(set, ", ")
	}
	// A row without a change is not written again.
	return "INSERT INTO " + into + " ON CONFLICT (" + t.key + ") DO UPDATE SET " + strings.Join(set, ", ") + " WHERE " + strings.Join(changed, " OR ")
}

// rowPages are the numbers of rows of a statement, so that few texts serve all batches.
var rowPages = []int{200, 20, 1}

// rowWriter writes rows of a table, or puts them aside.
type rowWriter struct {
	*importTable
	width int
	texts map[int]string // by number of rows
	aside *atomic.Int64  // counts rows that are put aside; nil: none are
}

// writer returns the writer of the table. fresh means that the table had no rows.
func (t *importTable) writer(d sqldb.Dialect, fresh bool) rowWriter {
	return t.writerOf(func(values string) string { return t.insert(d, fresh, values) })
}

// asideWriter returns the writer of the stage of the table.
func (t *importTable) asideWriter() rowWriter {
	w := t.writerOf(func(values string) string { return "INSERT INTO " + t.stageName() + " (" + t.columns + ") " + values })
	w.aside = new(atomic.Int64)
	return w
}

func (t *importTable) writerOf(text func(values string) string) rowWriter {
	w := rowWriter{importTable: t, width: strings.Count(t.columns, ",") + 1, texts: map[int]string{}}
	row := "(?" + strings.Repeat(", ?", w.width-1) + ")"
	for _, n := range rowPages {
		w.texts[n] = text("VALUES " + row + strings.Repeat(", "+row, n-1))
	}
	return w
}

// rowWriters are the writers of all tables, for tables that may have the rows.
var rowWriters = func() map[string][]rowWriter {
	all := map[string][]rowWriter{}
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres, sqldb.MySQL} {
		for _, t := range importTables {
			all[d.Name] = append(all[d.Name], t.writer(d, false))
		}
	}
	return all
}()

// write writes rows in the order of their keys, so that two writers don't wait for each
// other and the database appends where it can.
func (w rowWriter) write(ctx context.Context, tx *sqldb.Tx, rows [][]any) error {
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
	args := make([]any, 0, rowPages[0]*w.width)
	for _, n := range rowPages {
		for ; len(rows) >= n; rows = rows[n:] {
			args = args[:0]
			for _, row := range rows[:n] {
				args = append(args, row...)
			}
			if _, err := tx.Exec(ctx, w.texts[n], args...); err != nil {
				return fmt.Errorf("import %s: %w", w.what, err)
			}
		}
	}
	return nil
}

var errNotImportable = errors.New("a record has an ID that cannot be stored, or no family or client")

func rowsOf[T any](records []T, row func(T) ([]any, error)) ([][]any, error) {
	all := make([][]any, 0, len(records))
	for _, r := range records {
		values, err := row(r)
		if err != nil {
			return nil, err
		}
		all = append(all, values)
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

func importedConsents(b *oauth.ImportBatch, versions consentVersions) ([][]any, error) {
	var rows [][]any
	for _, c := range b.Consents {
		for _, scope := range c.Scopes {
			if !storable(c.User.Provider, c.User.ID, c.ClientID, scope) {
				return nil, errNotImportable
			}
			rows = append(rows, []any{c.User.Provider, c.User.ID, c.ClientID, scope, sqldb.At(c.GrantedAt), versions[c.ClientID]})
		}
	}
	return rows, nil
}
