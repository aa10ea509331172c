package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// selectImporting finds a row if clients were imported and the switch has not happened. It
// has the note of dropped indexes, or NULL.
const selectImporting = `SELECT m.client_id, (SELECT d.value FROM oauth_import_notes d WHERE d.name = ?) FROM oauth_imported_clients m
WHERE m.client_id > '' AND NOT EXISTS (SELECT 1 FROM oauth_import_notes n WHERE n.name = ?) ORDER BY m.client_id LIMIT 1`

// keepRevoked keeps what was revoked while another import may come: that import would
// bring a record back whose row here is gone. Expired rows still go, because no row of the
// other server outlives its row here.
//
// One look at the start is enough. If the switch comes during a purge, the next purge
// deletes what this one has kept. If the first import comes during a purge, it stores
// nothing that was revoked here before the purge.
func (p *purge) keepRevoked(ctx context.Context) error {
	var client, dropped string
	err := p.store.db.Row(ctx, selectImporting, func(row sqldb.Row) error { return row.Scan(&client, sqldb.Text{S: &dropped}) }, droppedNote, oauth.ImportSwitched)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find out whether an import may come: %w", err)
	}
	p.importing, p.revoked, p.filling = true, 0, dropped != ""
	return nil
}
