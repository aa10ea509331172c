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

// The questions of `passport client`.
const (
	askKind     = "Kind [1]"
	askName     = "Name"
	askCallback = "Callback URL"

	// The hints before the callback URL. Their lines fit 80 columns.
	hintWeb   = "Users return to this URL after they consent, such as\nhttps://app.example.com/callback. Separate several with commas.\n"
	hintPhone = "Users return to this URL after they consent, such as com.example.app:/callback\nor http://127.0.0.1/callback. Separate several with commas.\n"
)

// The command asks for the kind of application first, then for its name, then for its
// callback URL. It asks for no owner and offers no callback URL.
func TestTerminal_PG_11_ClientKinds(t *testing.T) {
	tests := []struct {
		kind, hint, typed string // hint is the text before the callback URL, if it is asked for
		want              []string
	}{
		{"", hintWeb, "https://a.example/callback", []string{`"client_secret"`, `"authorization_code"`}},
		{"1", hintWeb, "https://a.example/callback", []string{`"client_secret"`, `"authorization_code"`}},
		{"web", hintWeb, "http://127.0.0.1:3000/callback", []string{`"client_secret"`, `"authorization_code"`}},
		{"2", hintWeb, "https://a.example/callback", []string{`"token_endpoint_auth_method": "none"`, `"authorization_code"`}},
		{"Browser", hintWeb, "https://a.example/callback", []string{`"token_endpoint_auth_method": "none"`}},
		{"3", hintPhone, "com.example.app:/callback", []string{`"token_endpoint_auth_method": "none"`, "com.example.app:/callback"}},
		{"phone or desktop", hintPhone, "http://127.0.0.1/callback", []string{`"token_endpoint_auth_method": "none"`}},
		{"4", "", "", []string{`"client_secret"`, `"client_credentials"`}},
	}
	for _, test := range tests {
		t.Run(test.kind, func(t *testing.T) {
			t.Chdir(t.TempDir())
			command(t, "", "migrate")
			term := atTerminal(t, "client", "--json")
			term.answer(askKind, test.kind)
			if test.hint == "" {
				term.answer("Name [Client Credentials Client]", "Order Tracker")
			} else {
				term.answer(askName, "Order Tracker")
				term.answer(test.hint+askCallback, test.typed)
			}
			screen := term.end(0)
			for _, want := range append(test.want, `"client_name": "Order Tracker"`) {
				if !strings.Contains(screen, want) {
					t.Errorf("kind %q made a client without %s:\n%s", test.kind, want, screen)
				}
			}
			if strings.Contains(screen, "user") && strings.Contains(screen, "owns") || strings.Contains(screen, "[http") {
				t.Errorf("the command asks for an owner, or offers a callback URL:\n%s", screen)
			}
		})
	}
}

// A device has no callback URL. If the feature is off, the command says how to turn it
// on, and asks for the kind again.
func TestTerminal_PA_9_ClientDevice(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "client")
	term.answer(askKind, "5")
	term.answer(askKind, "4")
	term.answer("Name [Client Credentials Client]", "Export")
	if screen := term.end(0); !strings.Contains(screen, "write the line [device]") {
		t.Errorf("the command does not say how to turn devices on:\n%s", screen)
	}
	write(t, "passport.toml", "[device]\n")
	term = atTerminal(t, "client", "--json")
	term.answer(askKind, "device")
	term.answer(askName, "Living Room TV")
	screen := term.end(0)
	for _, want := range []string{`"client_name": "Living Room TV"`, `"token_endpoint_auth_method": "none"`, `"urn:ietf:params:oauth:grant-type:device_code"`, `"redirect_uris": []`} {
		if !strings.Contains(screen, want) {
			t.Errorf("kind device made a client without %s:\n%s", want, screen)
		}
	}
}

func TestTerminal_PG_11_ClientSeveralCallbacks(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "client", "--json")
	term.answer(askKind, "1")
	term.answer(askName, "Order Tracker")
	term.answer(askCallback, "https://a.example/callback, https://b.example/callback?in=a%2Cb")
	if screen := term.end(0); !strings.Contains(screen, `"https://a.example/callback",`) || !strings.Contains(screen, `"https://b.example/callback?in=a%2Cb"`) {
		t.Errorf("the redirect URIs are not those that were typed:\n%s", screen)
	}
}

// A wrong response is refused at once, with the reason, and only that question is asked
// again.
func TestTerminal_PG_11_ClientAsksAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "client")
	term.answer(askKind, "6")
	term.answer("  Want a number from 1 to 5.\n"+askKind, "1")
	term.answer(askName, "")
	term.answer("  Enter a value, or press Ctrl-C to stop.\n"+askName, strings.Repeat("x", 300))
	term.answer("without control and format characters.\n"+askName, "Order Tracker")
	term.answer(askCallback, "app.example.com/callback")
	term.answer("has no scheme: put https:// in front.\n"+askCallback, "com.example.app:/callback")
	term.answer("this kind of application must.\n"+askCallback, ",")
	term.answer("  Enter a value, or press Ctrl-C to stop.\n"+askCallback, "https://app.example.com/callback#top")
	term.answer("(RFC 6749 §3.1.2).\n"+askCallback, "https://app.example.com/callback")
	if screen := term.end(0); strings.Count(screen, "New client created.") != 1 {
		t.Errorf("the command printed\n%s", screen)
	}
}

// Options that are wrong are refused before the first question.
func TestTerminal_PG_11_ClientOptionsAreCheckedFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	for args, want := range map[string]string{
		"--redirect-uri http://a.example#x":    "has a fragment",
		"--scopes fly":                         `the scope "fly" does not exist: add it to the setting scopes`,
		"--user-id 42":                         `no user has the ID "42": see ` + "`passport user list`",
		"--allowed-origin https://a.example/x": "the allowed origin",
	} {
		screen := atTerminal(t, append([]string{"client"}, strings.Fields(args)...)...).end(1)
		if !strings.Contains(screen, want) || strings.Contains(screen, "What kind") {
			t.Errorf("passport client %s printed\n%s\nwant %q and no question", args, screen, want)
		}
	}
}

// The end of the input (Ctrl-D) ends the command without a client.
func TestTerminal_PG_11_ClientEndOfInput(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	for _, answers := range [][2]string{{}, {askKind, "1"}, {askKind, "4"}} {
		term := atTerminal(t, "client")
		if answers[0] != "" {
			term.answer(answers[0], answers[1])
		}
		term.hangUp()
		if screen := term.end(1); !strings.HasSuffix(screen, ": \npassport: the input ended: nothing was changed\n") {
			t.Errorf("after the end of the input the command printed\n%s", screen)
		}
	}
	if list := command(t, "", "client", "list", "--json"); list != "[]\n" {
		t.Errorf("the clients are %s, want none", list)
	}
}

func TestTerminal_PG_11_ClientOfAUser(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	made := command(t, "correct-horse", "user", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")
	id := uuid.FindString(made)
	term := atTerminal(t, "client", "--name", "Ada's", "--user_id", id, "--json")
	term.answer(askKind, "1")
	term.answer(askCallback, "https://a.example/callback")
	if screen := term.end(0); !strings.Contains(screen, `"user_id": "`+id+`"`) {
		t.Errorf("the client doesn't belong to the user:\n%s", screen)
	}
}

func TestTerminal_PG_11_ClientAsksNothingThatWasSaid(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	for _, option := range []string{"--redirect-uri", "--redirect_uri"} {
		screen := atTerminal(t, "client", "--name", "x", option, "https://a.example/callback").end(0)
		if strings.Contains(screen, "What kind") || strings.Contains(screen, "Callback URL:") {
			t.Errorf("the command asks:\n%s", screen)
		}
	}
	term := atTerminal(t, "client", "--redirect-uri", "https://a.example/callback")
	term.answer(askKind, "4")
	term.answer("choose another kind.\n"+askKind, "2")
	term.answer(askName, "Order Tracker")
	if screen := term.end(0); strings.Contains(screen, "Callback URL:") || !strings.Contains(screen, "It is public") {
		t.Errorf("the command printed\n%s", screen)
	}
	term = atTerminal(t, "client", "--public")
	term.answer(askName, "Order Tracker")
	term.answer(askCallback, "https://a.example/callback")
	if screen := term.end(0); strings.Contains(screen, "What kind") {
		t.Errorf("the command asks for the kind, though --public says it:\n%s", screen)
	}
}

// With an option for the kind the command asks only for the name, and offers one. It
// doesn't ask for the provider if there is only one.
func TestTerminal_PG_11_ClientKindsByOption(t *testing.T) {
	tests := []struct{ kind, name, grant string }{
		{"--personal", "Personal Access Client", "personal_access"},
		{"--password", "Password Grant Client", "password"},
		{"--client", "Client Credentials Client", "client_credentials"},
		{"--api", "API", ""},
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
			if list := command(t, "", "client", "list", "--json"); !strings.Contains(list, `"client_name":"`+test.name+`"`) || !strings.Contains(list, `"`+test.grant) {
				t.Errorf("passport client %s made\n%s", test.kind, list)
			}
		})
	}
}

// An application with several providers of users is asked for the client's.
func TestTerminal_PG_11_ClientProvider(t *testing.T) {
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
			t.Errorf("with the response %q it made a client of\n%s", test.answer, screen)
		}
	}
	term := atTerminalOf(t, shop, "client", "--personal")
	term.answer(askName+" [Personal Access Client]", "")
	term.answer(whose, "unknown")
	term.answer("  Want users or admins or staff.\n"+whose, "admins")
	term.end(0)
	screen := atTerminalOf(t, shop, "client", "--client", "--name", "Export").end(0)
	if strings.Contains(screen, "Provider") {
		t.Errorf("the command asks for the provider of a client that acts for itself:\n%s", screen)
	}
	term = atTerminalOf(t, shop, "client", "--name", "Web")
	term.answer(askKind, "")
	term.answer(askCallback, "https://app.example.com/callback")
	term.end(0)
}

func TestTerminal_PG_11_InstallAsksForTheIDs(t *testing.T) {
	t.Chdir(t.TempDir())
	term := atTerminal(t, "install")
	const ask = "Client ID format (uuid, integer) [uuid]"
	term.answer(ask, "numbers")
	term.answer("  Want uuid or integer.\n"+ask, "integer")
	term.end(0)
	if made := command(t, "", "client", "--personal"); !strings.Contains(made, "Client ID      1\n") {
		t.Errorf("the first client after `passport install` with integer is\n%s", made)
	}
	if screen := atTerminal(t, "install").end(0); strings.Contains(screen, "Client ID format") {
		t.Errorf("on an installed server it asks again:\n%s", screen)
	}
}

func TestTerminal_PG_11_InstallOffersUUIDs(t *testing.T) {
	t.Chdir(t.TempDir())
	term := atTerminal(t, "install")
	term.answer("Client ID format (uuid, integer) [uuid]", "")
	term.end(0)
	if made := command(t, "", "client", "--personal"); !uuid.MatchString(made) {
		t.Errorf("the first client is\n%s\nwant one with a UUID", made)
	}
}
