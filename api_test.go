package passport_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
)

// apiRoutes are the endpoints by name, as Passport has them.
var apiRoutes = map[string]string{
	"passport.clients.index": "GET /oauth/clients", "passport.clients.store": "POST /oauth/clients",
	"passport.clients.update": "PUT /oauth/clients/{id}", "passport.clients.destroy": "DELETE /oauth/clients/{id}",
	"passport.tokens.index": "GET /oauth/tokens", "passport.tokens.destroy": "DELETE /oauth/tokens/{id}",
	"passport.scopes.index":          "GET /oauth/scopes",
	"passport.personal.tokens.index": "GET /oauth/personal-access-tokens", "passport.personal.tokens.store": "POST /oauth/personal-access-tokens",
	"passport.personal.tokens.destroy": "DELETE /oauth/personal-access-tokens/{id}",
}

func TestJSONAPI_RoutesHaveTheNamesOfPassport(t *testing.T) {
	routes := func(s *server) map[string]string {
		found := map[string]string{}
		for r := range s.Routes() {
			method, _, ours := strings.Cut(apiRoutes[r.Name], " ")
			if ours && (r.Method == method || found[r.Name] == "") { // the others are HEAD and those that are refused
				found[r.Name] = r.Method + " " + r.Path
			}
		}
		return found
	}
	s := newServer(t)
	if got := routes(s); !maps.Equal(got, apiRoutes) {
		t.Errorf("the routes are %q, want %q", got, apiRoutes)
	}
	if got := routes(s.restart(func(c *passport.Config) { c.DisableJSONAPI = true })); len(got) != 0 {
		t.Errorf("DisableJSONAPI leaves the routes %q", got)
	}
	if got := routes(s.restart(func(c *passport.Config) { c.Users = nil })); len(got) != 0 {
		t.Errorf("without users there are the routes %q", got)
	}
	moved := s.restart(func(c *passport.Config) { c.Path, c.Issuer = "/auth", issuer+"/shop" })
	moved.browser().signIn("alice").ask("GET", "/auth/clients").want(200, `[]`)
	if got := routes(moved)["passport.clients.update"]; got != "PUT /shop/auth/clients/{id}" {
		t.Errorf("the route of a moved server is %q", got)
	}
	off := s.restart(func(c *passport.Config) { c.DisableJSONAPI = true })
	if a := off.do(httptest.NewRequest("GET", issuer+"/oauth/clients", nil)); a.status != 404 {
		t.Errorf("a server without the JSON API answers %d %s", a.status, a.body)
	}
}

// everyAPIRequest returns a request to each endpoint, with nothing in it.
func everyAPIRequest(b *browser) (requests []*http.Request) {
	for _, name := range slices.Sorted(maps.Keys(apiRoutes)) {
		method, path, _ := strings.Cut(apiRoutes[name], " ")
		requests = append(requests, b.request(method, strings.Replace(path, "{id}", "7", 1), map[string]string{}))
	}
	return requests
}

// Nobody gets in who is not signed in, whatever he accepts, and no bearer token
// opens these doors. It is an API, so the answer is JSON, never a redirect.
func TestJSONAPI_NeedsSomebodyWhoIsSignedIn(t *testing.T) {
	s := newServer(t)
	token := s.grantTokens(s.web()).Access
	for _, header := range []http.Header{{}, {"Accept": {"text/html"}}, {"Authorization": {"Bearer " + token}}} {
		b := s.browser()
		for _, r := range everyAPIRequest(b) {
			maps.Copy(r.Header, header)
			b.sent(r).want(401, `{"message":"Unauthenticated."}`)
		}
	}
	if !strings.Contains(s.log.String(), `"error":"login_required"`) {
		t.Error("the log does not say why")
	}
}

// Another site cannot make a signed-in browser change anything, nor a frame
// without an origin, also where the issuer is plain http and browsers say less.
func TestJSONAPI_NeverRepeat_B10_OtherSitesChangeNothing(t *testing.T) {
	s := newServer(t)
	plain := s.restart(func(c *passport.Config) { c.Issuer, c.InsecureAllowHTTP = "http://auth.example.com", true })
	for name, test := range map[string]struct {
		s *server
		h map[string]string
	}{
		"another site":              {s, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}},
		"a sibling":                 {s, map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example.com"}},
		"another site, old browser": {s, map[string]string{"Sec-Fetch-Site": "", "Origin": "https://evil.example"}},
		"a frame":                   {s, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}},
		"a frame, old browser":      {s, map[string]string{"Sec-Fetch-Site": "", "Origin": "null"}},
		"a frame over plain http":   {plain, map[string]string{"Sec-Fetch-Site": "", "Origin": "null"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := test.s.in(t).browser().signIn("alice")
			for _, r := range everyAPIRequest(b) {
				for header, value := range test.h {
					r.Header.Set(header, value)
					if value == "" {
						r.Header.Del(header)
					}
				}
				if r.Method == "GET" {
					continue // changes nothing, and no site may read the answer
				}
				b.sent(r).want(403, `{"message":"The request was sent by another site."}`)
			}
			if got := b.ask("GET", "/oauth/clients").list(); len(got) != 0 {
				t.Errorf("another site has made a client: %v", got)
			}
		})
	}
}

// A preflight gets no permission, and a method that is not there is told so in
// JSON with those that are, as Laravel has it.
func TestJSONAPI_OtherMethods(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	for path, allow := range map[string]string{
		"/oauth/clients": "GET, HEAD, POST", "/oauth/clients/8": "PUT, DELETE", "/oauth/tokens": "GET, HEAD", "/oauth/tokens/8": "DELETE",
		"/oauth/scopes": "GET, HEAD", "/oauth/personal-access-tokens": "GET, HEAD, POST", "/oauth/personal-access-tokens/8": "DELETE",
	} {
		for _, method := range []string{"PATCH", "OPTIONS", "TRACE"} {
			a := b.ask(method, path)
			a.want(405, fmt.Sprintf(`{"message":"The %s method is not supported for route %s. Supported methods: %s."}`, method, path[1:], allow))
			if a.header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, a.header.Get("Allow"), allow)
			}
		}
		if strings.HasPrefix(allow, "GET") {
			if a := b.ask("HEAD", path); a.status != 200 {
				t.Errorf("HEAD %s answers %d", path, a.status)
			}
		}
	}
}

// What a body can be: nothing that is sent is a fault of the server.
func TestJSONAPI_Bodies(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	post := func(media, body string) *answer {
		r := b.request("POST", "/oauth/clients")
		sent := httptest.NewRequest("POST", r.URL.String(), strings.NewReader(body))
		sent.Header = r.Header
		sent.Header.Set("Content-Type", media)
		return b.sent(sent)
	}
	const required = "The name field is required. (and 1 more error)"
	const name, redirect = "The name field is required.", "The redirect field is required."
	for _, body := range []string{"", " ", "{}", "[]", "null", "7", `"x"`, `[{"name":"x"}]`, `{"NAME":"x"}`} {
		post("application/json", body).wantInvalid(required, "name", name, "redirect", redirect)
	}
	for _, body := range []string{"{", `{"name":"x"`, `{"name":"x"} {}`, "{'name':1}", "\xff", `{"name":"` + "\xff" + `"}`, strings.Repeat("[", 60000)} {
		post("application/json", body).want(400, `{"message":"The body is malformed."}`)
	}
	post("application/x-www-form-urlencoded", "name=%zz").want(400, `{"message":"The body is malformed."}`)
	post("multipart/form-data", "x").want(400, `{"message":"The body is malformed."}`)
	post("multipart/form-data; boundary=x", "--x\r\nnonsense").want(400, `{"message":"The body is malformed."}`)
	for _, media := range []string{"", "text/plain", "application/xml", ";;;"} {
		post(media, `{"name":"App","redirect":"https://example.com/cb"}`).wantInvalid(required, "name", name, "redirect", redirect)
	}
	for _, media := range []string{"application/json", "application/x-www-form-urlencoded"} {
		post(media, strings.Repeat(" ", 70<<10)).want(413, `{"message":"The body is too large."}`)
	}
	if a := post("application/vnd.api+json; charset=utf-8", `{"name":"App","redirect":"https://example.com/cb"}`); a.status != 201 {
		t.Errorf("JSON of a kind of its own: %d %s", a.status, a.body)
	}
	// What is in the query is not read: names do not belong into logs.
	b.ask("POST", "/oauth/clients?name=x&redirect=https://example.com/cb&_method=DELETE", map[string]string{}).
		wantInvalid(required, "name", name, "redirect", redirect)
}

// The first provider in which somebody is signed in counts: the default one, then
// by name.
func TestJSONAPI_WhoCountsWithSeveralProviders(t *testing.T) {
	providers := map[string]passport.UserProvider{}
	all := map[string]*accounts{"users": newAccounts("u"), "admins": newAccounts("a"), "staff": newAccounts("s")}
	for _, name := range []string{"admins", "staff"} {
		providers[name] = all[name]
	}
	s := newServer(t, func(c *passport.Config) { c.Users, c.Providers = all["users"], providers })
	b := s.browser()
	b.setCookie(sessionCookie, "one")
	who := func() string {
		a := b.ask("POST", "/oauth/clients", map[string]string{"name": "x", "redirect": "https://example.com/cb"})
		return asText(a.json()["user_id"])
	}
	for _, in := range []struct{ provider, id string }{{"staff", "s"}, {"admins", "a"}, {"users", "u"}} {
		all[in.provider].sessions["one"] = &passport.User{ID: in.id}
		if got := who(); got != in.id {
			t.Errorf("with %s signed in too, the client is %s's", in.id, got)
		}
	}
	all["admins"].failure = errors.New("out of order") // is not asked
	if got := who(); got != "u" {
		t.Errorf("the client is %s's", got)
	}
	delete(all["users"].sessions, "one")
	b.ask("GET", "/oauth/scopes").want(500, `{"message":"Server Error"}`) // never the next one instead
	only, err := passport.New(passport.Config{Issuer: issuer, Store: new(memstore.Store), Keys: newKeys(t), Providers: map[string]passport.UserProvider{"staff": all["staff"]}})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = only
	b.ask("GET", "/oauth/clients").want(200, `[]`)
}

// An answer tells nobody what only the log is to know, and holds no digest.
func TestJSONAPI_NeverRepeat_C9_C10_NoSecretAndNoDigest(t *testing.T) {
	s := newServer(t)
	b := s.browser().signIn("alice")
	made := b.create("App", "https://example.com/cb")
	c := s.web()
	tokens := s.grantTokens(c)
	personal := b.ask("POST", personalPath, map[string]any{"name": "x"}).json()
	secrets := []string{asText(made["secret"]), c.secret, tokens.Access, tokens.Refresh, asText(personal["accessToken"])}
	for client, err := range s.Clients(t.Context()) {
		check(t, err)
		for _, secret := range client.Secrets {
			secrets = append(secrets, string(secret.Digest))
		}
	}
	for token, err := range s.Tokens(t.Context(), ref("alice")) {
		check(t, err)
		if token.Digest != "" {
			secrets = append(secrets, string(token.Digest))
		}
	}
	if len(secrets) != 5+2+1 {
		t.Fatalf("found %d secrets and digests, want 8", len(secrets))
	}
	for _, path := range []string{"/oauth/clients", "/oauth/tokens", personalPath, "/oauth/scopes"} {
		body := b.ask("GET", path).body
		for _, secret := range secrets {
			if strings.Contains(body, secret) {
				t.Errorf("GET %s shows a secret or its digest: %s", path, body)
			}
		}
		if strings.Contains(body, "ecret") || strings.Contains(body, "igest") {
			t.Errorf("GET %s has a field for a secret: %s", path, body)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(s.log.String(), secret) {
			t.Error("the log has a secret, or its digest")
		}
	}
}

// Every request with a token of the client reads all of its redirect URIs, and an
// answer about bad ones repeats them: one that is as large as a body may be must
// not become a hundred times as much work.
func TestClientsAPI_NeverRepeat_F10_ManyRedirectURIs(t *testing.T) {
	b := newServer(t).browser().signIn("alice")
	uris := make([]string, 100)
	for i := range uris {
		uris[i] = fmt.Sprintf("https://example.com/%d", i)
	}
	made := b.create("App", strings.Join(uris, ","))
	if got := len(made["redirect_uris"].([]any)); got != len(uris) {
		t.Errorf("%d redirect URIs were registered, want %d", got, len(uris))
	}
	for _, list := range []string{strings.Join(slices.Concat(uris, []string{"https://example.com/more"}), ","), strings.Repeat(",", 60_000), strings.Repeat("a.b:/c,", 8_000)} {
		for _, a := range []*answer{
			b.ask("POST", "/oauth/clients", map[string]any{"name": "App", "redirect": list}),
			b.ask("PUT", "/oauth/clients/"+made["id"].(string), map[string]any{"name": "App", "redirect": list}),
		} {
			if a.status != 422 || len(a.body) > 1000 {
				t.Errorf("%d redirect URIs: status %d and %d bytes, want 422 and a few", strings.Count(list, ",")+1, a.status, len(a.body))
			}
		}
	}
}
