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

// oauthServer is a server over a database, with one user, who is always signed in, and
// one client of each kind.
type oauthServer struct {
	*passport.Server
	t        testing.TB
	store    oauth.Store
	log      *oauthLog
	lookups  *atomic.Int64 // of users
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
	made, err := s.CreateClient(s.t.Context(), reg)
	must(s.t, err)
	return oauthClient{made.Client.ID, made.Secret}
}

// oauthLog is a bytes.Buffer for many goroutines.
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

// reply is what a token request was answered.
type reply struct {
	status int
	body   string

	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// post sends a token request of a client.
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

// ok fails the test unless the reply has tokens.
func (s *oauthServer) ok(r *reply) *reply {
	s.t.Helper()
	if r.status != http.StatusOK || r.Access == "" {
		s.t.Fatalf("want tokens, got %d %s", r.status, r.body)
	}
	return r
}

// authorize sends the browser to the server with a request for scopes.
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

// allow answers a consent page.
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

// codeIn returns the code that an answer sends the client.
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

// code returns a code for the scope read; the page is shown the first time.
func (s *oauthServer) code() string {
	s.t.Helper()
	page := s.authorize("read")
	if ticketInPage.MatchString(page.Body.String()) {
		page = s.allow(page)
	}
	return s.codeIn(page)
}

// admits reports whether a guard lets the token in.
func (s *oauthServer) admits(token string) bool {
	s.t.Helper()
	r := httptest.NewRequest("GET", "https://api.example.com/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.GuardAny()(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
	if w.Code != http.StatusNoContent && w.Code != http.StatusUnauthorized {
		s.t.Errorf("the guard answered %d %s", w.Code, w.Body)
	}
	return w.Code == http.StatusNoContent
}

// wantBlameless fails if the server logged an error.
func (s *oauthServer) wantBlameless() {
	s.t.Helper()
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "level=ERROR") {
			s.t.Errorf("what a client sent was logged as a fault of ours: %s", line)
		}
	}
}

// atOnce does something n times at the same time.
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

const crowd = 64

// wantOneTheft fails unless one of the replies has tokens, which are dead by now,
// and all others are invalid_grant: somebody sent a value that was spent.
func (s *oauthServer) wantOneTheft(replies []*reply) {
	s.t.Helper()
	won := 0
	for _, r := range replies {
		switch {
		case r.status == http.StatusOK:
			won++
			if s.admits(r.Access) {
				s.t.Error("the one who came first has a token that works, though the others came with the same value")
			}
			if next := s.refresh(r.Refresh); next.Error != "invalid_grant" {
				s.t.Errorf("the one who came first can refresh: %d %s", next.status, next.body)
			}
		case r.status != http.StatusBadRequest || r.Error != "invalid_grant":
			s.t.Errorf("got %d %s, want invalid_grant", r.status, r.body)
		}
	}
	if won != 1 {
		s.t.Errorf("%d of %d requests with one value got tokens, want exactly one", won, len(replies))
	}
	s.wantBlameless()
}

// One code, 64 requests at once, over HTTP and each database.
func TestNeverRepeat_A1_A5_CO_03_CO_04_ParallelRedemptions(t *testing.T) {
	everyOAuthServer(t, func(_ *testing.T, s *oauthServer) {
		for range 3 {
			code := s.code()
			s.wantOneTheft(atOnce(crowd, func() *reply { return s.redeem(code) }))
		}
	})
}

func TestNeverRepeat_A1_D9_RT_03_RT_05_ParallelRefreshesWithoutGrace(t *testing.T) {
	everyOAuthServer(t, func(_ *testing.T, s *oauthServer) {
		for range 3 {
			tok := s.ok(s.redeem(s.code()))
			s.wantOneTheft(atOnce(crowd, func() *reply { return s.refresh(tok.Refresh) }))
		}
	}, func(c *passport.Config) { c.RefreshTokenGrace = -1 })
}

// With the grace all of them get the same refresh token, and there is one
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
			for _, r := range atOnce(crowd, func() *reply { return s.refresh(tok.Refresh) }) {
				s.ok(r)
				refresh[r.Refresh], jti[tokenID(t, r.Access)] = true, true
				if !s.admits(r.Access) {
					t.Error("a token of one of 64 refreshes is not admitted")
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

// Nothing that works is in the database.
func TestNeverRepeat_C10_CO_10_RT_12_NothingInTheDatabaseWorks(t *testing.T) {
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
			t.Errorf("the database holds %s", what)
		}
	}
	for _, secret := range []string{s.web.secret, code, unspent, tok.Refresh, next.Refresh, "session-of-alice"} {
		if !strings.Contains(dump, string(oauth.DigestOf(secret))) {
			t.Errorf("the dump does not hold the digest of %s: the test proves nothing", secrets[secret])
		}
	}
	for line := range strings.SplitSeq(s.log.String(), "\n") {
		for secret, what := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("the log holds %s: %s", what, line)
			}
		}
	}
}

// Whatever a client sends, no database takes it for a fault: what could not be
// stored is not asked for.
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
						t.Errorf("%.20q in %v of the client %.20q: %d %s", value, pairs[0:2], c.id, r.status, r.body)
					}
				}
			}
		}
		for _, value := range []string{"a\x00b", "\xff", "\xc3", "a\r\nb", "\xed\xa0\x80"} { // Basic holds any bytes
			for _, c := range []oauthClient{{value, s.web.secret}, {s.web.id, value}, {s.web.id + value, s.web.secret}} {
				if r := s.post(c, "grant_type", "refresh_token", "refresh_token", "x"); r.status != http.StatusUnauthorized {
					t.Errorf("the client %.20q with the secret %.20q: %d %s, want invalid_client", c.id, c.secret, r.status, r.body)
				}
			}
		}
		s.wantBlameless()
	})
}
