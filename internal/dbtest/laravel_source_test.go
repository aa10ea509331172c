package dbtest_test

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// recorder is a target that keeps the batches of an import.
type recorder struct {
	oauth.Store
	oauth.ImportStore
	got   oauth.ImportBatch
	notes map[string]string
	taken string // the ID of a client that was not imported
}

func newRecorder() *recorder { return &recorder{notes: map[string]string{}} }

func (r *recorder) LastImport(context.Context) (string, error) { return "", nil }

func (r *recorder) BeginImport(ctx context.Context, _ string, notes map[string]string) (context.Context, error) {
	maps.Copy(r.notes, notes)
	return ctx, nil
}

func (r *recorder) Import(_ context.Context, b *oauth.ImportBatch) error {
	r.got.Clients = append(r.got.Clients, b.Clients...)
	r.got.Families = append(r.got.Families, b.Families...)
	r.got.AccessTokens = append(r.got.AccessTokens, b.AccessTokens...)
	r.got.RefreshTokens = append(r.got.RefreshTokens, b.RefreshTokens...)
	r.got.Codes = append(r.got.Codes, b.Codes...)
	r.got.Unowned = append(r.got.Unowned, b.Unowned...)
	r.got.Consents = append(r.got.Consents, b.Consents...)
	return nil
}

func (r *recorder) ImportedClient(context.Context, string) (*oauth.ImportedClient, error) {
	return nil, oauth.ErrNotFound
}

func (r *recorder) Client(_ context.Context, id string) (*oauth.Client, error) {
	if id == r.taken {
		return &oauth.Client{ID: id}, nil
	}
	return nil, oauth.ErrNotFound
}

func (r *recorder) ImportNote(_ context.Context, name string) (string, error) {
	if text, ok := r.notes[name]; ok {
		return text, nil
	}
	return "", oauth.ErrNotFound
}

func (r *recorder) SetImportNote(_ context.Context, name, value string) error {
	r.notes[name] = value
	return nil
}

func (r *recorder) clients() map[string]*oauth.Client {
	all := map[string]*oauth.Client{}
	for _, c := range r.got.Clients {
		all[c.Client.ID] = c.Client
	}
	return all
}

// madeAt is just after the installation in testdata was made.
var madeAt = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// appKey returns the key of the installation in testdata.
func appKey(t testing.TB) laravelimport.AppKey {
	t.Helper()
	key, err := laravelimport.ParseAppKey(readManifest(t).Config.AppKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func fromLaravel(t testing.TB, d sqldb.Dialect, prefix string, target oauth.Store) laravelimport.Config {
	t.Helper()
	db, _ := openLaravel(t, d, prefix)
	return laravelimport.Config{
		Source: laravelimport.Source{DB: db, Dialect: d, Prefix: prefix}, Target: target,
		Keys: laravelimport.Keys{App: []laravelimport.AppKey{appKey(t)}}, Now: func() time.Time { return madeAt },
	}
}

func TestLaravelImport_Reads(t *testing.T) {
	for _, d := range dbtest.Dialects {
		for _, prefix := range []string{"", "app_"} {
			t.Run(d.Name+"/"+prefix, func(t *testing.T) {
				dbtest.Need(t, d)
				t.Parallel()
				r := newRecorder()
				report, err := laravelimport.Run(t.Context(), fromLaravel(t, d, prefix, r))
				if err != nil {
					t.Fatal(err)
				}
				want := laravelimport.Counts{Clients: 10, AccessTokens: 17, PersonalTokens: 1, RefreshTokens: 12, Codes: 6, Consents: 7}
				if report.Imported != want {
					t.Errorf("Run() imported %+v, want %+v; left out: %+v", report.Imported, want, report.LeftOut)
				}
				checkRecorded(t, r, report)
			})
		}
	}
}

func checkRecorded(t *testing.T, r *recorder, report *laravelimport.Report) {
	t.Helper()
	if want := (laravelimport.Settings{NumericUserIDs: true, NumericClientIDs: true, PersonalAccessClientID: "1", PasswordClients: 2, Scopes: []string{"check-status", "place-orders"}}); !reflect.DeepEqual(report.Settings, want) {
		t.Errorf("Run() proposes %+v, want %+v", report.Settings, want)
	}
	if want := time.Date(2026, 11, 23, 8, 54, 27, 0, time.UTC); !report.NewestCreatedAt.Equal(want) {
		t.Errorf("Run() found the newest created_at %v, want %v", report.NewestCreatedAt, want)
	}
	clients := r.clients()
	for id, want := range map[string]*oauth.Client{
		"1": {AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials", "personal_access"}},
		"2": {AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials", "password", "refresh_token"}},
		"3": {AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials"}},
		"5": {AuthMethod: oauth.AuthNone, GrantTypes: []string{"authorization_code", "refresh_token"}, RedirectURIs: []string{"https://spa.example/callback"}, Owner: oauth.UserRef{Provider: "users", ID: "1"}},
		"6": {AuthMethod: oauth.AuthSecret, GrantTypes: []string{"authorization_code", "client_credentials", "refresh_token"},
			RedirectURIs: []string{"https://client.example/a", "https://client.example/b"}, Owner: oauth.UserRef{Provider: "users", ID: "1"}},
		"8": {AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials", "password", "refresh_token"}, Provider: "admins"},
	} {
		got := clients[id]
		if got == nil {
			t.Errorf("client %s was not imported", id)
			continue
		}
		if got.AuthMethod != want.AuthMethod || !slices.Equal(got.GrantTypes, want.GrantTypes) || !slices.Equal(got.RedirectURIs, want.RedirectURIs) || got.Owner != want.Owner || got.Provider != want.Provider {
			t.Errorf("client %s = %+v, want %+v", id, got, want)
		}
		if public := want.AuthMethod == oauth.AuthNone; public != (len(got.Secrets) == 0) {
			t.Errorf("client %s has %d secrets", id, len(got.Secrets))
		}
	}
	if !clients["4"].Authenticates("gwo9X7ug4zi60JLn5Xut3XhKEG5KyPXZe56G1mZM", madeAt) {
		t.Error("the plain secret of client 4 does not authenticate it after the import")
	}
	for id, until := range map[string]bool{"4": true, "3": false} {
		for _, c := range r.got.Clients[len(r.got.Clients)/2:] {
			if c.Client.ID == id && c.CiphertextsUntil.IsZero() == until {
				t.Errorf("client %s has ciphertexts until %v", id, c.CiphertextsUntil)
			}
		}
	}
	var personal []*oauth.Family
	for _, f := range r.got.Families {
		if f.Personal {
			personal = append(personal, f)
		}
		if !oauth.Imported(f.ID) || f.CreatedAt.After(madeAt) || !f.ExpiresAt.After(madeAt) {
			t.Errorf("family %+v: want an imported ID, and a beginning that is not in the future", f)
		}
	}
	if len(personal) != 1 || personal[0].User.ID != "1" {
		t.Errorf("personal families = %+v, want that of the user 1", personal)
	}
	admin := oauth.UserRef{Provider: "admins", ID: "2"}
	if !slices.ContainsFunc(r.got.Families, func(f *oauth.Family) bool { return f.User == admin }) {
		t.Errorf("no family of %+v: the provider of the client is lost", admin)
	}
}

// A rotated refresh token and tokens of revoked clients are left out; a refresh token
// whose access token is revoked or gone is not.
func TestLaravelImport_LeavesOut(t *testing.T) {
	r := newRecorder()
	report, err := laravelimport.Run(t.Context(), fromLaravel(t, sqldb.SQLite, "", r))
	if err != nil {
		t.Fatal(err)
	}
	m := readManifest(t)
	digest := func(name string) oauth.Digest {
		return oauth.ImportedDigest(oauth.SpendRefreshToken, m.RefreshTokens[name].Plaintext["refresh_token_id"].(string))
	}
	for name, want := range map[string]bool{
		"expired": false, "rotated_old": false, "rotated_new": true, "access_revoked_refresh_live": true, "client_deleted": false, "client_revoked_by_hand": false, "refresh_row_missing": false,
	} {
		if got := slices.ContainsFunc(r.got.RefreshTokens, func(x *oauth.RefreshToken) bool { return x.Digest == digest(name) }); got != want {
			t.Errorf("refresh token %s imported = %v, want %v", name, got, want)
		}
	}
	if len(r.got.Unowned) != 1 || r.got.Unowned[0].Digest != digest("access_row_missing") {
		t.Errorf("refresh tokens without an access token = %+v, want the one of access_row_missing", r.got.Unowned)
	}
	for _, want := range []laravelimport.LeftOut{{What: "access tokens", Why: "expired", Count: 2}, {What: "clients", Why: "revoked", Count: 3}, {What: "refresh tokens", Why: "expired", Count: 1}} {
		if !slices.Contains(report.LeftOut, want) {
			t.Errorf("Run() left out %+v, want %+v among them", report.LeftOut, want)
		}
	}
}

// With another default provider, Laravel's provider users must not become the default one:
// its user 1 is another person.
func TestLaravelImport_KeepsProvidersApart(t *testing.T) {
	r := newRecorder()
	config := fromLaravel(t, sqldb.SQLite, "", r)
	config.UserProvider = "admins"
	report, err := laravelimport.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if clients := r.clients(); clients["2"] != nil || clients["8"] == nil || clients["8"].Provider != "" {
		t.Errorf("client 2 of the provider users = %+v, client 8 of admins = %+v; want the first left out and the second at the default provider", clients["2"], clients["8"])
	}
	if !slices.ContainsFunc(report.LeftOut, func(l laravelimport.LeftOut) bool {
		return l.What == "access tokens" && l.Why == "its client is left out"
	}) {
		t.Errorf("Run() left out %+v, want the tokens of client 2 among them", report.LeftOut)
	}
}

// A dry run writes nothing and reports the same.
func TestLaravelImport_DryRun(t *testing.T) {
	r := newRecorder()
	config := fromLaravel(t, sqldb.SQLite, "", r)
	config.DryRun, config.Switch = true, true
	dry, err := laravelimport.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.got.Clients)+len(r.got.AccessTokens)+len(r.notes) > 0 {
		t.Errorf("a dry run wrote %d clients, %d tokens and %d notes", len(r.got.Clients), len(r.got.AccessTokens), len(r.notes))
	}
	config.DryRun = false
	wet, err := laravelimport.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if dry.Imported != wet.Imported || !reflect.DeepEqual(dry.LeftOut, wet.LeftOut) {
		t.Errorf("the dry run reports %+v, the import %+v", dry, wet)
	}
	if _, err := laravelimport.Run(t.Context(), config); err == nil || !strings.Contains(err.Error(), "the switch was at") {
		t.Errorf("Run() after the switch = %v, want a refusal", err)
	}
}

func TestLaravelImport_Keys(t *testing.T) {
	m := readManifest(t)
	other, err := laravelimport.ParseAppKey("base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		t.Fatal(err)
	}
	pemText, err := os.ReadFile(filepath.Join(laravel12, "oauth-private.key"))
	if err != nil {
		t.Fatal(err)
	}
	public, err := laravelimport.ParsePublicKey(string(pemText))
	if err != nil {
		t.Fatal(err)
	}
	refresh, jwt, cookie := m.RefreshTokens["rotated_new"].Token, m.AccessTokens["code_full"].Token, m.Cookies["alice"]["laravel_session"].(string)
	xsrf := m.Cookies["alice"]["XSRF-TOKEN"].(string)
	decoded, err := url.PathUnescape(xsrf)
	must(t, err)
	for name, test := range map[string]struct {
		keys    []laravelimport.AppKey
		samples []string
		want    string
	}{
		"right":                       {keys: []laravelimport.AppKey{appKey(t)}, samples: []string{refresh, jwt, cookie}},
		"second key":                  {keys: []laravelimport.AppKey{other, appKey(t)}, samples: []string{refresh, cookie}},
		"XSRF-TOKEN":                  {keys: []laravelimport.AppKey{appKey(t)}, samples: []string{xsrf}},
		"XSRF-TOKEN, decoded":         {keys: []laravelimport.AppKey{appKey(t)}, samples: []string{decoded}},
		"none":                        {want: "the application key is missing"},
		"wrong, with a refresh token": {keys: []laravelimport.AppKey{other}, samples: []string{refresh}, want: "the application key is wrong"},
		"wrong, with a cookie":        {keys: []laravelimport.AppKey{other}, samples: []string{cookie}, want: "the application key is wrong"},
		"wrong, with XSRF-TOKEN":      {keys: []laravelimport.AppKey{other}, samples: []string{xsrf}, want: "the application key is wrong"},
		"changed token":               {keys: []laravelimport.AppKey{appKey(t)}, samples: []string{jwt[:len(jwt)-8] + "AAAAAAAA"}, want: "does not verify"},
		"no value of Laravel":         {keys: []laravelimport.AppKey{appKey(t)}, samples: []string{"hello"}, want: "not a value of Laravel"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder()
			config := fromLaravel(t, sqldb.SQLite, "", r)
			config.Keys, config.Samples = laravelimport.Keys{App: test.keys, Public: public}, test.samples
			_, err := laravelimport.Run(t.Context(), config)
			if test.want == "" {
				if err != nil {
					t.Errorf("Run() = %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || len(r.got.Clients) > 0 {
				t.Errorf("Run() = %v with %d clients written, want an error with %q before any write", err, len(r.got.Clients), test.want)
			}
		})
	}
}

// Every fault of the tables is found before the first write.
func TestLaravelImport_Refuses(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, c *laravelimport.Config, r *recorder)
		want  string
	}{
		"missing table": {func(t *testing.T, c *laravelimport.Config, _ *recorder) {
			run(t, c.Source.DB, "DROP TABLE oauth_refresh_tokens")
		}, "no table oauth_refresh_tokens"},
		"version 8": {func(t *testing.T, c *laravelimport.Config, _ *recorder) {
			run(t, c.Source.DB, "ALTER TABLE oauth_clients DROP COLUMN provider")
		}, "from Laravel Passport 8 or older"},
		"missing column": {func(t *testing.T, c *laravelimport.Config, _ *recorder) {
			run(t, c.Source.DB, "ALTER TABLE oauth_access_tokens DROP COLUMN expires_at")
		}, "no column expires_at"},
		"prefix":   {func(_ *testing.T, c *laravelimport.Config, _ *recorder) { c.Source.Prefix = `x"; --` }, "the table prefix is not valid"},
		"taken ID": {func(_ *testing.T, _ *laravelimport.Config, r *recorder) { r.taken = "4" }, `register further clients there with client_ids = "uuid"`},
		"our tables": {func(t *testing.T, c *laravelimport.Config, _ *recorder) {
			run(t, c.Source.DB, "ALTER TABLE oauth_clients ADD COLUMN auth_method TEXT")
		}, "tables of Passport for Go"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder()
			config := fromLaravel(t, sqldb.SQLite, "", r)
			test.spoil(t, &config, r)
			_, err := laravelimport.Run(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Run() = %v, want an error with %q", err, test.want)
			}
			if len(r.got.Clients)+len(r.got.AccessTokens) > 0 {
				t.Error("Run() wrote before it found the fault")
			}
		})
	}
	if _, err := laravelimport.Run(t.Context(), laravelimport.Config{Target: struct{ oauth.Store }{}}); err == nil || errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("Run() into a store that can't import = %v, want an error", err)
	}
}
