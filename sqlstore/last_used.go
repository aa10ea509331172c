package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	usedColumns = `u.used_at, u.address, u.agent`

	dropLastUsed = `DELETE FROM oauth_last_used WHERE family_id IN `
)

// usedFields appends the scan destinations for usedColumns, which are NULL without a row.
func usedFields(fields []any, t *oauth.AccessToken) []any {
	return append(fields, sqldb.Micros{T: &t.LastUsedAt}, sqldb.Text{S: &t.LastUsedAddress}, sqldb.Text{S: &t.LastUsedAgent})
}

var selectFamiliesAmong = `SELECT f.id FROM oauth_families f WHERE f.id IN ` + page

// usePages are the numbers of rows of an upsert, so that few texts serve all batches.
var usePages = []int{purgePage, 10, 1}

// The upsert keeps the later use. MySQL assigns in order, so used_at is last. Every
// supported relative of PostgreSQL and MySQL knows its form.
const (
	insertUses = `INSERT INTO oauth_last_used (family_id, used_at, address, agent) VALUES `

	orLater = ` ON CONFLICT (family_id) DO UPDATE SET used_at = excluded.used_at, address = excluded.address, agent = excluded.agent
WHERE excluded.used_at > oauth_last_used.used_at`

	orLaterMySQL = ` ON DUPLICATE KEY UPDATE address = CASE WHEN VALUES(used_at) > used_at THEN VALUES(address) ELSE address END,
agent = CASE WHEN VALUES(used_at) > used_at THEN VALUES(agent) ELSE agent END, used_at = GREATEST(used_at, VALUES(used_at))`
)

var upserts, upsertsMySQL = upsertsWith(orLater), upsertsWith(orLaterMySQL)

// upsertsWith returns an upsert for each number of rows in usePages.
func upsertsWith(conflict string) map[int]string {
	texts := map[int]string{}
	for _, n := range usePages {
		texts[n] = insertUses + `(?, ?, ?, ?)` + strings.Repeat(`, (?, ?, ?, ?)`, n-1) + conflict
	}
	return texts
}

// SaveUses implements [oauth.LastUsedStore]. Each transaction has a page of uses. The
// uses are in the order of their keys, so that two nodes do not wait for each other.
//
// The families are read before. A purge deletes a family an hour after it ended, so it
// cannot delete one in between whose token was just used.
func (s *Store) SaveUses(ctx context.Context, uses []oauth.Use) error {
	uses = slices.DeleteFunc(slices.Clone(uses), func(u oauth.Use) bool { return notStorable(u.FamilyID) })
	slices.SortFunc(uses, func(a, b oauth.Use) int { return cmp.Compare(a.FamilyID, b.FamilyID) })
	for some := range slices.Chunk(uses, purgePage) {
		if err := s.savePage(ctx, some); err != nil {
			return fmt.Errorf("save the last use of tokens: %w", err)
		}
	}
	return nil
}

func (s *Store) savePage(ctx context.Context, uses []oauth.Use) error {
	exist, err := s.existing(ctx, uses)
	if err != nil {
		return err
	}
	uses = slices.DeleteFunc(uses, func(u oauth.Use) bool { return !exist[u.FamilyID] })
	if len(uses) == 0 {
		return nil
	}
	texts := upserts
	if s.db.Dialect().Name == sqldb.MySQL.Name {
		texts = upsertsMySQL
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		left := uses
		for _, n := range usePages {
			for ; len(left) >= n; left = left[n:] {
				if _, err := tx.Exec(ctx, texts[n], useValues(left[:n])...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// existing returns which families of a page exist.
func (s *Store) existing(ctx context.Context, uses []oauth.Use) (map[string]bool, error) {
	keys := make([]any, 0, purgePage)
	for _, u := range uses {
		keys = append(keys, u.FamilyID)
	}
	exist := map[string]bool{}
	err := s.db.Each(ctx, selectFamiliesAmong, func(row sqldb.Row) error {
		var id string
		err := row.Scan(&id)
		exist[id] = true
		return err
	}, padded(keys)...)
	return exist, err
}

func useValues(uses []oauth.Use) []any {
	values := make([]any, 0, 4*len(uses)) //nolint:mnd // the columns of insertUses
	for _, u := range uses {
		values = append(values, u.FamilyID, sqldb.At(u.At), sqldb.Optional(u.Address), sqldb.Optional(u.Agent))
	}
	return values
}
