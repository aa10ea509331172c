package laravel_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
)

func TestAccessToken_LP_2_GuardsAdmitImportedTokens(t *testing.T) {
	o := newOld(t)
	p := o.imported("4", "read")
	if got := o.admits(p.access, guard.Scopes("read")); got != http.StatusOK {
		t.Errorf("a guard responds to an imported token with %d, want 200", got)
	}
	if got := o.admits(p.access, guard.Scopes("write")); got != http.StatusForbidden {
		t.Errorf("a guard of another scope responds with %d, want 403", got)
	}
	if got := o.Call(o.GuardClient(), "Authorization", "Bearer "+p.access).Status; got != http.StatusForbidden {
		t.Errorf("GuardClient responds to the token of a user with %d, want 403", got)
	}
	machine := o.id()
	o.load(&oauth.ImportBatch{AccessTokens: []*oauth.AccessToken{{ID: machine, Client: &oauth.Client{ID: "3"}, Scopes: []string{"*"}, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}}})
	for _, subject := range []string{"", "3"} { // of version 12, and of 13
		token := jwt(t, oldKey(), claimsOf(machine, "3", subject, []string{"*"}))
		if got := o.Call(o.GuardClient(guard.Scopes("write")), "Authorization", "Bearer "+token).Status; got != http.StatusOK {
			t.Errorf("GuardClient responds to a client's token with the subject %q with %d, want 200", subject, got)
		}
		if got := o.admits(token); got == http.StatusOK {
			t.Errorf("a guard of users admits a client's token with the subject %q", subject)
		}
	}
}

// An API in another process gets the same answer.
func TestAccessToken_LP_2_Introspection(t *testing.T) {
	o := newOld(t)
	p := o.imported("4", "read")
	got := o.post("/oauth/introspect", "4", "token", p.access).JSON()
	if got["active"] != true || got["sub"] != "users:1" || got["client_id"] != "4" || got["scope"] != "read" || got["jti"] != p.id || got["aud"] != testkit.Issuer {
		t.Errorf("the introspection of an imported token = %v, want it active, with its user, client, scope and jti, and our audience", got)
	}
	if got := o.post("/oauth/introspect", "3", "token", p.access).JSON(); got["active"] != false {
		t.Errorf("the introspection of another client's token = %v, want it inactive", got)
	}
	if got := o.post("/oauth/introspect", "4", "token", p.refresh).JSON(); got["active"] != true || got["scope"] != "read" {
		t.Errorf("the introspection of an imported refresh token = %v, want it active", got)
	}
}

// A token is refused unless one of the old keys signed it and the row is imported, live
// and of the client and the user that the token names.
func TestAccessToken_LP_2_Refused(t *testing.T) {
	o := newOld(t)
	p := o.imported("4", "read")
	own := o.Web()
	ours := o.Redeem(own, o.Browser().SignIn("1").Authorize(own).Allow().Code())
	row, err := o.Store.AccessToken(t.Context(), testkit.AsText(testkit.ClaimsOf(t, ours.Access)["jti"]))
	o.Works(err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	o.Works(err)
	with := func(pairs ...any) string {
		claims := claimsOf(p.id, "4", "1", []string{"read"})
		for i := 0; i < len(pairs); i += 2 {
			claims[pairs[i].(string)] = pairs[i+1]
			if pairs[i+1] == nil {
				delete(claims, pairs[i].(string))
			}
		}
		return jwt(t, oldKey(), claims)
	}
	header := func(h string) string {
		return testkit.LaravelJWT(t, oldKey(), h, claimsOf(p.id, "4", "1", []string{"read"}))
	}
	hour := float64(time.Now().Add(time.Hour).Unix())
	parts := strings.Split(p.access, ".")
	for name, token := range map[string]string{
		"another key":          jwt(t, other, claimsOf(p.id, "4", "1", []string{"read"})),
		"no row":               with("jti", strings.Repeat("a", 80)),
		"a row of this server": with("jti", row.ID, "aud", own.ID),
		"another client":       with("aud", "5"),
		"two clients":          with("aud", []string{"4", "5"}),
		"another user":         with("sub", "2"),
		"no user":              with("sub", ""),
		"the client as user":   with("sub", "4"),
		"expired":              with("exp", hour-7200),
		"no expiry":            with("exp", nil),
		"an expiry in words":   with("exp", "tomorrow"),
		"expired, in text":     with("exp", fmt.Sprintf("%.6f", hour-7200)),
		"not yet, in text":     with("nbf", fmt.Sprintf("%.6f", hour)),
		"not yet":              with("nbf", hour),
		"issued later":         with("iat", hour),
		"an ID token":          with("iss", testkit.Issuer),
		"a logout token":       with("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}),
		"alg none":             b64([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + parts[1] + ".",
		"alg HS256":            header(`{"typ":"JWT","alg":"HS256"}`),
		"alg RS512":            header(`{"typ":"JWT","alg":"RS512"}`),
		"at+jwt":               header(`{"typ":"at+jwt","alg":"RS256"}`),
		"a kid":                header(`{"typ":"JWT","alg":"RS256","kid":"1"}`),
		"a key in the header":  header(`{"typ":"JWT","alg":"RS256","jwk":{}}`),
		"two headers":          header(`{"typ":"JWT","alg":"RS256"}{}`),
		"no signature":         parts[0] + "." + parts[1] + ".",
		"four parts":           p.access + ".x",
		"another payload":      parts[0] + "." + b64([]byte(`{"aud":"4","jti":"x"}`)) + "." + parts[2],
		"padding":              p.access + "=",
		"the bare ID":          p.id,
		"the ID of the family": oauth.ImportedFamilyID(p.id),
		"a refresh token":      p.refresh,
		"our refresh token":    ours.Refresh,
		"a very long token":    p.access + strings.Repeat("A", 20<<10),
	} {
		if got := o.admits(token); got != http.StatusUnauthorized {
			t.Errorf("%s: a guard responds with %d, want 401", name, got)
		}
	}
	if got := o.admits(ours.Access); got != http.StatusOK {
		t.Errorf("a guard responds to our own token with %d, want 200", got)
	}
}

// What ends tokens here ends imported ones, too.
func TestAccessToken_LP_2_Ends(t *testing.T) {
	for name, end := range map[string]func(o *old, p pair) error{
		"RevokeToken":         func(o *old, p pair) error { return o.RevokeToken(o.T.Context(), p.id) },
		"RevokeClient":        func(o *old, _ pair) error { return o.RevokeClient(o.T.Context(), "4") },
		"the user is deleted": func(o *old, _ pair) error { o.Users.Remove("1"); return nil },
		"the client revokes its access token": func(o *old, p pair) error {
			o.post("/oauth/revoke", "4", "token", p.access)
			return nil
		},
		"the client revokes its refresh token": func(o *old, p pair) error {
			o.post("/oauth/revoke", "4", "token", p.refresh)
			return nil
		},
	} {
		o := newOld(t)
		p := o.imported("4", "read")
		o.WantAdmits(p.access, true, "before "+name)
		o.Works(end(o, p))
		o.WantAdmits(p.access, false, "after "+name)
		if got := o.refresh("4", p.refresh); got.Status == http.StatusOK {
			t.Errorf("after %s the refresh token works: %s", name, got)
		}
	}
}

// A user of a provider that this server doesn't have is not known here. The log says which
// provider is missing.
func TestAccessToken_LP_2_ProviderIsNotConfigured(t *testing.T) {
	o := newOld(t)
	own := o.Web()
	o.Change(own, func(c *oauth.Client) { c.Provider = "admins" })
	admin := o.asImported(own)
	p := o.issued(admin.ID, "read")
	p.batch.Families[0].User.Provider = "admins"
	o.load(p.batch)
	for name, use := range map[string]func() bool{
		"a guard": func() bool { return o.Admits(p.access) },
		"introspection": func() bool {
			return o.Do(o.FormRequest(admin, "/oauth/introspect", "token", p.access)).JSON()["active"] == true
		},
	} {
		logged := len(o.Log.String())
		if use() {
			t.Errorf("%s admits the token of a user whose provider is not configured", name)
		}
		if text := o.Log.String()[logged:]; !strings.Contains(text, `the user provider \"admins\" is not configured`) {
			t.Errorf("%s refuses the token of a user whose provider is not configured with this log, want the name of the provider:\n%s", name, text)
		}
	}
}

// The key of the old server never signs: New refuses it among the server's keys.
func TestCompat_LP_2_Faults(t *testing.T) {
	keys, err := passport.NewKeys(oldKey())
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	public := publicPEM(t, &oldKey().PublicKey)
	for want, compat := range map[string]laravel.Compat{
		"is also a key of this server": {PublicKeys: []string{public}},
		"want a key in PEM":            {PublicKeys: []string{"nonsense"}},
		"too short":                    {PublicKeys: []string{publicPEM(t, &short.PublicKey)}},
		"is not base64":                {AppKeys: []string{"base64:?"}},
		"shorter than 16 bytes":        {AppKeys: []string{"base64:" + base64.StdEncoding.EncodeToString([]byte("short"))}},
		"set both":                     {},
	} {
		config := testkit.PlainConfig(t)
		config.Keys, config.Features = keys, []passport.Feature{compat}
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want an error with %q", err, want)
		}
	}
	compat := laravel.Compat{PublicKeys: []string{public}, AppKeys: []string{appKey}}
	if text := fmt.Sprintf("%v %+v %s", compat, compat, compat.LogValue()); strings.Contains(text, appKey) || strings.Contains(text, "BEGIN") {
		t.Errorf("a printed Compat shows a key: %s", text)
	}
}
