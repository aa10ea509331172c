package passport_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// names returns the types of the events since a point, with what tells them
// apart.
func (e *events) names(since int) (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.all[since:] {
		name := strings.TrimPrefix(fmt.Sprintf("%T", event), "passport.")
		switch e := event.(type) {
		case passport.AccessTokenIssued:
			name += " " + e.GrantType
		case passport.Replayed:
			name += " " + string(e.What)
		case passport.ClientChanged:
			name += " " + e.What
		case passport.Revoked:
			name += " " + e.Reason
		}
		names = append(names, name)
	}
	return names
}

func (e *events) len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.all)
}

// Passport raises events when it issues; here each change has one, on every path.
func TestEvents_EachChangeHasItsEvent(t *testing.T) {
	s := newServer(t, implicit)
	c := s.web()
	machine, board := s.machine(), s.board(passport.Registration{})
	tok := s.grantTokens(c)
	var code, spent string
	user := ref("alice")
	for _, step := range []struct {
		name string
		do   func(ctx context.Context) error
		want []string
	}{
		{"a client made", func(context.Context) error { s.web(); return nil }, []string{"ClientCreated"}},
		{"consent", func(context.Context) error {
			code = s.browser().signIn("bob").authorize(c).allow().code()
			return nil
		}, []string{"ConsentGiven"}},
		{"consent to a token", func(context.Context) error {
			s.browser().signIn("bob").authorizeToken(board).allow().token()
			return nil
		}, []string{"AccessTokenIssued implicit", "ConsentGiven"}},
		{"consent that adds nothing", func(context.Context) error {
			s.browser().signIn("bob").authorizeToken(board, "prompt", "consent").allow().token()
			return nil
		}, []string{"AccessTokenIssued implicit"}},
		{"consent that is refused", func(context.Context) error {
			s.browser().signIn("bob").authorize(c, "scope", "write").deny()
			return nil
		}, nil},
		{"a code redeemed", func(context.Context) error { spent = s.redeem(c, code).Refresh; return nil }, []string{"AccessTokenIssued authorization_code", "RefreshTokenIssued"}},
		{"a code that comes again", func(context.Context) error { s.exchange(c, c.codeForm(code)...); return nil }, []string{"Replayed code"}},
		{"a refresh", func(context.Context) error {
			spent = tok.Refresh
			for range 2 { // the second time its successor is used, so that the first is a replay
				tok = s.refresh(c, tok.Refresh).tokens()
			}
			return nil
		}, []string{"AccessTokenIssued refresh_token", "RefreshTokenIssued", "AccessTokenIssued refresh_token", "RefreshTokenIssued"}},
		{"a refresh token that comes again", func(context.Context) error { s.refresh(c, spent); return nil }, []string{"Replayed refresh_token"}},
		{"client credentials", func(context.Context) error { s.machineToken(machine); return nil }, []string{"AccessTokenIssued client_credentials"}},
		{"a personal token", func(context.Context) error { s.personal("read"); return nil }, []string{"ClientCreated", "AccessTokenIssued personal_access"}},
		{"RevokeToken", func(ctx context.Context) error { return s.RevokeToken(ctx, s.personal().Token.ID) }, []string{"AccessTokenIssued personal_access", "Revoked token"}},
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
		since := s.events.len()
		if err := step.do(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := s.events.names(since); !slices.Equal(got, step.want) {
			t.Errorf("%s: the events are %q, want %q", step.name, got, step.want)
		}
	}
}

// What a request caused says which request it was and where it came from, whose
// it was and which client asked.
func TestEvents_TellClientUserAddressAndRequest(t *testing.T) {
	s := newServer(t)
	c := s.web()
	since := s.events.len()
	s.grantTokens(c)
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	if len(s.events.all) == since {
		t.Fatal("there was no event")
	}
	for _, event := range s.events.all[since:] {
		meta := reflect.ValueOf(event).FieldByName("Meta").Interface().(passport.Meta)
		if meta.RequestID == "" || meta.Address == "" {
			t.Errorf("%T tells %+v, want a request ID and an address", event, meta)
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
		if client != c.ID || user != ref("alice") {
			t.Errorf("%T tells of the client %q and the user %v", event, client, user)
		}
	}
}

// A client that others change at the same time is changed all the same.
func TestManageClient_ChangedByOthersMeanwhile(t *testing.T) {
	s := newServer(t)
	c := s.web()
	stale, err := s.Client(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SuspendClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	stale.Name = "Renamed"
	if err := s.UpdateClient(t.Context(), stale); err == nil {
		t.Error("a stale record was stored: it would have let a suspended client in again")
	}
	fresh, _ := s.Client(t.Context(), c.ID)
	fresh.Name = "Renamed"
	version := fresh.Version
	if err := s.UpdateClient(t.Context(), fresh); err != nil || fresh.Version != version+1 || fresh.UpdatedAt.IsZero() {
		t.Errorf("UpdateClient() = %v, and the record is %+v", err, fresh)
	}
	stored, _ := s.Client(t.Context(), c.ID)
	if stored.Name != "Renamed" || stored.SuspendedAt.IsZero() || stored.Version != fresh.Version {
		t.Errorf("stored is %+v", stored)
	}
	for name, spoil := range map[string]func(*oauth.Client){
		"no name":       func(c *oauth.Client) { c.Name = "" },
		"no redirect":   func(c *oauth.Client) { c.RedirectURIs = nil },
		"plain http":    func(c *oauth.Client) { c.RedirectURIs = []string{"http://app.example.com/cb"} },
		"unknown grant": func(c *oauth.Client) { c.GrantTypes = []string{"magic"} },
		"unknown scope": func(c *oauth.Client) { c.Scopes = []string{"fly"} },
		"another kind":  func(c *oauth.Client) { c.AuthMethod = oauth.AuthNone },
		"a short life":  func(c *oauth.Client) { c.AccessTokenTTL = 1 },
	} {
		spoiled := *stored
		if spoil(&spoiled); s.UpdateClient(t.Context(), &spoiled) == nil {
			t.Errorf("%s: UpdateClient() stored it", name)
		}
	}
}

// Both secrets are good for a while, then the new one alone.
func TestRotateSecret_BothLiveForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.machine()
		fresh, err := s.RotateSecret(t.Context(), c.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		renewed := &client{c.Client, fresh, ""}
		s.machineToken(c)
		s.machineToken(renewed)
		time.Sleep(time.Hour)
		s.exchange(c, "grant_type", "client_credentials").wantJSONError(401, "invalid_client")
		s.machineToken(renewed)
		if _, err := s.RotateSecret(t.Context(), c.ID, 0); err != nil {
			t.Fatal(err)
		}
		s.exchange(renewed, "grant_type", "client_credentials").wantJSONError(401, "invalid_client")
		for name, id := range map[string]string{"a public client": s.spa().ID, "no client": "nobody"} {
			if secret, err := s.RotateSecret(t.Context(), id, 0); err == nil || secret != "" {
				t.Errorf("RotateSecret() of %s = %v", name, err)
			}
		}
		if strings.Contains(s.log.String(), fresh) {
			t.Error("the log has the secret")
		}
	})
}

// A ConsentGiven names the scopes that are new at any of the audiences, and no
// others.
func TestEvents_ConsentGivenNamesWhatIsNew(t *testing.T) {
	const shop = "https://shop.example"
	s := newServer(t, func(c *passport.Config) { c.Resources = []string{shop} })
	c, b := s.web(), s.browser().signIn("alice")
	b.authorize(c, "scope", "read").allow().code()
	b.authorize(c, "scope", "read write").allow().code()
	b.authorize(c, "scope", "read write", "resource", shop).allow().code()
	b.authorize(c, "scope", "read admin", "resource", shop).allow().code()
	var got [][]string
	for _, e := range eventsOf[passport.ConsentGiven](s) {
		got = append(got, e.Scopes)
	}
	want := [][]string{{"read"}, {"write"}, {"read", "write"}, {"admin"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the events name the scopes %q, want %q", got, want)
	}
}
