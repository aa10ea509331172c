package dbtest_test

import (
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// The operator of a server that also has other clients gives up the move: they revoke the
// clients of Laravel and import with the switch. The import brings none of them back, and
// from then on a purge deletes what was revoked.
func TestLaravelImport_LP_3_GivesUp(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	i := &imported{T: t, store: migrated(t, db, sqldb.SQLite), at: madeAt, m: readManifest(t)}
	i.config = fromLaravel(t, sqldb.SQLite, "", i.store)
	i.config.Now = func() time.Time { return i.at }
	i.run()
	own := newFamily("of another client")
	issued := newIssuance(&oauth.Client{ID: own.ClientID}, own, "own", oauth.Spend{})
	issued.NewFamily = own
	must(t, i.store.Issue(t.Context(), issued))
	must(t, i.store.RevokeFamily(t.Context(), own.ID, i.at, nil))
	for c, err := range i.store.Clients(t.Context()) {
		must(t, err)
		must(t, i.store.RevokeClient(t.Context(), c.ID, i.at, nil))
	}
	i.config.Switch = true
	i.run()
	for c, err := range i.store.Clients(t.Context()) {
		must(t, err)
		if c.RevokedAt.IsZero() {
			t.Errorf("the last import brings the revoked client %s back to life", c.ID)
		}
	}
	if i.live(i.jti("code_full")) {
		t.Error("the last import brings a token of a revoked client back to life")
	}
	_, err := i.store.Purge(t.Context(), oauth.EndedBefore(i.at.Add(2*time.Hour)), 1000)
	must(t, err)
	for _, table := range []string{"oauth_families", "oauth_access_tokens", "oauth_refresh_tokens"} {
		if left := column(t, db, `SELECT COUNT(*) FROM `+table); left[0] != "0" {
			t.Errorf("after the switch and a purge, %s has %s rows of revoked clients and families, want none", table, left[0])
		}
	}
}
