package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
)

// faultsOf are the ways in which a server or the network fails, with what the log says.
func faultsOf(t *testing.T, p *process) map[string]struct {
	fault func(*http.Request) (*http.Response, error)
	log   string
} {
	t.Helper()
	metadata := p.Get(metadataPath).Body
	change := func(old, next string) string {
		changed := strings.Replace(metadata, old, next, 1)
		if changed == metadata {
			t.Fatalf("the metadata lacks %q: %s", old, metadata)
		}
		return changed
	}
	keys := p.Get(keysPath).Body
	other := testkit.NewServer(t).Get(keysPath).Body
	type fault = struct {
		fault func(*http.Request) (*http.Response, error)
		log   string
	}
	faults := map[string]fault{
		"server down": {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, "connection refused"},

		"metadata of another issuer":          {at(metadataPath, says(200, change(`"issuer":"`+testkit.Issuer, `"issuer":"https://evil.example`))), "https://evil.example"},
		"metadata of an issuer with a slash":  {at(metadataPath, says(200, change(`"issuer":"`+testkit.Issuer, `"issuer":"`+testkit.Issuer+`/`))), "byte by byte"},
		"metadata with ISSUER":                {at(metadataPath, says(200, change(`"issuer"`, `"ISSUER"`))), "issuer"},
		"keys at another origin":              {at(metadataPath, says(200, change(`"jwks_uri":"`+testkit.Issuer, `"jwks_uri":"https://evil.example`))), "https://evil.example"},
		"keys at another port":                {at(metadataPath, says(200, change(`"jwks_uri":"`+testkit.Issuer, `"jwks_uri":"`+testkit.Issuer+`:8443`))), "Remote.Origins"},
		"keys over http":                      {at(metadataPath, says(200, change(`"jwks_uri":"https`, `"jwks_uri":"http`))), "Remote.Origins"},
		"keys in a file":                      {at(metadataPath, says(200, change(`"jwks_uri":"https://`, `"jwks_uri":"file:///`))), "jwks_uri"},
		"introspection at another origin":     {at(metadataPath, says(200, change(`"introspection_endpoint":"`+testkit.Issuer, `"introspection_endpoint":"https://evil.example`))), "https://evil.example"},
		"metadata without keys":               {at(metadataPath, says(200, change(`"jwks_uri"`, `"x"`))), "no jwks_uri"},
		"metadata with a wrong type":          {at(metadataPath, says(200, `{"issuer":"`+testkit.Issuer+`","jwks_uri":7}`)), "wrong type"},
		"metadata that is not JSON":           {at(metadataPath, says(200, "<html>Sign in to the hotel's network</html>")), "not a JSON object"},
		"metadata that is null":               {at(metadataPath, says(200, "null")), "not a JSON object"},
		"metadata with more than one value":   {at(metadataPath, says(200, metadata+metadata)), "not a JSON object"},
		"empty metadata":                      {at(metadataPath, says(200, "")), "empty"},
		"huge metadata":                       {at(metadataPath, endless), "longer than 65536 bytes"},
		"metadata not found":                  {at(metadataPath, says(404, "not found")), "404"},
		"metadata after a redirect":           {at(metadataPath, says(302, "", "Location", testkit.Issuer+metadataPath+"?again")), "redirects are not followed"},
		"keys after a redirect":               {at(keysPath, says(307, "", "Location", "https://evil.example/keys")), "redirects are not followed"},
		"500 for the metadata":                {at(metadataPath, says(500, `{"error":"server_error"}`)), "500"},
		"503 for the keys":                    {at(keysPath, says(503, "", "Retry-After", "3")), "503"},
		"huge keys":                           {at(keysPath, endless), "longer than 262144 bytes"},
		"keys that are not JSON":              {at(keysPath, says(200, "PK\x03\x04")), "not a JSON object"},
		"no keys":                             {at(keysPath, says(200, `{"keys":[]}`)), "no key for ES256"},
		"keys of a wrong type":                {at(keysPath, says(200, `{"keys":{}}`)), "wrong type"},
		"101 keys":                            {at(keysPath, says(200, `{"keys":[{}`+strings.Repeat(",{}", 100)+`]}`)), "101 keys"},
		"only symmetric keys":                 {at(keysPath, says(200, `{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0","kid":"a","alg":"HS256"}]}`)), "no key for ES256"},
		"only keys for encryption":            {at(keysPath, says(200, strings.ReplaceAll(keys, `"use":"sig"`, `"use":"enc"`))), "no key for ES256"},
		"keys with another algorithm":         {at(keysPath, says(200, strings.ReplaceAll(keys, `"ES256"`, `"RS256"`))), "no key for ES256"},
		"two keys with one ID":                {at(keysPath, says(200, `{"keys":[`+keyIn(keys, "same")+`,`+keyIn(other, "same")+`]}`)), `two keys have the ID \"same\"`},
		"a connection that breaks in between": {at(keysPath, func(*http.Request) (*http.Response, error) { return nil, errors.New("unexpected EOF") }), "unexpected EOF"},
	}
	return faults
}

// keyIn returns the only key of a set, with another ID.
func keyIn(set, id string) string {
	_, key, _ := strings.Cut(set, `[`)
	key, _, _ = strings.Cut(key, `]`)
	_, old, _ := strings.Cut(key, `"kid":"`)
	old, _, _ = strings.Cut(old, `"`)
	return strings.Replace(key, old, id, 1)
}

// Before the first success, a fault is 503: the API can't know whether the token is
// valid. It recovers as soon as the server does.
func TestRemote_FaultsBeforeTheFirstFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil)
		token := p.token()
		for name, tt := range faultsOf(t, p) {
			fresh := newProcess(t, nil)
			fresh.Server = p.Server
			fresh.failing(tt.fault)
			fresh.wantTryLater(token, "with "+name)
			fresh.wantLog(tt.log)
			if log := fresh.log.String(); !strings.Contains(log, "level=ERROR") || strings.Contains(log, token) || strings.Contains(log, "store is unavailable") {
				t.Errorf("%s: the log is %s, want an error without the token", name, log)
			}
			fresh.failing(nil)
			time.Sleep(time.Second)
			fresh.want(200, token, "a second after "+name)
		}
	})
}

// With keys, a fault changes nothing for a day. The log says so at most once a minute.
func TestRemote_FaultsWithKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil, func(c *passport.Config) { c.AccessTokenTTL = 48 * time.Hour })
		token := p.token()
		p.want(200, token, "at first")
		for name, tt := range faultsOf(t, p) {
			p.failing(tt.fault)
			time.Sleep(6 * time.Minute)
			before := p.requests()[metadataPath]
			for range 10 {
				p.want(200, token, "with older keys and "+name)
			}
			p.wantLog("could not be refreshed")
			p.wantLog(tt.log)
			if n := p.requests()[metadataPath] - before; n != 1 {
				t.Errorf("%s: ten requests fetched the metadata %d times, want 1", name, n)
			}
		}
		if n := strings.Count(p.log.String(), "could not be refreshed"); n != len(faultsOf(t, p)) {
			t.Errorf("the log has %d lines about the refresh, want %d: one for each fetch", n, len(faultsOf(t, p)))
		}
	})
}

// Keys are used for 24 hours while the server is away, and not longer.
func TestRemote_KeysEndAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil, func(c *passport.Config) { c.AccessTokenTTL = 48 * time.Hour })
		token := p.token()
		p.want(200, token, "at first")
		p.failing(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
		time.Sleep(24*time.Hour - time.Second)
		p.want(200, token, "just before the end of the day")
		time.Sleep(time.Second)
		p.wantTryLater(token, "after a day without the server")
		p.failing(nil)
		time.Sleep(time.Second)
		p.want(200, token, "once the server is back")
	})
}

// A server that never responds costs a request three seconds, and the others of that time
// no more.
func TestRemote_SlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil)
		token := p.token()
		p.failing(hangs)
		began := time.Now()
		p.wantTryLater(token, "with a server that hangs")
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the request took %v, want 3 s", took)
		}
		p.failing(nil)
		time.Sleep(time.Second)
		p.want(200, token, "once the server is back")

		p.failing(hangs)
		time.Sleep(6 * time.Minute)
		began = time.Now()
		var waited atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				p.want(200, token, "with older keys and a server that hangs")
				if time.Since(began) > 0 {
					waited.Add(1)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 3*time.Second || waited.Load() != 1 {
			t.Errorf("%d requests waited, the slowest for %v, want one that waits for 3 s", waited.Load(), took)
		}
		began = time.Now()
		p.want(200, token, "right after")
		if took := time.Since(began); took != 0 {
			t.Errorf("the request right after took %v, want none of the server's time for a minute", took)
		}
	})
}

// Concurrent first requests share one fetch.
func TestRemote_OneFetchForConcurrentRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil)
		token := p.token()
		p.failing(func(*http.Request) (*http.Response, error) { time.Sleep(time.Second); return nil, nil })
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() { p.want(200, token, "among 64 at once") })
		}
		wg.Wait()
		for _, path := range []string{metadataPath, keysPath} {
			if n := p.requests()[path]; n != 1 {
				t.Errorf("64 concurrent requests fetched %s %d times, want 1", path, n)
			}
		}
	})
}

// A client that disconnects does not end the fetch, which others wait for. A waiting
// request ends with its own client.
func TestRemote_CanceledRequest(t *testing.T) {
	t.Run("keys", func(t *testing.T) { canceled(t, keysPath) })
	t.Run("introspection", func(t *testing.T) { canceled(t, introspectPath) })
}

// canceled checks three requests at once, with a server that takes two seconds for a path.
// The first request fetches for the others, and its client disconnects. The client of the
// second, which waits, disconnects too.
func canceled(t *testing.T, slow string) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Minute })
		token := p.token()
		if slow == introspectPath {
			p.want(200, p.token(), "that makes the API fetch the keys")
		}
		p.failing(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != slow {
				return nil, nil
			}
			select {
			case <-time.After(2 * time.Second):
				return nil, nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		call := func(ctx context.Context) (int, time.Duration) {
			began := time.Now()
			r := httptest.NewRequestWithContext(ctx, "GET", orders, nil)
			r.Header.Set("Authorization", "Bearer "+token)
			return p.CallWith(p.api.Guard(), r).Status, time.Since(began)
		}
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { call(first) })
		synctest.Wait()
		wg.Go(func() {
			if status, took := call(second); status != 503 || took != 500*time.Millisecond {
				t.Errorf("a waiting request whose client disconnects: %d after %v, want 503 after 0.5 s", status, took)
			}
		})
		wg.Go(func() {
			if status, took := call(t.Context()); status != 200 || took != 2*time.Second {
				t.Errorf("a waiting request, after the fetching one was canceled: %d after %v, want 200 after 2 s", status, took)
			}
		})
		synctest.Wait()
		cancelFirst()
		time.Sleep(500 * time.Millisecond)
		cancelSecond()
		wg.Wait()
	})
}

// A panic of the application's HTTP client ends its request, and no other waits for it.
func TestRemote_ClientThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Second })
		token := p.token()
		for _, path := range []string{metadataPath, keysPath, introspectPath} {
			p.failing(at(path, func(*http.Request) (*http.Response, error) { panic("a bug of a transport") }))
			if !panics(func() { p.bearer(token) }) {
				t.Errorf("%s: the panic is gone, want it to reach net/http", path)
			}
			p.failing(nil)
			time.Sleep(time.Second)
		}
		p.want(200, token, "after the panics")
	})
}

// A token with an unknown key makes the API fetch the keys again, but at most once a
// minute: an attacker can send any number of them.
func TestRemote_KeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil)
		old := p.token()
		p.want(200, old, "of the first key")

		p.Server = p.Restart(testkit.WithKeys(t, testkit.NewECKey(t)))
		fresh := p.token()
		p.want(200, fresh, "of a new key, at once")
		p.want(401, old, "of a key that is no longer published")
		if n := p.requests()[keysPath]; n != 2 {
			t.Errorf("the keys were fetched %d times, want 2", n)
		}

		stranger := testkit.NewServer(t)
		for range 50 {
			p.want(401, stranger.GrantTokens(stranger.Web(), "prompt", "consent").Access, "of an unknown key")
		}
		if n := p.requests()[keysPath]; n != 2 {
			t.Errorf("50 tokens of unknown keys fetched the keys %d times more, want none within a minute", n-2)
		}

		p.Server = p.Restart(testkit.WithKeys(t, testkit.NewECKey(t)))
		p.want(401, p.token(), "of a new key, while the minute lasts")
		time.Sleep(time.Minute)
		p.want(200, p.token(), "of a new key, after the minute")
		p.want(401, fresh, "of the key before")
	})
}

// The keys are refreshed after five minutes, so that a key that was removed ends.
func TestRemote_RemovedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil)
		old := p.token()
		p.want(200, old, "of the first key")
		p.Server = p.Restart(testkit.WithKeys(t, testkit.NewECKey(t)))
		time.Sleep(5*time.Minute - time.Second)
		p.want(200, old, "of a removed key, before the refresh")
		time.Sleep(time.Second)
		p.want(401, old, "of a removed key, after the refresh")
	})
}

// Endpoints at another origin work if the application names it.
func TestRemote_Origins(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.Origins = []string{"https://keys.example.com"} })
	metadata := strings.Replace(p.Get(metadataPath).Body, `"jwks_uri":"`+testkit.Issuer, `"jwks_uri":"https://keys.example.com`, 1)
	token := p.token()
	p.failing(at(metadataPath, says(200, metadata)))
	p.want(200, token, "with keys at an allowed origin")
}

// A key set may have keys that the API does not use, other IDs, and a key twice.
func TestRemote_OtherKeysAreIgnored(t *testing.T) {
	p := newProcess(t, nil)
	token := p.token()
	keys := p.Get(keysPath).Body
	mine := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(keys), `{"keys":[`), `]}`)
	p.failing(at(keysPath, says(200, fmt.Sprintf(`{"keys":[7,{},{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-384"},{"kty":"XX","kid":"new"},%s,%s,%s],"more":1}`,
		mine, mine, strings.Replace(keyIn(keys, "enc"), `"use":"sig"`, `"key_ops":["encrypt"]`, 1)))))
	p.want(200, token, "with other keys in the set")
}

func TestRemote_ConcurrentUse(t *testing.T) {
	p := newProcess(t, func(r *guard.Remote) { r.Introspect = time.Millisecond })
	tokens := []string{p.token(), p.token(), p.token()}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for range 20 {
				p.want(200, tokens[i%len(tokens)], "among many")
			}
		})
	}
	wg.Wait()
}
