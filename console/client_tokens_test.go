package console_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
)

// The command ends nothing without a yes. Then the client stays, without the tokens
// that it had.
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
	if got := run(t, o, "client", "revoke-tokens", id); got.status == 0 || !strings.Contains(got.stderr, "--yes is missing") || ended() {
		t.Errorf("client revoke-tokens without --yes and a terminal = %+v, ended: %v, want that it names --yes and ends nothing", got, ended())
	}
	got := run(t, o, "client", "revoke-tokens", id, "--yes")
	if want := "Ended every token of the client " + id + ". It can get new ones.\n"; got.status != 0 || got.stdout != want || !ended() {
		t.Errorf("client revoke-tokens --yes = %+v, ended: %v, want %q", got, ended(), want)
	}
	if got := run(t, o, "client", "revoke-tokens", "missing", "--yes"); got.status == 0 || !strings.Contains(got.stderr, `no client has the ID "missing"`) {
		t.Errorf("client revoke-tokens of a missing client = %+v", got)
	}
}
