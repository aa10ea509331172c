package console

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-passport/passport"
)

// kind is the option that says what kind of client it is, or "".
func (o *clientOptions) kind() string { return strings.Join(o.kinds(), " and ") }

func (o *clientOptions) kinds() (kinds []string) {
	for _, k := range []struct {
		option string
		given  bool
	}{{"--personal", o.personal}, {"--password", o.password}, {"--client", o.client}, {"--implicit", o.implicit}, {"--api", o.api}} {
		if k.given {
			kinds = append(kinds, k.option)
		}
	}
	return kinds
}

// redirects reports whether the client sends users here and gets them back.
func (o *clientOptions) redirects() bool { return o.implicit || len(o.kinds()) == 0 }

// check refuses options that make no sense together, and names the first that is
// missing where nobody can be asked.
func (o *clientOptions) check(a *asker) error {
	o.redirectURIs = separated(o.redirectURIs, ",")
	if err := o.contradiction(); err != nil {
		return usage(a.cmd, err)
	}
	switch {
	case a.tty:
		return nil
	case o.name == "" && o.redirects():
		return a.missing("--name")
	case len(o.redirectURIs) == 0 && o.redirects():
		return a.missing("--redirect_uri")
	}
	return nil
}

func (o *clientOptions) contradiction() error {
	kind := o.kind()
	switch {
	case len(o.kinds()) > 1:
		return fmt.Errorf("%s exclude one another: a client is of one kind", kind)
	case o.api:
		return o.contradictionOfAPI()
	case o.client && o.public:
		return errors.New("--client and --public exclude one another: a client that acts for itself has to keep a secret")
	case o.personal && o.public:
		return errors.New("--personal and --public exclude one another: the client of personal access tokens proves by its secret that it is the right one")
	case o.audience != "":
		return errors.New("--audience is for --api")
	case o.client && len(o.redirectURIs) > 0:
		return errors.New("--client and --redirect_uri exclude one another: a client that acts for itself sends no user anywhere")
	case !o.redirects() && len(o.redirectURIs) > 0:
		return fmt.Errorf("%s and --redirect_uri exclude one another: such a client sends no user anywhere", kind)
	case (o.personal || o.password) && o.userID != "":
		return fmt.Errorf("%s and --user_id exclude one another: such a client is the operator's own", kind)
	}
	return nil
}

func (o *clientOptions) contradictionOfAPI() error {
	if o.public {
		return errors.New("--api and --public exclude one another: an API proves by its secret that it may ask about tokens")
	}
	return tokenOptions{o.redirectURIs, o.origins, o.scopes, o.provider, o.lifetimes}.forAPI()
}

// complete asks for what the options leave open, in the order in which Passport's
// command does. Where all that is required was said, nothing is asked.
func (o *clientOptions) complete(a *asker, s *passport.Server) error {
	name := question{text: "Name of the client", option: "--name", fallback: o.usualName()}
	if !o.redirects() {
		if err := a.answer(&o.name, name); err != nil {
			return err
		}
		return o.completeProvider(a, s.Providers())
	}
	if !slices.Contains(s.Providers(), passport.DefaultProvider) { // otherwise it is not a question
		if err := o.completeProvider(a, s.Providers()); err != nil {
			return err
		}
	}
	if o.name != "" && len(o.redirectURIs) > 0 {
		return nil
	}
	owner := question{text: "ID of the user who owns it", option: "--user_id", optional: true}
	uris := strings.Join(o.redirectURIs, ",")
	uri := question{
		text: "Redirect URI; several with commas between them", option: "--redirect_uri",
		fallback: s.Issuer() + "/auth/callback", suggestion: true,
	}
	if err := a.answer(&o.userID, owner); err != nil {
		return err
	}
	if err := a.answer(&o.name, name); err != nil {
		return err
	}
	if err := a.answer(&uris, uri); err != nil {
		return err
	}
	o.redirectURIs = separated([]string{uris}, ",")
	return nil
}

// usualName is what a client is called that was given no name. A client that users
// see on the consent page has none.
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

// completeProvider asks whose users the client acts for, where that is a question:
// for a client that gets tokens of users without their consent, and where there is
// no default provider. A single provider is the answer.
func (o *clientOptions) completeProvider(a *asker, providers []string) error {
	usual := slices.Contains(providers, passport.DefaultProvider)
	switch {
	case o.client || o.api || len(providers) == 0 || len(providers) == 1 && usual:
		return nil
	case len(providers) == 1 && o.provider == "":
		o.provider = providers[0]
		return nil
	}
	q := question{text: "Provider of its users", option: "--provider", choices: providers}
	if usual {
		q.fallback = passport.DefaultProvider
	}
	return a.answer(&o.provider, q)
}
