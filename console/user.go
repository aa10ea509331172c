package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/oauth"
)

func (p *program) user() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage the accounts of those who sign in here",
		Args:  subcommandOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.userCreate(), p.userList(), p.userSwitch("disable", true), p.userSwitch("enable", false))
	return cmd
}

func (p *program) userCreate() *cobra.Command {
	var email, name string
	var fromStdin, asJSON bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an account",
		Long: `Makes an account. The password is asked for, or read from standard input: a command
line is seen by others.`,
		Example: `  passport user create --email ada@example.com --name "Ada Lovelace"
  passport user create --email ada@example.com --name "Ada Lovelace" --password-stdin < password.txt`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a := ask(cmd)
			if err := a.fill(&email, "E-mail address", "--email", false); err != nil {
				return err
			}
			if err := a.fill(&name, "Name", "--name", true); err != nil {
				return err
			}
			password, err := a.passwordOr(fromStdin)
			if err != nil {
				return err
			}
			return p.withAccounts(cmd.Context(), func(ctx context.Context, in *opened) error {
				u, err := in.accounts.Create(ctx, account.NewUser{Email: email, Name: name, Password: password})
				if errors.Is(err, oauth.ErrConflict) {
					return fmt.Errorf("an account has the e-mail address %s already: see `passport user list`", email)
				}
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), describeUser(u))
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Made the account %s for %s.\n", u.ID, u.Email)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "sign in with this `ADDRESS`")
	cmd.Flags().StringVar(&name, "name", "", "show this `NAME`")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *asker) passwordOr(fromStdin bool) (string, error) {
	if fromStdin {
		return passwordFrom(a.input)
	}
	return a.newPassword("--password-stdin")
}

// userSwitch is `user disable` and `user enable`.
func (p *program) userSwitch(verb string, disable bool) *cobra.Command {
	short, done := "Let a disabled account in again", "It may sign in again."
	if disable {
		short, done = "Keep an account out: its sessions and tokens end at once", "Its sessions and tokens have ended."
	}
	return &cobra.Command{
		Use:   verb + " ID|EMAIL",
		Short: short,
		Args:  arguments("ID or e-mail address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(ctx context.Context, _ *passport.Server, in *opened) error { // the accounts are connected to it
				if err := in.prepareAccounts(ctx); err != nil {
					return err
				}
				id, err := in.userID(ctx, args[0])
				if err != nil {
					return err
				}
				if err := in.accounts.Disable(ctx, id, disable); errors.Is(err, oauth.ErrNotFound) {
					return fmt.Errorf("no account has the ID %q: see `passport user list`", id)
				} else if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "The account %s is %sd. %s\n", id, verb, done)
				return nil
			})
		},
	}
}

// userID returns the ID of an account that was named by ID or e-mail address.
func (o *opened) userID(ctx context.Context, named string) (string, error) {
	if !strings.Contains(named, "@") {
		return named, nil
	}
	u, err := o.accounts.UserByEmail(ctx, named)
	if errors.Is(err, oauth.ErrNotFound) {
		return "", fmt.Errorf("no account has the e-mail address %q: see `passport user list`", named)
	}
	if err != nil {
		return "", err
	}
	return u.ID, nil
}

// userJSON is an account for programs.
type userJSON struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	State     string `json:"state"`
	CreatedAt string `json:"created_at"`
}

func describeUser(u *account.User) userJSON {
	return userJSON{u.ID, u.Email, u.Name, stateOfUser(u), u.CreatedAt.UTC().Format(time.RFC3339)}
}

func stateOfUser(u *account.User) string {
	if u.DisabledAt.IsZero() {
		return "active"
	}
	return "disabled"
}
