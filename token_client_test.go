package passport_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// RFC 6749 §5.2: a client that authenticated by the Authorization header is told
// the scheme by which it should.
func TestToken_TK_07_ChallengeOfInvalidClient(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	for _, header := range []string{basic(c.ID, "wrong"), "Basic !", "Basic", "Bearer " + c.secret, "Digest x", ""} {
		a := s.send("grant_type=client_credentials", "Authorization", header).wantJSONError(401, "invalid_client")
		if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Basic realm="`) {
			t.Errorf("Authorization %q is answered with the challenge %q, want Basic", header, got)
		}
	}
}

// RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in
// each request."
func TestToken_TK_09_TwoWaysToAuthenticate(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	body := url.Values{"grant_type": {"client_credentials"}, "client_secret": {c.secret}}
	s.send(body.Encode(), "Authorization", basic(c.ID, c.secret)).wantJSONError(400, "invalid_request")
	body.Set("client_id", c.ID)
	s.send(body.Encode(), "Authorization", basic(c.ID, c.secret)).wantJSONError(400, "invalid_request")
	s.send("grant_type=client_credentials", "Authorization", basic(c.ID, c.secret), "Authorization", basic(c.ID, c.secret)).wantJSONError(400, "invalid_request")
	s.send("grant_type=client_credentials&client_id=other", "Authorization", basic(c.ID, c.secret)).wantJSONError(400, "invalid_request")
	s.send("grant_type=client_credentials&client_secret=x").wantJSONError(400, "invalid_request")
	// The ID alone, beside Basic, says the same twice and does no harm.
	s.send("grant_type=client_credentials&client_secret=&client_id="+c.ID, "Authorization", basic(c.ID, c.secret)).tokens()
}

// RFC 6749 §2.3.1: both halves are form-encoded before they are put together.
func TestToken_TK_10_BasicIsFormEncoded(t *testing.T) {
	s := newServer(t)
	const secret = "p:ss w%rd+é/=&?"
	for _, id := range []string{"plain", "with:colon", "with space", "ünïcode", "100%", "a+b", "urn:example:client"} {
		c := s.machineNamed(id, secret)
		s.send("grant_type=client_credentials", "Authorization", basic(c.ID, secret)).tokens()
		s.send(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()).tokens()
		if id == "with:colon" || id == "100%" {
			s.send("grant_type=client_credentials", "Authorization", rawBasic(id+":"+secret)).wantJSONError(401, "invalid_client")
		}
	}
	s.wantBlameless()
}

// machineNamed makes a client with an ID and a further secret of its own.
func (s *server) machineNamed(id, secret string) *client {
	s.t.Helper()
	c := s.register(passport.Registration{ID: id, GrantTypes: []string{"client_credentials"}})
	s.addSecret(id, secret, time.Time{})
	return c
}

// addSecret gives a client a further secret, also one that RotateSecret of the
// server would not. The zero time is no end.
func (s *server) addSecret(id, secret string, expiresAt time.Time) {
	s.t.Helper()
	added := oauth.Secret{Digest: oauth.DigestOf(secret), CreatedAt: time.Now(), ExpiresAt: expiresAt}
	if err := s.store.RotateSecret(s.t.Context(), id, added, time.Now().Add(24*time.Hour), nil); err != nil {
		s.t.Fatal(err)
	}
}

// expireSecrets ends the secrets of a client, which has to have one.
func (s *server) expireSecrets(c *client) {
	s.t.Helper()
	past := time.Now().Add(-time.Second)
	expired := oauth.Secret{Digest: oauth.DigestOf("expired"), CreatedAt: past, ExpiresAt: past}
	if err := s.store.RotateSecret(s.t.Context(), c.ID, expired, past, nil); err != nil {
		s.t.Fatal(err)
	}
}

func TestToken_TK_11_EachMethodAsRegistered(t *testing.T) {
	s := newServer(t)
	for _, tt := range []struct {
		method      oauth.AuthMethod
		basic, post bool
	}{
		{oauth.AuthSecret, true, true},
		{oauth.AuthBasic, true, false},
		{oauth.AuthPost, false, true},
	} {
		c := s.register(passport.Registration{AuthMethod: tt.method, GrantTypes: []string{"client_credentials"}})
		for _, way := range []struct {
			name string
			ok   bool
			a    *answer
		}{
			{"basic", tt.basic, s.send("grant_type=client_credentials", "Authorization", basic(c.ID, c.secret))},
			{"post", tt.post, s.send("grant_type=client_credentials&client_id=" + c.ID + "&client_secret=" + c.secret)},
		} {
			if way.ok {
				way.a.tokens()
				continue
			}
			if way.a.status != 401 || way.a.json()["error"] != "invalid_client" {
				t.Errorf("a client registered for %q got in by %s: %s", tt.method, way.name, way.a)
			}
		}
	}
}

func TestToken_TK_12_PublicAndConfidential(t *testing.T) {
	s := newServer(t)
	web, spa := s.web(), s.spa()
	code := "grant_type=authorization_code&code=x"
	s.send(code+"&client_id="+spa.ID).wantJSONError(400, "invalid_grant") // the code is at fault, the client is in
	s.send(code, "Authorization", basic(spa.ID, "")).wantJSONError(400, "invalid_grant")
	s.send(code+"&client_id="+spa.ID+"&client_secret=x").wantJSONError(401, "invalid_client")
	s.send(code, "Authorization", basic(spa.ID, "x")).wantJSONError(401, "invalid_client")
	s.send(code+"&client_id="+web.ID).wantJSONError(401, "invalid_client")
	s.send(code+"&client_id="+web.ID+"&client_secret=").wantJSONError(401, "invalid_client")
	s.send(code, "Authorization", basic(web.ID, "")).wantJSONError(401, "invalid_client")
	s.send(code).wantJSONError(401, "invalid_client")
}

// A client without a secret, or whose last secret has expired, does not become a
// public one.
func TestToken_TK_12_WithoutASecretNobodyGetsIn(t *testing.T) {
	s := newServer(t)
	bare := &oauth.Client{ID: "bare", AuthMethod: oauth.AuthSecret, GrantTypes: []string{"client_credentials"}, CreatedAt: time.Now()}
	if err := s.store.CreateClient(t.Context(), bare, nil); err != nil {
		t.Fatal(err)
	}
	s.send("grant_type=client_credentials&client_id=bare").wantJSONError(401, "invalid_client")
	s.send("grant_type=client_credentials", "Authorization", basic("bare", "")).wantJSONError(401, "invalid_client")

	c := s.machine()
	s.expireSecrets(c)
	s.exchange(c, "grant_type", "client_credentials").wantJSONError(401, "invalid_client")
	s.send("grant_type=client_credentials&client_id="+c.ID).wantJSONError(401, "invalid_client")
	s.send("grant_type=client_credentials", "Authorization", basic(c.ID, "")).wantJSONError(401, "invalid_client")
	s.send("grant_type=client_credentials", "Authorization", basic(c.ID, "expired")).wantJSONError(401, "invalid_client")
	s.addSecret(c.ID, "next", time.Now().Add(time.Hour))
	s.send("grant_type=client_credentials", "Authorization", basic(c.ID, "next")).tokens()
}

// RFC 9110 §11.1: the name of a scheme is case-insensitive.
func TestToken_TK_19_SchemeInAnyCase(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	for _, scheme := range []string{"Basic", "basic", "BASIC", "bAsIc"} {
		s.send("grant_type=client_credentials", "Authorization", scheme+strings.TrimPrefix(basic(c.ID, c.secret), "Basic")).tokens()
	}
	token := s.machineToken(c)
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		s.call(s.GuardClient(), "Authorization", scheme+" "+token).told()
	}
}

// Who guesses learns nothing: neither from the answer nor from what the server
// does does an unknown client differ from a wrong secret.
func TestNeverRepeat_C4_TK_13_UnknownClientLooksLikeWrongSecret(t *testing.T) {
	s, store := watched(t)
	web, spa, post := s.web(), s.spa(), s.register(passport.Registration{AuthMethod: oauth.AuthPost})
	suspended, revoked := s.web(), s.web()
	s.suspend(suspended)
	if err := s.RevokeClient(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	ask := func(id, secret string) (*answer, int) {
		store.total()
		a := s.send("grant_type=authorization_code&code=x", "Authorization", basic(id, secret))
		return a, store.total()
	}
	want, calls := ask("nobody", "wrong")
	want.wantJSONError(401, "invalid_client")
	for name, tt := range map[string][2]string{
		"wrong secret":                    {web.ID, "wrong"},
		"public client with secret":       {spa.ID, "wrong"},
		"other method":                    {post.ID, post.secret},
		"suspended":                       {suspended.ID, suspended.secret},
		"suspended with wrong secret":     {suspended.ID, "wrong"},
		"revoked":                         {revoked.ID, revoked.secret},
		"unknown with a very long ID":     {strings.Repeat("k", 4000), "wrong"},
		"unknown without a secret":        {"nobody", ""},
		"confidential without a secret":   {web.ID, ""},
		"an ID that no store could store": {"a\x00b", "wrong"},
	} {
		got, n := ask(tt[0], tt[1])
		if got.status != want.status || got.body != want.body || got.header.Get("WWW-Authenticate") != want.header.Get("WWW-Authenticate") {
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
	s := newServer(t)
	c := s.web()
	const secret = "not-the-secret-of-anybody-but-of-the-length-of-one-xx"
	unknown, wrong := basic("00000000-0000-7000-8000-000000000000", secret), basic(c.ID, secret)
	measure := func(header string) time.Duration {
		r := httptest.NewRequest("POST", s.tokenURL(), strings.NewReader("grant_type=authorization_code&code=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", header)
		start := time.Now()
		s.do(r)
		return time.Since(start)
	}
	var times [2][]time.Duration
	for range 1000 {
		times[0], times[1] = append(times[0], measure(unknown)), append(times[1], measure(wrong))
	}
	a, b := median(times[0]), median(times[1])
	if a > 3*b || b > 3*a {
		t.Errorf("an unknown client takes %v, a wrong secret %v: that tells which clients there are", a, b)
	}
}

// A refresh token is no proof of who the client is.
func TestNeverRepeat_A10_RefreshNeedsTheClient(t *testing.T) {
	s := newServer(t)
	c, other, spa := s.web(), s.web(), s.spa()
	tok := s.grantTokens(c)
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok.Refresh}}
	s.send(form.Encode()).wantJSONError(401, "invalid_client")
	s.send(form.Encode(), "Authorization", basic(c.ID, "wrong")).wantJSONError(401, "invalid_client")
	s.send(form.Encode(), "Authorization", basic(c.ID, "")).wantJSONError(401, "invalid_client")
	s.send(form.Encode()+"&client_id="+c.ID).wantJSONError(401, "invalid_client")
	s.send(form.Encode()+"&client_id="+c.ID+"&client_secret=").wantJSONError(401, "invalid_client")
	s.refresh(other, tok.Refresh).wantJSONError(400, "invalid_grant")
	s.refresh(spa, tok.Refresh).wantJSONError(400, "invalid_grant")
	s.refresh(c, tok.Refresh, "scope", "read write").wantJSONError(400, "invalid_scope")
	s.wantAdmits(tok.Access, true, "after refusals that are nothing to the client")
	s.refresh(c, tok.Refresh).tokens()
}
