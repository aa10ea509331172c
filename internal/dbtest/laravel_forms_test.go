package dbtest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// laravelForms is the folder of installations that testdata/laravel-forms/generate.php has
// written. It encrypts, signs and hashes with PHP, as Laravel does.
const laravelForms = "testdata/laravel-forms"

// form is an installation of Laravel Passport in one of the forms of its tables.
type form struct {
	AppKey    string            `json:"app_key"`
	PublicKey string            `json:"public_key"`
	Users     map[string]string `json:"users"`
	Clients   map[string]struct {
		ID, Secret string
	} `json:"clients"`
	Rows  map[string][]map[string]any `json:"rows"`
	Cases []formCase                  `json:"cases"`

	tables map[string][]string
	prefix string
}

// formCase is a token or a request, and how Laravel responds to it.
type formCase struct {
	Name, Kind string

	Token    string   // of an access token
	Admitted []string // the APIs that admit it
	Scopes   []string

	Form     url.Values // of a token request
	Redeemed bool
	Error    string
}

// formTables are the tables of each form.
var formTables = map[string]map[string][]string{
	// Versions 9 to 12. On PostgreSQL, an application may have changed the types of columns.
	"integers": {
		"oauth_clients": {"id AUTO", "user_id NUMBER", "name STRING NOT NULL", "secret STRING", "provider STRING", "redirect TEXT NOT NULL", "personal_access_client BOOL NOT NULL",
			"password_client BOOL NOT NULL", "revoked BOOL NOT NULL", "created_at INSTANT", "updated_at INSTANT"},
		"oauth_access_tokens": {"id ID NOT NULL PRIMARY KEY", "user_id NUMBER", "client_id NUMBER NOT NULL", "name STRING", "scopes JSON", "revoked BOOL NOT NULL",
			"created_at INSTANT", "updated_at INSTANT", "expires_at EXPIRY"},
		"oauth_refresh_tokens":          {"id ID NOT NULL PRIMARY KEY", "access_token_id ID NOT NULL", "revoked BOOL NOT NULL", "expires_at EXPIRY"},
		"oauth_auth_codes":              {"id ID NOT NULL PRIMARY KEY", "user_id NUMBER NOT NULL", "client_id NUMBER NOT NULL", "scopes JSON", "revoked BOOL NOT NULL", "expires_at EXPIRY"},
		"oauth_personal_access_clients": {"id AUTO", "client_id NUMBER NOT NULL", "created_at INSTANT", "updated_at INSTANT"},
	},
	// Version 12 with UUIDs of clients, and users with UUIDs or ULIDs.
	"uuids": {
		"oauth_clients": {"id CHAR36 NOT NULL PRIMARY KEY", "user_id OWNER", "name STRING NOT NULL", "secret STRING", "provider STRING", "redirect TEXT NOT NULL", "personal_access_client BOOL NOT NULL",
			"password_client BOOL NOT NULL", "revoked BOOL NOT NULL", "created_at TIME", "updated_at TIME"},
		"oauth_access_tokens": {"id ID NOT NULL PRIMARY KEY", "user_id OWNER", "client_id CHAR36 NOT NULL", "name STRING", "scopes TEXT", "revoked BOOL NOT NULL",
			"created_at TIME", "updated_at TIME", "expires_at DATETIME"},
		"oauth_refresh_tokens":          {"id ID NOT NULL PRIMARY KEY", "access_token_id ID NOT NULL", "revoked BOOL NOT NULL", "expires_at DATETIME"},
		"oauth_auth_codes":              {"id ID NOT NULL PRIMARY KEY", "user_id OWNER NOT NULL", "client_id CHAR36 NOT NULL", "scopes TEXT", "revoked BOOL NOT NULL", "expires_at DATETIME"},
		"oauth_personal_access_clients": {"id AUTO", "client_id CHAR36 NOT NULL", "created_at TIME", "updated_at TIME"},
	},
	"13": {
		"oauth_clients": {"id UUID NOT NULL PRIMARY KEY", "owner_type STRING", "owner_id OWNER", "name STRING NOT NULL", "secret STRING", "provider STRING", "redirect_uris TEXT NOT NULL",
			"grant_types TEXT NOT NULL", "revoked BOOL NOT NULL", "created_at TIME", "updated_at TIME"},
		"oauth_access_tokens": {"id CHAR80 NOT NULL PRIMARY KEY", "user_id OWNER", "client_id UUID NOT NULL", "name STRING", "scopes TEXT", "revoked BOOL NOT NULL",
			"created_at TIME", "updated_at TIME", "expires_at DATETIME"},
		"oauth_refresh_tokens": {"id CHAR80 NOT NULL PRIMARY KEY", "access_token_id CHAR80 NOT NULL", "revoked BOOL NOT NULL", "expires_at DATETIME"},
		"oauth_auth_codes":     {"id CHAR80 NOT NULL PRIMARY KEY", "user_id OWNER NOT NULL", "client_id UUID NOT NULL", "scopes TEXT", "revoked BOOL NOT NULL", "expires_at DATETIME"},
		"oauth_device_codes":   {"id CHAR80 NOT NULL PRIMARY KEY", "user_id OWNER", "client_id UUID NOT NULL", "user_code STRING NOT NULL", "scopes TEXT NOT NULL", "revoked BOOL NOT NULL", "expires_at DATETIME"},
	},
}

func readForm(t testing.TB, name string) *form {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(laravelForms, name+".json"))
	must(t, err)
	f := &form{tables: formTables[name]}
	if name == "uuids" {
		f.prefix = "app_"
	}
	must(t, json.Unmarshal(text, f))
	return f
}

// open returns the installation in a new database.
func (f *form) open(t testing.TB, d sqldb.Dialect) laravelimport.Source {
	t.Helper()
	db := dbtest.Open(t, d)
	createLaravel(t, db, d, f.prefix, f.tables)
	for table, rows := range f.Rows {
		if d.Name == sqldb.MySQL.Name { // the collation of most installations, which ignores case
			run(t, db, "ALTER TABLE "+f.prefix+table+" CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
		}
		for _, row := range rows {
			insertLaravel(t, db, d, f.prefix+table, row)
		}
	}
	return laravelimport.Source{DB: db, Dialect: d, Prefix: f.prefix}
}

// config returns the settings of an import into a store.
func (f *form) config(t testing.TB, source laravelimport.Source, store oauth.Store) laravelimport.Config {
	t.Helper()
	key, err := laravelimport.ParseAppKey(f.AppKey)
	must(t, err)
	return laravelimport.Config{Source: source, Target: store, Keys: laravelimport.Keys{App: []laravelimport.AppKey{key}}, AllowRedirect: []string{"com.example.app"}}
}

// server returns a server for a store into which the installation was imported.
func (f *form) server(t *testing.T, store oauth.Store, compat laravel.Compat) *passport.Server {
	t.Helper()
	scopes := []passport.Scope{{ID: "place-orders", Description: "Place orders"}, {ID: "check-status", Description: "Check order status"}}
	for n := range 100 {
		scopes = append(scopes, passport.Scope{ID: fmt.Sprintf("organization.permissions:%03d", n), Description: "Permission"})
	}
	compat.PublicKeys, compat.AppKeys = []string{f.PublicKey}, []string{f.AppKey}
	return laravelServer(t, store, compat, func(c *passport.Config) {
		c.Users, c.Scopes = testkit.NewAccounts(f.Users["ada"], f.Users["bob"]), scopes
		c.Providers = map[string]passport.UserProvider{"staff": testkit.NewAccounts(f.Users["staff"])}
	})
}

// eachForm runs a test with each form of installation in each kind of database. Each form
// has another kind of target. The tests run one after the other: together, they would wait
// too long for the slow derivations.
func eachForm(t *testing.T, test func(t *testing.T, f *form, store *sqlstore.Store, config laravelimport.Config)) {
	forms, sources := []string{"integers", "uuids", "13"}, dbtest.Dialects
	if raceDetector { // our code is the same for all of them, and the derivations are slow
		forms, sources = []string{"uuids"}, sources[:1]
	}
	for shift, name := range forms {
		for n, from := range sources {
			to := dbtest.Dialects[(n+shift)%len(dbtest.Dialects)]
			t.Run(name+"/"+from.Name+" to "+to.Name, func(t *testing.T) {
				dbtest.Need(t, from)
				dbtest.Need(t, to)
				f, store := readForm(t, name), target(t, to)
				test(t, f, store, f.config(t, f.open(t, from), store))
			})
		}
	}
}

// What each form of installation has issued works before and after the switch where it
// works at Laravel, and is refused elsewhere.
func TestServer_LP_1_LP_2_FormsOfInstallations(t *testing.T) {
	eachForm(t, func(t *testing.T, f *form, store *sqlstore.Store, config laravelimport.Config) {
		f.importRepeatedly(t, config)
		beside := f.server(t, store, laravel.Compat{DB: config.Source.DB, Dialect: config.Source.Dialect, TablePrefix: f.prefix})
		f.admit(t, "before the switch", beside)
		config.Switch = true
		_, err := laravelimport.Run(t.Context(), config)
		must(t, err)
		s := f.server(t, store, laravel.Compat{})
		f.admit(t, "after the switch", s)
		f.redeem(t, s)
	})
}

// importRepeatedly imports three times, after a dry run. The reports are the same.
func (f *form) importRepeatedly(t *testing.T, config laravelimport.Config) {
	t.Helper()
	config.DryRun = true
	dry, err := laravelimport.Run(t.Context(), config)
	must(t, err)
	config.DryRun = false
	for range 3 {
		report, err := laravelimport.Run(t.Context(), config)
		must(t, err)
		if report.Imported != dry.Imported || !reflect.DeepEqual(report.LeftOut, dry.LeftOut) || report.Ended != 0 {
			t.Errorf("Run() = %+v, want what the dry run reports, and no record that ended:\n%+v", report, dry)
		}
	}
	if want := f.Clients["personal"].ID; dry.Settings.PersonalAccessClientID != want {
		t.Errorf("Run() proposes the client %q for personal access tokens, want %q: the newest one of the default provider", dry.Settings.PersonalAccessClientID, want)
	}
}

// admit sends every access token to every API.
func (f *form) admit(t *testing.T, when string, s *passport.Server) {
	t.Helper()
	guards := map[string]func(http.Handler) http.Handler{"user": s.Guard(), "staff": s.Guard(guard.Provider("staff")), "client": s.GuardClient()}
	for _, c := range f.Cases {
		if c.Kind != "access" {
			continue
		}
		for api, protect := range guards {
			if got, want := guardStatus(protect, c.Token) == http.StatusOK, slices.Contains(c.Admitted, api); got != want {
				t.Errorf("%s the API for %s admits the access token %q = %v, want %v", when, api, c.Name, got, want)
			}
		}
		if len(c.Admitted) == 0 || len(c.Scopes) == 0 {
			continue
		}
		rules := map[string][]guard.Rule{"staff": {guard.Provider("staff"), guard.Scopes(c.Scopes...)}}[c.Admitted[0]]
		if rules == nil {
			rules = []guard.Rule{guard.Scopes(c.Scopes...)}
		}
		if got := guardStatus(s.GuardAny(rules...), c.Token); got != http.StatusOK {
			t.Errorf("%s the access token %q gets %d at an API for its scopes %v, want 200", when, c.Name, got, c.Scopes)
		}
	}
}

// redeem sends every token request: with a wrong secret, as it is, and all of them again.
func (f *form) redeem(t *testing.T, s *passport.Server) {
	t.Helper()
	var redeemed []formCase
	for _, c := range f.Cases {
		if c.Kind != "redeem" {
			continue
		}
		if secret := c.Form.Get("client_secret"); secret != "" {
			wrong := testkit.Set(maps.Clone(c.Form), "client_secret", secret[1:]+"x")
			if status, body := tokenRequest(t, s, wrong); body["error"] != "invalid_client" {
				t.Errorf("%s with a wrong secret = %d %v, want invalid_client", c.Name, status, body)
			}
		}
		status, body := tokenRequest(t, s, c.Form)
		switch {
		case !c.Redeemed:
			if status/100 != 4 || c.Error != "" && body["error"] != c.Error {
				t.Errorf("%s = %d %v, want %s", c.Name, status, body, c.Error)
			}
			continue
		case status != http.StatusOK:
			t.Errorf("%s = %d %v, want tokens", c.Name, status, body)
			continue
		}
		scope, _ := body["scope"].(string)
		if got := strings.Fields(scope); scope != "" && !slices.Equal(got, c.Scopes) {
			t.Errorf("%s gets the scopes %v, want %v", c.Name, got, c.Scopes)
		}
		if c.Form.Get("grant_type") != "client_credentials" {
			redeemed = append(redeemed, c)
		}
	}
	for _, c := range redeemed {
		if status, body := tokenRequest(t, s, c.Form); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("%s for the second time = %d %v, want invalid_grant", c.Name, status, body)
		}
	}
}

// In each form of installation an import ends what Laravel has revoked, keeps withdrawn
// what the user has withdrawn here, and --mark-consumed finds the rows of what ended here.
func TestLaravelImport_LP_1_LP_3_FormsRepeat(t *testing.T) {
	eachForm(t, func(t *testing.T, f *form, store *sqlstore.Store, config laravelimport.Config) {
		_, err := laravelimport.Run(t.Context(), config)
		must(t, err)
		web, err := store.Client(t.Context(), f.Clients["web"].ID)
		must(t, err)
		consented := func(user string) []string {
			t.Helper()
			scopes, _, err := store.Consented(t.Context(), testkit.Ref(f.Users[user]), web)
			must(t, err)
			return scopes
		}
		if got := consented("ada"); len(got) < 2 {
			t.Errorf("the first user has consented to %v, want the scopes of all tokens", got)
		}
		must(t, store.Withdraw(t.Context(), testkit.Ref(f.Users["ada"]), web.ID, time.Now(), nil))
		id := f.id(t, "public")
		run(t, config.Source.DB, "UPDATE "+f.prefix+"oauth_access_tokens SET revoked = TRUE WHERE id = '"+id+"'")
		run(t, config.Source.DB, "UPDATE "+f.prefix+"oauth_refresh_tokens SET revoked = TRUE WHERE access_token_id = '"+id+"'")
		report, err := laravelimport.Run(t.Context(), config)
		must(t, err)
		if report.Ended == 0 {
			t.Error("Run() ended nothing, after Laravel has revoked a token with its refresh token")
		}
		if token, err := store.AccessToken(t.Context(), id); err == nil && token.Live(time.Now()) {
			t.Error("a token that Laravel has revoked is live after the next import")
		}
		if got := consented("ada"); len(got) > 0 {
			t.Errorf("the next import brought back the consents %v, which the user has withdrawn here", got)
		}
		must(t, store.RevokeClient(t.Context(), f.Clients["phone"].ID, time.Now(), nil))
		marked, err := laravelimport.MarkConsumed(t.Context(), config, config.Source.DB, func(int) {})
		if err != nil || marked.Clients != 1 || marked.AccessTokens == 0 || marked.RefreshTokens == 0 {
			t.Errorf("MarkConsumed() = %+v, %v, want one client and the tokens that the user has withdrawn", marked, err)
		}
	})
}

// id returns the ID of an access token.
func (f *form) id(t testing.TB, name string) string {
	t.Helper()
	for _, c := range f.Cases {
		if c.Kind != "access" || c.Name != name {
			continue
		}
		var claims struct{ JTI string }
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(c.Token, ".")[1])
		must(t, err)
		must(t, json.Unmarshal(payload, &claims))
		return claims.JTI
	}
	t.Fatalf("the installation has no access token %q", name)
	return ""
}
