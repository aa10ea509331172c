package console_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// shop is an application with two providers of users and our commands.
func shop(t *testing.T, change func(*passport.Config)) (console.Options, *passport.Server) {
	t.Helper()
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	users := passport.UserFuncs{
		Current:    func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound },
		ByID:       func(context.Context, string) (*passport.User, error) { return nil, oauth.ErrNotFound },
		ByPassword: func(context.Context, string, string) (*passport.User, error) { return nil, oauth.ErrNotFound },
		SignInPage: "/login",
	}
	c := passport.Config{
		Issuer: "https://shop.example.com", Store: new(memstore.Store), Keys: keys, Logger: slog.New(slog.DiscardHandler),
		Users: users, Providers: map[string]passport.UserProvider{"staff": users},
	}
	if change != nil {
		change(&c)
	}
	server, err := passport.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return console.Options{Server: func(context.Context) (*passport.Server, error) { return server, nil }}, server
}

// A script is asked nothing: a missing option has the value that a prompt would offer.
func TestClient_ProvidersOfAnApplication(t *testing.T) {
	o, _ := shop(t, func(c *passport.Config) { c.EnablePasswordGrant = true })
	for _, test := range []struct{ args, want string }{
		{"--password", "users"}, {"--password --provider staff", "staff"}, {"--personal", "users"}, {"--personal --provider staff", "staff"},
		{"--client --name x", ""},
	} {
		got := run(t, o, append([]string{"client", "--json"}, strings.Fields(test.args)...)...)
		var made struct {
			Provider string `json:"provider"`
		}
		if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || made.Provider != test.want {
			t.Errorf("passport client %s made a client for the users of %q, want %q: %+v", test.args, made.Provider, test.want, got)
		}
	}
	got := run(t, o, "client", "--password", "--provider", "guests")
	if want := "passport: --provider \"guests\": want users or staff\nSee `passport client --help`.\n"; got.status != 2 || got.stderr != want {
		t.Errorf("for an unknown provider: status %d, %q; want 2 and %q", got.status, got.stderr, want)
	}
}

// Errors of an application name its Config, not settings in a file.
func TestClient_FaultsInTheWordsOfAnApplication(t *testing.T) {
	o, server := shop(t, nil)
	made, err := server.CreateClient(t.Context(), passport.Registration{Name: "Web", RedirectURIs: []string{"https://app.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"client", "--password"}, "EnablePasswordGrant"},
		{[]string{"client", "--implicit", "--name", "x", "--redirect_uri", "https://app.example.com"}, "EnableImplicitGrant"},
		{[]string{"client", "--client", "--name", "x", "--scopes", "fly"}, "add it to Config.Scopes"},
		{[]string{"client", "update", made.Client.ID, "--scopes", "fly"}, "add it to Config.Scopes"},
		{[]string{"client", "update", made.Client.ID, "--redirect_uri", "http://app.example.com"}, "use https"},
		{[]string{"client", "update", made.Client.ID, "--redirect_uri", ""}, "a redirect URI is missing"},
		{[]string{"client", "update", made.Client.ID, "--name", ""}, "a name is missing"},
	} {
		if got := run(t, o, test.args...); got.status != 1 || !strings.Contains(got.stderr, test.want) {
			t.Errorf("passport %v: status %d, %q; want 1 and %q", test.args, got.status, got.stderr, test.want)
		}
	}
}

// A change on the command line changes what it names, and keeps concurrent changes.
func TestClient_UpdateKeepsTheRest(t *testing.T) {
	store := &contended{}
	o, server := shop(t, func(c *passport.Config) {
		c.Store, c.Scopes = store, []passport.Scope{{ID: "check-status", Description: "Check"}, {ID: "place-orders", Description: "Place"}}
	})
	made, err := server.CreateClient(t.Context(), passport.Registration{
		Name: "Web", RedirectURIs: []string{"https://app.example.com"}, Scopes: []string{"check-status"}, Attributes: map[string]string{"plan": "gold"},
	})
	if err != nil {
		t.Fatal(err)
	}
	store.meanwhile = func(c *oauth.Client) { c.Name = "Changed meanwhile" }
	if got := run(t, o, "client", "update", made.Client.ID, "--scopes", "check-status,place-orders", "--family-ttl", "90d"); got.status != 0 {
		t.Fatalf("client update = %+v", got)
	}
	c, err := server.Client(t.Context(), made.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Changed meanwhile" || strings.Join(c.Scopes, " ") != "check-status place-orders" || c.FamilyTTL.Hours() != 90*24 ||
		c.Attributes["plan"] != "gold" || len(c.RedirectURIs) != 1 {
		t.Errorf("the client is %+v; want both changes in it, and the rest as it was", c)
	}
}

// Grants that the command line names replace all others, and are checked like those of a new
// client. A client of Laravel Passport can get the implicit grant, or lose that of passwords.
func TestClientUpdate_Grants(t *testing.T) {
	o, server := shop(t, func(c *passport.Config) { c.EnableImplicitGrant, c.Resources = true, []string{ordersAPI} })
	made, err := server.CreateClient(t.Context(), passport.Registration{Name: "Phone", AuthMethod: oauth.AuthNone, RedirectURIs: []string{"https://app.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Client.ID
	update := func(id string, options ...string) result {
		return run(t, o, append([]string{"client", "update", id}, options...)...)
	}
	for _, test := range []struct {
		options []string
		want    string
	}{
		{[]string{"--grant", "authorization_code,refresh_token", "--grant", "implicit"}, "authorization_code refresh_token implicit"},
		{[]string{"--grant", "authorization_code refresh_token"}, "authorization_code refresh_token"},
		{[]string{"--name", "Phone 2"}, "authorization_code refresh_token"},
	} {
		if got := update(id, test.options...); got.status != 0 {
			t.Errorf("client update %q = %+v, want a change", test.options, got)
		}
		c, err := server.Client(t.Context(), id)
		if err != nil || strings.Join(c.GrantTypes, " ") != test.want {
			t.Errorf("after client update %q the client has the grants %v, %v, want %s", test.options, c.GrantTypes, err, test.want)
		}
	}
	api := makeAPI(t, o, "--audience", ordersAPI)
	for _, test := range []struct {
		id, grants string
		status     int
		want       string
	}{
		{id, "", 2, "--grant is empty"},
		{id, "authorization_code,password", 1, `the grant "password" does not exist: set EnablePasswordGrant`},
		{id, "authorization-code", 1, `the grant "authorization-code" does not exist: choose one of`},
		{id, "client_credentials", 1, "a public client cannot use client_credentials"},
		{api, "client_credentials", 1, "an API gets no tokens: leave out --grant"},
	} {
		if got := update(test.id, "--grant", test.grants); got.status != test.status || !strings.Contains(got.stderr, test.want) {
			t.Errorf("client update --grant %q: status %d, %q; want %d and %q", test.grants, got.status, got.stderr, test.status, test.want)
		}
	}
}

// contended is a store in which another change comes first, once.
type contended struct {
	memstore.Store
	meanwhile func(*oauth.Client)
}

func (s *contended) UpdateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	if change := s.meanwhile; change != nil {
		s.meanwhile = nil
		other, err := s.Client(ctx, c.ID)
		if err != nil {
			return err
		}
		change(other)
		if err := s.Store.UpdateClient(ctx, other, nil); err != nil {
			return err
		}
	}
	return s.Store.UpdateClient(ctx, c, audit)
}

// With integers an ID is a number in JSON, and only where that loses nothing.
func TestClient_IntegersInJSON(t *testing.T) {
	o, server := shop(t, func(c *passport.Config) { c.ClientIDs = passport.Integers })
	for _, id := range []string{"", "007", "9007199254740993", "demo"} {
		if _, err := server.CreateClient(t.Context(), passport.Registration{ID: id, Name: "Export", GrantTypes: []string{"client_credentials"}}); err != nil {
			t.Fatal(err)
		}
	}
	list := run(t, o, "client", "list", "--json").stdout
	for _, want := range []string{`"client_id":1,`, `"client_id":"007",`, `"client_id":"9007199254740993",`, `"client_id":"demo",`} {
		if !strings.Contains(list, want) {
			t.Errorf("client list --json lacks %s:\n%s", want, list)
		}
	}

	o, server = shop(t, nil)
	if _, err := server.CreateClient(t.Context(), passport.Registration{ID: "42", Name: "Export", GrantTypes: []string{"client_credentials"}}); err != nil {
		t.Fatal(err)
	}
	if list := run(t, o, "client", "list", "--json").stdout; !strings.Contains(list, `"client_id":"42",`) {
		t.Errorf("if clients have UUIDs, an ID that looks like a number must be a text:\n%s", list)
	}
}
