package console_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
)

// Without a terminal nothing ends without --yes. With it, the client stays and its
// tokens end.
func TestClientRevokeTokens_FR_55(t *testing.T) {
	o, server := shop(t, func(*passport.Config) {})
	made, err := server.CreateClient(t.Context(), passport.Registration{Name: "Export", GrantTypes: []string{"client_credentials"}})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Client.ID
	ended := func() bool {
		t.Helper()
		c, err := server.Client(t.Context(), id)
		if err != nil || !c.Active() {
			t.Fatalf("Client() = %+v, %v, want it active", c, err)
		}
		return !c.TokensNotBefore.IsZero()
	}
	if got := run(t, o, "client", "revoke-tokens", id); got.status != 2 || !strings.Contains(got.stderr, "not a terminal: pass --yes") || ended() {
		t.Errorf("client revoke-tokens without --yes and a terminal = %+v, ended: %v, want that it names --yes and ends nothing", got, ended())
	}
	got := run(t, o, "client", "revoke-tokens", id, "--yes")
	if want := "Ended all tokens of the client \"Export\" (" + id + "). It can get new ones.\n"; got.status != 0 || got.stdout != want || !ended() {
		t.Errorf("client revoke-tokens --yes = %+v, ended: %v, want %q", got, ended(), want)
	}
	if got := run(t, o, "client", "revoke-tokens", "missing", "--yes"); got.status == 0 || !strings.Contains(got.stderr, `no client has the ID "missing"`) {
		t.Errorf("client revoke-tokens of a missing client = %+v", got)
	}
}

// Without a terminal a client is revoked with --yes only, by either name of the command.
func TestClientRevoke_PG_11_NeedsYesInAScript(t *testing.T) {
	o, server := shop(t, nil)
	for _, verb := range []string{"revoke", "delete"} {
		made, err := server.CreateClient(t.Context(), passport.Registration{Name: "Export", GrantTypes: []string{"client_credentials"}})
		if err != nil {
			t.Fatal(err)
		}
		revoked := func() bool {
			c, err := server.Client(t.Context(), made.Client.ID)
			return err == nil && !c.RevokedAt.IsZero()
		}
		if got := run(t, o, "client", verb, made.Client.ID); got.status != 2 || !strings.Contains(got.stderr, "not a terminal: pass --yes") || revoked() {
			t.Errorf("client %s without --yes = %+v, revoked: %v, want status 2 and no change", verb, got, revoked())
		}
		if got := run(t, o, "client", verb, made.Client.ID, "--yes"); got.status != 0 || !revoked() {
			t.Errorf("client %s --yes = %+v, revoked: %v", verb, got, revoked())
		}
	}
	if got := run(t, o, "client", "revoke", "missing", "--yes"); got.status != 1 || !strings.Contains(got.stderr, `no client has the ID "missing"`) {
		t.Errorf("client revoke of a missing client = %+v", got)
	}
}
