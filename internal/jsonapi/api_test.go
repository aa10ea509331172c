package jsonapi_test

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
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
)

// apiRoutes are the endpoints under the route names of Laravel Passport.
var apiRoutes = map[string]string{
	"passport.clients.index": "GET /oauth/clients", "passport.clients.store": "POST /oauth/clients",
	"passport.clients.update": "PUT /oauth/clients/{id}", "passport.clients.destroy": "DELETE /oauth/clients/{id}",
	"passport.tokens.index": "GET /oauth/tokens", "passport.tokens.destroy": "DELETE /oauth/tokens/{id}",
	"passport.scopes.index":          "GET /oauth/scopes",
	"passport.personal.tokens.index": "GET /oauth/personal-access-tokens", "passport.personal.tokens.store": "POST /oauth/personal-access-tokens",
	"passport.personal.tokens.destroy": "DELETE /oauth/personal-access-tokens/{id}",
}

func TestJSONAPI_RoutesHaveTheNamesOfPassport(t *testing.T) {
	routes := func(s *testkit.Server) map[string]string {
		found := map[string]string{}
		for r := range s.Routes() {
			method, _, ours := strings.Cut(apiRoutes[r.Name], " ")
			if ours && (r.Method == method || found[r.Name] == "") { // the other routes are HEAD and refused methods
				found[r.Name] = r.Method + " " + r.Path
			}
		}
		return found
	}
	s := testkit.NewServer(t)
	if got := routes(s); !maps.Equal(got, apiRoutes) {
		t.Errorf("routes = %q, want %q", got, apiRoutes)
	}
	if got := routes(s.Restart(func(c *passport.Config) { c.DisableJSONAPI = true })); len(got) != 0 {
		t.Errorf("routes with DisableJSONAPI = %q, want none", got)
	}
	if got := routes(s.Restart(func(c *passport.Config) { c.Users = nil })); len(got) != 0 {
		t.Errorf("routes without users = %q, want none", got)
	}
	moved := s.Restart(func(c *passport.Config) { c.Path, c.Issuer = "/auth", testkit.Issuer+"/shop" })
	moved.Browser().SignIn("alice").Ask("GET", "/auth/clients").Want(200, `[]`)
	if got := routes(moved)["passport.clients.update"]; got != "PUT /shop/auth/clients/{id}" {
		t.Errorf("route with another path = %q", got)
	}
	off := s.Restart(func(c *passport.Config) { c.DisableJSONAPI = true })
	if a := off.Do(httptest.NewRequest("GET", testkit.Issuer+"/oauth/clients", nil)); a.Status != 404 {
		t.Errorf("a server without the JSON API = %d %s, want 404", a.Status, a.Body)
	}
}

// everyAPIRequest returns an empty request to each endpoint.
func everyAPIRequest(b *testkit.Browser) (requests []*http.Request) {
	for _, name := range slices.Sorted(maps.Keys(apiRoutes)) {
		method, path, _ := strings.Cut(apiRoutes[name], " ")
		requests = append(requests, b.Request(method, strings.Replace(path, "{id}", "7", 1), map[string]string{}))
	}
	return requests
}

// The API requires a signed-in user and accepts no bearer token. The response is always
// JSON and never a redirect, regardless of the Accept header.
func TestJSONAPI_RequiresASignedInUser(t *testing.T) {
	s := testkit.NewServer(t)
	token := s.GrantTokens(s.Web()).Access
	for _, header := range []http.Header{{}, {"Accept": {"text/html"}}, {"Authorization": {"Bearer " + token}}} {
		b := s.Browser()
		for _, r := range everyAPIRequest(b) {
			maps.Copy(r.Header, header)
			b.Sent(r).Want(401, `{"message":"Unauthenticated."}`)
		}
	}
	if !strings.Contains(s.Log.String(), `"error":"login_required"`) {
		t.Error("the log has no login_required")
	}
}

// Neither another site nor a sandboxed frame can change anything with a signed-in
// browser. This holds under an http issuer too, where browsers send fewer headers.
func TestJSONAPI_NeverRepeat_B10_OtherSitesChangeNothing(t *testing.T) {
	s := testkit.NewServer(t)
	plain := s.Restart(func(c *passport.Config) { c.Issuer, c.InsecureAllowHTTP = "http://auth.example.com", true })
	for name, test := range map[string]struct {
		s *testkit.Server
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
			b := test.s.In(t).Browser().SignIn("alice")
			for _, r := range everyAPIRequest(b) {
				for header, value := range test.h {
					r.Header.Set(header, value)
					if value == "" {
						r.Header.Del(header)
					}
				}
				if r.Method == "GET" {
					continue // changes nothing, and no other site can read the response
				}
				b.Sent(r).Want(403, `{"message":"The request was sent by another site."}`)
			}
			if got := b.Ask("GET", "/oauth/clients").List(); len(got) != 0 {
				t.Errorf("another site created a client: %v", got)
			}
		})
	}
}

// A preflight gets no permission. The response to an unsupported method is JSON with the
// supported methods, as in Laravel.
func TestJSONAPI_OtherMethods(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	for path, allow := range map[string]string{
		"/oauth/clients": "GET, HEAD, POST", "/oauth/clients/8": "PUT, DELETE", "/oauth/tokens": "GET, HEAD", "/oauth/tokens/8": "DELETE",
		"/oauth/scopes": "GET, HEAD", "/oauth/personal-access-tokens": "GET, HEAD, POST", "/oauth/personal-access-tokens/8": "DELETE",
	} {
		for _, method := range []string{"PATCH", "OPTIONS", "TRACE"} {
			a := b.Ask(method, path)
			a.Want(405, fmt.Sprintf(`{"message":"The %s method is not supported for route %s. Supported methods: %s."}`, method, path[1:], allow))
			if a.Header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow = %q, want %q", method, path, a.Header.Get("Allow"), allow)
			}
		}
		if strings.HasPrefix(allow, "GET") {
			if a := b.Ask("HEAD", path); a.Status != 200 {
				t.Errorf("HEAD %s = %d", path, a.Status)
			}
		}
	}
}

// No body causes a server error.
func TestJSONAPI_Bodies(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	post := func(media, body string) *testkit.Response {
		r := b.Request("POST", "/oauth/clients")
		sent := httptest.NewRequest("POST", r.URL.String(), strings.NewReader(body))
		sent.Header = r.Header
		sent.Header.Set("Content-Type", media)
		return b.Sent(sent)
	}
	const required = "The name field is required. (and 1 more error)"
	const name, redirect = "The name field is required.", "The redirect field is required."
	for _, body := range []string{"", " ", "{}", "[]", "null", "7", `"x"`, `[{"name":"x"}]`, `{"NAME":"x"}`} {
		post("application/json", body).WantInvalid(required, "name", name, "redirect", redirect)
	}
	for _, body := range []string{"{", `{"name":"x"`, `{"name":"x"} {}`, "{'name':1}", "\xff", `{"name":"` + "\xff" + `"}`, strings.Repeat("[", 60000)} {
		post("application/json", body).Want(400, `{"message":"The body is malformed."}`)
	}
	post("application/x-www-form-urlencoded", "name=%zz").Want(400, `{"message":"The body is malformed."}`)
	post("multipart/form-data", "x").Want(400, `{"message":"The body is malformed."}`)
	post("multipart/form-data; boundary=x", "--x\r\nnonsense").Want(400, `{"message":"The body is malformed."}`)
	for _, media := range []string{"", "text/plain", "application/xml", ";;;"} {
		post(media, `{"name":"App","redirect":"https://example.com/cb"}`).WantInvalid(required, "name", name, "redirect", redirect)
	}
	for _, media := range []string{"application/json", "application/x-www-form-urlencoded"} {
		post(media, strings.Repeat(" ", 70<<10)).Want(413, `{"message":"The body is too large."}`)
	}
	if a := post("application/vnd.api+json; charset=utf-8", `{"name":"App","redirect":"https://example.com/cb"}`); a.Status != 201 {
		t.Errorf("a JSON type with a suffix: %d %s", a.Status, a.Body)
	}
	// The query is ignored, because proxies log it.
	b.Ask("POST", "/oauth/clients?name=x&redirect=https://example.com/cb&_method=DELETE", map[string]string{}).
		WantInvalid(required, "name", name, "redirect", redirect)
}

// With several providers, the first one with a signed-in user counts: the default
// provider, then by name.
func TestJSONAPI_OrderOfProviders(t *testing.T) {
	providers := map[string]passport.UserProvider{}
	all := map[string]*testkit.Accounts{"users": testkit.NewAccounts("u"), "admins": testkit.NewAccounts("a"), "staff": testkit.NewAccounts("s")}
	for _, name := range []string{"admins", "staff"} {
		providers[name] = all[name]
	}
	s := testkit.NewServer(t, func(c *passport.Config) { c.Users, c.Providers = all["users"], providers })
	b := s.Browser()
	b.SetCookie(testkit.SessionCookie, "one")
	owner := func() string {
		a := b.Ask("POST", "/oauth/clients", map[string]string{"name": "x", "redirect": "https://example.com/cb"})
		return testkit.AsText(a.JSON()["user_id"])
	}
	for _, in := range []struct{ provider, id string }{{"staff", "s"}, {"admins", "a"}, {"users", "u"}} {
		all[in.provider].Sessions["one"] = &passport.User{ID: in.id}
		if got := owner(); got != in.id {
			t.Errorf("with %s signed in too, the owner is %s", in.id, got)
		}
	}
	all["admins"].Failure = errors.New("unavailable") // not called
	if got := owner(); got != "u" {
		t.Errorf("the owner is %s, want u", got)
	}
	delete(all["users"].Sessions, "one")
	b.Ask("GET", "/oauth/scopes").Want(500, `{"message":"Server Error"}`) // and not the user of the next provider
	only, err := passport.New(passport.Config{Issuer: testkit.Issuer, Store: new(memstore.Store), Keys: testkit.NewKeys(t), Providers: map[string]passport.UserProvider{"staff": all["staff"]}})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = only
	b.Ask("GET", "/oauth/clients").Want(200, `[]`)
}

// Responses and log contain no secret and no digest.
func TestJSONAPI_NeverRepeat_C9_C10_NoSecretAndNoDigest(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	created := b.Create("App", "https://example.com/cb")
	c := s.Web()
	tokens := s.GrantTokens(c)
	personal := b.Ask("POST", personalPath, map[string]any{"name": "x"}).JSON()
	secrets := []string{testkit.AsText(created["secret"]), c.Secret, tokens.Access, tokens.Refresh, testkit.AsText(personal["accessToken"])}
	for client, err := range s.Clients(t.Context()) {
		testkit.Check(t, err)
		for _, secret := range client.Secrets {
			secrets = append(secrets, string(secret.Digest))
		}
	}
	for token, err := range s.Tokens(t.Context(), testkit.Ref("alice")) {
		testkit.Check(t, err)
		if token.Digest != "" {
			secrets = append(secrets, string(token.Digest))
		}
	}
	if len(secrets) != 5+2+1 {
		t.Fatalf("found %d secrets and digests, want 8", len(secrets))
	}
	for _, path := range []string{"/oauth/clients", "/oauth/tokens", personalPath, "/oauth/scopes"} {
		body := b.Ask("GET", path).Body
		for _, secret := range secrets {
			if strings.Contains(body, secret) {
				t.Errorf("GET %s returns a secret or its digest: %s", path, body)
			}
		}
		if strings.Contains(body, "ecret") || strings.Contains(body, "igest") {
			t.Errorf("GET %s returns a field for a secret: %s", path, body)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(s.Log.String(), secret) {
			t.Error("the log has a secret or its digest")
		}
	}
}

// The number of redirect URIs is limited, because every request with a token of the
// client reads all of them, and an error about invalid URIs repeats them.
func TestClientsAPI_NeverRepeat_F10_ManyRedirectURIs(t *testing.T) {
	b := testkit.NewServer(t).Browser().SignIn("alice")
	uris := make([]string, 100)
	for i := range uris {
		uris[i] = fmt.Sprintf("https://example.com/%d", i)
	}
	created := b.Create("App", strings.Join(uris, ","))
	if got := len(created["redirect_uris"].([]any)); got != len(uris) {
		t.Errorf("%d redirect URIs were registered, want %d", got, len(uris))
	}
	for _, list := range []string{strings.Join(slices.Concat(uris, []string{"https://example.com/more"}), ","), strings.Repeat(",", 60_000), strings.Repeat("a.b:/c,", 8_000)} {
		for _, a := range []*testkit.Response{
			b.Ask("POST", "/oauth/clients", map[string]any{"name": "App", "redirect": list}),
			b.Ask("PUT", "/oauth/clients/"+created["id"].(string), map[string]any{"name": "App", "redirect": list}),
		} {
			if a.Status != 422 || len(a.Body) > 1000 {
				t.Errorf("%d redirect URIs: status %d and %d bytes, want 422 and at most 1000 bytes", strings.Count(list, ",")+1, a.Status, len(a.Body))
			}
		}
	}
}
