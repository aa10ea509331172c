package grant_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

var (
	now      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	user     = oauth.UserRef{Provider: "users", ID: "alice"}
	verifier = strings.Repeat("v", 43)
)

// users is a provider whose UserByID returns user and err.
type users struct {
	user *oauth.User
	err  error
}

func (u users) CurrentUser(*http.Request) (*oauth.User, error)        { return nil, oauth.ErrNotFound }
func (u users) UserByID(context.Context, string) (*oauth.User, error) { return u.user, u.err }
func (u users) SignInURL(_ *http.Request, returnTo string) string     { return returnTo }
func (u users) provider(name string) oauth.UserProvider {
	return map[string]oauth.UserProvider{"users": u}[name]
}
func newUsers() users { return users{user: &oauth.User{ID: "alice"}} }
func pairs(form url.Values, change map[string]string) url.Values {
	for name, value := range change {
		form.Set(name, value)
	}
	return form
}

// begun returns a store with the code "code", issued for alice to the client
// "web".
func begun(t *testing.T, change func(*oauth.Code)) *memstore.Store {
	t.Helper()
	s := new(memstore.Store)
	sum := sha256.Sum256([]byte(verifier))
	f := &oauth.Family{ID: "f", User: user, ClientID: "web", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	code := &oauth.Code{
		Digest: oauth.DigestOf("code"), Family: f, Scopes: []string{"read", "write"}, RedirectURI: "https://app.example.com/cb",
		CodeChallenge: base64.RawURLEncoding.EncodeToString(sum[:]), ExpiresAt: now.Add(time.Minute),
	}
	if change != nil {
		change(code)
	}
	if err := s.IssueCode(t.Context(), &oauth.CodeIssuance{Family: f, Code: code}); err != nil {
		t.Fatal(err)
	}
	return s
}

func request(s oauth.TokenReader, change map[string]string) *oauth.TokenRequest {
	form := url.Values{"code": {"code"}, "redirect_uri": {"https://app.example.com/cb"}, "code_verifier": {verifier}, "refresh_token": {"first"}}
	return &oauth.TokenRequest{
		Client: &oauth.Client{ID: "web", AuthMethod: oauth.AuthSecret, GrantTypes: []string{"authorization_code", "refresh_token"}},
		Form:   pairs(form, change), Time: now.Add(time.Second), Store: s, Users: newUsers().provider,
	}
}

func TestAuthorizationCode(t *testing.T) {
	for name, tt := range map[string]struct {
		stored func(*oauth.Code)
		sent   map[string]string
		want   error // nil: allowed
	}{
		"valid":                          {nil, nil, nil},
		"PK-05 wrong verifier":           {nil, map[string]string{"code_verifier": strings.Repeat("w", 43)}, oauth.InvalidGrant},
		"PK-07 no verifier":              {nil, map[string]string{"code_verifier": ""}, oauth.InvalidGrant},
		"PK-04 short verifier":           {nil, map[string]string{"code_verifier": verifier[:42]}, oauth.InvalidGrant},
		"PK-06 no challenge":             {func(c *oauth.Code) { c.CodeChallenge = "" }, nil, oauth.InvalidRequest},
		"neither":                        {func(c *oauth.Code) { c.CodeChallenge = "" }, map[string]string{"code_verifier": ""}, nil},
		"CO-07 other redirect URI":       {nil, map[string]string{"redirect_uri": "https://app.example.com/other"}, oauth.InvalidGrant},
		"CO-07 no redirect URI, PKCE":    {nil, map[string]string{"redirect_uri": ""}, nil},
		"CO-07 no redirect URI, no PKCE": {func(c *oauth.Code) { c.CodeChallenge = "" }, map[string]string{"redirect_uri": "", "code_verifier": ""}, oauth.InvalidGrant},
		"CO-07 none was requested":       {func(c *oauth.Code) { c.RedirectURI = "" }, nil, oauth.InvalidGrant},
		"CO-05 another client":           {func(c *oauth.Code) { c.Family.ClientID = "other" }, nil, oauth.InvalidGrant},
		"CO-02 expired":                  {func(c *oauth.Code) { c.ExpiresAt = now.Add(time.Second) }, nil, oauth.InvalidGrant},
		"CO-09 family has ended":         {func(c *oauth.Code) { c.Family.ExpiresAt = now }, nil, oauth.InvalidGrant},
		"CO-09 family was revoked":       {func(c *oauth.Code) { c.Family.RevokedAt = now }, nil, oauth.InvalidGrant},
		"CO-06 unknown":                  {nil, map[string]string{"code": "other"}, oauth.InvalidGrant},
		"CO-06 missing":                  {nil, map[string]string{"code": ""}, oauth.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := grant.AuthorizationCode{}.Authorize(t.Context(), request(begun(t, tt.stored), tt.sent))
			if tt.want != nil {
				if !errors.Is(err, tt.want) || a != nil {
					t.Errorf("Authorize() = %+v, %v, want %v", a, err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatalf("Authorize() = %v, want no error", err)
			}
			if got, _ := a.Subject.User(); got != user || a.Family.ID != "f" || !a.Refresh || !slices.Equal(a.Scopes, []string{"read", "write"}) {
				t.Errorf("Authorize() = %+v, want alice, her family, the granted scopes and a refresh token", a)
			}
			if a.Spends != (oauth.Spend{Purpose: oauth.SpendCode, ID: string(oauth.DigestOf("code"))}) {
				t.Errorf("Authorize() spends %+v, want the code", a.Spends)
			}
		})
	}
}

func TestAuthorizationCode_RT_11_NoRefreshTokenWithoutTheGrant(t *testing.T) {
	r := request(begun(t, nil), nil)
	r.Client.GrantTypes = []string{"authorization_code"}
	if a, err := (grant.AuthorizationCode{}).Authorize(t.Context(), r); err != nil || a.Refresh {
		t.Errorf("Authorize() = %+v, %v, want no refresh token for a client that may not use one", a, err)
	}
}

// A grant only reads and decides, so that the server may discard its decision.
func TestAuthorizationCode_WritesNothing(t *testing.T) {
	s := begun(t, nil)
	before := fmt.Sprintf("%+v", s)
	for range 3 {
		if _, err := (grant.AuthorizationCode{}).Authorize(t.Context(), request(s, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if after := fmt.Sprintf("%+v", s); after != before {
		t.Errorf("Authorize() changed the store:\n%s\n%s", before, after)
	}
}

// refreshed returns a store with the refresh token "first". If spent, "second"
// has replaced it at now.
func refreshed(t *testing.T, spent bool) *memstore.Store {
	t.Helper()
	s := begun(t, nil)
	f := &oauth.Family{ID: "f", User: user, ClientID: "web"}
	issue := func(spends oauth.Spend, token string, at time.Time) {
		t.Helper()
		err := s.Issue(t.Context(), &oauth.Issuance{
			Time: at, Spends: spends,
			AccessToken:  &oauth.AccessToken{ID: "of " + token, Client: &oauth.Client{ID: "web"}, Family: f, ExpiresAt: now.Add(time.Hour)},
			RefreshToken: &oauth.RefreshToken{Digest: oauth.DigestOf(token), AccessTokenID: "of " + token, Family: f, Scopes: []string{"read", "write"}, ExpiresAt: now.Add(30 * time.Minute)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	issue(oauth.Spend{Purpose: oauth.SpendCode, ID: string(oauth.DigestOf("code"))}, "first", now)
	if spent {
		issue(oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(oauth.DigestOf("first"))}, "second", now)
	}
	return s
}

func TestRefreshToken(t *testing.T) {
	g := grant.RefreshToken{Grace: 10 * time.Second}
	r := request(refreshed(t, false), nil)
	a, err := g.Authorize(t.Context(), r)
	if err != nil || a.Retried != nil || !a.Refresh || a.Spends.Purpose != oauth.SpendRefreshToken || !slices.Equal(a.RefreshScopes, []string{"read", "write"}) {
		t.Fatalf("Authorize() = %+v, %v, want a rotation that keeps all granted scopes", a, err)
	}
	r.Form.Set("scope", "read")
	r.Scopes = []string{"read"}
	if a, err := g.Authorize(t.Context(), r); err != nil || !slices.Equal(a.Scopes, []string{"read"}) || !slices.Equal(a.RefreshScopes, []string{"read", "write"}) {
		t.Errorf("RT-06: Authorize() = %+v, %v, want the scope read now and all granted scopes later", a, err)
	}
	r.Scopes = []string{"read", "admin"}
	if _, err := g.Authorize(t.Context(), r); !errors.Is(err, oauth.InvalidScope) {
		t.Errorf("RT-06: Authorize() with a scope that was not granted = %v, want invalid_scope", err)
	}
	r.Form.Set("refresh_token", "")
	if _, err := g.Authorize(t.Context(), r); !errors.Is(err, oauth.InvalidRequest) {
		t.Errorf("Authorize() without a refresh token = %v, want invalid_request", err)
	}
	r.Form.Set("refresh_token", "first")
	r.Form.Del("scope")
	r.Client.ID = "other"
	if _, err := g.Authorize(t.Context(), r); !errors.Is(err, oauth.InvalidGrant) {
		t.Errorf("RT-01: Authorize() of another client = %v, want invalid_grant", err)
	}
	r.Client.ID, r.Time = "web", now.Add(30*time.Minute)
	if _, err := g.Authorize(t.Context(), r); !errors.Is(err, oauth.InvalidGrant) {
		t.Errorf("Authorize() when it has expired = %v, want invalid_grant", err)
	}
}

func TestRefreshToken_RT_04_FR_03_Grace(t *testing.T) {
	for name, tt := range map[string]struct {
		grace, later time.Duration
		again        bool
	}{
		"immediately":                   {10 * time.Second, 0, true},
		"just before the end":           {10 * time.Second, 10*time.Second - time.Microsecond, true},
		"at the end":                    {10 * time.Second, 10 * time.Second, false},
		"off":                           {0, 0, false},
		"clocks that differ":            {10 * time.Second, -time.Second, true},
		"overtaken by almost the grace": {10 * time.Second, -10*time.Second + time.Microsecond, true},
		"an old time":                   {10 * time.Second, -10 * time.Second, false},
		"a very old time":               {10 * time.Second, -24 * time.Hour, false},
		"off, overtaken":                {0, -time.Millisecond, false}, // by a request that arrived later
	} {
		r := request(refreshed(t, true), nil)
		r.Time = now.Add(tt.later)
		a, err := grant.RefreshToken{Grace: tt.grace}.Authorize(t.Context(), r)
		replay, replayed := errors.AsType[*oauth.ReplayError](err)
		if tt.again && (err != nil || a.Retried == nil || a.Retried.Digest != oauth.DigestOf("second")) {
			t.Errorf("%s: Authorize() = %+v, %v, want the refresh token that was issued first", name, a, err)
		}
		if !tt.again && (!replayed || replay.Family.ID != "f" || replay.What != oauth.SpendRefreshToken) {
			t.Errorf("%s: Authorize() = %+v, %v, want a replay", name, a, err)
		}
	}
}

func TestClientCredentials_TK_16(t *testing.T) {
	r := request(nil, nil)
	r.Scopes = []string{"read"}
	a, err := grant.ClientCredentials{}.Authorize(t.Context(), r)
	if err != nil || a.Refresh || a.Family != nil || a.Subject != oauth.ForClient() || !slices.Equal(a.Scopes, []string{"read"}) {
		t.Errorf("Authorize() = %+v, %v, want the client as subject and no refresh token", a, err)
	}
	r.Client.AuthMethod = oauth.AuthNone
	if _, err := (grant.ClientCredentials{}).Authorize(t.Context(), r); !errors.Is(err, oauth.UnauthorizedClient) {
		t.Errorf("Authorize() for a public client = %v, want unauthorized_client", err)
	}
}

// PK-08: the code verifier is compared in constant time. The test reads the
// source, because a timing test is unreliable on a busy machine: verifyPKCE
// must call subtle.ConstantTimeCompare, and may use == only with the empty
// string.
func TestPKCE_PK_08_ConstantTime(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "pkce.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constantTime := false
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			constantTime = constantTime || n.Sel.Name == "ConstantTimeCompare"
		case *ast.BinaryExpr:
			x, xIsName := n.X.(*ast.Ident)
			y, yIsName := n.Y.(*ast.Ident)
			if (n.Op == token.EQL || n.Op == token.NEQ) && xIsName && yIsName {
				t.Errorf("%s %s %s stops at the first difference", x.Name, n.Op, y.Name)
			}
		}
		return true
	})
	if !constantTime {
		t.Error("pkce.go does not call subtle.ConstantTimeCompare")
	}
}
