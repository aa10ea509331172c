package passport_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// checkedStore is a store whose Check reports unsafe settings.
type checkedStore struct{ oauth.Store }

func (checkedStore) Check(context.Context) error {
	return errors.Join(errors.New("journal_mode is delete: use sqlstore.SQLiteDSN"), errors.New("busy_timeout is 0: use sqlstore.SQLiteDSN"))
}

// wrapper is an application's wrapper around a store.
type wrapper struct{ oauth.Store }

func (w wrapper) Unwrap() oauth.Store { return w.Store }

// remoteSigner does not expose its private key.
type remoteSigner struct {
	crypto.Signer
	err error
}

func (s remoteSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Signer.Sign(random, digest, opts)
}

// grantNamed is a custom grant.
type grantNamed string

func (g grantNamed) GrantType() string { return string(g) }

func (grantNamed) Authorize(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) {
	return nil, oauth.InvalidGrant
}

// New names each fault of a configuration with its field and remedy. Each case has
// one fault, so that no fault hides another.
func TestNew_EachFaultHasARemedy(t *testing.T) {
	users := func(f passport.UserFuncs) func(*passport.Config) {
		return func(c *passport.Config) { c.Users = f }
	}
	current := func(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }
	byID := func(context.Context, string) (*passport.User, error) { return nil, oauth.ErrNotFound }
	issuer := func(issuer string) func(*passport.Config) {
		return func(c *passport.Config) { c.Issuer = issuer }
	}
	path := func(path string) func(*passport.Config) {
		return func(c *passport.Config) { c.Path = path }
	}
	provider := func(name string) func(*passport.Config) {
		return func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{name: testkit.NewAccounts()} }
	}
	scope := func(id string) func(*passport.Config) {
		return func(c *passport.Config) { c.Scopes = []passport.Scope{{ID: id}} }
	}
	grants := func(grants ...oauth.Grant) func(*passport.Config) {
		return func(c *passport.Config) { c.Grants = grants }
	}
	for name, tt := range map[string]struct {
		change func(*passport.Config)
		want   []string
	}{
		"no issuer":                   {issuer(""), []string{"Config.Issuer", "such as https://"}},
		"issuer without a scheme":     {issuer("auth.example.com"), []string{"Config.Issuer", "such as https://"}},
		"issuer of another scheme":    {issuer("ftp://auth.example.com"), []string{"Config.Issuer", "such as https://"}},
		"issuer that isn't a URL":     {issuer("https://auth.example.com:port"), []string{"Config.Issuer", "such as https://"}},
		"issuer without a host":       {issuer("https://:443"), []string{"Config.Issuer", "such as https://"}},
		"issuer with an empty port":   {issuer("https://auth.example.com:"), []string{"Config.Issuer", `write "https://auth.example.com"`}},
		"issuer with a query":         {issuer("https://auth.example.com?x=1"), []string{"remove the user, query and fragment"}},
		"issuer with an empty query":  {issuer("https://auth.example.com?"), []string{"remove the user, query and fragment"}},
		"issuer with a fragment":      {issuer("https://auth.example.com#x"), []string{"remove the user, query and fragment"}},
		"issuer with a user":          {issuer("https://me@auth.example.com"), []string{"remove the user, query and fragment"}},
		"issuer with a slash":         {issuer("https://auth.example.com/"), []string{"remove the trailing slash"}},
		"issuer with path and slash":  {issuer("https://auth.example.com/a/"), []string{"remove the trailing slash"}},
		"issuer with a wildcard":      {issuer("https://auth.example.com/{tenant}"), []string{"want a plain path"}},
		"issuer with an encoded path": {issuer("https://auth.example.com/a%20b"), []string{"want a plain path"}},
		"issuer with two slashes":     {issuer("https://auth.example.com//a"), []string{"want a plain path"}},
		"issuer with dots":            {issuer("https://auth.example.com/a/../b"), []string{"want a plain path"}},
		"issuer in capitals":          {issuer("HTTPS://Auth.Example.com"), []string{"lower case"}},
		"FR-50: Punycode":             {issuer("https://müller.example"), []string{`write "https://xn--mller-kva.example"`}},
		"FR-50: encoded host":         {issuer("https://m%C3%BCller.example/a"), []string{`write "https://xn--mller-kva.example/a"`}},
		"FR-50: default port":         {issuer("https://auth.example.com:443"), []string{`write "https://auth.example.com"`}},
		"FR-50: default port of http": {issuer("http://localhost:80"), []string{`write "http://localhost"`}},
		"FR-50: zeros before a port":  {issuer("https://auth.example.com:08443"), []string{`write "https://auth.example.com:8443"`}},
		"FR-50: port out of range":    {issuer("https://auth.example.com:70000"), []string{"a port up to 65535"}},
		"FR-50: capitals":             {issuer("https://Auth.Example.com"), []string{"lower case", `write "https://auth.example.com"`}},
		"FR-50: dot at the end":       {issuer("https://auth.example.com."), []string{`write "https://auth.example.com"`}},
		"FR-50: slash at the end":     {issuer("https://auth.example.com/a/"), []string{"remove the trailing slash", `write "https://auth.example.com/a"`}},
		"FR-50: user":                 {issuer("https://me:pw@auth.example.com"), []string{"remove the user", `write "https://auth.example.com"`}},
		"FR-50: query and fragment":   {issuer("https://auth.example.com?a#b"), []string{"remove the user", `write "https://auth.example.com"`}},
		"FR-50: IPv6 in full":         {issuer("https://[2001:DB8:0:0:0:0:0:1]:8443"), []string{`write "https://[2001:db8::1]:8443"`}},
		"FR-50: IPv6 with zeros":      {issuer("http://[0:0:0:0:0:0:0:1]:8000"), []string{`write "http://[::1]:8000"`}},
		"FR-50: IPv6 with a zone":     {issuer("http://[fe80::1%25eth0]:8000"), []string{"an IP address"}},
		"FR-50: IPv4 in short":        {issuer("http://127.1:8000"), []string{"an IP address"}},
		"FR-50: encoded letters":      {issuer("https://auth.example.com/%61uth"), []string{"want a plain path", `write "https://auth.example.com/auth"`}},
		"FR-50: two slashes":          {issuer("https://auth.example.com//a"), []string{"want a plain path", `write "https://auth.example.com/a"`}},
		"FR-50: several faults":       {issuer("HTTPS://Müller.example.:443/"), []string{`write "https://xn--mller-kva.example"`}},
		"FR-50: audience":             {func(c *passport.Config) { c.Audience = "https://müller.example/" }, []string{`write "https://xn--mller-kva.example"`}},
		"FR-50: resource with a user": {func(c *passport.Config) { c.Resources = []string{"https://me:pw@a.example"} }, []string{`write "https://a.example"`}},
		"issuer of plain http":        {issuer("http://auth.example.com"), []string{"use https", "InsecureAllowHTTP"}},
		"path without a slash":        {path("oauth"), []string{"Config.Path", "such as /oauth"}},
		"path with a slash":           {path("/oauth/"), []string{"Config.Path", "such as /oauth"}},
		"path with two slashes":       {path("//evil.example"), []string{"Config.Path", "such as /oauth"}},
		"path with dots":              {path("/a/../b"), []string{"Config.Path", "such as /oauth"}},
		"path with a wildcard":        {path("/{x}"), []string{"Config.Path", "such as /oauth"}},
		"path with a query":           {path("/a?b"), []string{"Config.Path", "such as /oauth"}},
		"path with a space":           {path("/a b"), []string{"Config.Path", "such as /oauth"}},
		"path that is encoded":        {path("/a%2fb"), []string{"Config.Path", "such as /oauth"}},

		"FR-31 a scheme that is never allowed": {func(c *passport.Config) { c.AllowedRedirectSchemes = []string{"cursor", "javascript"} }, []string{`AllowedRedirectSchemes: "javascript"`, "remove it"}},
		"FR-31 https as a scheme":              {func(c *passport.Config) { c.AllowedRedirectSchemes = []string{"https"} }, []string{`AllowedRedirectSchemes: "https"`, "remove it"}},
		"LP-1 https as a redirect URI":         {func(c *passport.Config) { c.AllowedRedirectURIs = []string{"https://app.example.com/cb"} }, []string{"AllowedRedirectURIs", "remove it"}},
		"LP-1 a redirect URI with a fragment":  {func(c *passport.Config) { c.AllowedRedirectURIs = []string{"http://app.example.com/cb#x"} }, []string{"AllowedRedirectURIs", "has a fragment"}},
		"FR-31 a scheme with slashes":          {func(c *passport.Config) { c.AllowedRedirectSchemes = []string{"cursor://"} }, []string{"AllowedRedirectSchemes", "without : or //"}},
		"a limit below -1":                     {func(c *passport.Config) { c.MaxClientsPerUser = -5 }, []string{"MaxClientsPerUser is -5", "-1 for no limit"}},
		"another limit below -1":               {func(c *passport.Config) { c.MaxFamiliesPerClient = -2 }, []string{"MaxFamiliesPerClient is -2", "0 for the default"}},
		"a third limit below -1":               {func(c *passport.Config) { c.MaxPersonalTokensPerUser = -1000 }, []string{"MaxPersonalTokensPerUser is -1000"}},
		"a long cookie name":                   {func(c *passport.Config) { c.CookieName = strings.Repeat("a", 65) }, []string{"CookieName has 65 bytes", "at most 64"}},
		"no store":                             {func(c *passport.Config) { c.Store = nil }, []string{"Store is missing", "sqlstore.New", "memstore.Store"}},
		"a nil store":                          {func(c *passport.Config) { c.Store = (*memstore.Store)(nil) }, []string{"Store is missing"}},
		"an unsafe store":                      {func(c *passport.Config) { c.Store = wrapper{checkedStore{c.Store}} }, []string{"Store: journal_mode", "busy_timeout"}},
		"no keys":                              {func(c *passport.Config) { c.Keys = nil }, []string{"Keys is missing", "passport keys", "LoadKeys"}},
		"empty keys":                           {func(c *passport.Config) { c.Keys = new(passport.Keys) }, []string{"Keys is missing"}},
		"an unreachable signer": {func(c *passport.Config) {
			c.Keys = testkit.KeysOf(t, &remoteSigner{testkit.NewSigner(t), errors.New("KMS: connection refused")})
			c.Secrets = [][]byte{make([]byte, 32)}
		}, []string{"Keys: the key", "cannot sign", "connection refused"}},
		"a key in a KMS, no secrets": {func(c *passport.Config) { c.Keys = testkit.KeysOf(t, &remoteSigner{testkit.NewSigner(t), nil}) }, []string{"Secrets is missing", "32 random bytes"}},
		"a short secret":             {func(c *passport.Config) { c.Secrets = [][]byte{make([]byte, 31)} }, []string{"Secrets[0] has 31 bytes", "openssl rand 32"}},
		"an empty second secret":     {func(c *passport.Config) { c.Secrets = [][]byte{make([]byte, 32), nil} }, []string{"Secrets[1] has 0 bytes"}},

		"users without Current":        {users(passport.UserFuncs{ByID: byID, SignInPage: "/login"}), []string{"Users: UserFuncs.Current is missing", "oauth.ErrNotFound"}},
		"users without ByID":           {users(passport.UserFuncs{Current: current, SignInPage: "/login"}), []string{"Users: UserFuncs.ByID is missing"}},
		"users without a sign-in page": {users(passport.UserFuncs{Current: current, ByID: byID}), []string{"SignInPage is missing", "/login"}},
		"an invalid sign-in page":      {users(passport.UserFuncs{Current: current, ByID: byID, SignInPage: "javascript:x"}), []string{"SignInPage is missing or not a URL"}},
		"nil users":                    {func(c *passport.Config) { c.Users = (*testkit.Accounts)(nil) }, []string{"Users is a nil *testkit.Accounts"}},
		"a provider called client":     {provider("client"), []string{`Providers["client"]`, "reserved"}},
		"a provider called users":      {provider("users"), []string{`Providers["users"]`, "Config.Users"}},
		"a provider in capitals":       {provider("Staff"), []string{`Providers["Staff"]`, "lower-case"}},
		"a provider with a colon":      {provider("a:b"), []string{`Providers["a:b"]`, "lower-case"}},
		"a provider without a name":    {provider(""), []string{`Providers[""]`, "lower-case"}},
		"a nil provider":               {func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"a": nil} }, []string{`Providers["a"] is nil`, "remove it"}},
		"a provider that is a nil pointer": {func(c *passport.Config) {
			c.Providers = map[string]passport.UserProvider{"a": (*testkit.Accounts)(nil)}
		}, []string{`Providers["a"] is a nil`}},
		"a provider without ByID": {func(c *passport.Config) {
			c.Providers = map[string]passport.UserProvider{"a": passport.UserFuncs{Current: current, SignInPage: "/login"}}
		}, []string{`Providers["a"]: UserFuncs.ByID is missing`}},

		"a scope with a space":      {scope("read orders"), []string{"Scopes[0].ID", "RFC 6749 §3.3"}},
		"a scope without an ID":     {scope(""), []string{"Scopes[0].ID", "one word"}},
		"a scope with a quote":      {scope(`a"b`), []string{"Scopes[0].ID", "one word"}},
		"a scope that isn't ASCII":  {scope("é"), []string{"Scopes[0].ID", "one word"}},
		"a long scope":              {scope(strings.Repeat("a", 256)), []string{"longer than 255 bytes"}},
		"a scope for all":           {scope("*"), []string{"means all scopes"}},
		"a duplicate scope":         {func(c *passport.Config) { c.Scopes = []passport.Scope{{ID: "a"}, {ID: "b"}, {ID: "a"}} }, []string{`Scopes lists "a" twice`, "remove one"}},
		"an unknown default scope":  {func(c *passport.Config) { c.DefaultScopes = []string{"nothing"} }, []string{`DefaultScopes names "nothing"`, "add it there"}},
		"a duplicate default scope": {func(c *passport.Config) { c.DefaultScopes = []string{"read", "read"} }, []string{`DefaultScopes lists "read" twice`}},
		"FR-24: one resource in two spellings": {func(c *passport.Config) {
			c.Resources = []string{"https://mcp.example.com", "https://api.example.com/v1", "https://MCP.example.com:443/"}
		}, []string{`"https://mcp.example.com" and "https://MCP.example.com:443/"`, "the same resource", "keep one"}},
		"an audience that isn't a URI": {func(c *passport.Config) { c.Audience = "api" }, []string{`Audience or Resources has "api"`, "RFC 8707"}},
		"a resource with fragment":     {func(c *passport.Config) { c.Resources = []string{"https://a.example#b"} }, []string{`has "https://a.example#…"`}},
		"a resource with a space":      {func(c *passport.Config) { c.Resources = []string{"https://a.example/a b"} }, []string{`has "https://a.example/a b"`}},

		"a short access token":   {func(c *passport.Config) { c.AccessTokenTTL = time.Millisecond }, []string{"AccessTokenTTL is 1ms", "at least a second"}},
		"a negative token life":  {func(c *passport.Config) { c.RefreshTokenTTL = -time.Hour }, []string{"RefreshTokenTTL is -1h0m0s"}},
		"a short code":           {func(c *passport.Config) { c.CodeTTL = 1 }, []string{"CodeTTL is 1ns"}},
		"a long code":            {func(c *passport.Config) { c.CodeTTL = 11 * time.Minute }, []string{"at most 10 minutes", "RFC 6749 §4.1.2"}},
		"a negative family":      {func(c *passport.Config) { c.FamilyTTL = -1 }, []string{"FamilyTTL is -1ns"}},
		"a short family":         {func(c *passport.Config) { c.FamilyTTL = time.Millisecond }, []string{"FamilyTTL is 1ms"}},
		"a long grace":           {func(c *passport.Config) { c.RefreshTokenGrace = time.Hour }, []string{"RefreshTokenGrace is 1h0m0s", "at most a minute"}},
		"a nil grant":            {grants(nil), []string{"Grants[0] is nil", "remove it"}},
		"a grant without a name": {grants(grantNamed("")), []string{"has no GrantType"}},
		"a duplicate grant":      {grants(grantNamed("urn:x"), grantNamed("urn:x")), []string{`second grant for grant_type "urn:x"`}},
		"a built-in grant":       {grants(grantNamed("client_credentials")), []string{`second grant for grant_type "client_credentials"`}},
	} {
		t.Run(name, func(t *testing.T) {
			config := goodConfig(t)
			tt.change(&config)
			s, err := passport.New(config)
			if err == nil || s != nil {
				t.Fatalf("New() = %v, %v, want a fault", s, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("New() = %v, want %q in it", err, want)
				}
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if line != "" && !strings.HasPrefix(line, "passport: Config.") && !strings.Contains(name, "unsafe store") {
					t.Errorf("the fault %q does not name its field", line)
				}
			}
			if n := strings.Count(err.Error(), "passport: Config."); n != 1 {
				t.Errorf("one fault is reported %d times: %v", n, err)
			}
		})
	}
}

func goodConfig(t *testing.T) passport.Config {
	return passport.Config{
		Issuer: testkit.Issuer, Store: new(memstore.Store), Keys: testkit.NewKeys(t), Users: testkit.NewAccounts("alice"),
		Scopes: []passport.Scope{{ID: "read", Description: "Read"}},
	}
}

// New reports all faults of a configuration at once.
func TestNew_AllFaultsAtOnce(t *testing.T) {
	_, err := passport.New(passport.Config{
		Issuer: "http://auth.example.com/", Path: "oauth", Users: passport.UserFuncs{},
		Scopes: []passport.Scope{{ID: "a"}, {ID: "a"}}, DefaultScopes: []string{"b"}, CodeTTL: time.Hour, Resources: []string{"x"},
		Providers: map[string]passport.UserProvider{"B": nil, "client": testkit.NewAccounts()}, Grants: []oauth.Grant{grantNamed("")},
	})
	if err == nil {
		t.Fatal("New() = nil for a configuration without store and keys, want faults")
	}
	for _, want := range []string{
		"remove the trailing slash", "use https", "Config.Path", "Store is missing", "Keys is missing", "UserFuncs.Current", "UserFuncs.ByID", "SignInPage",
		`Scopes lists "a" twice`, `DefaultScopes names "b"`, "CodeTTL", `has "x"`, `Providers["B"]: want a name`, `Providers["B"] is nil`, `Providers["client"]`, "no GrantType",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New() lacks %q: %v", want, err)
		}
	}
}

// New accepts unusual but valid configurations.
func TestNew_UnusualButValid(t *testing.T) {
	for name, change := range map[string]func(*passport.Config){
		"unchanged": func(*passport.Config) {},
		"no users":  func(c *passport.Config) { c.Users = nil },
		"only further providers": func(c *passport.Config) {
			c.Users, c.Providers = nil, map[string]passport.UserProvider{"staff-2": testkit.NewAccounts()}
		},
		"no scopes":                    func(c *passport.Config) { c.Scopes = nil },
		"http on loopback":             func(c *passport.Config) { c.Issuer = "http://127.0.0.1:8000" },
		"http on IPv6 loopback":        func(c *passport.Config) { c.Issuer = "http://[::1]:8000" },
		"http on localhost":            func(c *passport.Config) { c.Issuer = "http://localhost" },
		"http with InsecureAllowHTTP":  func(c *passport.Config) { c.Issuer, c.InsecureAllowHTTP = "http://auth.example.com", true },
		"an issuer with port and path": func(c *passport.Config) { c.Issuer = "https://example.com:8443/tenant-1/a_b.c~d" },
		"at the root":                  func(c *passport.Config) { c.Path = "/" },
		"no grace":                     func(c *passport.Config) { c.RefreshTokenGrace = -1 },
		"a KMS and secrets": func(c *passport.Config) {
			c.Keys, c.Secrets = testkit.KeysOf(t, &remoteSigner{testkit.NewSigner(t), nil}), [][]byte{make([]byte, 32)}
		},
		"a sign-in page elsewhere": func(c *passport.Config) {
			c.Users = passport.UserFuncs{Current: c.Users.CurrentUser, ByID: c.Users.UserByID, SignInPage: "https://login.example.com/?a=b"}
		},
		"a custom grant":                 func(c *passport.Config) { c.Grants = []oauth.Grant{grantNamed("urn:example:grant")} },
		"a scope of 255 bytes, URL-like": func(c *passport.Config) { c.Scopes = []passport.Scope{{ID: "https://" + strings.Repeat("a", 247)}} },
	} {
		config := goodConfig(t)
		change(&config)
		if _, err := passport.New(config); err != nil {
			t.Errorf("%s: New() = %v", name, err)
		}
	}
}

// There is no default secret, like the hard-coded ones of 2026: New fails without
// keys, and a server with other keys cannot open what this server sealed.
func TestNew_NeverRepeat_C14_NoDefaultSecret(t *testing.T) {
	config := goodConfig(t)
	for _, keys := range []*passport.Keys{nil, new(passport.Keys)} {
		config.Keys = keys
		if _, err := passport.New(config); err == nil {
			t.Fatal("New() = nil without a key, want a fault")
		}
	}
	one := testkit.NewServer(t)
	other := one.Restart(func(c *passport.Config) { c.Keys = testkit.NewKeys(t) })
	c := one.Web()
	b := one.Browser().SignIn("alice")
	page := b.Authorize(c)
	page.From = b.At(other)
	page.Allow().WantPage(400)
}

// The sign-in page gets the return address as one parameter beside its other
// parameters.
func TestUserFuncs_NeverRepeat_B15_SignInURL(t *testing.T) {
	const returnTo = "/oauth/authorize?client_id=a&state=%26x%3D"
	for page, want := range map[string]string{
		"/login":                         "/login?return_to=%2Foauth%2Fauthorize%3Fclient_id%3Da%26state%3D%2526x%253D",
		"/login?lang=de":                 "/login?lang=de&return_to=%2Foauth%2Fauthorize%3Fclient_id%3Da%26state%3D%2526x%253D",
		"https://login.example.com/in#x": "https://login.example.com/in?return_to=%2Foauth%2Fauthorize%3Fclient_id%3Da%26state%3D%2526x%253D#x",
	} {
		if got := (passport.UserFuncs{SignInPage: page}).SignInURL(nil, returnTo); got != want {
			t.Errorf("SignInURL() of %s = %s, want %s", page, got, want)
		}
	}
}

// An attacker can read tokens that are sent without TLS. So an issuer uses https, or
// is a loopback address (RFC 9700 §2.6).
func TestNew_OP_03_PlainHTTPIsForLoopback(t *testing.T) {
	with := func(issuer string, insecure bool) error {
		s := testkit.NewServer(t)
		s.Config.Issuer, s.Config.Audience, s.Config.InsecureAllowHTTP = issuer, "", insecure
		_, err := passport.New(s.Config)
		return err
	}
	for _, issuer := range []string{"https://auth.example.com", "http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000"} {
		if err := with(issuer, false); err != nil {
			t.Errorf("New with the issuer %s: %v, want no error", issuer, err)
		}
	}
	for _, issuer := range []string{"http://auth.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://10.0.0.1"} {
		if err := with(issuer, false); err == nil || !strings.Contains(err.Error(), "use https") {
			t.Errorf("New with the issuer %s: %v, want one that says to use https", issuer, err)
		}
	}
	if err := with("http://auth.example.com", true); err != nil {
		t.Errorf("New with InsecureAllowHTTP: %v, want no error", err)
	}
}

// No way of printing a Config shows its secrets.
func TestConfig_JK_04_PrintsNoSecrets(t *testing.T) {
	c := passport.Config{Issuer: "https://app.test", Secrets: [][]byte{[]byte("canary-canary-canary-canary-cana")}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "pointer", &c)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		fmt.Fprintf(&log, verb+"\n", c)
		fmt.Fprintf(&log, verb+"\n", &c)
	}
	for _, canary := range []string{"canary", "63616e617279", "99 97 110"} {
		if strings.Contains(log.String(), canary) {
			t.Errorf("the output contains the secret:\n%s", log.String())
		}
	}
}
