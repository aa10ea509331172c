package main_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	lib "github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// What `passport client` asks, in the order of Laravel Passport's command.
const (
	askOwner    = "ID of the user who owns it (optional)"
	askName     = "Name of the client"
	askRedirect = "Redirect URI; several with commas between them [http://127.0.0.1:8000/auth/callback]"
)

func TestTerminal_Client(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "client")
	term.answer(askOwner, "")
	term.answer(askName, "Order Tracker")
	term.answer(askRedirect, "https://a.example/callback, https://b.example/callback?in=a%2Cb")
	if screen := term.end(0); !strings.Contains(screen, "New client created.") || !strings.Contains(screen, "Client secret") {
		t.Errorf("the command printed\n%s", screen)
	}
	if list := command(t, "", "client", "list"); !strings.Contains(list, "https://a.example/callback https://b.example/callback?in=a%2Cb\n") {
		t.Errorf("the client's redirect URIs are not those that were typed:\n%s", list)
	}
}

// An empty answer means what stands in brackets: Passport's command has the
// application's own callback there.
func TestTerminal_ClientWithTheUsualRedirectURI(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "client", "--name", "Our own", "--public")
	term.answer(askOwner, "")
	term.answer(askRedirect, "")
	term.end(0)
	if list := command(t, "", "client", "list"); !strings.Contains(list, "http://127.0.0.1:8000/auth/callback") || !strings.Contains(list, "public") {
		t.Errorf("the client is not a public one with the callback that was offered:\n%s", list)
	}
}

func TestTerminal_ClientOfAUser(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	made := command(t, "correct-horse", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")
	id := uuid.FindString(made)
	term := atTerminal(t, "client", "--name", "Ada's", "--redirect_uri", "https://a.example/callback")
	if screen := term.end(0); strings.Contains(screen, askOwner) {
		t.Errorf("the command asks whose the client is, though all that is required was said:\n%s", screen)
	}
	term = atTerminal(t, "client", "--name", "Ada's")
	term.answer(askOwner, id)
	term.answer(askRedirect, "https://a.example/callback")
	term.end(0)
	if list := command(t, "", "client", "list"); !strings.Contains(list, "users:"+id) {
		t.Errorf("no client belongs to the user who was named:\n%s", list)
	}
	term = atTerminal(t, "client", "--name", "Nobody's")
	term.answer(askOwner, "42")
	term.answer(askRedirect, "https://a.example/callback")
	if screen := term.end(1); !strings.Contains(screen, `no user has the ID "42": see `+"`passport user list`") {
		t.Errorf("for a user who is not there the command printed\n%s", screen)
	}
}

func TestTerminal_RequiredAnswersAreAskedForAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "client", "--redirect_uri", "https://a.example/callback")
	term.answer(askOwner, "")
	term.answer(askName, "")
	term.answer(askName+": "+askName, "Order Tracker")
	term.end(0)
}

func TestTerminal_NothingIsAskedThatWasSaid(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	screen := atTerminal(t, "client", "--name", "x", "--redirect_uri", "https://a.example/callback").end(0)
	if strings.Contains(screen, "Name of") || strings.Contains(screen, "Redirect URI") || strings.Contains(screen, "(optional)") {
		t.Errorf("the command asks:\n%s", screen)
	}
}

// Each kind asks for its name alone, and offers one. A provider is no question
// where there is one only.
func TestTerminal_KindsOfClients(t *testing.T) {
	tests := []struct{ kind, name, grants string }{
		{"--personal", "Personal Access Client", "personal_access"},
		{"--password", "Password Grant Client", "password refresh_token"},
		{"--client", "Client Credentials Client", "client_credentials"},
	}
	for _, test := range tests {
		t.Run(test.kind, func(t *testing.T) {
			t.Chdir(t.TempDir())
			command(t, "", "migrate")
			write(t, "passport.toml", "enable_password_grant = true\n")
			term := atTerminal(t, "client", test.kind)
			term.answer(askName+" ["+test.name+"]", "")
			if screen := term.end(0); !strings.Contains(screen, "Client secret") {
				t.Errorf("the command printed no secret:\n%s", screen)
			}
			if list := strings.Join(strings.Fields(command(t, "", "client", "list")), " "); !strings.Contains(list, test.name+" confidential "+test.grants+" - - active") {
				t.Errorf("passport client %s made\n%s", test.kind, list)
			}
		})
	}
}

// An application with several sets of users is asked whose the client acts for.
func TestTerminal_ProviderOfAClient(t *testing.T) {
	store := new(memstore.Store)
	keys, err := lib.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	users := lib.UserFuncs{
		Current:    func(*http.Request) (*lib.User, error) { return nil, oauth.ErrNotFound },
		ByID:       func(context.Context, string) (*lib.User, error) { return nil, oauth.ErrNotFound },
		ByPassword: func(context.Context, string, string) (*lib.User, error) { return nil, oauth.ErrNotFound },
		SignInPage: "/login",
	}
	server, err := lib.New(lib.Config{
		Issuer: "https://shop.example.com", Store: store, Keys: keys, EnablePasswordGrant: true, Logger: slog.New(slog.DiscardHandler),
		Users: users, Providers: map[string]lib.UserProvider{"staff": users, "admins": users},
	})
	if err != nil {
		t.Fatal(err)
	}
	shop := console.Options{Server: func(context.Context) (*lib.Server, error) { return server, nil }}
	const whose = "Provider of its users (users, admins, staff) [users]"
	for _, test := range []struct{ answer, want string }{{"staff", "staff"}, {"", "users"}} {
		term := atTerminalOf(t, shop, "client", "--password", "--json")
		term.answer(askName+" [Password Grant Client]", "")
		term.answer(whose, test.answer)
		if screen := term.end(0); !strings.Contains(screen, `"provider": "`+test.want+`"`) {
			t.Errorf("answered %q, it made a client of\n%s", test.answer, screen)
		}
	}
	term := atTerminalOf(t, shop, "client", "--personal")
	term.answer(askName+" [Personal Access Client]", "")
	term.answer(whose, "nobody")
	term.answer(whose+": "+whose, "admins")
	term.end(0)
	screen := atTerminalOf(t, shop, "client", "--client", "--name", "Export").end(0)
	if strings.Contains(screen, "Provider") {
		t.Errorf("a client that acts for itself is asked for a provider:\n%s", screen)
	}
	term = atTerminalOf(t, shop, "client", "--name", "Web")
	term.answer(askOwner, "")
	term.answer("Redirect URI; several with commas between them [https://shop.example.com/auth/callback]", "")
	term.end(0)
}

func TestTerminal_InstallAsksForTheIDs(t *testing.T) {
	t.Chdir(t.TempDir())
	term := atTerminal(t, "install")
	const ask = "IDs of new clients (uuid, integer) [uuid]"
	term.answer(ask, "numbers")
	term.answer(ask+": "+ask, "integer")
	term.end(0)
	if made := command(t, "", "client", "--personal"); !strings.Contains(made, "Client ID      1\n") {
		t.Errorf("the first client after `passport install` was answered with integer is\n%s", made)
	}
	if screen := atTerminal(t, "install").end(0); strings.Contains(screen, "IDs of") {
		t.Errorf("installed already, it asks again:\n%s", screen)
	}
}

func TestTerminal_InstallOffersUUIDs(t *testing.T) {
	t.Chdir(t.TempDir())
	term := atTerminal(t, "install")
	term.answer("IDs of new clients (uuid, integer) [uuid]", "")
	term.end(0)
	if made := command(t, "", "client", "--personal"); !uuid.MatchString(made) {
		t.Errorf("the first client is\n%s\nwant one with a UUID", made)
	}
}
