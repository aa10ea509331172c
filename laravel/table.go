package laravel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// tablePatience is how long a query of Laravel's tables may take.
const tablePatience = 5 * time.Second

// table is Laravel's table of access tokens. It is only read, and only until the switch.
type table struct {
	db    *sql.DB
	query string
}

func newTable(db *sql.DB, d sqlstore.Dialect, prefix string) *table {
	placeholder := "?"
	if d.Name == sqlstore.Postgres.Name {
		placeholder = "$1"
	}
	return &table{db: db, query: `SELECT t.user_id, t.client_id, t.name, t.scopes, t.revoked, c.revoked FROM ` + prefix + `oauth_access_tokens t
LEFT JOIN ` + prefix + `oauth_clients c ON c.id = t.client_id WHERE t.id = ` + placeholder}
}

// isPrefix reports whether a table prefix can be in a query.
func isPrefix(s string) bool {
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// row is what Laravel's tables say about an access token.
type row struct {
	user, client, name string
	scopes             []string
	ended              bool // the token or its client was revoked, or the client is missing
}

// laravelRow returns Laravel's own row of an access token until the switch; nil after it. A
// missing row is a revoked token, as in Laravel: its purge deletes revoked rows, also of
// tokens that are imported already.
func (f *foreign) laravelRow(ctx context.Context, id string) (*row, error) {
	if f.table == nil {
		return nil, nil
	}
	if before, err := f.before(ctx); err != nil || !before {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tablePatience)
	defer cancel()
	var r row
	var user, name, scopes sql.NullString
	var revoked, clientRevoked flag
	err := f.table.db.QueryRowContext(ctx, f.table.query, id).Scan(&user, &r.client, &name, &scopes, &revoked, &clientRevoked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return &row{ended: true}, nil
	case err != nil:
		return nil, fmt.Errorf("%w: read the access tokens of Laravel: %w", oauth.ErrUnavailable, err)
	}
	r.user, r.client = unpadded(user.String), unpadded(r.client)
	r.name, r.ended = name.String, bool(revoked) || bool(clientRevoked)
	if r.scopes, err = parseScopes(scopes.String); err != nil {
		return nil, fmt.Errorf("the scopes of an access token in Laravel's table are not a JSON list: %w", errUnknown)
	}
	return &r, nil
}

// unpadded returns an ID as Laravel knows it: PostgreSQL pads a char(36).
func unpadded(id string) string { return strings.TrimRight(id, " ") }

// parseScopes reads a JSON list, which may have numbers. PHP writes a list as an object if
// its keys have a gap.
func parseScopes(raw string) ([]string, error) {
	if raw == "" {
		return nil, nil
	}
	var list []text
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		var members map[string]text
		if json.Unmarshal([]byte(raw), &members) != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(members)) {
			list = append(list, members[key])
		}
	}
	scopes := make([]string, len(list))
	for i, name := range list {
		scopes[i] = string(name)
	}
	return validScopes(scopes), nil
}

// flag scans a boolean of any database. NULL is true: a missing client is a revoked one.
type flag bool

// Scan implements [sql.Scanner].
func (f *flag) Scan(v any) error {
	var text string
	switch v := v.(type) {
	case nil:
		*f = true
		return nil
	case bool:
		*f = flag(v)
		return nil
	case int64:
		*f = v != 0
		return nil
	case []byte:
		text = string(v)
	case string:
		text = v
	}
	switch strings.ToLower(text) {
	case "0", "f", "false", "\x00":
		*f = false
	case "1", "t", "true", "\x01":
		*f = true
	default:
		return fmt.Errorf("scan a flag: %T is not a boolean", v)
	}
	return nil
}
