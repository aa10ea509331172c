package jsonapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// Each response of the clients' endpoints, byte by byte, as a front end for Laravel
// Passport expects it: behavior 1.6 of the contract. Additional fields come last. The
// synctest clock determines the dates.
func TestClientsAPI_NeverRepeat_C9_ResponsesByteByByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.Numbers).WithAccounts("1")
		b := s.Browser().SignIn("1")
		b.Ask("GET", "/oauth/clients").Want(200, `[]`)

		created := b.Ask("POST", "/oauth/clients", map[string]string{"name": "Client Name", "redirect": "https://example.com/callback"})
		secret, _ := created.JSON()["secret"].(string)
		if len(secret) < 40 || created.JSON()["plainSecret"] != secret {
			t.Errorf("secret of the new client = %q, plainSecret = %v", secret, created.JSON()["plainSecret"])
		}
		created.Body = strings.ReplaceAll(created.Body, secret, "SECRET")
		created.Want(201, `{"plainSecret":"SECRET","user_id":1,"name":"Client Name","secret":"SECRET","provider":null,`+
			`"redirect":"https://example.com/callback","personal_access_client":false,"password_client":false,"revoked":false,`+
			`"updated_at":"2000-01-01T00:00:00.000000Z","created_at":"2000-01-01T00:00:00.000000Z","id":1,`+
			`"redirect_uris":["https://example.com/callback"],"grant_types":["authorization_code","refresh_token"],"confidential":true}`)

		time.Sleep(1500 * time.Millisecond)
		const changed = `{"id":1,"user_id":1,"name":"New Client Name","provider":null,` +
			`"redirect":"https://example.com/callback,https://example.com/b","personal_access_client":false,"password_client":false,"revoked":false,` +
			`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:01.500000Z",` +
			`"redirect_uris":["https://example.com/callback","https://example.com/b"],"grant_types":["authorization_code","refresh_token"],"confidential":true}`
		b.Ask("PUT", "/oauth/clients/1", map[string]string{"name": "New Client Name", "redirect": "https://example.com/callback,https://example.com/b"}).Want(200, changed)
		b.Ask("GET", "/oauth/clients").Want(200, "["+changed+"]")

		b.Ask("DELETE", "/oauth/clients/1").Want(204, "")
		b.Ask("DELETE", "/oauth/clients/1").Want(204, "")
		b.Ask("GET", "/oauth/clients").Want(200, `[]`)
		b.Ask("PUT", "/oauth/clients/1", map[string]string{"name": "x", "redirect": "https://example.com/"}).Want(200, // also for a revoked client, as in Laravel Passport
			strings.NewReplacer("New Client Name", "x", `"revoked":false`, `"revoked":true`, "https://example.com/callback,https://example.com/b", "https://example.com/",
				`["https://example.com/callback","https://example.com/b"]`, `["https://example.com/"]`).Replace(changed))
	})
}

// UUIDs and other IDs that are not numeric are strings in JSON.
func TestClientsAPI_IDsAreStrings(t *testing.T) {
	s := testkit.NewServer(t)
	created := s.Browser().SignIn("alice").Create("App", "https://example.com/cb")
	if id, ok := created["id"].(string); !ok || len(id) != 36 || created["user_id"] != "alice" {
		t.Errorf("id = %v, user_id = %v, want a UUID and alice", created["id"], created["user_id"])
	}
}

// A public client has the field secret with null. Its type never changes.
func TestClientsAPI_NeverRepeat_C5_ConfidentialIsFixedAtCreation(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	for value, public := range map[any]bool{false: true, 0: true, "0": true, true: false, 1: false, "1": false} {
		created := b.Ask("POST", "/oauth/clients", map[string]any{"name": "App", "redirect": "https://example.com/cb", "confidential": value}).JSON()
		secret, present := created["secret"]
		if (secret == nil) != public || !present || created["plainSecret"] != secret || created["confidential"] == public {
			t.Errorf("confidential %#v: public = %v, want %v: %v", value, secret == nil, public, created)
		}
		path := "/oauth/clients/" + created["id"].(string)
		changed := b.Ask("PUT", path, map[string]any{"name": "App", "redirect": "https://example.com/cb", "confidential": public}).JSON()
		if changed["confidential"] != created["confidential"] {
			t.Errorf("PUT changed confidential from %v to %v", created["confidential"], changed["confidential"])
		}
		if _, shown := changed["secret"]; shown || strings.Contains(fmt.Sprint(changed), "ecret") {
			t.Errorf("the response to PUT has a secret: %v", changed)
		}
		stored, err := s.Client(t.Context(), created["id"].(string))
		if err != nil || stored.Public() != public || (len(stored.Secrets) == 0) != public {
			t.Errorf("stored client = %+v, %v, want public = %v", stored, err, public)
		}
	}
}

// A created client works with its secret until it is deleted.
func TestClientsAPI_ClientWorksUntilItIsDeleted(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	created := b.Create("Bob's App", "https://example.com/cb")
	stored, err := s.Client(t.Context(), created["id"].(string))
	if err != nil || stored.Owner != testkit.Ref("alice") {
		t.Fatalf("stored client = %+v, %v, want alice as the owner", stored, err)
	}
	c := &testkit.Client{Client: stored, Secret: created["secret"].(string), Verifier: strings.Repeat("verifier-", 6)}
	tokens := s.GrantTokens(c)
	code := s.Browser().SignIn("bob").Authorize(c).Allow().Code()
	if !s.Admits(tokens.Access) {
		t.Fatal("the guard refuses the token")
	}

	for range 2 {
		b.Ask("DELETE", "/oauth/clients/"+c.ID).Want(204, "")
	}
	if s.Admits(tokens.Access) {
		t.Error("the guard admits a token of a deleted client")
	}
	s.Refresh(c, tokens.Refresh).WantJSONError(401, "invalid_client")
	s.Exchange(c, c.CodeForm(code)...).WantJSONError(401, "invalid_client")
	if got := b.Ask("GET", "/oauth/tokens").List(); len(got) != 0 {
		t.Errorf("the list has tokens of a deleted client: %v", got)
	}
	if got := testkit.EventsOf[passport.ClientRevoked](s); len(got) != 1 || got[0].ClientID != c.ID {
		t.Errorf("ClientRevoked events = %v, want one for the client", got)
	}
}

// Front ends show these texts unchanged.
func TestClientsAPI_InvalidInput(t *testing.T) {
	const uri = "https://example.com/cb"
	const name, redirect, format = "The name field is required.", "The redirect field is required.", "One or more redirects have an invalid URI format."
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	created := b.Create("App", uri)
	for _, test := range []struct {
		body    map[string]any
		message string
		pairs   []string
	}{
		{nil, name + " (and 1 more error)", []string{"name", name, "redirect", redirect}},
		{map[string]any{"name": " \t\u200b", "redirect": uri}, name, []string{"name", name}},
		{map[string]any{"name": "App", "redirect": ""}, redirect, []string{"redirect", redirect}},
		{map[string]any{"name": strings.Repeat("é", 192), "redirect": uri}, "The name field must not be greater than 191 characters.",
			[]string{"name", "The name field must not be greater than 191 characters."}},
		{map[string]any{"name": strings.Repeat("名", 190), "redirect": uri}, "The name field must be text without control and format characters, of at most 255 bytes.",
			[]string{"name", "The name field must be text without control and format characters, of at most 255 bytes."}},
		{map[string]any{"name": "a\x00b", "redirect": uri}, "The name field must be text without control and format characters, of at most 255 bytes.",
			[]string{"name", "The name field must be text without control and format characters, of at most 255 bytes."}},
		{map[string]any{"name": []string{"x"}, "redirect": uri}, "The name field must be a string.", []string{"name", "The name field must be a string."}},
		{map[string]any{"name": 7, "redirect": uri}, "The name field must be a string.", []string{"name", "The name field must be a string."}},
		{map[string]any{"name": map[string]any{"a": 1}, "redirect": []string{uri}}, "The name field must be a string. (and 1 more error)",
			[]string{"name", "The name field must be a string.", "redirect", "The redirect field must be a string."}},
		{map[string]any{"name": "App", "redirect": uri + ",nonsense"}, format + " (and 1 more error)", []string{"redirect", format}},
		{map[string]any{"name": "App", "redirect": uri + ","}, format + " (and 1 more error)", []string{"redirect", format}},
		{map[string]any{"name": "App", "redirect": strings.Repeat(uri+",", 100) + uri}, "The redirect field must not have more than 100 items.",
			[]string{"redirect", "The redirect field must not have more than 100 items."}},
		{map[string]any{"name": "App", "redirect": "http://example.com/cb,javascript:alert(1)"}, format + " (and 2 more errors)", []string{"redirect", format}},
	} {
		b.Ask("POST", "/oauth/clients", test.body).WantInvalid(test.message, test.pairs...)
		b.Ask("PUT", "/oauth/clients/"+created["id"].(string), test.body).WantInvalid(test.message, test.pairs...)
	}
	for _, value := range []any{"true", "yes", 2, []any{}, map[string]any{}} {
		b.Ask("POST", "/oauth/clients", map[string]any{"name": "App", "redirect": uri, "confidential": value}).
			WantInvalid("The confidential field must be true or false.", "confidential", "The confidential field must be true or false.")
	}
	if got := b.Ask("GET", "/oauth/clients").List(); len(got) != 1 || got[0]["name"] != "App" {
		t.Errorf("invalid clients were stored: %v", got)
	}
}

// The fields of a 422 are in the order of the checks. The reason follows Laravel
// Passport's text.
func TestClientsAPI_InvalidByteByByte(t *testing.T) {
	s := testkit.NewServer(t)
	s.Browser().SignIn("alice").Ask("POST", "/oauth/clients", map[string]any{"redirect": "http://example.com/cb", "confidential": "maybe"}).Want(422,
		`{"message":"The name field is required. (and 3 more errors)","errors":{"name":["The name field is required."],`+
			`"redirect":["One or more redirects have an invalid URI format.",`+
			`"The redirect URI \"http://example.com/cb\" is plain http: use https; only 127.0.0.1, [::1] and localhost may use http, and whole URIs that the operator admits in Config.AllowedRedirectURIs."],`+
			`"confidential":["The confidential field must be true or false."]}}`)
}

// Redirect URIs are separated by commas. A comma inside a URI is %2C.
func TestClientsAPI_CommasInRedirects(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	created := b.Create("App", " https://a.example.com/cb?x=1%2C2 , https://b.example.com/cb,https://b.example.com/cb ")
	if created["redirect"] != "https://a.example.com/cb?x=1%2C2,https://b.example.com/cb" {
		t.Errorf("redirect = %v", created["redirect"])
	}
	// A URI that was registered in Go with a plain comma comes back from a form with
	// %2C, and must not change.
	uris := []string{"https://example.com/a,b", "https://example.com/a%2Cb", "https://example.com/c"}
	c := s.Register(passport.Registration{Owner: testkit.Ref("alice"), RedirectURIs: uris})
	shown := ""
	for _, item := range b.Ask("GET", "/oauth/clients").List() {
		if item["id"] == c.ID {
			shown = item["redirect"].(string)
		}
	}
	if shown != "https://example.com/a%2Cb,https://example.com/a%2Cb,https://example.com/c" {
		t.Errorf("redirect = %q", shown)
	}
	if got := b.Ask("PUT", "/oauth/clients/"+c.ID, map[string]string{"name": "Renamed", "redirect": shown}); got.Status != 200 {
		t.Errorf("PUT = %d %s, want 200", got.Status, got.Body)
	}
	if stored, err := s.Client(t.Context(), c.ID); err != nil || !slices.Equal(stored.RedirectURIs, uris) || stored.Name != "Renamed" {
		t.Errorf("redirect URIs after renaming the client = %q, %v, want %q", stored.RedirectURIs, err, uris)
	}
}

// The list has the user's own clients, by name, without revoked ones.
func TestClientsAPI_ListsOwnClientsByName(t *testing.T) {
	s := testkit.NewServer(t)
	alice, bob := s.Browser().SignIn("alice"), s.Browser().SignIn("bob")
	for _, name := range []string{"zebra", "Ant", "bee"} {
		alice.Create(name, "https://example.com/cb")
	}
	revoked := alice.Create("revoked", "https://example.com/cb")
	alice.Ask("DELETE", "/oauth/clients/"+revoked["id"].(string)).Want(204, "")
	bob.Create("Bob's", "https://example.com/cb")
	s.Web() // a client of the operator
	var names []string
	for _, item := range alice.Ask("GET", "/oauth/clients").List() {
		names = append(names, item["name"].(string))
	}
	if !slices.Equal(names, []string{"Ant", "bee", "zebra"}) {
		t.Errorf("clients of alice = %q, want Ant, bee, zebra", names)
	}
}

// The response for another user's client, the operator's client and a missing client is
// the same, and the client does not change.
func TestClientsAPI_OtherClientsLookLikeMissingOnes(t *testing.T) {
	s := testkit.NewServer(t)
	alice, bob := s.Browser().SignIn("alice"), s.Browser().SignIn("bob")
	theirs := bob.Create("Bob's", "https://example.com/cb")
	for _, id := range []string{theirs["id"].(string), s.Web().ID, "missing", "%00", "%FF", strings.Repeat("x", 300), "..%2F" + theirs["id"].(string)} {
		for _, body := range []any{map[string]string{"name": "Mine", "redirect": "https://evil.example.com/"}, map[string]string{}} {
			alice.Ask("PUT", "/oauth/clients/"+id, body).Want(404, "")
		}
		alice.Ask("DELETE", "/oauth/clients/"+id).Want(404, "")
	}
	stored, err := s.Client(t.Context(), theirs["id"].(string))
	if err != nil || stored.Name != "Bob's" || !stored.Active() {
		t.Errorf("bob's client after requests of alice = %+v, %v, want it unchanged", stored, err)
	}
}

// User 1 of one provider is never user 1 of another.
func TestClientsAPI_NeverRepeat_E11_E12_ProvidersAreApart(t *testing.T) {
	s, staff := testkit.WithStaff(t, "1")
	customer, clerk := s.Browser().SignIn("1"), staff.Browser().SignIn("1")
	theirs := customer.Create("Customer's", "https://example.com/cb")
	created := clerk.Create("Clerk's", "https://example.com/cb")
	if theirs["provider"] != nil || created["provider"] != "staff" {
		t.Errorf("providers of the clients = %v and %v, want their owners' providers: nil and staff", theirs["provider"], created["provider"])
	}
	for name, b := range map[string]*testkit.Browser{"Customer's": customer, "Clerk's": clerk} {
		if got := b.Ask("GET", "/oauth/clients").List(); len(got) != 1 || got[0]["name"] != name {
			t.Errorf("list of %s = %v, want only this client", name, got)
		}
	}
	clerk.Ask("DELETE", "/oauth/clients/"+theirs["id"].(string)).Want(404, "")
	clerk.Ask("PUT", "/oauth/clients/"+theirs["id"].(string), map[string]string{"name": "x", "redirect": "https://example.com/"}).Want(404, "")
	customer.Ask("DELETE", "/oauth/clients/"+created["id"].(string)).Want(404, "")
}

// Concurrent changes of a client are atomic. If conflicts never end, the response is 409.
func TestClientsAPI_ConcurrentChanges(t *testing.T) {
	var w testkit.WatchedStore
	s := testkit.NewServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
	b := s.Browser().SignIn("alice")
	created := b.Create("App", "https://example.com/0")
	path := "/oauth/clients/" + created["id"].(string)
	var requests []*http.Request
	for n := range 4 {
		r := b.Request("PUT", path, map[string]string{"name": fmt.Sprint("name ", n), "redirect": fmt.Sprint("https://example.com/", n)})
		for _, c := range b.Jar.Cookies(b.Origin()) {
			r.AddCookie(c)
		}
		requests = append(requests, r)
	}
	for _, a := range s.AtOnce(b, requests) {
		if a.Status != 200 {
			t.Errorf("a concurrent change = %d %s, want 200", a.Status, a.Body)
		}
	}
	stored, err := s.Client(t.Context(), created["id"].(string))
	if err != nil || strings.TrimPrefix(stored.Name, "name ") != strings.TrimPrefix(stored.RedirectURIs[0], "https://example.com/") || stored.Version != 5 {
		t.Errorf("client after concurrent changes = %+v, %v, want the fields of one change and all versions", stored, err)
	}

	busy := &contested{Store: s.Config.Store}
	busy.conflicts.Store(7)
	other := s.Restart(func(c *passport.Config) { c.Store = busy })
	if a := b.At(other).Ask("PUT", path, map[string]string{"name": "x", "redirect": "https://example.com/"}); a.Status != 200 {
		t.Errorf("a change after seven conflicts = %d %s, want 200", a.Status, a.Body)
	}
	busy.conflicts.Store(1000)
	b.At(other).Ask("PUT", path, map[string]string{"name": "x", "redirect": "https://example.com/"}).
		Want(409, `{"message":"Another request changed the client at the same time."}`)
}

// contested is a store whose first updates conflict.
type contested struct {
	oauth.Store
	conflicts atomic.Int32
}

func (c *contested) Unwrap() oauth.Store { return c.Store }

func (c *contested) UpdateClient(ctx context.Context, client *oauth.Client, audit *oauth.AuditRecord) error {
	if c.conflicts.Add(-1) >= 0 {
		return fmt.Errorf("update: %w", oauth.ErrConflict)
	}
	return c.Store.UpdateClient(ctx, client, audit)
}

// A client with a scope that was removed from the configuration can still be renamed by
// its owner, and suspended.
func TestClientsAPI_ClientWithARemovedScope(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{Owner: testkit.Ref("alice"), Scopes: []string{"admin"}})
	s = s.Restart(func(c *passport.Config) { c.Scopes = c.Scopes[:2] })
	b := s.Browser().SignIn("alice")
	if a := b.Ask("PUT", "/oauth/clients/"+c.ID, map[string]string{"name": "New", "redirect": "https://example.com/cb"}); a.Status != 200 {
		t.Errorf("PUT = %d %s, want 200", a.Status, a.Body)
	}
	if err := s.SuspendClient(t.Context(), c.ID); err != nil {
		t.Errorf("SuspendClient() = %v", err)
	}
}

// Changes are in the audit log, with the user as the actor.
func TestClientsAPI_AuditLogNamesTheUser(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithAudit)
	b := s.Browser().SignIn("alice")
	path := "/oauth/clients/" + b.Create("App", "https://example.com/cb")["id"].(string)
	b.Ask("PUT", path, map[string]string{"name": "New", "redirect": "https://example.com/cb"})
	b.Ask("DELETE", path)
	b.Ask("DELETE", path) // changes nothing
	log, _ := oauth.StoreAs[oauth.AuditStore](s.Store)
	var got []string
	for record, err := range log.AuditLog(t.Context(), time.Time{}) {
		testkit.Check(t, err)
		got = append(got, record.Actor+" "+record.Action)
		if record.RequestID == "" || record.Address == "" || record.ClientID != path[len("/oauth/clients/"):] {
			t.Errorf("the record lacks the request ID, address or client ID: %+v", record)
		}
	}
	if want := []string{"users:alice client.created", "users:alice client.changed", "users:alice client.revoked"}; !slices.Equal(got, want) {
		t.Errorf("audit log = %q, want %q", got, want)
	}
}

// The API accepts forms too, also with the field _method.
func TestClientsAPI_Forms(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	form := func(path string, values url.Values) *testkit.Response {
		r := httptest.NewRequest("POST", testkit.Issuer+path, strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return b.Sent(r)
	}
	created := form("/oauth/clients", url.Values{"name": {" App\x00 "}, "redirect": {"https://example.com/cb"}, "confidential": {"0"}})
	if created.Status != 201 || created.JSON()["name"] != "App" || created.JSON()["secret"] != nil {
		t.Fatalf("POST of a form = %d %s, want 201", created.Status, created.Body)
	}
	path := "/oauth/clients/" + created.JSON()["id"].(string)
	form("/oauth/clients", url.Values{"name[]": {"App"}, "redirect[0]": {"https://example.com/cb"}}).
		WantInvalid("The name field must be a string. (and 1 more error)", "name", "The name field must be a string.", "redirect", "The redirect field must be a string.")
	if got := form(path, url.Values{"_method": {"put"}, "name": {"New"}, "redirect": {"https://example.com/cb"}}); got.Status != 200 || got.JSON()["name"] != "New" {
		t.Errorf("a form with _method=put = %d %s, want 200", got.Status, got.Body)
	}
	form(path, url.Values{"_method": {"DELETE"}}).Want(204, "")
	if got := form(path, nil); got.Status != 405 {
		t.Errorf("a POST without _method = %d %s, want 405", got.Status, got.Body)
	}
	var multipart strings.Builder
	multipart.WriteString("--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nParts\r\n--x\r\nContent-Disposition: form-data; name=\"redirect\"\r\n\r\nhttps://example.com/cb\r\n--x--\r\n")
	r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/clients", strings.NewReader(multipart.String()))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if got := b.Sent(r); got.Status != 201 || got.JSON()["name"] != "Parts" {
		t.Errorf("POST of a multipart form = %d %s, want 201", got.Status, got.Body)
	}
}

var errStore = errors.New("the disk of db-7 is full")

// Only the log has the store's error. An unavailable store gives 503.
func TestClientsAPI_FailingStore(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
		body string
	}{
		{errStore, 500, `{"message":"Server Error"}`},
		{fmt.Errorf("%w: %w", errStore, oauth.ErrUnavailable), 503, `{"message":"Service Unavailable"}`},
	} {
		var w testkit.WatchedStore
		s := testkit.NewServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
		b := s.Browser().SignIn("alice")
		path := "/oauth/clients/" + b.Create("App", "https://example.com/cb")["id"].(string)
		w.Failing("Client", test.err)
		for _, a := range []*testkit.Response{b.Ask("DELETE", path), b.Ask("PUT", path, map[string]string{"name": "x", "redirect": "https://example.com/"})} {
			a.Want(test.want, test.body)
			if (a.Header.Get("Retry-After") == "3") != (test.want == 503) {
				t.Errorf("Retry-After = %q with status %d", a.Header.Get("Retry-After"), a.Status)
			}
		}
		w.Failing("", nil)
		s.Users.With(func() { s.Users.Failure = test.err })
		b.Ask("GET", "/oauth/clients").Want(test.want, test.body)
		if !strings.Contains(s.Log.String(), errStore.Error()) {
			t.Error("the log does not have the store's error")
		}
	}
}

// The API refuses capital letters in a new redirect URI, and accepts them in a registered
// one.
func TestClientsAPI_LowerCaseOfRedirectURIs(t *testing.T) {
	s := testkit.NewServer(t, testkit.Numbers).WithAccounts("1")
	b := s.Browser().SignIn("1")
	const capitals = "https://App.example.com/cb"
	if res := b.Ask("POST", "/oauth/clients", map[string]string{"name": "A", "redirect": capitals}); res.Status != 422 || !strings.Contains(res.Body, "write app.example.com") {
		t.Errorf("POST with %s = %d %s, want 422 with the spelling", capitals, res.Status, res.Body)
	}
	if res := b.Ask("POST", "/oauth/clients", map[string]string{"name": "A", "redirect": strings.ToLower(capitals)}); res.Status != 201 {
		t.Fatalf("POST = %d %s", res.Status, res.Body)
	}
	if res := b.Ask("PUT", "/oauth/clients/1", map[string]string{"name": "A", "redirect": capitals}); res.Status != 422 {
		t.Errorf("PUT with a new URI with capital letters = %d %s, want 422", res.Status, res.Body)
	}
	c, err := s.Store.Client(t.Context(), "1")
	s.Works(err)
	c.RedirectURIs = []string{capitals}
	s.Works(s.Store.UpdateClient(t.Context(), c, nil))
	if res := b.Ask("PUT", "/oauth/clients/1", map[string]string{"name": "B", "redirect": capitals}); res.Status != 200 {
		t.Errorf("PUT with a registered URI with capital letters = %d %s, want 200", res.Status, res.Body)
	}
}
