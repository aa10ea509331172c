package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
)

const (
	// A cut-off also ends the families that imported refresh tokens without an owner
	// will begin, so it stays until these have expired. It also ends the families of an
	// import that will come, so it stays until the switch if it doesn't name a session:
	// imported families have none.
	selectCutOffs = `SELECT ` + cutOffColumns + ` FROM oauth_cut_offs x WHERE x.cut_at <= ? AND (? = 0 OR x.session <> '')
AND NOT EXISTS (SELECT 1 FROM oauth_imported_refresh_tokens o WHERE o.expires_at > ? AND o.begun_at IS NULL AND o.revoked_at IS NULL)
ORDER BY x.cut_at LIMIT 100`

	deleteCutOff = `DELETE FROM oauth_cut_offs WHERE provider = ? AND user_id = ? AND cut_at = ? AND client_id = ? AND session = ?
AND except_session = ? AND unredeemed = ? AND ends_with_session = ? AND keep_personal = ? AND consents = ?`
)

// settleCutOffs sets revoked_at on the families that old cut-offs match, and deletes
// the cut-offs, each in one transaction. So ended families stay ended. It compares with
// the exact time, because by now there are families of later requests.
func (p *purge) settleCutOffs(ctx context.Context) error {
	at := late(max(p.revoked, p.expired))
	return p.repeat(func() (int, int, error) {
		var found []cutOff
		err := p.store.db.Each(ctx, selectCutOffs, func(row sqldb.Row) error {
			var c cutOff
			err := row.Scan(c.fields()...)
			found = append(found, c)
			return err
		}, at, sqldb.Flag(p.importing), at)
		settled := 0
		for _, c := range found {
			if err == nil {
				var n int
				n, err = p.settle(ctx, c)
				settled += n
			}
		}
		return len(found), settled, err
	})
}

// settle settles one cut-off. It returns 0 if another node has already done so.
func (p *purge) settle(ctx context.Context, c cutOff) (int, error) {
	var n int64
	err := p.store.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) (err error) {
		if _, err = c.revoke(ctx, tx, c.at); err != nil {
			return err
		}
		if c.consents {
			if err = c.withdraw(ctx, tx, c.at); err != nil {
				return err
			}
		}
		n, err = tx.Exec(ctx, deleteCutOff, c.row()...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("settle cut-off: %w", err)
	}
	p.left -= int(n)
	return int(n), nil
}
