package dbtest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
)

// times are those of the imported tokens, by ID, and the newest one of the source.
func times(t *testing.T, source laravelimport.Source) map[string]time.Time {
	t.Helper()
	r := newRecorder()
	report, err := laravelimport.Run(t.Context(), laravelimport.Config{
		Source: source, Target: r, Keys: laravelimport.Keys{App: []laravelimport.AppKey{appKey(t)}}, Now: func() time.Time { return madeAt },
	})
	must(t, err)
	all := map[string]time.Time{"the newest": report.NewestCreatedAt}
	for _, a := range r.got.AccessTokens {
		all[a.ID+" issued"], all[a.ID+" expires"] = a.IssuedAt, a.ExpiresAt
	}
	for _, x := range r.got.RefreshTokens {
		all[string(x.Digest)+" expires"] = x.ExpiresAt
	}
	for _, c := range r.got.Codes {
		all[string(c.Digest)+" expires"] = c.ExpiresAt
	}
	for _, c := range r.got.Clients {
		all[c.Client.ID+" created"] = c.Client.CreatedAt
	}
	return all
}

func wantTimes(t *testing.T, what string, got, want map[string]time.Time) {
	t.Helper()
	if len(want) < 30 {
		t.Fatalf("only %d times to compare", len(want))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !got[name].Equal(want[name]) {
			t.Errorf("%s: %s is read as %v, want %v (and maybe others)", what, name, got[name], want[name])
			return
		}
	}
}

// timeColumns are the columns of Laravel's tables that have times.
var timeColumns = map[string][]string{
	"oauth_clients": {"created_at", "updated_at"}, "oauth_access_tokens": {"created_at", "expires_at"}, "oauth_refresh_tokens": {"expires_at"}, "oauth_auth_codes": {"expires_at"},
}

// The column type timestamptz has instants: neither the time zone of Laravel nor that of the
// session changes them. A timestamp without a time zone is a wall clock of Laravel.
func TestLaravelImport_TimesOfPostgres(t *testing.T) {
	dbtest.Need(t, sqldb.Postgres)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	must(t, err)
	db, url := openLaravel(t, sqldb.Postgres, "", "timezone=America/New_York")
	read := func(zone *time.Location) map[string]time.Time {
		t.Helper()
		return times(t, laravelimport.Source{DB: dbtest.OpenURL(t, url), Dialect: sqldb.Postgres, Location: zone})
	}
	want := read(nil)
	for table, columns := range timeColumns {
		for _, c := range columns {
			run(t, db, "ALTER TABLE "+table+" ALTER "+c+" TYPE timestamp(0) without time zone USING ("+c+" AT TIME ZONE 'UTC') AT TIME ZONE 'Asia/Tokyo'")
		}
	}
	wantTimes(t, "timestamp", read(tokyo), want)
	for table, columns := range timeColumns {
		for _, c := range columns {
			run(t, db, "ALTER TABLE "+table+" ALTER "+c+" TYPE timestamptz(0) USING "+c+" AT TIME ZONE 'Asia/Tokyo'")
		}
	}
	wantTimes(t, "timestamptz", read(tokyo), want)
}

// MySQL shows a timestamp in the time zone of the session, and a datetime as it was written.
// The import leaves the session as the URL and the server set it, so it reads both as
// Laravel wrote them in a session of the same time zone.
func TestLaravelImport_TimesOfMySQL(t *testing.T) {
	dbtest.Need(t, sqldb.MySQL)
	db, _ := openLaravel(t, sqldb.MySQL, "") // created_at is a timestamp, expires_at a datetime
	want := times(t, laravelimport.Source{DB: db, Dialect: sqldb.MySQL})
	db, url := openLaravel(t, sqldb.MySQL, "", "time_zone='+09:00'")
	wantTimes(t, "in the session's time zone", times(t, laravelimport.Source{DB: db, Dialect: sqldb.MySQL}), want)
	parsed := dbtest.OpenURL(t, url+"&parseTime=true&loc=America%2FNew_York")
	wantTimes(t, "parsed by the driver", times(t, laravelimport.Source{DB: parsed, Dialect: sqldb.MySQL}), want)

	another := dbtest.OpenURL(t, strings.Replace(url, "%2B09", "%2B08", 1))
	if newest := times(t, laravelimport.Source{DB: another, Dialect: sqldb.MySQL})["the newest"]; !newest.Equal(want["the newest"].Add(-time.Hour)) {
		t.Errorf("a session one hour behind reads the newest token at %v: this test compares nothing", newest)
	}
}
