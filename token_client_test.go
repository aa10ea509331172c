package passport_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// RFC 6749 §5.2: a client that authenticated by the Authorization header is told
// the scheme by which it should.
func TestToken_TK_07_ChallengeOfInvalidClient(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	for _, header := range []string{testkit.Basic(c.ID, "wrong"), "Basic !", "Basic", "Bearer " + c.Secret, "Digest x", ""} {
		a := s.Send("grant_type=client_credentials", "Authorization", header).WantJSONError(401, "invalid_client")
		if got := a.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Basic realm="`) {
			t.Errorf("Authorization %q is answered with the challenge %q, want Basic", header, got)
		}
	}
}

// RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in
// each request."
func TestToken_TK_09_TwoWaysToAuthenticate(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	body := url.Values{"grant_type": {"client_credentials"}, "client_secret": {c.Secret}}
	s.Send(body.Encode(), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	body.Set("client_id", c.ID)
	s.Send(body.Encode(), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, c.Secret), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	s.Send("grant_type=client_credentials&client_id=other", "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	s.Send("grant_type=client_credentials&client_secret=x").WantJSONError(400, "invalid_request")
	// The ID alone, beside Basic, says the same twice and does no harm.
	s.Send("grant_type=client_credentials&client_secret=&client_id="+c.ID, "Authorization", testkit.Basic(c.ID, c.Secret)).Tokens()
}

// RFC 6749 §2.3.1: both halves are form-encoded before they are put together.
func TestToken_TK_10_BasicIsFormEncoded(t *testing.T) {
	s := testkit.NewServer(t)
	const secret = "p:ss w%rd+é/=&?"
	for _, id := range []string{"plain", "with:colon", "with space", "ünïcode", "100%", "a+b", "urn:example:client"} {
		c := s.MachineNamed(id, secret)
		s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, secret)).Tokens()
		s.Send(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()).Tokens()
		if id == "with:colon" || id == "100%" {
			s.Send("grant_type=client_credentials", "Authorization", testkit.RawBasic(id+":"+secret)).WantJSONError(401, "invalid_client")
		}
	}
	s.WantBlameless()
}

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
				t.Errorf("a client registered for %q got in by %s: %s", tt.method, way.name, way.a)
			}
		}
	}
}

func TestToken_TK_12_PublicAndConfidential(t *testing.T) {
	s := testkit.NewServer(t)
	web, spa := s.Web(), s.Spa()
	code := "grant_type=authorization_code&code=x"
	s.Send(code+"&client_id="+spa.ID).WantJSONError(400, "invalid_grant") // the code is at fault, the client is in
	s.Send(code, "Authorization", testkit.Basic(spa.ID, "")).WantJSONError(400, "invalid_grant")
	s.Send(code+"&client_id="+spa.ID+"&client_secret=x").WantJSONError(401, "invalid_client")
	s.Send(code, "Authorization", testkit.Basic(spa.ID, "x")).WantJSONError(401, "invalid_client")
	s.Send(code+"&client_id="+web.ID).WantJSONError(401, "invalid_client")
	s.Send(code+"&client_id="+web.ID+"&client_secret=").WantJSONError(401, "invalid_client")
	s.Send(code, "Authorization", testkit.Basic(web.ID, "")).WantJSONError(401, "invalid_client")
	s.Send(code).WantJSONError(401, "invalid_client")
}

// A client without a secret, or whose last secret has expired, does not become a
// public one.
func TestToken_TK_12_WithoutASecretNobodyGetsIn(t *testing.T) {
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

// RFC 9110 §11.1: the name of a scheme is case-insensitive.
func TestToken_TK_19_SchemeInAnyCase(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	for _, scheme := range []string{"Basic", "basic", "BASIC", "bAsIc"} {
		s.Send("grant_type=client_credentials", "Authorization", scheme+strings.TrimPrefix(testkit.Basic(c.ID, c.Secret), "Basic")).Tokens()
	}
	token := s.MachineToken(c)
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		s.Call(s.GuardClient(), "Authorization", scheme+" "+token).Told()
	}
}

// Who guesses learns nothing: neither from the answer nor from what the server
// does does an unknown client differ from a wrong secret.
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
	want, calls := ask("nobody", "wrong")
	want.WantJSONError(401, "invalid_client")
	for name, tt := range map[string][2]string{
		"wrong secret":                    {web.ID, "wrong"},
		"public client with secret":       {spa.ID, "wrong"},
		"other method":                    {post.ID, post.Secret},
		"suspended":                       {suspended.ID, suspended.Secret},
		"suspended with wrong secret":     {suspended.ID, "wrong"},
		"revoked":                         {revoked.ID, revoked.Secret},
		"unknown with a very long ID":     {strings.Repeat("k", 4000), "wrong"},
		"unknown without a secret":        {"nobody", ""},
		"confidential without a secret":   {web.ID, ""},
		"an ID that no store could store": {"a\x00b", "wrong"},
	} {
		got, n := ask(tt[0], tt[1])
		if got.Status != want.Status || got.Body != want.Body || got.Header.Get("WWW-Authenticate") != want.Header.Get("WWW-Authenticate") {
			t.Errorf("%s: %s, want the same answer as for an unknown client: %s", name, got, want)
		}
		if n != calls {
			t.Errorf("%s: %d calls of the store, %d for an unknown client", name, n, calls)
		}
	}
}

// The work is the same too: one look-up and one digest. Medians of many, in
// turns, so that a busy machine slows both.
func TestNeverRepeat_C4_TK_13_SameWork(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	s := testkit.NewServer(t)
	c := s.Web()
	const secret = "not-the-secret-of-anybody-but-of-the-length-of-one-xx"
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
		t.Errorf("an unknown client takes %v, a wrong secret %v: that tells which clients there are", a, b)
	}
}

// A refresh token is no proof of who the client is.
func TestNeverRepeat_A10_RefreshNeedsTheClient(t *testing.T) {
	s := testkit.NewServer(t)
	c, other, spa := s.Web(), s.Web(), s.Spa()
	tok := s.GrantTokens(c)
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok.Refresh}}
	s.Send(form.Encode()).WantJSONError(401, "invalid_client")
	s.Send(form.Encode(), "Authorization", testkit.Basic(c.ID, "wrong")).WantJSONError(401, "invalid_client")
	s.Send(form.Encode(), "Authorization", testkit.Basic(c.ID, "")).WantJSONError(401, "invalid_client")
	s.Send(form.Encode()+"&client_id="+c.ID).WantJSONError(401, "invalid_client")
	s.Send(form.Encode()+"&client_id="+c.ID+"&client_secret=").WantJSONError(401, "invalid_client")
	s.Refresh(other, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.Refresh(spa, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.Refresh(c, tok.Refresh, "scope", "read write").WantJSONError(400, "invalid_scope")
	s.WantAdmits(tok.Access, true, "after refusals that are nothing to the client")
	s.Refresh(c, tok.Refresh).Tokens()
}
