package console_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// The URL to try a client for a sign-in with requests an ID token.
func TestClient_OI_170_NextStepIsASignIn(t *testing.T) {
	o, _ := shop(t, testkit.WithOpenID(t, passport.OpenID{}))
	for args, want := range map[string]bool{
		"--post-logout-redirect-uri https://wiki.example/":                  true,
		"--post-logout-redirect-uri https://wiki.example/ --scopes profile": false,
		"": false,
	} {
		args = "client --name Wiki --redirect-uri https://wiki.example/cb " + args
		got := run(t, o, strings.Fields(args)...)
		if got.status != 0 || strings.Contains(got.stdout, "&scope=openid&") != want {
			t.Errorf("passport %s = %d, and the URL has scope=openid: %t, want %t\n%s%s", args, got.status, !want, want, got.stdout, got.stderr)
		}
	}
}

func TestClient_OI_170_OpenIDOptions(t *testing.T) {
	o, server := shop(t, testkit.WithOpenID(t, passport.OpenID{}))
	made := run(t, o, "client", "--name", "Wiki", "--redirect-uri", "https://wiki.example/cb", "--json",
		"--id-token-alg", "ES256", "--id-token-ttl", "5m", "--id-token-claims", "--default-max-age", "1h", "--require-auth-time",
		"--post-logout-redirect-uri", "https://wiki.example/bye,https://wiki.example/bye2", "--backchannel-logout-uri", "https://wiki.example/out", "--backchannel-session-required")
	var printed map[string]any
	if err := json.Unmarshal([]byte(made.stdout), &printed); err != nil || made.status != 0 {
		t.Fatalf("client = %+v, %v", made, err)
	}
	for name, want := range map[string]any{
		"id_token_signed_response_alg": "ES256", "id_token_ttl": 300.0, "claims_in_id_token": true, "default_max_age": 3600.0, "require_auth_time": true,
		"post_logout_redirect_uris": []any{"https://wiki.example/bye", "https://wiki.example/bye2"},
		"backchannel_logout_uri":    "https://wiki.example/out", "backchannel_logout_session_required": true,
	} {
		if !reflect.DeepEqual(printed[name], want) {
			t.Errorf("%s = %#v, want %#v", name, printed[name], want)
		}
	}
	id, _ := printed["client_id"].(string)
	shown := run(t, o, "client", "show", id)
	for _, want := range []string{"ES256, 5m, with the user's claims, only with the time of the sign-in", "Default max_age", "1h", "https://wiki.example/bye2", "https://wiki.example/out", "none yet"} {
		if !strings.Contains(shown.stdout, want) {
			t.Errorf("client show lacks %q:\n%s", want, shown.stdout)
		}
	}
	stored := func() *oauth.ClientOpenID {
		t.Helper()
		c, err := server.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c.OpenID
	}
	if got := run(t, o, "client", "update", id, "--id-token-alg", "", "--default-max-age", "0", "--require-auth-time=false"); got.status != 0 {
		t.Fatalf("client update = %+v", got)
	}
	if got := stored(); got.IDTokenAlg != "" || *got.DefaultMaxAge != 0 || got.RequireAuthTime || got.IDTokenTTL != 5*time.Minute || len(got.PostLogoutRedirectURIs) != 2 {
		t.Errorf("after an update of three settings they are %+v", got)
	}
	if got := run(t, o, "client", "update", id, "--default-max-age", "none", "--post-logout-redirect-uri", "", "--backchannel-logout-uri", "", "--id-token-ttl", "0", "--id-token-claims=false", "--backchannel-session-required=false"); got.status != 0 {
		t.Fatalf("client update = %+v", got)
	}
	if got := stored(); got != nil {
		t.Errorf("after all settings were removed they are %+v", got)
	}
}

func TestClient_OI_151_OI_170_WrongOpenIDOptions(t *testing.T) {
	o, server := shop(t, testkit.WithOpenID(t, passport.OpenID{}))
	made, err := server.CreateClient(t.Context(), passport.Registration{Name: "Web", RedirectURIs: []string{"https://app.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	off, _ := shop(t, nil)
	for kind, want := range map[string]string{"web": "--application-type is web, but the redirect URI", "desktop": "--application-type is neither web nor native"} {
		if got := run(t, off, "client", "--name", "x", "--redirect-uri", "http://127.0.0.1/cb", "--application-type", kind); got.status != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("a client of the type %s: status %d, %q; want %q", kind, got.status, got.stderr, want)
		}
	}
	if got := run(t, off, "client", "--name", "x", "--redirect-uri", "http://127.0.0.1/cb", "--public", "--application-type", "native"); got.status != 0 {
		t.Errorf("a native client: %+v", got)
	}
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--id-token-alg", "none"}, 1, "id_token_signed_response_alg can't be none"},
		{[]string{"--id-token-alg", "HS256"}, 1, "can't be HS256"},
		{[]string{"--default-max-age", "soon"}, 2, "want a duration such as"},
		{[]string{"--post-logout-redirect-uri", "http://wiki.example/"}, 1, "post_logout_redirect_uris has the URI"},
		{[]string{"--backchannel-logout-uri", "http://wiki.example/"}, 1, "backchannel_logout_uri"},
		{[]string{"--subject-type", "pairwise"}, 2, "--subject-type"},
		{[]string{"--frontchannel-logout-uri", "https://wiki.example"}, 2, "--frontchannel-logout-uri"},
	} {
		if got := run(t, o, append([]string{"client", "update", made.Client.ID}, test.args...)...); got.status != test.status || !strings.Contains(got.stderr, test.want) {
			t.Errorf("client update %v: status %d, %q; want %d and %q", test.args, got.status, got.stderr, test.status, test.want)
		}
	}
	if got := run(t, off, "client", "--name", "x", "--redirect-uri", "https://app.example.com", "--require-auth-time"); got.status != 1 || !strings.Contains(got.stderr, "OpenID Connect, which is off: add passport.OpenID{}") {
		t.Errorf("on a server without OpenID Connect: status %d, %q", got.status, got.stderr)
	}
}

// noticed is a store with a client that did not accept a notice.
type noticed struct{ memstore.Store }

func (*noticed) LogoutStatus(context.Context, string) (*oauth.LogoutStatus, error) {
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	return &oauth.LogoutStatus{LastAt: at, LastResult: "status 500\x1b[2J", SucceededAt: at.Add(-time.Hour), Failures: 2}, nil
}

func TestClient_BL_12_ShowsTheLastNotice(t *testing.T) {
	o, server := shop(t, func(c *passport.Config) {
		testkit.WithOpenID(t, passport.OpenID{})(c)
		c.Store = new(noticed)
	})
	made, err := server.CreateClient(t.Context(), passport.Registration{
		Name: "Wiki", RedirectURIs: []string{"https://wiki.example/cb"}, OpenID: &oauth.ClientOpenID{BackchannelLogoutURI: "https://wiki.example/out"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, o, "client", "show", made.Client.ID)
	for _, want := range []string{"2026-11-30T10:00:00Z: status 500", "2026-11-30T09:00:00Z", "2 tries since then"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("client show lacks %q:\n%s", want, got.stdout)
		}
	}
	if strings.Contains(got.stdout, "\x1b[2J") {
		t.Errorf("client show prints a control character:\n%q", got.stdout)
	}
}
