package keyring_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// session is a sign-in at a client, while the keys change.
type session struct {
	browser *testkit.Browser
	refresh string
	claims  map[string]any // of its first ID token
	token   string         // the last ID token
}

// The keys of access tokens and of ID tokens rotate twice each, in the middle of
// sessions. No session notices: codes, refreshes, hints, logout tokens, open pages and
// cookies work at every node, and sub, sid and auth_time stay the same.
func TestRotateKeys_OI_153_XD14_TwiceInTheMiddleOfSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := keyFolder(t)
		if _, err := passport.AddKeyToFiles(dir, "RS256", 2048); err != nil {
			t.Fatal(err)
		}
		first := testkit.NewServer(t, func(c *passport.Config) {
			c.Keys, c.MaxFamiliesPerClient = loadKeys(t, dir), -1
			c.Features = append(c.Features, passport.OpenID{})
		})
		second := first.Restart(func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
		go first.Run(t.Context())
		go second.Run(t.Context())
		nodes := []*testkit.Server{first, second}
		c := first.Web()
		overlap, err := first.LongestLife(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const step = 10 * time.Minute
		rotations := map[time.Duration]string{0: "RS256", 20 * time.Minute: "ES256", 90 * time.Minute: "RS256", 2 * time.Hour: "ES256"}
		signers := map[string]bool{}
		var sessions []*session
		for at := time.Duration(0); at < 2*time.Hour+time.Hour+overlap+10*time.Minute; at += step {
			if alg := rotations[at]; alg != "" {
				if _, err := passport.RotateKeyFiles(dir, passport.Rotation{Alg: alg, Publish: time.Hour, Overlap: overlap}); err != nil {
					t.Fatalf("rotate the %s key after %v: %v", alg, at, err)
				}
			}
			node, other := nodes[int(at/step)%2], nodes[int(at/step+1)%2]
			s := signIn(t, node, other, c)
			sessions = append(sessions, s)
			for _, s := range sessions[max(0, len(sessions)-12):] { // the cookie lives for two hours
				s.lives(t, at, node, other, c)
			}
			signers[kidOf(t, s.token)] = true
			checkLogout(t, dir, first, s)
			time.Sleep(step)
		}
		if len(signers) != 3 {
			t.Errorf("ID tokens were signed by %d keys, want 3: two rotations", len(signers))
		}
		if got := first.Kids(); len(got) != 2 {
			t.Errorf("at the end the server publishes the keys %v, want one of each algorithm", got)
		}
		first.WantBlameless()
	})
}

// signIn opens the consent page at one node, and allows it and redeems the code at the
// other.
func signIn(t *testing.T, node, other *testkit.Server, c *testkit.Client) *session {
	t.Helper()
	b := node.Browser().SignIn("alice")
	b.Page(nil)
	nonce := time.Now().String()
	page := b.Authorize(c, "scope", "openid read", "prompt", "consent", "nonce", nonce)
	got := node.Redeem(c, page.From.At(other).Post("/oauth/authorize", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}).Code())
	_, claims := other.IDToken(got.ID, "RS256")
	if claims["nonce"] != nonce {
		t.Errorf("the nonce of the ID token is %v, want %s", claims["nonce"], nonce)
	}
	return &session{b, got.Refresh, claims, got.ID}
}

// lives fails the test unless everything of the session works at both nodes.
func (s *session) lives(t *testing.T, at time.Duration, node, other *testkit.Server, c *testkit.Client) {
	t.Helper()
	got := other.Refresh(c, s.refresh).Tokens()
	if again := node.Refresh(c, s.refresh).Tokens(); again.Refresh != got.Refresh {
		t.Fatalf("after %v: a retry at another node returns another refresh token", at)
	}
	s.refresh, s.token = got.Refresh, got.ID
	for _, n := range []*testkit.Server{node, other} {
		_, claims := n.IDToken(got.ID, "RS256")
		for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid"} {
			if claims[name] != s.claims[name] {
				t.Errorf("after %v: %s is %v after a refresh, want %v", at, name, claims[name], s.claims[name])
			}
		}
		if !n.Admits(got.Access) {
			t.Errorf("after %v: an access token is refused", at)
		}
		s.browser.At(n).Authorize(c, "scope", "openid read", "prompt", "none", "id_token_hint", s.token).Code()
		if a := s.browser.At(n).Script(n.Guard()); a.Status != 200 {
			t.Errorf("after %v: the cookie of the application's scripts is refused: %s", at, a)
		}
	}
}

// checkLogout signs a logout token with the keys in the folder, and verifies it with those
// that the node publishes.
func checkLogout(t *testing.T, dir string, node *testkit.Server, s *session) {
	t.Helper()
	ring, err := keyring.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	service := idtoken.New(idtoken.Config{Issuer: testkit.Issuer, Keys: keyring.NewLive(ring, nil), OpenID: &feature.OpenID{}})
	sid, _ := s.claims["sid"].(string)
	token, err := service.SignLogout(idtoken.Logout{Client: &oauth.Client{ID: "web"}, Subject: "users:alice", SID: sid, Time: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := node.IDToken(token, "RS256"); claims["events"] == nil || claims["sub"] != s.claims["sub"] {
		t.Errorf("the logout token has the claims %v", slices.Sorted(maps.Keys(claims)))
	}
	if _, err := service.Hint(s.token); err != nil {
		t.Errorf("Hint() = %v for an ID token of this hour", err)
	}
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Signatures[0].Protected.KeyID
}

// A key that an OpenID provider needs can't vanish from a running server: the server goes
// on with the keys that it has, and logs the command.
func TestReload_OI_150_KeepsTheKeyOfIDTokens(t *testing.T) {
	both := keyFolder(t)
	if _, err := passport.AddKeyToFiles(both, "RS256", 2048); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Load(both)
	if err != nil {
		t.Fatal(err)
	}
	live := keyring.NewLive(ring, nil, "RS256")
	if err := passport.WriteKeys(both, "ES256", 0, true); err != nil {
		t.Fatal(err)
	}
	if _, err := live.Reload(context.Background()); err == nil || err.Error() != keyring.NoKey("RS256").Error() {
		t.Errorf("Reload() without an RS256 key = %v, want the command that adds one", err)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(live.JWKS(), &set); err != nil || len(set.Keys) != 2 {
		t.Errorf("after the failed reload there are %d keys, want both", len(set.Keys))
	}
	if _, err := live.SignAs("RS256", "JWT", struct{}{}); err != nil {
		t.Errorf("SignAs(RS256) = %v", err)
	}
}
