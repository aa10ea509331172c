package console

import (
	"errors"
	"fmt"
	"strings"
)

// kind is the option that says what kind of client it is, or "".
func (o *clientOptions) kind() string { return strings.Join(o.kinds(), " and ") }

func (o *clientOptions) kinds() (kinds []string) {
	for _, k := range []struct {
		option string
		given  bool
	}{{"--personal", o.personal}, {"--password", o.password}, {"--client", o.client}, {"--implicit", o.implicit}, {"--device", o.device}, {"--api", o.api}} {
		if k.given {
			kinds = append(kinds, k.option)
		}
	}
	return kinds
}

// redirects reports whether the client sends users here and gets them back.
func (o *clientOptions) redirects() bool { return o.implicit || len(o.kinds()) == 0 }

// calledBack reports whether the client can have redirect URIs. A device can have some
// for another grant.
func (o *clientOptions) calledBack() bool { return o.redirects() || o.device }

// check refuses options that contradict each other. Without a terminal it also names
// the first option that is missing.
func (o *clientOptions) check(a *asker) error {
	o.redirectURIs = separated(o.redirectURIs, ",")
	if err := o.contradiction(); err != nil {
		return usage(a.cmd, err)
	}
	switch {
	case a.tty:
		return nil
	case o.name == "" && o.calledBack(): // users see it
		return a.missing("--name")
	case len(o.redirectURIs) == 0 && o.redirects():
		return a.missing("--redirect-uri")
	}
	return nil
}

func (o *clientOptions) contradiction() error {
	kind := o.kind()
	switch {
	case len(o.kinds()) > 1:
		return fmt.Errorf("%s can't be used together: a client has only one kind", kind)
	case o.api:
		return o.contradictionOfAPI()
	case o.client && o.public:
		return errors.New("--client and --public can't be used together: a client that acts for itself needs a secret")
	case o.personal && o.public:
		return errors.New("--personal and --public can't be used together: the client of personal access tokens needs a secret")
	case o.audience != "":
		return errors.New("--audience needs --api")
	case o.client && len(o.redirectURIs) > 0:
		return errors.New("--client and --redirect-uri can't be used together: a client that acts for itself doesn't redirect users")
	case !o.calledBack() && len(o.redirectURIs) > 0:
		return fmt.Errorf("%s and --redirect-uri can't be used together: such a client doesn't redirect users", kind)
	case (o.personal || o.password) && o.userID != "":
		return fmt.Errorf("%s and --user-id can't be used together: such a client belongs to the operator", kind)
	}
	return nil
}

func (o *clientOptions) contradictionOfAPI() error {
	if o.public {
		return errors.New("--api and --public can't be used together: an API needs a secret to ask about tokens")
	}
	return tokenOptions{redirectURIs: o.redirectURIs, origins: o.origins, scopes: o.scopes, provider: o.provider, lifetimes: o.lifetimes}.forAPI()
}
