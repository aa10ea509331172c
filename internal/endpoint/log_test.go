package endpoint_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// canaries are the secrets of a run: issued or sent.
type canaries map[string]string // secret to its kind

func (k canaries) add(what string, secrets ...string) {
	for _, s := range secrets {
		if len(s) > 7 { // shorter texts occur by chance
			k[s] = what
		}
	}
}

// wantNoneIn fails if a text contains a canary, as it is or escaped as in a URL.
func (k canaries) wantNoneIn(t *testing.T, where, text string) {
	t.Helper()
	if text == "" {
		t.Errorf("%s is empty, so this test checks nothing", where)
	}
	for secret, what := range k {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			t.Errorf("%s contains %s", where, what)
		}
	}
}

// wholeRun uses codes, tokens and secrets in every valid and invalid way, and returns the
// secrets.
func wholeRun(s *testkit.Server) canaries {
	s.T.Helper()
	k := canaries{}
	for _, c := range []*testkit.Client{s.Web(), s.Spa(), s.Native()} {
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c, "scope", "read write")
		k.add("a ticket", page.Ticket())
		code := page.Allow().Code()
		k.add("a client secret", c.Secret)
		k.add("a session ID", b.Session())
		k.add("a code verifier", c.Verifier)
		k.add("a code", code, code+"x")
		s.Exchange(c, append(c.CodeForm(code), "code_verifier", "wrong-"+c.Verifier)...)
		s.Exchange(c, append(c.CodeForm(code), "code_verifier", "short")...)
		s.Exchange(c, c.CodeForm(code+"x")...)
		s.Exchange(s.Web(), c.CodeForm(code)...)
		tok := s.Redeem(c, code)
		next := s.Refresh(c, tok.Refresh).Tokens()
		again := s.Refresh(c, tok.Refresh).Tokens()
		k.add("an access token", tok.Access, next.Access, again.Access)
		k.add("the signature of an access token", signatureOf(tok.Access), signatureOf(next.Access), signatureOf(again.Access))
		k.add("a refresh token", tok.Refresh, next.Refresh, tok.Refresh+"y")
		s.Refresh(c, tok.Refresh+"y")
		s.Refresh(c, tok.Refresh, "scope", "admin")
		for _, header := range []string{"Bearer ", "Basic ", "", "Bearer x "} {
			s.Call(s.GuardAny(), "Authorization", header+next.Access)
			s.Call(s.GuardClient(), "Authorization", header+next.Access+"x")
		}
		s.CallWith(s.Guard(), testkit.NewGet("https://api.example.com/orders?access_token="+next.Access))
		wrong := "the-wrong-secret-" + c.ID
		k.add("a wrong secret", wrong)
		s.Send("grant_type=authorization_code&code="+code+"&client_id="+c.ID+"&client_secret="+wrong, "Authorization", "-")
		s.Send("grant_type=refresh_token&refresh_token="+next.Refresh, "Authorization", testkit.Basic(c.ID, wrong))
		s.Send("grant_type=refresh_token&refresh_token=%00"+next.Refresh, "Authorization", testkit.Basic(c.ID, c.Secret))
		s.Send("grant_type=refresh_token&refresh_token="+next.Refresh+"&refresh_token="+next.Refresh, "Authorization", testkit.Basic(c.ID, c.Secret))
		s.Send("{\"refresh_token\":\""+next.Refresh+"\"}", "Content-Type", "-", "Content-Type", "application/json")
		s.Exchange(c, "grant_type", "password", "username", "alice", "password", "the-password-of-alice")
		k.add("a password", "the-password-of-alice")
		s.Exchange(c, c.CodeForm(code)...) // a replay
		s.Refresh(c, next.Refresh)
		k.add("a code", b.Authorize(c, "prompt", "consent").Allow().Code())
	}
	machine := s.Machine()
	k.add("a client secret", machine.Secret)
	k.add("an access token", s.MachineToken(machine))
	return k
}

func signatureOf(token string) string { return token[strings.LastIndexByte(token, '.')+1:] }

// The log has no secret, even at the debug level.
func TestNeverRepeat_C7_OP_02_NoSecretInTheLog(t *testing.T) {
	s := testkit.NewServer(t)
	k := wholeRun(s)
	if len(k) < 40 {
		t.Fatalf("only %d canaries, want at least 40", len(k))
	}
	k.wantNoneIn(t, "the log", s.Log.String())
	s.WantBlameless()
	refusals := 0
	for line := range strings.Lines(s.Log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry["msg"] != "request refused" {
			continue
		}
		refusals++
		for _, key := range []string{"request_id", "path", "error", "err"} {
			if entry[key] == "" || entry[key] == nil {
				t.Errorf("the line of a refusal has no %s: %s", key, line)
			}
		}
	}
	if refusals < 30 {
		t.Errorf("%d refusals were logged, want all of them", refusals)
	}
}

// The same if the store fails.
func TestNeverRepeat_C7_OP_02_NoSecretInTheLogOfAFailure(t *testing.T) {
	k := canaries{}
	for _, verb := range []string{"Client", "Code", "RefreshToken", "AccessToken", "Issue", "Begin", "Consented"} {
		s, store := testkit.Watched(t)
		c := s.Web()
		tok, code := s.GrantTokens(c), s.Code(c, "prompt", "consent")
		first := s.Refresh(c, tok.Refresh).Tokens()
		k.add("a code", code)
		k.add("a token", tok.Access, tok.Refresh, first.Access, first.Refresh)
		k.add("a client secret", c.Secret)
		store.Failing(verb, fmt.Errorf("cannot reach the database: %w", oauth.ErrUnavailable))
		s.Exchange(c, c.CodeForm(code)...)
		s.Refresh(c, tok.Refresh)
		s.Refresh(c, first.Refresh)
		s.Call(s.GuardAny(), "Authorization", "Bearer "+first.Access)
		s.Browser().SignIn("alice").Authorize(c)
		k.wantNoneIn(t, "the log of failing "+verb, s.Log.String())
	}
}

// The audit log has each change and no secret.
func TestNeverRepeat_F9_OP_07_AuditLog(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithAudit)
	k := wholeRun(s)
	last := s.Web()
	s.GrantTokens(last)
	for _, err := range []error{
		s.Withdraw(t.Context(), testkit.Ref("alice"), last.ID), s.PasswordChanged(t.Context(), testkit.Ref("alice"), ""), s.EndSession(t.Context(), testkit.Ref("alice"), "x"),
		s.RevokeUser(t.Context(), testkit.Ref("alice")), s.RevokeClient(t.Context(), last.ID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	machine := s.Machine()
	if err := s.RevokeToken(t.Context(), testkit.ClaimsOf(t, s.MachineToken(machine))["jti"].(string)); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	actions := map[string]int{}
	for record := range s.Audited() {
		fmt.Fprintf(&text, "%+v\n", record)
		actions[record.Action]++
		if record.Time.IsZero() {
			t.Errorf("the record %+v has no time", record)
		}
		if strings.HasPrefix(record.Action, "token.issued") && (record.RequestID == "" || record.Address != "192.0.2.1" || record.ClientID == "" || record.Actor == "" || record.Reason == "") {
			t.Errorf("the record %+v lacks the actor, action, address or grant", record)
		}
	}
	k.wantNoneIn(t, "the audit log", text.String())
	for _, action := range []string{"client.created", "code.issued", "token.issued", "token.replayed", "token.revoked", "tokens.revoked", "consent.withdrawn", "client.revoked"} {
		if actions[action] == 0 {
			t.Errorf("the audit log has no record of %s, only %v", action, actions)
		}
	}
	s.WantAudit("token.issued", 9) // code and refresh of three clients, one more of the last client, and two of machines; a retry issues nothing
}

func TestNeverRepeat_F9_AuditLogIsOffByDefault(t *testing.T) {
	s := testkit.NewServer(t)
	wholeRun(s)
	for record := range s.Audited() {
		t.Fatalf("the audit log is off, but has the record %+v", record)
	}
}

// The store has no usable secret.
func TestNeverRepeat_C10_CO_10_RT_12_NoSecretInTheStore(t *testing.T) {
	store := new(memstore.Store)
	s := testkit.NewServer(t, testkit.WithAudit, func(c *passport.Config) { c.Store = store })
	k := wholeRun(s)
	dump := fmt.Sprintf("%+v", store)
	for secret, what := range k {
		if what == "a session ID" && !strings.Contains(dump, string(oauth.DigestOf(secret))) {
			t.Fatalf("the dump has no digest of %s, so this test checks nothing", what)
		}
	}
	k.wantNoneIn(t, "a dump of the store", dump)
}

// The event of a change is published once, before the response, with the request's ID and
// address.
func TestToken_OP_07_Events(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	res := s.Refresh(c, tok.Refresh)
	s.Refresh(c, tok.Refresh).Tokens() // a retry changes nothing
	access, refresh := testkit.EventsOf[passport.AccessTokenIssued](s), testkit.EventsOf[passport.RefreshTokenIssued](s)
	if len(access) != 2 || len(refresh) != 2 {
		t.Fatalf("%d and %d events of issued tokens, want 2 and 2", len(access), len(refresh))
	}
	if refresh[0].Rotated || !refresh[1].Rotated {
		t.Errorf("Rotated = %v, %v; want false for the first, true for the second", refresh[0].Rotated, refresh[1].Rotated)
	}
	e := access[1]
	if e.RequestID != res.Header.Get("X-Request-Id") || e.Address != "192.0.2.1" || e.Token.ID != testkit.ClaimsOf(t, res.Tokens().Access)["jti"] || !slices.Equal(e.Token.Scopes, []string{"read"}) {
		t.Errorf("event = %+v, want the request's ID and address, and the token", e)
	}
	if e.Token.Client.ID != c.ID || e.Token.Family.User != testkit.Ref("alice") {
		t.Errorf("the token of the event is %+v, want client and user", e.Token)
	}
}
