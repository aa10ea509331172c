package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
)

// withCredentials gives the API credentials, and the audience that personal tokens have.
func withCredentials(p *process) *process {
	p.api.Audience = testkit.Issuer
	c := p.Server.API(testkit.Issuer)
	p.api.ClientID, p.api.ClientSecret = c.ID, c.Secret
	return p
}

func TestRemote_OpaqueTokens(t *testing.T) {
	p := withCredentials(newProcess(t, nil))
	p.api.Users = p.accounts
	token := p.personal()
	if got := p.bearer(token, guard.Scopes("read")).Told(); got.User != "alice" || got.Provider != "users" {
		t.Errorf("an opaque token: the handler gets %+v, want alice", got)
	}
	if a := p.bearer(token, guard.Scopes("write")); a.Status != 403 {
		t.Errorf("an opaque token without the scope: %d, want 403", a.Status)
	}
	if err := p.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
		t.Fatal(err)
	}
	a := p.want(401, token, "that is opaque and revoked: nothing is cached without Introspect")
	if !strings.Contains(a.Header.Get("WWW-Authenticate"), "the token has expired or was revoked") {
		t.Errorf("challenge = %q, want the reason", a.Header.Get("WWW-Authenticate"))
	}
}

// The server is not asked about texts that no server issued, nor by an API that has no
// credentials.
func TestRemote_OpaqueTokensThatAreNotAskedAbout(t *testing.T) {
	p := withCredentials(newProcess(t, nil))
	token := p.personal()
	for _, forged := range []string{"opaque", token[:len(token)-1] + "B", token + "A", token[1:], strings.ToLower(token), strings.Repeat("A", 500)} {
		p.want(401, forged, "with a wrong checksum")
	}
	bare := newProcess(t, own)
	bare.want(401, bare.personal(), "that is opaque, without credentials")
	bare.wantLog("set Remote.ClientID")
	if p.requests()[introspectPath]+bare.requests()[introspectPath] != 0 {
		t.Errorf("the server was asked %d and %d times, want 0", p.requests()[introspectPath], bare.requests()[introspectPath])
	}
}

// With Introspect, a revocation of a JWT takes effect after that time. Its cached response
// is never used for longer, whether the server responds or not.
func TestRemote_IntrospectJWTs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, func(r *guard.Remote) { r.Introspect = 10 * time.Second })
		token := p.token()
		for range 5 {
			p.want(200, token, "that is new")
		}
		if n := p.requests()[introspectPath]; n != 1 {
			t.Errorf("five requests asked the server %d times, want 1", n)
		}
		if err := p.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		p.want(200, token, "revoked less than ten seconds after the last response")
		time.Sleep(time.Millisecond)
		p.want(401, token, "revoked more than ten seconds ago")

		other := p.token()
		p.want(200, other, "of a new consent")
		p.failing(at(introspectPath, func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }))
		time.Sleep(10 * time.Second)
		p.want(200, other, "within ten seconds, with the server away")
		time.Sleep(time.Millisecond)
		p.wantTryLater(other, "after ten seconds, with the server away")
		p.failing(nil)
		p.want(200, other, "once the server is back")
	})
}

// The keys verify a JWT before the server is asked, so that forged tokens cost it nothing.
func TestRemote_IntrospectsNoForgedJWT(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Second })
	token := p.token()
	for _, forged := range []string{token[:len(token)-4] + "AAAA", p.GrantTokens(p.Web(), "prompt", "consent").Access} {
		p.want(401, forged, "that is forged or for another audience")
	}
	if n := p.requests()[introspectPath]; n != 0 {
		t.Errorf("the server was asked %d times, want 0", n)
	}
}

// A cached response ends with its token.
func TestRemote_IntrospectionEndsWithTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, func(r *guard.Remote) { r.Introspect = 24 * time.Hour })
		token := p.token()
		p.want(200, token, "that is new")
		time.Sleep(time.Hour)
		p.want(401, token, "that has expired")
	})
}

// A fault of the introspection endpoint is 503, and an operator's mistake 500. Nothing is
// admitted.
func TestRemote_IntrospectionFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Millisecond })
		token := p.token()
		p.want(200, token, "at first")
		response := func(changes ...string) string {
			fields := map[string]string{
				"active": "true", "iss": `"` + testkit.Issuer + `"`, "sub": `"users:alice"`, "client_id": `"c"`, "jti": `"t"`, "aud": `"` + orders + `"`,
				"token_type": `"Bearer"`, "iat": fmt.Sprint(time.Now().Unix()), "exp": fmt.Sprint(time.Now().Add(time.Hour).Unix()), "scope": `"read"`,
			}
			for i := 0; i < len(changes); i += 2 {
				fields[changes[i]] = changes[i+1]
			}
			var all []string
			for name, value := range fields {
				if value != "" {
					all = append(all, `"`+name+`":`+value)
				}
			}
			return "{" + strings.Join(all, ",") + "}"
		}
		for name, tt := range map[string]struct {
			fault  func(*http.Request) (*http.Response, error)
			status int
			log    string
		}{
			"valid":               {says(200, response()), 200, ""},
			"inactive":            {says(200, `{"active":false}`), 401, "has expired or was revoked"},
			"inactive, with more": {says(200, response("active", "false")), 401, "has expired or was revoked"},
			"another issuer":      {says(200, response("iss", `"https://evil.example"`)), 401, "of another issuer"},
			"no issuer":           {says(200, response("iss", "")), 401, "of another issuer"},
			"another audience":    {says(200, response("aud", `"https://other.example"`)), 401, "its audience is"},
			"no audience":         {says(200, response("aud", "")), 401, "its audience is"},
			"expired":             {says(200, response("exp", "1")), 401, "has expired"},
			"no expiry":           {says(200, response("exp", "")), 401, "lacks a required claim"},
			"not valid yet":       {says(200, response("nbf", fmt.Sprint(time.Now().Add(time.Hour).Unix()))), 401, "not valid yet"},
			"no subject":          {says(200, response("sub", "")), 401, "lacks a required claim"},
			"a strange subject":   {says(200, response("sub", `"alice"`)), 401, "its subject is"},
			"a refresh token":     {says(200, response("token_type", "")), 401, "has expired or was revoked"},
			"a DPoP token":        {says(200, response("token_type", `"DPoP"`)), 401, "has expired or was revoked"},
			"active as text":      {says(200, response("active", `"true"`)), 503, "active has the wrong type"},
			"active as a number":  {says(200, response("active", `1`)), 503, "active has the wrong type"},
			"ACTIVE":              {says(200, response("active", "", "ACTIVE", "true")), 503, "no member active"},
			"no active":           {says(200, response("active", "")), 503, "no member active"},
			"scope as a list":     {says(200, response("scope", `["read"]`)), 503, "scope has the wrong type"},
			"expiry as text":      {says(200, response("exp", `"9999999999"`)), 503, "exp has the wrong type"},
			"a list":              {says(200, `[true]`), 503, "not a JSON object"},
			"null":                {says(200, `null`), 503, "not a JSON object"},
			"true":                {says(200, `true`), 503, "not a JSON object"},
			"empty":               {says(200, ""), 503, "empty"},
			"HTML":                {says(200, "<html>active</html>"), 503, "not a JSON object"},
			"huge":                {endless, 503, "longer than 65536 bytes"},
			"hanging":             {hangs, 503, "deadline"},
			"redirect":            {says(302, "", "Location", "https://evil.example"), 503, "redirects are not followed"},
			"permanent redirect":  {says(308, "", "Location", "https://evil.example"), 503, "redirects are not followed"},
			"500":                 {says(500, response()), 503, "responded with 500"},
			"201":                 {says(201, response()), 503, "responded with 201"},
			"400":                 {says(400, `{"error":"invalid_request"}`), 503, "responded with 400"},
			"429":                 {says(429, "", "Retry-After", "60"), 503, "responded with 429"},
			"401":                 {says(401, `{"error":"invalid_client"}`), 500, "check Remote.ClientID"},
			"403":                 {says(403, ""), 500, "check Remote.ClientID"},
			"down":                {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, 503, "connection refused"},
		} {
			p.failing(at(introspectPath, tt.fault))
			time.Sleep(time.Second)
			if a := p.want(tt.status, token, "with the response "+name); a.Status == 503 {
				p.wantTryLater(token, "with the response "+name)
			}
			p.wantLog(tt.log)
		}
		if strings.Contains(p.log.String(), p.api.ClientSecret) || strings.Contains(p.log.String(), token) {
			t.Error("the log has the API's secret or the token")
		}
	})
}

// The API sends its credentials with HTTP Basic, form-encoded, and only to the
// introspection endpoint.
func TestRemote_IntrospectionRequest(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Second })
	token := p.token()
	p.api.ClientID, p.api.ClientSecret = "orders api", "a+b:c%"
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(&url.URL{Scheme: "https", Host: strings.TrimPrefix(testkit.Issuer, "https://"), Path: "/"}, []*http.Cookie{{Name: "session", Value: "of another program"}})
	p.api.HTTPClient.Jar = jar
	var mu sync.Mutex
	p.failing(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		id, secret, ok := r.BasicAuth()
		switch {
		case len(r.Cookies()) > 0:
			t.Errorf("%s %s has cookies", r.Method, r.URL)
		case r.URL.Path != introspectPath && (ok || r.Method != "GET"):
			t.Errorf("%s %s has the API's credentials", r.Method, r.URL)
		case r.URL.Path == introspectPath && (r.Method != "POST" || id != "orders+api" || secret != "a%2Bb%3Ac%25" || r.FormValue("token") != token || r.FormValue("token_type_hint") != "access_token"):
			t.Errorf("%s %s of %s:%s with %v, want a POST with the token", r.Method, r.URL, id, secret, r.PostForm)
		}
		return nil, nil
	})
	p.want(500, token, "with credentials that the server does not know")
}

// A server without introspection, or wrong credentials, is the operator's fault.
func TestRemote_IntrospectionThatIsNotThere(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Second })
	token := p.token()
	p.failing(at(metadataPath, says(200, strings.Replace(p.Get(metadataPath).Body, `"introspection_endpoint"`, `"x"`, 1))))
	p.want(500, token, "with a server that has no introspection")
	p.wantLog("no introspection_endpoint")
}

// Concurrent requests with one token share a question, and other tokens don't wait.
func TestRemote_OneQuestionForConcurrentRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, func(r *guard.Remote) { r.Introspect = 10 * time.Second })
		first, second := p.token(), p.token()
		p.want(200, p.token(), "that makes the API fetch the keys")
		before := p.requests()[introspectPath]
		p.failing(at(introspectPath, func(*http.Request) (*http.Response, error) { time.Sleep(time.Second); return nil, nil }))
		began := time.Now()
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() { p.want(200, first, "among many") })
			wg.Go(func() { p.want(200, second, "among many") })
		}
		wg.Wait()
		if n, took := p.requests()[introspectPath]-before, time.Since(began); n != 2 || took != time.Second {
			t.Errorf("64 requests with two tokens asked %d times and took %v, want 2 times and 1 s", n, took)
		}
	})
}

// Without a time, a request never uses a response to a question that was asked before the
// request came: the token may have been revoked in between.
func TestRemote_NoResponseIsOlderThanTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := withCredentials(newProcess(t, nil))
		token := p.personal()
		p.want(200, token, "that makes the API fetch the keys")
		p.failing(at(introspectPath, func(r *http.Request) (*http.Response, error) {
			res, err := p.respond(r)
			time.Sleep(time.Second) // the response is on its way
			return res, err
		}))
		var wg sync.WaitGroup
		wg.Go(func() { p.want(200, token, "before the revocation") })
		synctest.Wait()
		if err := p.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		before := p.requests()[introspectPath]
		for range 16 {
			wg.Go(func() { p.want(401, token, "after the revocation, while a response is on its way") })
		}
		wg.Wait()
		if n := p.requests()[introspectPath] - before; n != 1 {
			t.Errorf("16 requests after the revocation asked %d times, want 1", n)
		}
	})
}

// Two APIs of one program have their own caches: an answer for one audience is not one for
// another.
func TestRemote_CachesAreOfOneAudience(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Minute }, func(c *passport.Config) { c.Resources = append(c.Resources, "https://other.example.com") })
	other := &guard.Remote{Issuer: p.api.Issuer, Audience: "https://other.example.com", HTTPClient: p.api.HTTPClient, Introspect: time.Minute, ClientID: p.api.ClientID, ClientSecret: p.api.ClientSecret}
	token := p.token()
	p.want(200, token, "for the API")
	if a := p.Call(other.Guard(), "Authorization", "Bearer "+token); a.Status != 401 {
		t.Errorf("another API responds to the token with %d, want 401", a.Status)
	}
}

// The application's own client keeps its transport and timeout, but follows no redirect
// and sends no cookie.
func TestRemote_OverTheWire(t *testing.T) {
	var server *testkit.Server
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.ServeHTTP(w, r) }))
	defer here.Close()
	server = testkit.NewServer(t, func(c *passport.Config) { c.Issuer = here.URL })
	c := server.API(here.URL)
	api := &guard.Remote{Issuer: here.URL, Audience: here.URL, Introspect: time.Second, ClientID: c.ID, ClientSecret: c.Secret}
	machine := server.Machine()
	token := server.Do(server.FormRequest(machine, "/oauth/token", "grant_type", "client_credentials", "scope", "read")).Tokens().Access
	if a := server.Call(api.GuardClient(guard.Scopes("read")), "Authorization", "Bearer "+token); a.Status != 200 {
		t.Errorf("the API over the wire = %d %s, want 200", a.Status, a.Body)
	}
	if err := server.RevokeClient(t.Context(), machine.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	if a := server.Call(api.GuardClient(guard.Scopes("read")), "Authorization", "Bearer "+token); a.Status != 401 {
		t.Errorf("the API over the wire, after the client was revoked = %d, want 401", a.Status)
	}
}
