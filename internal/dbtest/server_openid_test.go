package dbtest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// withOpenID turns on OpenID Connect for a user with a session and an acr.
func withOpenID(t *testing.T, signedIn time.Time) func(*passport.Config) {
	keys, err := passport.GenerateKeys("ES256", "RS256")
	must(t, err)
	return func(c *passport.Config) {
		c.Keys = keys
		c.Features = append(c.Features, passport.OpenID{UserClaims: func(context.Context, *oauth.User, *oauth.Client, []string) (openid.Claims, error) {
			return openid.Claims{Name: "Alice"}, nil
		}})
		funcs, ok := c.Users.(passport.UserFuncs)
		if !ok {
			t.Fatalf("the test server has users of the type %T", c.Users)
		}
		find := funcs.Current
		funcs.Current = func(r *http.Request) (*passport.User, error) {
			user, err := find(r)
			if err == nil {
				user.AuthenticatedAt, user.ACR, user.AMR = signedIn, "urn:loa:2", []string{"pwd", "otp"}
			}
			return user, err
		}
		c.Users = funcs
	}
}

// idToken returns the header and the claims of the ID token in a response.
func idToken(t *testing.T, r *reply) (header, claims map[string]any) {
	t.Helper()
	var response struct {
		IDToken string `json:"id_token"`
	}
	must(t, json.Unmarshal([]byte(r.body), &response))
	parts := strings.Split(response.IDToken, ".")
	if len(parts) != 3 {
		t.Fatalf("want an ID token, got %d %s", r.status, r.body)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		must(t, err)
		must(t, json.Unmarshal(text, into))
	}
	return header, claims
}

// What an ID token says about the sign-in, the session and the client's settings survives
// each database. It costs no statement.
func TestServer_OI_66_OI_143_IDTokens(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		signedIn := time.Now().Add(-10 * time.Minute)
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		s := newOAuthServer(t, migrated(t, db, d), withOpenID(t, signedIn))
		s.web = s.register(passport.Registration{
			Name: "relying party", RedirectURIs: []string{"https://app.example.com/cb"},
			OpenID: &oauth.ClientOpenID{IDTokenAlg: "ES256", IDTokenTTL: 5 * time.Minute, ClaimsInIDToken: true},
		})
		const nonce = `n "é\ 🙂`
		page := s.authorizeWithNonce("openid profile read", nonce)
		code := s.codeIn(s.allow(page))
		cost := spent{reads: 1, transactions: 1, writes: 3, users: 1}
		if d.Name == sqldb.Postgres.Name { // a single statement
			cost.transactions, cost.writes = 0, 1
		}
		check := checkSpent(t, false)
		var first, next, again *reply
		check("a code exchange with an ID token", s.measure(counter, func() { first = s.ok(s.redeem(code)) }), cost)
		check("a refresh with an ID token", s.measure(counter, func() { next = s.ok(s.refresh(first.Refresh)) }), cost)
		check("a retry with an ID token", s.measure(counter, func() { again = s.ok(s.refresh(first.Refresh)) }), spent{reads: 2, users: 1})

		header, claims := idToken(t, first)
		if header["alg"] != "ES256" || claims["nonce"] != nonce || claims["acr"] != "urn:loa:2" || !reflect.DeepEqual(claims["amr"], []any{"pwd", "otp"}) ||
			claims["auth_time"] != float64(signedIn.Unix()) || claims["name"] != "Alice" || claims["exp"].(float64)-claims["iat"].(float64) != 300 {
			t.Errorf("the ID token has the header %v and the claims %v, want what the provider and the client's settings say", header, claims)
		}
		if sid, _ := claims["sid"].(string); len(sid) < 20 {
			t.Errorf("the sid is %q, want a random one", sid)
		}
		for what, r := range map[string]*reply{"a refresh": next, "a retry": again} {
			_, got := idToken(t, r)
			if got["nonce"] != nil {
				t.Errorf("the ID token of %s has the nonce %v", what, got["nonce"])
			}
			for _, name := range []string{"iss", "sub", "aud", "acr", "amr", "auth_time", "sid", "name"} {
				if !reflect.DeepEqual(got[name], claims[name]) {
					t.Errorf("the ID token of %s has the %s %v, want %v", what, name, got[name], claims[name])
				}
			}
		}

		// The client has one sid for the session, and another client has another.
		_, later := idToken(t, s.ok(s.redeem(s.codeIn(s.authorizeWithNonce("openid profile read", "")))))
		if later["sid"] != claims["sid"] || later["nonce"] != nil {
			t.Errorf("a second sign-in of the client has the sid %v and the nonce %v, want the sid %v and no nonce", later["sid"], later["nonce"], claims["sid"])
		}
		s.web = s.register(passport.Registration{Name: "another", RedirectURIs: []string{"https://app.example.com/cb"}})
		header, other := idToken(t, s.ok(s.redeem(s.codeIn(s.allow(s.authorizeWithNonce("openid read", ""))))))
		if header["alg"] != "RS256" || other["sid"] == claims["sid"] || other["sid"] == nil || other["name"] != nil {
			t.Errorf("another client gets an ID token with %v and %v, want RS256, another sid and no personal claims", header, other)
		}
		s.wantBlameless()
	})
}

// authorizeWithNonce sends an authentication request.
func (s *oauthServer) authorizeWithNonce(scope, nonce string) *httptest.ResponseRecorder {
	sum := sha256.Sum256([]byte(oauthVerifier))
	q := url.Values{
		"client_id": {s.web.id}, "response_type": {"code"}, "redirect_uri": {"https://app.example.com/cb"}, "scope": {scope},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if nonce != "" {
		q.Set("nonce", nonce)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", oauthIssuer+"/oauth/authorize?"+q.Encode(), nil))
	return w
}
