package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// keptStore records the issued codes.
type keptStore struct {
	oauth.Store
	begun []*oauth.CodeIssuance
}

func (k *keptStore) IssueCode(ctx context.Context, b *oauth.CodeIssuance) error {
	k.begun = append(k.begun, b)
	return k.Store.IssueCode(ctx, b)
}

// A code has 256 bits. Its data is in the store, never in the code.
func TestToken_CO_01_BindingOfACode(t *testing.T) {
	store := &keptStore{Store: new(memstore.Store)}
	s := testkit.NewServer(t, func(c *passport.Config) { c.Store, c.Resources = store, []string{"https://api.example.com"} })
	c := s.Web()
	b := s.Browser().SignIn("alice")
	start := time.Now()
	var codes []string
	for range 20 {
		codes = append(codes, b.Authorize(c, "scope", "read write", "resource", "https://api.example.com", "prompt", "consent").Allow().Code())
	}
	slices.Sort(codes)
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Fatalf("the codes are not unique: %v", codes)
	}
	for _, code := range codes {
		if bits := len(code) * 6; bits < 256 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("the code %q is not base64url of 256 bits", code)
		}
	}
	k := store.begun[0].Code
	switch f := k.Family; {
	case f.ClientID != c.ID, k.RedirectURI != c.RedirectURIs[0], k.CodeChallenge != testkit.Challenge(c.Verifier), !slices.Equal(k.Scopes, []string{"read", "write"}):
		t.Errorf("the stored code is %+v, want client, redirect URI, challenge and scopes of the request", k)
	case f.User != testkit.Ref("alice"), f.Session != oauth.DigestOf(b.Session()), !slices.Equal(f.Resources, []string{"https://api.example.com"}), f.AuthTime.IsZero():
		t.Errorf("the code's family is %+v, want user, session, resources and the time of the sign-in", f)
	case f.CreatedAt.Before(start.Truncate(time.Microsecond)):
		t.Errorf("the family's CreatedAt = %v, which is before the request", f.CreatedAt)
	}
}

func TestToken_CO_02_CodeTTLIsAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		code := s.Code(c)
		time.Sleep(59 * time.Second)
		s.Redeem(c, code)
		code = s.Code(c, "prompt", "consent")
		time.Sleep(time.Minute)
		s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
		s.WantBlameless()
	})
}

func TestToken_CO_02_CodeTTLIsCapped(t *testing.T) {
	config := testkit.NewServer(t).Config
	config.CodeTTL = 10*time.Minute + time.Second
	if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), "CodeTTL") {
		t.Errorf("New() with a CodeTTL of more than 10 minutes = %v, want an error (RFC 6749 §4.1.2)", err)
	}
}

// RFC 6749 §4.1.2: "If an authorization code is used more than once, the
// authorization server MUST deny the request and SHOULD revoke … all tokens
// previously issued based on that authorization code."
func TestNeverRepeat_A5_CO_04_ReplayRevokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []time.Duration{0, 31 * time.Second, 10 * 24 * time.Hour} {
			s := testkit.NewServer(t, testkit.WithAudit)
			c := s.Web()
			code := s.Code(c)
			tok := s.Redeem(c, code)
			bystander := s.GrantTokens(c, "prompt", "consent")
			time.Sleep(after)
			next := s.Refresh(c, tok.Refresh).Tokens()
			s.WantAdmits(next.Access, true, "before the replay")
			a := s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
			if !strings.Contains(a.Description(), "before") {
				t.Errorf("error_description of a replay = %q, want it to name the replay", a.Description())
			}
			s.WantAdmits(next.Access, false, "refreshed, after a replay of its code")
			s.Refresh(c, next.Refresh).WantJSONError(400, "invalid_grant")
			if after < time.Hour {
				s.WantAdmits(bystander.Access, true, "of another consent, after a replay")
			}
			replays := testkit.EventsOf[passport.Replayed](s)
			if len(replays) != 1 || replays[0].What != oauth.SpendCode || replays[0].Family.User != testkit.Ref("alice") || replays[0].RequestID == "" {
				t.Errorf("events of the replay = %+v, want one that names user and request", replays)
			}
			s.WantAudit("token.replayed", 1)
			s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
			if n := len(testkit.EventsOf[passport.Replayed](s)); n != 1 {
				t.Errorf("after a second replay there are %d events, want 1", n)
			}
		}
	})
}

// Each mismatch is refused, and does not use up the code.
func TestNeverRepeat_A3_CO_05_CO_07_PK_05_EachMismatchFailsAlone(t *testing.T) {
	s := testkit.NewServer(t)
	c, other := s.Web(), s.Web()
	code := s.Code(c)
	for name, tt := range map[string]struct {
		client *testkit.Client
		pairs  []string
	}{
		"another client":                   {other, nil},
		"another redirect URI":             {c, []string{"redirect_uri", "https://app.example.com/cb2"}},
		"redirect URI in another case":     {c, []string{"redirect_uri", "https://app.example.com/CB"}},
		"redirect URI with a slash":        {c, []string{"redirect_uri", "https://app.example.com/cb/"}},
		"redirect URI with a port":         {c, []string{"redirect_uri", "https://app.example.com:443/cb"}},
		"another verifier":                 {c, []string{"code_verifier", strings.Repeat("v", 43)}},
		"the verifier in another case":     {c, []string{"code_verifier", strings.ToUpper(c.Verifier)}},
		"the challenge as verifier":        {c, []string{"code_verifier", testkit.Challenge(c.Verifier)}},
		"no verifier":                      {c, []string{"code_verifier", ""}},
		"a code with an extra character":   {c, []string{"code", code + "A"}},
		"another client's redirect and ID": {other, []string{"client_id", c.ID}},
	} {
		a := s.Exchange(tt.client, append(c.CodeForm(code), tt.pairs...)...)
		if want := map[bool]string{true: "invalid_request", false: "invalid_grant"}[name == "another client's redirect and ID"]; a.Status != 400 || a.JSON()["error"] != want {
			t.Errorf("%s: %s, want %s", name, a, want)
		}
	}
	s.Redeem(c, code) // no refused request used it up
	s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
}

// Expired and used codes are refused too.
func TestNeverRepeat_A3_ExpiryAndUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Spa()
		code := s.Code(c)
		time.Sleep(time.Minute)
		s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
		if n := len(testkit.EventsOf[passport.Replayed](s)); n != 0 {
			t.Errorf("%d Replayed events for an expired, unused code, want none", n)
		}
	})
}

func TestToken_CO_06_UnknownCode(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	for _, code := range []string{"x", strings.Repeat("A", 43), "%00", "../../etc/passwd", strings.Repeat("A", 8000)} {
		s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
	}
	s.Exchange(c, "grant_type", "authorization_code").WantJSONError(400, "invalid_request")
	tok := s.GrantTokens(c)
	s.Exchange(c, c.CodeForm(tok.Refresh)...).WantJSONError(400, "invalid_grant") // a refresh token is not a code
	s.Refresh(c, s.Code(c, "prompt", "consent")).WantJSONError(400, "invalid_grant")
	s.WantBlameless()
}

func TestToken_CO_07_OmittedRedirectURI(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	redeem := func(code string, pairs ...string) *testkit.Response {
		return s.Exchange(c, append([]string{"grant_type", "authorization_code", "code", code}, pairs...)...)
	}
	verifier := []string{"code_verifier", c.Verifier}
	noPKCE := []string{"code_challenge", "", "code_challenge_method", ""}
	uri := c.RedirectURIs[0]

	redeem(s.Code(c), verifier...).Tokens() // the challenge binds the code
	code := s.Code(c, append(noPKCE, "prompt", "consent")...)
	redeem(code).WantJSONError(400, "invalid_grant")
	redeem(code, "redirect_uri", uri).Tokens()
	redeem(s.Code(c, append(noPKCE, "prompt", "consent", "redirect_uri", "")...)).Tokens() // the request had no redirect_uri
	redeem(s.Code(c, append(noPKCE, "prompt", "consent", "redirect_uri", "")...), "redirect_uri", uri).WantJSONError(400, "invalid_grant")
}

func TestToken_CO_08_ChallengeIsNotReturned(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	a := s.Exchange(c, c.CodeForm(s.Code(c))...)
	if strings.Contains(a.Body, testkit.Challenge(c.Verifier)) || strings.Contains(a.Body, "challenge") {
		t.Errorf("the token response contains the code challenge: %s", a.Body)
	}
}

// After a revocation, an issued code is invalid.
func TestToken_CO_09_CodeAfterARevocation(t *testing.T) {
	for name, end := range map[string]func(*testkit.Server, *testkit.Client, *testkit.Browser) error{
		"consent withdrawn": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error {
			return s.Withdraw(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
		"user revoked": func(s *testkit.Server, _ *testkit.Client, _ *testkit.Browser) error {
			return s.RevokeUser(s.T.Context(), testkit.Ref("alice"))
		},
		"user at client": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error {
			return s.RevokeUserAtClient(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
		"user deleted": func(s *testkit.Server, _ *testkit.Client, _ *testkit.Browser) error {
			s.Users.Remove("alice")
			return nil
		},
		"password changed": func(s *testkit.Server, _ *testkit.Client, _ *testkit.Browser) error {
			return s.PasswordChanged(s.T.Context(), testkit.Ref("alice"), "")
		},
		"session ended": func(s *testkit.Server, _ *testkit.Client, b *testkit.Browser) error {
			return s.EndSession(s.T.Context(), testkit.Ref("alice"), b.Session())
		},
		"client suspended": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error { s.Suspend(c); return nil },
		"client revoked": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error {
			return s.RevokeClient(s.T.Context(), c.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t)
			c := s.Web()
			b := s.Browser().SignIn("alice")
			code := b.Authorize(c).Allow().Code()
			if err := end(s, c, b); err != nil {
				t.Fatal(err)
			}
			a := s.Exchange(c, c.CodeForm(code)...)
			if want := map[bool]string{true: "invalid_client", false: "invalid_grant"}[strings.HasPrefix(name, "client")]; a.JSON()["error"] != want || a.Status == http.StatusOK {
				t.Errorf("%s: %s, want %s", name, a, want)
			}
			s.WantBlameless()
		})
	}
}

// Ending one session or consent does not affect other codes.
func TestToken_CO_09_OtherCodesAreKept(t *testing.T) {
	s := testkit.NewServer(t)
	c, other := s.Web(), s.Web()
	b := s.Browser().SignIn("alice")
	bob := s.Browser().SignIn("bob")
	codes := map[*testkit.Client]string{c: b.Authorize(c).Allow().Code(), other: b.Authorize(other).Allow().Code()}
	bobs := bob.Authorize(c).Allow().Code()
	if err := errors.Join(s.Withdraw(t.Context(), testkit.Ref("alice"), c.ID), s.EndSession(t.Context(), testkit.Ref("alice"), "another session")); err != nil {
		t.Fatal(err)
	}
	s.Exchange(c, c.CodeForm(codes[c])...).WantJSONError(400, "invalid_grant")
	s.Redeem(other, codes[other])
	s.Redeem(c, bobs)
	if err := s.EndSession(t.Context(), testkit.Ref("alice"), ""); err == nil {
		t.Error("EndSession() without a session ID = nil, want an error, because it must not end all sessions")
	}
}
