package e2e_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The whole flow with golang.org/x/oauth2, which most Go clients use.
func TestE2E_OAuth2Library_Demo(t *testing.T) {
	s := startDemo(t)
	web := &oauth2.Config{
		ClientID: "demo-web", RedirectURL: s.URL + "/demo/callback", Scopes: []string{"check-status"},
		Endpoint: endpoint(s, oauth2.AuthStyleInParams),
	}
	ctx := s.context(t)
	token := s.connect(t, web, demoEmail, demoPassword)
	if token.RefreshToken == "" || token.TokenType != "Bearer" || time.Until(token.Expiry) > time.Hour {
		t.Errorf("the token response has type %q, a refresh token: %t, expiry in %v; want Bearer, true, at most 1h",
			token.TokenType, token.RefreshToken != "", time.Until(token.Expiry))
	}
	s.call(t, token.AccessToken, "/api/user", http.StatusOK)
	s.call(t, token.AccessToken, "/api/orders", http.StatusOK)
	s.call(t, token.AccessToken, "/api/service", http.StatusForbidden)

	fresh := s.refresh(t, web, token)
	s.call(t, fresh.AccessToken, "/api/user", http.StatusOK)

	machine, err := (&clientcredentials.Config{
		ClientID: "demo-service", ClientSecret: s.demoSecret(t), TokenURL: s.URL + "/oauth/token",
	}).Token(ctx)
	if err != nil {
		t.Fatalf("client credentials: %v", err)
	}
	if machine.RefreshToken != "" {
		t.Error("a client that acts for itself got a refresh token (RFC 6749 §4.4.3)")
	}
	s.call(t, machine.AccessToken, "/api/service", http.StatusOK)
	s.call(t, machine.AccessToken, "/api/user", http.StatusForbidden)
}

// The same against each database that the binary has a driver for.
func TestE2E_OAuth2Library_Databases(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres", "mysql"} {
		t.Run(database, func(t *testing.T) {
			var settings []string
			if database != "sqlite" {
				settings = []string{"PASSPORT_DATABASE_URL=" + freshDatabase(t, database)}
			}
			settings = append(settings, "PASSPORT_SCOPES=check-status=Check order status")
			s := startShop(t, settings...)
			const callback = "https://app.example.com/callback"
			for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
				c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
				config := &oauth2.Config{ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: callback, Endpoint: endpoint(s, style)}
				token := s.connect(t, config, userEmail, userPassword)
				fresh := s.refresh(t, config, token)
				checkReplay(t, s, config, token, fresh)
			}
			c := s.client(t, "--name", "Nightly export", "--client")
			if _, err := (&clientcredentials.Config{ClientID: c.ID, ClientSecret: c.Secret, TokenURL: s.URL + "/oauth/token"}).Token(s.context(t)); err != nil {
				t.Errorf("client credentials: %v", err)
			}
		})
	}
}

// checkReplay replays an old refresh token: it is refused, and the newest one is
// revoked.
func checkReplay(t *testing.T, s *server, config *oauth2.Config, old, fresh *oauth2.Token) {
	t.Helper()
	ctx := s.context(t)
	newest := s.refresh(t, config, fresh)
	for _, token := range []*oauth2.Token{old, newest} {
		_, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refusal.ErrorCode != "invalid_grant" {
			t.Errorf("refreshing with a token of a family that was replayed: %v, want invalid_grant", err)
		}
	}
}

// A consent form that is sent twice concurrently issues one code (AZ-27, A1).
func TestE2E_A1_FormSentTwiceConcurrently(t *testing.T) {
	s := startDemo(t)
	a := newAgent(t, s)
	verifier := oauth2.GenerateVerifier()
	config := &oauth2.Config{ClientID: "demo-web", RedirectURL: s.URL + "/demo/callback", Endpoint: endpoint(s, oauth2.AuthStyleInParams)}
	consent := a.signIn(a.get(config.AuthCodeURL("state-of-two", oauth2.S256ChallengeOption(verifier))), demoEmail, demoPassword)

	const clicks = 8
	requests := make([]*http.Request, clicks)
	for i := range requests {
		requests[i] = a.request(consent, "Allow", nil)
	}
	codes := make([]string, clicks)
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() {
			if p := a.send(r); p.Away != nil {
				codes[i] = p.Away.Query().Get("code")
			}
		})
	}
	wg.Wait()
	distinct := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(codes))), func(c string) bool { return c == "" })
	if len(distinct) != 1 {
		t.Fatalf("%d concurrent clicks issued %d codes, want 1", clicks, len(distinct))
	}
	if _, err := config.Exchange(s.context(t), distinct[0], oauth2.VerifierOption(verifier)); err != nil {
		t.Errorf("the code does not work: %v", err)
	}
	// After the redemption, a late click gets a page and no redirect with a used code.
	if late := a.send(a.request(consent, "Allow", nil)); late.Away != nil {
		t.Errorf("a click after the redemption redirects to %s://%s%s", late.Away.Scheme, late.Away.Host, late.Away.Path)
	}
}

// connect signs a user in, allows the request, and exchanges the code.
func (s *server) connect(t *testing.T, config *oauth2.Config, email, password string) *oauth2.Token {
	t.Helper()
	a := newAgent(t, s)
	verifier := oauth2.GenerateVerifier()
	s.canaries.add("code_verifier", verifier)
	p := a.get(config.AuthCodeURL("state-of-"+config.ClientID, oauth2.S256ChallengeOption(verifier)))
	p = a.signIn(p, email, password)
	if p.Away == nil {
		p = a.submit(p, "Allow", nil)
	}
	if p.Away == nil {
		t.Fatalf("allowing returned a page of the server, status %d:\n%s", p.status, p.text(t))
	}
	if got := (&url.URL{Scheme: p.Away.Scheme, Host: p.Away.Host, Path: p.Away.Path}).String(); got != config.RedirectURL {
		t.Fatalf("the code was sent to %s, want %s", got, config.RedirectURL)
	}
	q := p.Away.Query()
	if q.Get("state") != "state-of-"+config.ClientID || q.Get("iss") != s.URL {
		t.Errorf("the response has state %q and iss %q, want state-of-%s and %s", q.Get("state"), q.Get("iss"), config.ClientID, s.URL)
	}
	token, err := config.Exchange(s.context(t), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("exchange the code: %v", err)
	}
	return token
}

// refresh gets new tokens as the library does when the access token has expired.
func (s *server) refresh(t *testing.T, config *oauth2.Config, token *oauth2.Token) *oauth2.Token {
	t.Helper()
	fresh, err := config.TokenSource(s.context(t), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	if fresh.RefreshToken == token.RefreshToken || fresh.AccessToken == token.AccessToken {
		t.Error("a refresh returned an old token, want two new tokens")
	}
	return fresh
}

func endpoint(s *server, style oauth2.AuthStyle) oauth2.Endpoint {
	return oauth2.Endpoint{AuthURL: s.URL + "/oauth/authorize", TokenURL: s.URL + "/oauth/token", AuthStyle: style}
}

// context returns a context with which the library's requests go through the
// canaries.
func (s *server) context(t *testing.T) context.Context {
	client := &http.Client{Transport: transport{s.canaries, http.DefaultTransport}, Timeout: 30 * time.Second}
	return context.WithValue(t.Context(), oauth2.HTTPClient, client)
}

// call calls the API with a token and returns the response.
func (s *server) call(t *testing.T, token, path string, want int) []byte {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Errorf("GET %s = %d %s, want %d", path, res.StatusCode, body, want)
	}
	if want == http.StatusOK && !json.Valid(body) {
		t.Errorf("the response to GET %s isn't JSON: %s", path, body)
	}
	return body
}

// freshDatabase creates an empty database on the server of PASSPORT_TEST_….
func freshDatabase(t *testing.T, kind string) string {
	t.Helper()
	variable := "PASSPORT_TEST_" + strings.ToUpper(kind)
	address := os.Getenv(variable)
	require(t, address != "", variable+" is not set; scripts/databases starts a database for it")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(variable + " is not a URL")
	}
	driver, dsn := "pgx", address
	if kind == "mysql" {
		driver, dsn = "mysql", u.User.String()+"@tcp("+u.Host+")"+u.Path
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	name := "passport_e2e_" + strings.ToLower(oauth2.GenerateVerifier()[:8])
	name = strings.Map(func(r rune) rune {
		if r == '-' {
			return '_'
		}
		return r
	}, name)
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}
