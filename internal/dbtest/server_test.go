package dbtest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

const oauthIssuer = "https://auth.example.com"

// oauthServer is a server over a database, with one signed-in user and one client of
// each kind.
type oauthServer struct {
	*passport.Server
	t        testing.TB
	store    oauth.Store
	log      *oauthLog
	lookups  *atomic.Int64 // look-ups of users
	web, own oauthClient
}

type oauthClient struct{ id, secret string }

// oauthVerifier is the code_verifier of every request.
var oauthVerifier = strings.Repeat("verifier-", 6)

func newOAuthServer(t testing.TB, store oauth.Store, change ...func(*passport.Config)) *oauthServer {
	t.Helper()
	keys, err := passport.GenerateKeys()
	must(t, err)
	s := &oauthServer{t: t, store: store, log: new(oauthLog), lookups: new(atomic.Int64)}
	config := passport.Config{
		Issuer: oauthIssuer, Store: store, Keys: keys,
		Scopes: []passport.Scope{{ID: "read", Description: "Read"}, {ID: "write", Description: "Write"}},
		Users: passport.UserFuncs{
			Current: func(*http.Request) (*passport.User, error) {
				s.lookups.Add(1)
				return &passport.User{ID: "alice", Name: "Alice", SessionID: "session-of-alice"}, nil
			},
			ByID: func(_ context.Context, id string) (*passport.User, error) {
				s.lookups.Add(1)
				return &passport.User{ID: id}, nil
			},
			SignInPage: "/login",
		},
		Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&config)
	}
	s.Server, err = passport.New(config)
	must(t, err)
	s.web = s.register(passport.Registration{Name: "web", RedirectURIs: []string{"https://app.example.com/cb"}})
	s.own = s.register(passport.Registration{Name: "own", GrantTypes: []string{"client_credentials"}})
	return s
}

// everyOAuthServer runs a test over each database.
func everyOAuthServer(t *testing.T, run func(t *testing.T, s *oauthServer), change ...func(*passport.Config)) {
	t.Helper()
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		run(t, newOAuthServer(t, migrated(t, dbtest.Open(t, d), d), change...))
	})
}

func (s *oauthServer) register(reg passport.Registration) oauthClient {
	s.t.Helper()
	created, err := s.CreateClient(s.t.Context(), reg)
	must(s.t, err)
	return oauthClient{created.Client.ID, created.Secret}
}

// oauthLog is a bytes.Buffer that is safe for concurrent use.
type oauthLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *oauthLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *oauthLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// reply is the response to a token request.
type reply struct {
	status int
	body   string

	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// post sends a token request from a client.
func (s *oauthServer) post(c oauthClient, pairs ...string) *reply {
	w := s.form(c, "/oauth/token", pairs...)
	got := &reply{status: w.Code, body: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), got); err != nil {
		s.t.Errorf("token response %q: %v", w.Body, err)
	}
	return got
}

func (s *oauthServer) redeem(code string) *reply {
	return s.post(s.web, "grant_type", "authorization_code", "code", code, "redirect_uri", "https://app.example.com/cb", "code_verifier", oauthVerifier)
}

func (s *oauthServer) refresh(token string) *reply {
	return s.post(s.web, "grant_type", "refresh_token", "refresh_token", token)
}

// ok fails the test unless the response has tokens.
func (s *oauthServer) ok(r *reply) *reply {
	s.t.Helper()
	if r.status != http.StatusOK || r.Access == "" {
		s.t.Fatalf("want tokens, got %d %s", r.status, r.body)
	}
	return r
}

// authorize sends an authorization request for scopes.
func (s *oauthServer) authorize(scope string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	sum := sha256.Sum256([]byte(oauthVerifier))
	q := url.Values{
		"client_id": {s.web.id}, "response_type": {"code"}, "redirect_uri": {"https://app.example.com/cb"}, "scope": {scope}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", oauthIssuer+"/oauth/authorize?"+q.Encode(), nil))
	return w
}

var (
	ticketInPage = regexp.MustCompile(`name="ticket" value="([^"]*)"`)
	targetInPage = regexp.MustCompile(`http-equiv="refresh" content="0;url=([^"]*)"`)
)

// allow allows the request on a consent page.
func (s *oauthServer) allow(page *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	s.t.Helper()
	ticket := ticketInPage.FindStringSubmatch(page.Body.String())
	if ticket == nil {
		s.t.Fatalf("want a consent page, got %d %s", page.Code, page.Body)
	}
	form := url.Values{"ticket": {html.UnescapeString(ticket[1])}, "decision": {"allow"}}
	r := httptest.NewRequest("POST", oauthIssuer+"/oauth/authorize", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, cookie := range page.Result().Cookies() {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// codeIn returns the code that a response sends to the client.
func (s *oauthServer) codeIn(w *httptest.ResponseRecorder) string {
	s.t.Helper()
	target := w.Header().Get("Location")
	if m := targetInPage.FindStringSubmatch(w.Body.String()); m != nil {
		target = html.UnescapeString(m[1])
	}
	u, err := url.Parse(target)
	if err != nil || u.Query().Get("code") == "" {
		s.t.Fatalf("want a code, got %d to %q: %s", w.Code, target, w.Body)
	}
	return u.Query().Get("code")
}

// code returns a code for the scope read. The first call shows the consent page.
func (s *oauthServer) code() string {
	s.t.Helper()
	page := s.authorize("read")
	if ticketInPage.MatchString(page.Body.String()) {
		page = s.allow(page)
	}
	return s.codeIn(page)
}

// admits reports whether a guard admits the token.
func (s *oauthServer) admits(token string) bool {
	s.t.Helper()
	r := httptest.NewRequest("GET", "https://api.example.com/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.GuardAny()(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
	if w.Code != http.StatusNoContent && w.Code != http.StatusUnauthorized {
		s.t.Errorf("guard = %d %s, want 204 or 401", w.Code, w.Body)
	}
	return w.Code == http.StatusNoContent
}

// wantBlameless fails the test if the server logged an error.
func (s *oauthServer) wantBlameless() {
	s.t.Helper()
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "level=ERROR") {
			s.t.Errorf("a client's request was logged as a server error: %s", line)
		}
	}
}

// atOnce calls f n times concurrently.
func atOnce(n int, f func() *reply) []*reply {
	replies := make([]*reply, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range replies {
		done.Go(func() {
			start.Wait()
			replies[i] = f()
		})
	}
	start.Done()
	done.Wait()
	return replies
}

const concurrency = 64

// wantReplay fails the test unless one response has tokens, which are revoked by now,
// and all others are invalid_grant: the server has detected a replay.
func (s *oauthServer) wantReplay(replies []*reply) {
	s.t.Helper()
	won := 0
	for _, r := range replies {
		switch {
		case r.status == http.StatusOK:
			won++
			if s.admits(r.Access) {
				s.t.Error("the guard admits the token of the first request, want it revoked because of the replay")
			}
			if next := s.refresh(r.Refresh); next.Error != "invalid_grant" {
				s.t.Errorf("refresh with the token of the first request = %d %s, want invalid_grant", next.status, next.body)
			}
		case r.status != http.StatusBadRequest || r.Error != "invalid_grant":
			s.t.Errorf("token response = %d %s, want invalid_grant", r.status, r.body)
		}
	}
	if won != 1 {
		s.t.Errorf("%d of %d requests with the same value got tokens, want 1", won, len(replies))
	}
	s.wantBlameless()
}

// 64 concurrent requests with one code, over HTTP and on each database.
func TestNeverRepeat_A1_A5_CO_03_CO_04_ParallelRedemptions(t *testing.T) {
	everyOAuthServer(t, func(_ *testing.T, s *oauthServer) {
		for range 3 {
			code := s.code()
			s.wantReplay(atOnce(concurrency, func() *reply { return s.redeem(code) }))
		}
	})
}

func TestNeverRepeat_A1_D9_RT_03_RT_05_ParallelRefreshesWithoutGrace(t *testing.T) {
	everyOAuthServer(t, func(_ *testing.T, s *oauthServer) {
		for range 3 {
			tok := s.ok(s.redeem(s.code()))
			s.wantReplay(atOnce(concurrency, func() *reply { return s.refresh(tok.Refresh) }))
		}
	}, func(c *passport.Config) { c.RefreshTokenGrace = -1 })
}

// With the grace period all requests get the same refresh token, and there is one
// successor.
func TestNeverRepeat_A1_RT_04_RT_05_ParallelRefreshesWithGrace(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := newOAuthServer(t, migrated(t, db, d))
		for round := range 3 {
			tok := s.ok(s.redeem(s.code()))
			var before int
			must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM oauth_refresh_tokens").Scan(&before))
			refresh, jti := map[string]bool{}, map[string]bool{}
			for _, r := range atOnce(concurrency, func() *reply { return s.refresh(tok.Refresh) }) {
				s.ok(r)
				refresh[r.Refresh], jti[tokenID(t, r.Access)] = true, true
				if !s.admits(r.Access) {
					t.Error("the guard refuses a token of one of 64 refreshes")
				}
			}
			var after int
			must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM oauth_refresh_tokens").Scan(&after))
			if len(refresh) != 1 || len(jti) != 1 || after-before != 1 {
				t.Errorf("round %d: 64 refreshes gave %d refresh tokens, %d access tokens and %d rows, want one of each", round, len(refresh), len(jti), after-before)
			}
		}
		s.wantBlameless()
	})
}

// tokenID returns the jti of an access token.
func tokenID(t testing.TB, token string) string {
	t.Helper()
	var claims struct {
		ID string `json:"jti"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	must(t, err)
	must(t, json.Unmarshal(payload, &claims))
	return claims.ID
}

// The database contains no working credential.
func TestNeverRepeat_C10_CO_10_RT_12_NoCredentialInTheDatabase(t *testing.T) {
	db := dbtest.Open(t, sqlstore.SQLite)
	s := newOAuthServer(t, migrated(t, db, sqlstore.SQLite), func(c *passport.Config) { c.AuditLog = true })
	page := s.authorize("read write")
	ticket := html.UnescapeString(ticketInPage.FindStringSubmatch(page.Body.String())[1])
	cookies := page.Result().Cookies()
	code := s.codeIn(s.allow(page))
	tok := s.ok(s.redeem(code))
	next := s.ok(s.refresh(tok.Refresh))
	own := s.ok(s.post(s.own, "grant_type", "client_credentials"))
	unspent := s.code()
	s.redeem(code) // a replay, for the log
	secrets := map[string]string{
		s.web.secret: "a client secret", s.own.secret: "a client secret", code: "a spent code", unspent: "a code", oauthVerifier: "a code verifier",
		tok.Access: "an access token", next.Access: "an access token", own.Access: "a client's own token", tok.Refresh: "a spent refresh token",
		next.Refresh: "a refresh token", ticket: "a ticket", "session-of-alice": "a session ID",
	}
	for _, c := range cookies {
		secrets[c.Value] = "the cookie of a ticket"
	}
	for _, token := range []string{tok.Access, next.Access, own.Access} {
		secrets[token[strings.LastIndexByte(token, '.')+1:]] = "the signature of an access token"
	}
	dump := dumpSQLite(t, db)
	for secret, what := range secrets {
		if strings.Contains(dump, secret) {
			t.Errorf("the database contains %s", what)
		}
	}
	for _, secret := range []string{s.web.secret, code, unspent, tok.Refresh, next.Refresh, "session-of-alice"} {
		if !strings.Contains(dump, string(oauth.DigestOf(secret))) {
			t.Errorf("the dump lacks the digest of %s, so the test proves nothing", secrets[secret])
		}
	}
	for line := range strings.SplitSeq(s.log.String(), "\n") {
		for secret, what := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("the log contains %s: %s", what, line)
			}
		}
	}
}

// Hostile values are never a server error on any database. A value that can't be stored
// causes no query.
func TestNeverRepeat_F10_HostileValuesOverEachDatabase(t *testing.T) {
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		for _, value := range []string{strings.Repeat("k", 300), strings.Repeat("é", 200), "' OR 1=1 --", "\u202e", "🔑", "%", "_", `\`, strings.Repeat("k", 8000)} {
			for _, pairs := range [][]string{
				{"grant_type", "authorization_code", "code", value, "redirect_uri", value, "code_verifier", value},
				{"grant_type", "refresh_token", "refresh_token", value, "scope", value},
				{"grant_type", "refresh_token", "refresh_token", value, "resource", value},
				{"grant_type", value},
			} {
				for _, c := range []oauthClient{s.web, {value, s.web.secret}, {s.web.id, value}} {
					if r := s.post(c, pairs...); r.status < 400 || r.status > 499 {
						t.Errorf("%.20q in %v of the client %.20q = %d %s, want a client error", value, pairs[0:2], c.id, r.status, r.body)
					}
				}
			}
		}
		for _, value := range []string{"a\x00b", "\xff", "\xc3", "a\r\nb", "\xed\xa0\x80"} { // HTTP Basic can contain any bytes
			for _, c := range []oauthClient{{value, s.web.secret}, {s.web.id, value}, {s.web.id + value, s.web.secret}} {
				if r := s.post(c, "grant_type", "refresh_token", "refresh_token", "x"); r.status != http.StatusUnauthorized {
					t.Errorf("client %.20q with the secret %.20q = %d %s, want invalid_client", c.id, c.secret, r.status, r.body)
				}
			}
		}
		s.wantBlameless()
	})
}
