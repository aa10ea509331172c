package dbtest_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// The IDs of an installation of Laravel Passport 13.
const (
	app13      = "01930000-0000-7000-8000-000000000001"
	machine13  = "01930000-0000-7000-8000-000000000002"
	personal13 = "01930000-0000-7000-8000-000000000003"
	refused13  = "01930000-0000-7000-8000-000000000004"
	public13   = "01930000-0000-7000-8000-000000000005"
	user13     = "0193aaaa-0000-7000-8000-00000000000a"
	secret13   = "0123456789abcdefghij0123456789abcdefghij"
)

var appKey13 = "base64:" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

// encrypted13 is a value as Laravel's encrypter writes it.
func encrypted13(t testing.TB) string {
	t.Helper()
	key := []byte("0123456789abcdef0123456789abcdef")
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	iv, value := make([]byte, 16), make([]byte, 32)
	rand.Read(iv)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(value, value)
	iv64, value64 := base64.StdEncoding.EncodeToString(iv), base64.StdEncoding.EncodeToString(value)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(iv64 + value64))
	// PHP keeps the order of the members.
	text := fmt.Appendf(nil, `{"iv":%q,"value":%q,"mac":%q,"tag":""}`, iv64, value64, hex.EncodeToString(mac.Sum(nil)))
	return base64.StdEncoding.EncodeToString(text)
}

// laravel13 returns an installation of Passport 13 with UUIDs and hashed secrets.
func laravel13(t testing.TB, d sqldb.Dialect) laravelimport.Source {
	t.Helper()
	db := dbtest.Open(t, d)
	createLaravel(t, db, d, "", laravel13Tables)
	hash, err := bcrypt.GenerateFromPassword([]byte(secret13), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	hashed := "$2y$" + strings.TrimPrefix(string(hash), "$2a$")
	made, ends := "2026-11-01 10:00:00", "2027-11-01 10:00:00"
	client := func(id, name string, secret any, uris, grants string, owned bool) {
		row := map[string]any{"id": id, "name": name, "secret": secret, "provider": nil, "redirect_uris": uris, "grant_types": grants, "revoked": false, "created_at": made, "updated_at": made}
		if owned {
			row["owner_type"], row["owner_id"] = `App\Models\User`, user13
		}
		insertLaravel(t, db, d, "oauth_clients", row)
	}
	client(app13, "App", hashed, `["https:\/\/app.example\/callback","http:\/\/app.example\/plain"]`, `["authorization_code","refresh_token"]`, true)
	client(machine13, "Machine", hashed, `[]`, `["client_credentials"]`, false)
	client(personal13, "Personal", hashed, `[]`, `["personal_access"]`, false)
	client(refused13, "Refused", hashed, `["ftp:\/\/app.example\/callback"]`, `["authorization_code"]`, false)
	client(public13, "Public", nil, `["myapp:\/\/callback"]`, `["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"]`, false)
	token := func(n int, client string, user any, scopes string) {
		insertLaravel(t, db, d, "oauth_access_tokens", map[string]any{"id": fmt.Sprintf("%080x", n), "user_id": user, "client_id": client, "name": "Token", "scopes": scopes, "revoked": false,
			"created_at": made, "updated_at": made, "expires_at": ends})
	}
	token(1, app13, user13, `["orders:read","orders:write"]`)
	token(2, machine13, nil, `["*"]`)
	token(3, personal13, user13, `[]`)
	token(4, refused13, user13, `[]`)
	insertLaravel(t, db, d, "oauth_refresh_tokens", map[string]any{"id": fmt.Sprintf("%080x", 101), "access_token_id": fmt.Sprintf("%080x", 1), "revoked": false, "expires_at": ends})
	insertLaravel(t, db, d, "users", map[string]any{"id": user13, "name": "Ada", "email": "ada@example.com", "password": hashed, "two_factor_secret": encrypted13(t), "created_at": made, "updated_at": made})
	return laravelimport.Source{DB: db, Dialect: d}
}

func TestLaravelImport_Version13(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			key, err := laravelimport.ParseAppKey(appKey13)
			if err != nil {
				t.Fatal(err)
			}
			s := target(t, d)
			config := laravelimport.Config{Source: laravel13(t, d), Target: s, Keys: laravelimport.Keys{App: []laravelimport.AppKey{appKey(t)}}, Now: func() time.Time { return madeAt }}
			if _, err := laravelimport.Run(t.Context(), config); err == nil || !strings.Contains(err.Error(), "the application key is wrong: it does not open users.two_factor_secret") {
				t.Errorf("Run() with the key of another application = %v, want a refusal", err)
			}
			config.Keys.App = []laravelimport.AppKey{key}
			config.AllowRedirect = []string{"myapp"}
			report, err := laravelimport.Run(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			check13(t, s, report)
		})
	}
}

func check13(t *testing.T, s oauth.Store, report *laravelimport.Report) {
	t.Helper()
	want := laravelimport.Counts{Clients: 4, AccessTokens: 2, PersonalTokens: 1, RefreshTokens: 1, Consents: 1}
	if report.Imported != want || report.Version != "13" || report.CheckedBy != "users.two_factor_secret" {
		t.Errorf("Run() = %+v, want %+v of version 13, and the key checked by a secret of a user", report, want)
	}
	if !slices.Contains(report.LeftOut, laravelimport.LeftOut{What: "clients", Why: "every redirect URI is refused: change them in Laravel, or admit them with --allow-redirect", Count: 1}) ||
		!slices.Contains(report.LeftOut, laravelimport.LeftOut{What: "access tokens", Why: "its client is left out", Count: 1}) {
		t.Errorf("Run() left out %+v, want the client with an ftp URI and its token among them", report.LeftOut)
	}
	settings := laravelimport.Settings{PersonalAccessClientID: personal13, PersonalSecretHashed: true, AllowedRedirectSchemes: []string{"myapp"}, Scopes: []string{"orders:read", "orders:write"}}
	if !reflect.DeepEqual(report.Settings, settings) {
		t.Errorf("Run() proposes %+v, want %+v", report.Settings, settings)
	}
	app, err := s.Client(t.Context(), app13)
	if err != nil {
		t.Fatal(err)
	}
	if owner := (oauth.UserRef{Provider: "users", ID: user13}); app.Owner != owner || !slices.Equal(app.RedirectURIs, []string{"https://app.example/callback"}) {
		t.Errorf("client = %+v, want the owner %v and the https URI alone", app, owner)
	}
	if len(app.Secrets) != 1 || !strings.HasPrefix(string(app.Secrets[0].Digest), "$2y$") {
		t.Errorf("the hashed secret is stored as %v", app.Secrets)
	}
	public, err := s.Client(t.Context(), public13)
	if err != nil || !public.Public() || len(public.RedirectURIs) != 1 || !slices.Contains(public.GrantTypes, "urn:ietf:params:oauth:grant-type:device_code") {
		t.Errorf("public client = %+v, %v, want its private-use URI and its grants", public, err)
	}
	token, err := s.AccessToken(t.Context(), fmt.Sprintf("%080x", 3))
	if err != nil || token.Family == nil || !token.Family.Personal || token.Name != "Token" {
		t.Errorf("personal token = %+v, %v", token, err)
	}
}
