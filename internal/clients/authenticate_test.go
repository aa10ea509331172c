package clients_test

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

func TestToken_TK_11_EachMethodAsRegistered(t *testing.T) {
	s := testkit.NewServer(t)
	for _, tt := range []struct {
		method      oauth.AuthMethod
		basic, post bool
	}{
		{oauth.AuthSecret, true, true},
		{oauth.AuthBasic, true, false},
		{oauth.AuthPost, false, true},
	} {
		c := s.Register(passport.Registration{AuthMethod: tt.method, GrantTypes: []string{"client_credentials"}})
		for _, way := range []struct {
			name string
			ok   bool
			a    *testkit.Response
		}{
			{"basic", tt.basic, s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, c.Secret))},
			{"post", tt.post, s.Send("grant_type=client_credentials&client_id=" + c.ID + "&client_secret=" + c.Secret)},
		} {
			if way.ok {
				way.a.Tokens()
				continue
			}
			if way.a.Status != 401 || way.a.JSON()["error"] != "invalid_client" {
				t.Errorf("a client registered for %q was authenticated by %s: %s", tt.method, way.name, way.a)
			}
		}
	}
}

func TestToken_TK_12_PublicAndConfidential(t *testing.T) {
	s := testkit.NewServer(t)
	web, spa := s.Web(), s.Spa()
	code := "grant_type=authorization_code&code=x"
	s.Send(code+"&client_id="+spa.ID).WantJSONError(400, "invalid_grant") // the client is authenticated; only the code is invalid
	s.Send(code, "Authorization", testkit.Basic(spa.ID, "")).WantJSONError(400, "invalid_grant")
	s.Send(code+"&client_id="+spa.ID+"&client_secret=x").WantJSONError(401, "invalid_client")
	s.Send(code, "Authorization", testkit.Basic(spa.ID, "x")).WantJSONError(401, "invalid_client")
	s.Send(code+"&client_id="+web.ID).WantJSONError(401, "invalid_client")
	s.Send(code+"&client_id="+web.ID+"&client_secret=").WantJSONError(401, "invalid_client")
	s.Send(code, "Authorization", testkit.Basic(web.ID, "")).WantJSONError(401, "invalid_client")
	s.Send(code).WantJSONError(401, "invalid_client")
}

// A client without a secret does not become public, nor does one whose last secret
// has expired.
func TestToken_TK_12_ClientWithoutASecretIsRefused(t *testing.T) {
	s := testkit.NewServer(t)
	bare := &oauth.Client{ID: "bare", AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials"}, CreatedAt: time.Now()}
	if err := s.Store.CreateClient(t.Context(), bare, nil); err != nil {
		t.Fatal(err)
	}
	s.Send("grant_type=client_credentials&client_id=bare").WantJSONError(401, "invalid_client")
	s.Send("grant_type=client_credentials", "Authorization", testkit.Basic("bare", "")).WantJSONError(401, "invalid_client")

	c := s.Machine()
	s.ExpireSecrets(c)
	s.Exchange(c, "grant_type", "client_credentials").WantJSONError(401, "invalid_client")
	s.Send("grant_type=client_credentials&client_id="+c.ID).WantJSONError(401, "invalid_client")
	s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, "")).WantJSONError(401, "invalid_client")
	s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, "expired")).WantJSONError(401, "invalid_client")
	s.AddSecret(c.ID, "next", time.Now().Add(time.Hour))
	s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, "next")).Tokens()
}

// An attacker cannot tell an unknown client from a wrong secret, by the response or
// by the server's work.
func TestNeverRepeat_C4_TK_13_UnknownClientLooksLikeWrongSecret(t *testing.T) {
	s, store := testkit.Watched(t)
	web, spa, post := s.Web(), s.Spa(), s.Register(passport.Registration{AuthMethod: oauth.AuthPost})
	suspended, revoked := s.Web(), s.Web()
	s.Suspend(suspended)
	if err := s.RevokeClient(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	ask := func(id, secret string) (*testkit.Response, int) {
		store.Total()
		a := s.Send("grant_type=authorization_code&code=x", "Authorization", testkit.Basic(id, secret))
		return a, store.Total()
	}
	want, calls := ask("unknown", "wrong")
	want.WantJSONError(401, "invalid_client")
	for name, tt := range map[string][2]string{
		"wrong secret":                    {web.ID, "wrong"},
		"public client with secret":       {spa.ID, "wrong"},
		"other method":                    {post.ID, post.Secret},
		"suspended":                       {suspended.ID, suspended.Secret},
		"suspended with wrong secret":     {suspended.ID, "wrong"},
		"revoked":                         {revoked.ID, revoked.Secret},
		"unknown with a very long ID":     {strings.Repeat("k", 4000), "wrong"},
		"unknown without a secret":        {"unknown", ""},
		"confidential without a secret":   {web.ID, ""},
		"an ID that no store could store": {"a\x00b", "wrong"},
	} {
		got, n := ask(tt[0], tt[1])
		if got.Status != want.Status || got.Body != want.Body || got.Header.Get("WWW-Authenticate") != want.Header.Get("WWW-Authenticate") {
			t.Errorf("%s: %s, want the same response as for an unknown client: %s", name, got, want)
		}
		if n != calls {
			t.Errorf("%s: %d calls of the store, want %d as for an unknown client", name, n, calls)
		}
	}
}

// The work is also the same: one look-up and one digest. The test takes medians of
// alternating measurements, so that a busy machine slows both.
func TestNeverRepeat_C4_TK_13_SameWork(t *testing.T) {
	if testing.Short() && os.Getenv("PASSPORT_TEST_REQUIRE") != "1" {
		t.Skip("measures time")
	}
	s := testkit.NewServer(t)
	c := s.Web()
	const secret = "a-wrong-secret-with-the-length-of-a-real-one-xxxxxxxx"
	unknown, wrong := testkit.Basic("00000000-0000-7000-8000-000000000000", secret), testkit.Basic(c.ID, secret)
	measure := func(header string) time.Duration {
		r := httptest.NewRequest("POST", s.TokenURL(), strings.NewReader("grant_type=authorization_code&code=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", header)
		start := time.Now()
		s.Do(r)
		return time.Since(start)
	}
	var times [2][]time.Duration
	for range 1000 {
		times[0], times[1] = append(times[0], measure(unknown)), append(times[1], measure(wrong))
	}
	a, b := testkit.Median(times[0]), testkit.Median(times[1])
	if a > 3*b || b > 3*a {
		t.Errorf("an unknown client takes %v, a wrong secret %v: the difference reveals which clients exist", a, b)
	}
}
