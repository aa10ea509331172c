package passport_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// Each change has one event, on every path. Laravel Passport has events only for
// issued tokens.
func TestEvents_EachChangeHasItsEvent(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	c := s.Web()
	machine, board := s.Machine(), s.Board(passport.Registration{})
	tok := s.GrantTokens(c)
	var code, spent string
	user := testkit.Ref("alice")
	for _, step := range []struct {
		name string
		do   func(ctx context.Context) error
		want []string
	}{
		{"a new client", func(context.Context) error { s.Web(); return nil }, []string{"ClientCreated"}},
		{"consent", func(context.Context) error {
			code = s.Browser().SignIn("bob").Authorize(c).Allow().Code()
			return nil
		}, []string{"ConsentGiven"}},
		{"consent to a token", func(context.Context) error {
			s.Browser().SignIn("bob").AuthorizeToken(board).Allow().Token()
			return nil
		}, []string{"AccessTokenIssued implicit", "ConsentGiven"}},
		{"consent that adds nothing", func(context.Context) error {
			s.Browser().SignIn("bob").AuthorizeToken(board, "prompt", "consent").Allow().Token()
			return nil
		}, []string{"AccessTokenIssued implicit"}},
		{"consent that is refused", func(context.Context) error {
			s.Browser().SignIn("bob").Authorize(c, "scope", "write").Deny()
			return nil
		}, nil},
		{"a code redeemed", func(context.Context) error { spent = s.Redeem(c, code).Refresh; return nil }, []string{"AccessTokenIssued authorization_code", "RefreshTokenIssued"}},
		{"a replayed code", func(context.Context) error { s.Exchange(c, c.CodeForm(code)...); return nil }, []string{"Replayed code"}},
		{"a refresh", func(context.Context) error {
			spent = tok.Refresh
			for range 2 { // the second time its successor is used, so that the first is a replay
				tok = s.Refresh(c, tok.Refresh).Tokens()
			}
			return nil
		}, []string{"AccessTokenIssued refresh_token", "RefreshTokenIssued", "AccessTokenIssued refresh_token", "RefreshTokenIssued"}},
		{"a replayed refresh token", func(context.Context) error { s.Refresh(c, spent); return nil }, []string{"Replayed refresh_token"}},
		{"client credentials", func(context.Context) error { s.MachineToken(machine); return nil }, []string{"AccessTokenIssued client_credentials"}},
		{"a personal token", func(context.Context) error { s.Personal("read"); return nil }, []string{"ClientCreated", "AccessTokenIssued personal_access"}},
		{"RevokeToken", func(ctx context.Context) error { return s.RevokeToken(ctx, s.Personal().Token.ID) }, []string{"AccessTokenIssued personal_access", "Revoked token"}},
		{"RevokeUser", func(ctx context.Context) error { return s.RevokeUser(ctx, user) }, []string{"Revoked user"}},
		{"RevokeUserAtClient", func(ctx context.Context) error { return s.RevokeUserAtClient(ctx, user, c.ID) }, []string{"Revoked user at client"}},
		{"EndSession", func(ctx context.Context) error { return s.EndSession(ctx, user, "session") }, []string{"Revoked session ended"}},
		{"PasswordChanged", func(ctx context.Context) error { return s.PasswordChanged(ctx, user, "") }, []string{"Revoked password changed"}},
		{"Withdraw", func(ctx context.Context) error { return s.Withdraw(ctx, user, c.ID) }, []string{"ConsentWithdrawn"}},
		{"UpdateClient", func(ctx context.Context) error { return s.UpdateClient(ctx, c.Client) }, []string{"ClientChanged registration"}},
		{"RotateSecret", func(ctx context.Context) error { _, err := s.RotateSecret(ctx, c.ID, 0); return err }, []string{"ClientChanged secret"}},
		{"SuspendClient", func(ctx context.Context) error { return s.SuspendClient(ctx, c.ID) }, []string{"ClientChanged suspended"}},
		{"SuspendClient again", func(ctx context.Context) error { return s.SuspendClient(ctx, c.ID) }, nil},
		{"ResumeClient", func(ctx context.Context) error { return s.ResumeClient(ctx, c.ID) }, []string{"ClientChanged resumed"}},
		{"RevokeClient", func(ctx context.Context) error { return s.RevokeClient(ctx, c.ID) }, []string{"ClientRevoked"}},
	} {
		since := s.Events.Len()
		if err := step.do(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := s.Events.Names(since); !slices.Equal(got, step.want) {
			t.Errorf("%s: the events are %q, want %q", step.name, got, step.want)
		}
	}
}

// The events of a request have its request ID and address, the user and the client.
func TestEvents_HaveClientUserAddressAndRequest(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	since := s.Events.Len()
	s.GrantTokens(c)
	s.Events.Mu.Lock()
	defer s.Events.Mu.Unlock()
	if len(s.Events.All) == since {
		t.Fatal("the request caused no event")
	}
	for _, event := range s.Events.All[since:] {
		meta := reflect.ValueOf(event).FieldByName("Meta").Interface().(passport.Meta)
		if meta.RequestID == "" || meta.Address == "" {
			t.Errorf("%T has the Meta %+v, want a request ID and an address", event, meta)
		}
		var client string
		var user oauth.UserRef
		switch e := event.(type) {
		case passport.ConsentGiven:
			client, user = e.ClientID, e.User
		case passport.AccessTokenIssued:
			client, user = e.Token.Client.ID, e.Token.Family.User
		case passport.RefreshTokenIssued:
			client, user = e.Token.Family.ClientID, e.Token.Family.User
		}
		if client != c.ID || user != testkit.Ref("alice") {
			t.Errorf("%T has the client %q and the user %v, want both", event, client, user)
		}
	}
}

// A ConsentGiven names only the scopes that are new for at least one of the
// audiences.
func TestEvents_ConsentGivenNamesNewScopes(t *testing.T) {
	const shop = "https://shop.example"
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{shop} })
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "read").Allow().Code()
	b.Authorize(c, "scope", "read write").Allow().Code()
	b.Authorize(c, "scope", "read write", "resource", shop).Allow().Code()
	b.Authorize(c, "scope", "read admin", "resource", shop).Allow().Code()
	var got [][]string
	for _, e := range testkit.EventsOf[passport.ConsentGiven](s) {
		got = append(got, e.Scopes)
	}
	want := [][]string{{"read"}, {"write"}, {"read", "write"}, {"admin"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the ConsentGiven events have the scopes %q, want %q", got, want)
	}
}
