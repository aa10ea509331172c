package console

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/page"
)

// confirmation guards a change that can't be undone: the command asks at a terminal,
// unless --yes was given.
type confirmation struct{ yes bool }

// flag adds --yes to a command.
func (c *confirmation) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "don't ask for confirmation")
}

// required refuses to go on where the command can't ask: a script says --yes.
func (c confirmation) required(a *asker) error {
	if c.yes || a.tty {
		return nil
	}
	return a.missing("--yes")
}

// skip reports whether the command doesn't ask. It is for an option such as --force,
// which a script has written out already.
func (c confirmation) skip(a *asker) bool { return c.yes || !a.tty }

// errUnconfirmed is returned if the user doesn't confirm.
var errUnconfirmed = errors.New("not confirmed: nothing was changed")

// confirm asks a yes-or-no question. The default is no.
func (a *asker) confirm(text string) error {
	for {
		response, err := a.line(text + "? [y/N]")
		if err != nil {
			return err
		}
		switch strings.ToLower(response) {
		case "y", "yes":
			return nil
		case "", "n", "no":
			return errUnconfirmed
		}
		a.complain(errors.New("want y or n"))
	}
}

// confirmByName requires the user to type one of the names of what ends.
func (a *asker) confirmByName(text string, names ...string) error {
	response, err := a.line(text)
	switch {
	case err != nil:
		return err
	case response == "":
		return errUnconfirmed
	case !slices.Contains(names, response):
		return fmt.Errorf("%q is not the name: nothing was changed", response)
	}
	return nil
}

// shownText is a name from the database as a terminal may show it.
func shownText(name string) string { return page.Text(name, len(name)) }
