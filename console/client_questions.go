package console

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-passport/passport"
)

// application is a response to the first question of `passport client`.
type application struct {
	name, about string
	words       []string // further spellings of the response
	public      bool
	machine     bool
	device      bool
	callback    string // an example
}

var (
	webServer = application{name: "Web server", about: "runs on your server and keeps a secret", words: []string{"web", "server"}, callback: "https://app.example.com/callback"}
	browser   = application{name: "Browser", about: "runs in the user's browser, without a secret", words: []string{"spa"}, public: true, callback: "https://app.example.com/callback"}
	installed = application{name: "Phone or desktop", about: "users install it, without a secret", words: []string{"phone", "desktop", "mobile", "native"}, public: true, callback: "com.example.app:/callback or http://127.0.0.1/callback"}
	machine   = application{name: "Machine", about: "acts for itself, without a user", machine: true}
	device    = application{name: "Device", about: "a TV or a command without a browser: it shows a code", words: []string{"tv"}, public: true, device: true}

	applications = []*application{&webServer, &browser, &installed, &machine, &device}
)

// wizard asks for what the options of `passport client` leave open.
type wizard struct {
	*clientOptions
	*asker
	server *passport.Server
	in     *opened // nil for an application's own server
}

// complete asks for everything that is missing and required. It checks the options
// first, so that the user does not type the rest in vain.
func (w *wizard) complete() error {
	if err := w.checkGiven(); err != nil {
		return err
	}
	kind, err := w.application()
	if err != nil {
		return err
	}
	providers := w.server.Providers()
	if w.calledBack() && slices.Contains(providers, passport.DefaultProvider) {
		providers = nil // it acts for users of that one, unless an option names another
	}
	if err := w.askName(); err != nil {
		return err
	}
	if err := w.askProvider(providers); err != nil {
		return err
	}
	if !w.redirects() || len(w.redirectURIs) > 0 {
		return nil
	}
	return w.askCallback(kind)
}

// checkGiven returns what is wrong with the options, on a terminal. Without one,
// creating the client reports all faults at once.
func (w *wizard) checkGiven() error {
	if !w.tty {
		return nil
	}
	r := w.registration()
	r.Name, r.Provider, r.GrantTypes = cmp.Or(r.Name, placeholder), "", []string{} // these are asked for
	return w.in.words(w.server.CheckClient(r))
}

// placeholder is the name of a client while other fields are checked.
const placeholder = "unnamed"

// application asks for the kind of application, unless an option says it or nothing
// else is to be asked.
func (w *wizard) application() (*application, error) {
	switch {
	case w.public:
		return &installed, nil
	case len(w.kinds()) > 0 || !w.tty || w.name != "" && len(w.redirectURIs) > 0:
		return &webServer, nil
	}
	out := screenOf(w.cmd.ErrOrStderr())
	out.Printf("%s\n", bold("What kind of application?"))
	for i, kind := range applications {
		out.Printf("  %d  %s  %s\n", i+1, padded(kind.name, 16), dim(kind.about))
	}
	response := ""
	err := w.prompt(&response, question{text: "Kind", fallback: "1", check: func(response string) error {
		kind, err := applicationOf(response)
		if err == nil && kind.machine && len(w.redirectURIs) > 0 {
			return errors.New("a machine has no callback URL: leave out --redirect-uri, or choose another kind")
		}
		if err == nil && kind.device {
			return (&clientOptions{device: true}).enabled(w.in)
		}
		return err
	}})
	if err != nil {
		return nil, err
	}
	kind, err := applicationOf(response)
	if err != nil {
		return nil, err
	}
	w.public, w.clientOptions.client, w.device = kind.public, kind.machine, kind.device
	return kind, nil
}

// applicationOf returns the kind of application that a response names.
func applicationOf(response string) (*application, error) {
	for i, kind := range applications {
		if response == strconv.Itoa(i+1) || strings.EqualFold(response, kind.name) || slices.Contains(kind.words, strings.ToLower(response)) {
			return kind, nil
		}
	}
	return nil, fmt.Errorf("want a number from 1 to %d", len(applications))
}

func (w *wizard) askName() error {
	return w.fill(&w.name, question{text: "Name", option: "--name", fallback: w.usualName(), check: func(name string) error {
		return w.fault(passport.Registration{Name: name})
	}})
}

// askCallback asks for the redirect URIs of the client.
func (w *wizard) askCallback(kind *application) error {
	if w.tty {
		out := screenOf(w.cmd.ErrOrStderr())
		hint := "Users return to this URL after they consent, such as " + kind.callback + ". Separate several with commas."
		out.Printf("%s\n", dim(wrapped(hint, out.lineWidth())))
	}
	uris := ""
	err := w.fill(&uris, question{text: "Callback URL", option: "--redirect-uri", check: func(response string) error {
		return w.checkCallback(kind, separated([]string{response}, ","))
	}})
	w.redirectURIs = separated([]string{uris}, ",")
	return err
}

// checkCallback returns what is wrong with the callback URLs of a kind of application.
func (w *wizard) checkCallback(kind *application, uris []string) error {
	if len(uris) == 0 { // commas only
		return errEmpty
	}
	if err := w.fault(passport.Registration{Name: placeholder, RedirectURIs: uris}); err != nil {
		return err
	}
	for _, uri := range uris {
		if kind != &installed && !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://") {
			return fmt.Errorf("%q doesn't begin with https://, as the callback URL of this kind of application must", uri)
		}
	}
	return nil
}

// fault returns what is wrong with a single field of a client.
func (w *wizard) fault(r passport.Registration) error {
	r.GrantTypes = []string{} // so that no other field is required
	err := w.in.words(w.server.CheckClient(r))
	if err == nil {
		return nil
	}
	var all []error
	for _, fault := range faults(err) {
		all = append(all, errors.New(strings.TrimPrefix(fault, "client: ")))
	}
	return errors.Join(all...)
}

// usualName is the name of a client that gets none. A client whose name users see on
// the consent page has no such name.
func (o *clientOptions) usualName() string {
	switch {
	case o.personal:
		return "Personal Access Client"
	case o.password:
		return "Password Grant Client"
	case o.api:
		return "API"
	case o.client:
		return "Client Credentials Client"
	}
	return ""
}

// askProvider asks for the provider of the client's users, if there is a choice:
// for a client that gets tokens without consent, and on a server without a default
// provider. It takes a single provider without a question.
func (w *wizard) askProvider(providers []string) error {
	usual := slices.Contains(providers, passport.DefaultProvider)
	switch {
	case w.clientOptions.client || w.api || len(providers) == 0 || len(providers) == 1 && usual:
		return nil
	case len(providers) == 1 && w.provider == "":
		w.provider = providers[0]
		return nil
	}
	q := question{text: "Provider of its users", option: "--provider", choices: providers}
	if usual {
		q.fallback = passport.DefaultProvider
	}
	return w.fill(&w.provider, q)
}
