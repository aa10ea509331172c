package dbtest_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// list is a method that returns many records. call returns their number.
type list struct {
	method string
	call   func(ctx context.Context) (int, error)

	// all is a table of which the list reads all rows, because they are few: the IDs of
	// clients, compared with the families, and the consents of a user, which a purge
	// deletes with their client.
	all string
	per int // how many rows, or pages of SQLite, it may read for each of them
}

// lists returns every method of a store and of the accounts that returns a list.
// TestLists_FR_06_AllAreMeasured fails if one is missing.
func lists(s *sqlstore.Store, accounts *account.Accounts) []list {
	return []list{
		{method: "Store.AboveFamilyLimit", all: "oauth_clients", per: 1, call: func(ctx context.Context) (int, error) {
			return yielded(s.AboveFamilyLimit(ctx, shownRows-1, now.Add(-time.Minute), now))
		}},
		{method: "Store.Clients", call: func(ctx context.Context) (int, error) { return yielded(s.Clients(ctx)) }},
		{method: "Store.ClientsOf", call: func(ctx context.Context) (int, error) { return yielded(s.ClientsOf(ctx, alice)) }},
		{method: "Store.UnrevokedClientsOf", call: func(ctx context.Context) (int, error) { return yielded(s.UnrevokedClientsOf(ctx, alice)) }},
		{method: "Store.TokensOf", call: func(ctx context.Context) (int, error) { return yielded(s.TokensOf(ctx, alice)) }},
		{method: "Store.TokensOfClient", call: func(ctx context.Context) (int, error) { return yielded(s.TokensOfClient(ctx, "c1")) }},
		{method: "Store.UsableTokenIDs", call: func(ctx context.Context) (int, error) { return length(s.UsableTokenIDs(ctx, "")) }},
		{method: "Store.Connections", call: func(ctx context.Context) (int, error) { return length(s.Connections(ctx, alice, now)) }},
		{method: "Store.PersonalTokens", call: func(ctx context.Context) (int, error) { return length(s.PersonalTokens(ctx, alice)) }},
		{method: "Store.Consented", call: func(ctx context.Context) (int, error) {
			granted, declined, err := s.Consented(ctx, alice, &oauth.Client{ID: "c1"})
			return len(granted) + len(declined), err
		}},
		{method: "Store.ConsentsOf", all: "oauth_consents", per: 3, call: func(ctx context.Context) (int, error) { return yielded(s.ConsentsOf(ctx, alice)) }},
		{method: "Store.DevicesOf", call: func(ctx context.Context) (int, error) { return length(s.DevicesOf(ctx, alice)) }},
		{method: "Store.LeaseLogouts", call: func(ctx context.Context) (int, error) {
			return length(s.LeaseLogouts(ctx, &oauth.LogoutLease{ID: "lease", Time: now, Until: now.Add(time.Minute), Limit: shownRows, PerClient: shownRows, Except: []string{"c2"}}))
		}},
		{method: "Store.AuditLog", call: func(ctx context.Context) (int, error) { return yielded(s.AuditLog(ctx, now)) }},
		{method: "Accounts.Users", call: func(ctx context.Context) (int, error) { return yielded(accounts.Users(ctx)) }},
		{method: "Accounts.Sessions", call: func(ctx context.Context) (int, error) { return length(accounts.Sessions(ctx, "user1")) }},
	}
}

func yielded[T any](list iter.Seq2[T, error]) (n int, err error) {
	for _, err := range list {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func length[T any](list []T, err error) (int, error) { return len(list), err }

func TestLists_FR_06_AllAreMeasured(t *testing.T) {
	measured := map[string]bool{}
	for _, l := range lists(nil, nil) {
		measured[l.method] = true
	}
	for _, of := range []reflect.Type{reflect.TypeFor[*sqlstore.Store](), reflect.TypeFor[*account.Accounts]()} {
		for m := range of.Methods() {
			name := of.Elem().Name() + "." + m.Name
			if m.Type.NumOut() == 0 || m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() || measured[name] {
				continue
			}
			result := m.Type.Out(0)
			if result != reflect.TypeFor[[]byte]() && (result.Kind() == reflect.Slice || result.Kind() == reflect.Func) {
				t.Errorf("%s returns a list that no test measures: add it to lists", name)
			}
		}
	}
}

// A list reads only the records that it returns, even if the user has 10,000 other rows
// of each kind.
func TestLists_FR_06_ReadWhatTheyShow(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		t.Parallel()
		few, many := measured(t, d, 10), measured(t, d, 10_000)
		for method, large := range many {
			small := few[method]
			if small.shown == 0 {
				t.Errorf("%s returns nothing, so nothing was measured", method)
			}
			if small.shown == large.shown {
				if large.Rows > 3*small.Rows+50+large.all || // a larger index has more levels
					large.Statements > small.Statements {
					t.Errorf("%s returns %d records and reads %+v with 10 other rows of each kind, but %+v with 10,000; want no more",
						method, small.shown, small.Reads, large.Reads)
				}
				continue
			}
			if each := perRecord[d.Name]; large.Rows > each*large.shown || large.Statements > large.shown/30+10 {
				t.Errorf("%s returns %d records and reads %+v, want at most %d rows for each and one statement for 30", method, large.shown, large.Reads, each)
			}
		}
	})
}

// perRecord is the maximum number of rows, or pages of SQLite, to read for a record.
var perRecord = map[string]int{"sqlite": 25, "postgres": 15, "mysql": 15}

type measurement struct {
	shown int
	all   int // how many rows of list.all it may read
	dbtest.Reads
}

// measured returns what each list reads in a database that also has others rows of each
// kind that most lists do not return.
func measured(t *testing.T, d sqldb.Dialect, others int) map[string]measurement {
	t.Helper()
	db, meter := dbtest.NewMeter(t, dbtest.URL(t, d), d)
	s := migrated(t, db, d)
	accounts, err := account.New(account.Config{DB: db, Dialect: d, Issuer: "https://auth.example"})
	must(t, err)
	must(t, accounts.Migrate(t.Context()))
	fillLists(t, db, d, others)
	found := map[string]measurement{}
	for _, l := range lists(s, accounts) {
		var m measurement
		m.Reads = meter.Measure(t, func() { m.shown, err = l.call(t.Context()) })
		must(t, err)
		if l.all != "" {
			m.all = l.per * count(t, db, l.all)
		}
		found[l.method] = m
	}
	return found
}

// shownRows is the number of live records of each kind.
const shownRows = 10

// fillLists stores the rows, in SQL that all databases accept. Live rows have IDs that
// begin with "shown".
func fillLists(t *testing.T, db *sql.DB, d sqldb.Dialect, others int) {
	t.Helper()
	at := func(d time.Duration) int64 { return now.Add(d).UnixMicro() }
	text := map[string]string{"mysql": "CHAR"}[d.Name]
	if text == "" {
		text = "TEXT"
	}
	id := func(prefix string) string { return concat(d, "'"+prefix+"'", "CAST(n.d AS "+text+")") }
	family := func(prefix, client string, personal int, expires int64, revoked string) string {
		return fmt.Sprintf(`INSERT INTO oauth_families (id, provider, user_id, client_id, session, personal, ends_with_session, created_at, expires_at, revoked_at)
SELECT %s, 'users', 'alice', %s, '', %d, 0, %d, %d + n.d, %s`, id(prefix), client, personal, at(-time.Hour), expires, revoked)
	}
	token := func(prefix, family, client string) string {
		return fmt.Sprintf(`INSERT INTO oauth_access_tokens (id, family_id, client_id, name, issued_at, expires_at)
SELECT %s, %s, %s, '', %d + n.d, %d`, id(prefix), family, client, at(-time.Hour), at(time.Hour))
	}
	client := func(prefix, owner, revoked string) string {
		return fmt.Sprintf(`INSERT INTO oauth_clients (id, name, owner_provider, owner_id, auth_method, provider, ends_with_session, created_at, revoked_at, version)
SELECT %s, 'App', 'users', '%s', 'none', '', 0, 0, %s, 1`, id(prefix), owner, revoked)
	}
	consent := func(client, scope string) string {
		return fmt.Sprintf(`INSERT INTO oauth_consents (provider, user_id, client_id, scope, granted_at, consent_version) SELECT 'users', 'alice', %s, %s, n.d, 0`, client, scope)
	}
	used := func(prefix string) string {
		return fmt.Sprintf(`INSERT INTO oauth_last_used (family_id, used_at, address, agent) SELECT %s, %d, '192.0.2.1', 'curl'`, id(prefix), at(-time.Minute))
	}
	device := func(prefix, user, decided string) string {
		return fmt.Sprintf(`INSERT INTO oauth_device_codes (digest, user_digest, client_id, label, address, agent, created_at, expires_at, poll_interval, decided_at, provider, user_id, family_id)
SELECT %[1]s, %[1]s, 'c1', '', '', '', 0, %[2]d, 5, %[3]s, %[4]s, CASE WHEN %[4]s IS NOT NULL THEN %[5]s END, CASE WHEN %[4]s IS NOT NULL THEN %[1]s END`,
			id(prefix), at(time.Minute), decided, map[bool]string{true: "'users'", false: "NULL"}[user != ""], cmp.Or(user, "NULL"))
	}
	audit := func(prefix string, at int64) string {
		return fmt.Sprintf(`INSERT INTO oauth_audit (id, happened_at, action, actor, provider, user_id, client_id, reason, address, request_id)
SELECT %s, %d, '', '', '', '', '', '', '', ''`, id(prefix), at)
	}
	notice := func(prefix string, next int64) string {
		return fmt.Sprintf(`INSERT INTO oauth_logout_notices (id, client_id, provider, user_id, sid, created_at, next_at, expires_at, tries)
SELECT %[1]s, 'c1', 'users', 'alice', '', 0, %[2]d + n.d, %[2]d, 0`, id(prefix), next)
	}
	user := fmt.Sprintf(`INSERT INTO passport_users (id, email, email_key, name, password, session_version, created_at)
SELECT %[1]s, %[1]s, %[1]s, '', '', 1, 0`, id("user"))
	session := func(prefix, user string, seen time.Duration, expires time.Duration) string {
		return fmt.Sprintf(`INSERT INTO passport_sessions (id, digest, user_id, session_version, authenticated_at, seen_at, expires_at)
SELECT %[1]s, %[1]s, %[2]s, 1, 0, %[3]d - n.d, %[4]d`, id(prefix), user, time.Now().Add(seen).UnixMicro(), time.Now().Add(expires).UnixMicro())
	}
	later, ended, revoked := at(time.Hour), at(-2*time.Hour), fmt.Sprint(at(-time.Minute))
	fill := func(n int, queries ...string) {
		for _, q := range queries {
			mustExec(t, db, fmt.Sprintf(`%s FROM (%s) n WHERE n.d <= %d`, q, tenThousand, n))
		}
	}
	mustExec(t, db, "BEGIN")
	fill(shownRows,
		client("c", "operator", "NULL"), client("shown", "alice", "NULL"),
		family("shown", id("c"), 0, later, "NULL"), token("shown", id("shown"), id("c")),
		family("shown personal", "'c1'", 1, later, "NULL"), token("shown personal", id("shown personal"), "'c1'"),
		used("shown"), used("shown personal"), device("shown", "'alice'", "n.d"),
		strings.NewReplacer("'alice'", "'bob'", fmt.Sprint(at(-time.Hour)), fmt.Sprint(at(0))).Replace(family("new", "'c1'", 0, later, "NULL")),
		notice("shown", at(-time.Hour)), consent("'c1'", id("scope")), session("shown", "'user1'", 0, time.Hour))
	fill(others,
		client("revoked", "alice", revoked),
		family("revoked", "'c1'", 0, later, revoked), family("revoked personal", "'c1'", 1, later, revoked),
		strings.Replace(family("of another user", "'c1'", 0, later, "NULL"), "'alice'", id("user"), 1),
		family("ended", "'c1'", 0, ended, "NULL"), token("ended", id("ended"), "'c1'"),
		device("pending", "", "NULL"), device("denied", "", "n.d"), device("of another user", id("user"), "n.d"),
		used("revoked"), used("revoked personal"), used("of another user"), used("ended"),
		token("older", "'shown1'", "'c1'"), token("exchanged", "'shown2'", "'c1'"),
		notice("later", at(time.Minute)), consent(id("client"), "'read'"), audit("log", at(time.Minute)), user,
		session("idle", "'user1'", -account.DefaultSessionIdleTTL, time.Hour), session("of another", id("user"), 0, time.Hour))
	mustExec(t, db, "COMMIT")
	for _, table := range []string{"oauth_clients", "oauth_families", "oauth_access_tokens", "oauth_consents", "oauth_last_used", "oauth_device_codes", "oauth_logout_notices", "oauth_audit", "passport_users", "passport_sessions"} {
		switch d.Name { // SQLite is used without statistics
		case "postgres":
			mustExec(t, db, "ANALYZE "+table)
		case "mysql":
			mustExec(t, db, "ANALYZE TABLE "+table)
		}
	}
}

func concat(d sqldb.Dialect, texts ...string) string {
	if d.Name == "mysql" {
		return "CONCAT(" + strings.Join(texts, ", ") + ")"
	}
	return strings.Join(texts, " || ")
}
