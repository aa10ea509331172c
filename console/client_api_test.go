package console_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
)

const (
	ordersAPI  = "https://orders.example.com"
	reportsAPI = "https://reports.example.com"
)

// withAPIs is an application with APIs at two addresses.
func withAPIs(c *passport.Config) { c.Resources = []string{ordersAPI, reportsAPI} }

// makeAPI registers an API with `passport client --api`, and returns its ID.
func makeAPI(t *testing.T, o console.Options, more ...string) string {
	t.Helper()
	got := run(t, o, append([]string{"client", "--api", "--name", "Orders API", "--json"}, more...)...)
	var made struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || got.status != 0 {
		t.Fatalf("passport client --api %v = %+v", more, got)
	}
	return made.ID
}

func audienceOf(t *testing.T, s *passport.Server, id string) string {
	t.Helper()
	c, err := s.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c.Audience
}

func TestClientUpdate_AudienceOfAnAPI(t *testing.T) {
	o, server := shop(t, withAPIs)
	id := makeAPI(t, o, "--audience", ordersAPI)
	for _, audience := range []string{reportsAPI, "https://shop.example.com"} {
		if got := run(t, o, "client", "update", id, "--audience", audience); got.status != 0 {
			t.Errorf("client update --audience %s = %+v, want a change", audience, got)
		}
		if got := audienceOf(t, server, id); got != audience {
			t.Errorf("the audience of the API is %q, want %q", got, audience)
		}
	}
}

func TestClientUpdate_AudienceIsRefused(t *testing.T) {
	o, server := shop(t, withAPIs)
	id := makeAPI(t, o, "--audience", ordersAPI)
	web, err := server.CreateClient(t.Context(), passport.Registration{Name: "Web", RedirectURIs: []string{"https://app.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		id, audience string
		status       int
		want         string
	}{
		{id, "https://unknown.example.com", 1, `"https://unknown.example.com" is not registered: use the server's, https://shop.example.com, or one of Config.Resources: https://orders.example.com, https://reports.example.com` + "\n"},
		{id, "", 2, "--audience is empty"},
		{web.Client.ID, ordersAPI, 1, "is not an API, so it has no audience: register the API with `passport client --api --audience https://orders.example.com`"},
		{web.Client.ID, "https://unknown.example.com", 1, "is not an API"},
	} {
		got := run(t, o, "client", "update", test.id, "--audience", test.audience)
		if got.status != test.status || !strings.Contains(got.stderr, test.want) {
			t.Errorf("client update --audience %q: status %d, %q; want %d and %q", test.audience, got.status, got.stderr, test.status, test.want)
		}
	}
	if got := audienceOf(t, server, id) + audienceOf(t, server, web.Client.ID); got != ordersAPI {
		t.Errorf("after refusals the audiences are %q, want those of before", got)
	}
}

// The error names the known audiences, but not all of a long list.
func TestClientAPI_UnknownAudienceNamesTheOthers(t *testing.T) {
	for n, want := range map[int]string{
		0:  "use the server's, https://shop.example.com, or add it to Config.Resources\n",
		10: "or one of Config.Resources: https://api0.example.com, ",
		12: "https://api9.example.com and 2 more\n",
	} {
		o, _ := shop(t, func(c *passport.Config) {
			for i := range n {
				c.Resources = append(c.Resources, fmt.Sprintf("https://api%d.example.com", i))
			}
		})
		got := run(t, o, "client", "--api", "--audience", "https://unknown.example.com")
		if got.status != 1 || !strings.Contains(got.stderr, want) || strings.Contains(got.stderr, "https://api10.") {
			t.Errorf("with %d resources: status %d, %q; want 1 and %q", n, got.status, got.stderr, want)
		}
	}
}

// An API has no options about tokens, at registration and later. The error names the
// options that were given, and no others.
func TestClientAPI_OptionsAboutTokens(t *testing.T) {
	o, _ := shop(t, withAPIs)
	id := makeAPI(t, o)
	for _, test := range []struct {
		options []string
		want    string
	}{
		{[]string{"--scopes", "a"}, "--scopes"},
		{[]string{"--redirect_uri", "https://app.example.com"}, "--redirect-uri"},
		{[]string{"--access-token-ttl", "5m"}, "--access-token-ttl"},
		{[]string{"--refresh-token-ttl", "5m"}, "--refresh-token-ttl"},
		{[]string{"--family-ttl", "5m"}, "--family-ttl"},
		{[]string{"--family-ttl", "5m", "--scopes", "*", "--access-token-ttl", "5m"}, "--scopes, --access-token-ttl and --family-ttl"},
	} {
		want := "passport: an API gets no tokens: leave out " + test.want + "\n"
		got := run(t, o, append([]string{"client", "--api"}, test.options...)...)
		if got.status != 2 || !strings.HasPrefix(got.stderr, want) {
			t.Errorf("client --api %v: status %d, %q; want 2 and %q", test.options, got.status, got.stderr, want)
		}
		got = run(t, o, append([]string{"client", "update", id, "--name", "x"}, test.options...)...)
		if got.status != 1 || got.stderr != want {
			t.Errorf("client update of an API with %v: status %d, %q; want 1 and %q", test.options, got.status, got.stderr, want)
		}
	}
	want := "passport: an API gets no tokens: leave out --provider\n"
	if got := run(t, o, "client", "--api", "--provider", "staff"); got.status != 2 || !strings.HasPrefix(got.stderr, want) {
		t.Errorf("client --api --provider: status %d, %q; want 2 and %q", got.status, got.stderr, want)
	}
	if got := run(t, o, "client", "update", id, "--access-token-ttl", "0", "--redirect_uri", ""); got.status != 0 {
		t.Errorf("client update that removes what an API does not have = %+v, want no error", got)
	}
}

func TestClientAPI_IsListedAsOne(t *testing.T) {
	o, server := shop(t, withAPIs)
	makeAPI(t, o, "--audience", ordersAPI)
	if _, err := server.CreateClient(t.Context(), passport.Registration{Name: "Export", GrantTypes: []string{"client_credentials"}}); err != nil {
		t.Fatal(err)
	}
	list := run(t, o, "client", "list").stdout
	table := strings.Join(strings.FieldsFunc(list, func(r rune) bool { return r == ' ' }), " ")
	for _, want := range []string{"KIND GRANTS AUDIENCE OWNER", "Orders API api - https://orders.example.com - active", "Export confidential client_credentials - - active"} {
		if !strings.Contains(table, want) {
			t.Errorf("client list lacks %q:\n%s", want, list)
		}
	}
}

func TestClientAPI_SuspendAndResumeSayWhatHolds(t *testing.T) {
	o, _ := shop(t, withAPIs)
	id := makeAPI(t, o)
	for _, test := range []struct{ verb, want string }{
		{"suspend", "Suspended the API \"Orders API\" (" + id + "). It can't ask about tokens.\n"},
		{"resume", "Resumed the API \"Orders API\" (" + id + "). It can ask about tokens again.\n"},
	} {
		if got := run(t, o, "client", test.verb, id).stdout; got != test.want {
			t.Errorf("client %s of an API says %q, want %q", test.verb, got, test.want)
		}
	}
}
