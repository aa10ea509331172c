package dbtest_test

import (
	"context"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/oauth"
)

// wide is a target that keeps the size of the largest batch.
type wide struct {
	*recorder
	most int
}

func (w *wide) Import(ctx context.Context, b *oauth.ImportBatch) error {
	w.most = max(w.most, len(b.Unowned)+len(b.RefreshTokens))
	return w.recorder.Import(ctx, b)
}

// A purge in Laravel deletes expired access tokens long before their refresh tokens. So
// most refresh tokens may be between two access tokens; the import still reads them in
// pages, and reads each once.
func TestLaravelImport_LP_1_ReadsOrphansInPages(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			w := &wide{recorder: newRecorder()}
			config := fromLaravel(t, d, "", w)
			const extra = 10_000
			digits := "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
			id := "CAST(10000 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS CHAR(5))"
			run(t, config.Source.DB, "INSERT INTO oauth_refresh_tokens (id, access_token_id, revoked, expires_at) SELECT "+id+", "+id+", FALSE, (SELECT MAX(expires_at) FROM oauth_refresh_tokens) FROM "+
				digits+" a, "+digits+" b, "+digits+" c, "+digits+" e")
			report, err := laravelimport.Run(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			if want := extra + 1; report.Unowned != want || len(w.got.Unowned) != want {
				t.Errorf("Run() found %d refresh tokens without an access token and stored %d, want %d", report.Unowned, len(w.got.Unowned), want)
			}
			if w.most > extra/2 {
				t.Errorf("one batch has %d refresh tokens: the memory of an import grows with the table", w.most)
			}
		})
	}
}
