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
		Short: "Manage user accounts",
		Args:  subcommandOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.userCreate(), p.userInvite(), p.userList(), p.userApps(), p.userRemoveApp(), p.userTokens(), p.userRevokeToken(), p.userSetPassword(), p.userReset(), p.userVerify(), p.userSwitch("disable", true), p.userSwitch("enable", false))
	return cmd
}

// newUser holds the options of `user create`.
type newUser struct {
	email, name       string
	fromStdin, asJSON bool
}

func (p *program) userCreate() *cobra.Command {
	var u newUser
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an account",
		Long: `Creates an account. It asks for the password, or reads it from standard input. There is no option
for the password, because other users of the machine can see command lines.`,
		Example: `  passport user create --email ada@example.com --name "Ada Lovelace"
  passport user create --email ada@example.com --name "Ada Lovelace" --password-stdin < password.txt`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.createUser(cmd, u) },
	}
	cmd.Flags().StringVar(&u.email, "email", "", "the email `ADDRESS` that the user signs in with")
	cmd.Flags().StringVar(&u.name, "name", "", "the `NAME` that pages show")
	cmd.Flags().BoolVar(&u.fromStdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().BoolVar(&u.asJSON, "json", false, "print JSON")
	return cmd
}

// createUser is `user create`. Without a terminal it names a missing option before it
// opens a database.
func (p *program) createUser(cmd *cobra.Command, u newUser) error {
	a := ask(cmd)
	switch {
	case a.tty:
	case u.email == "":
		return a.missing("--email")
	case !u.fromStdin:
		return a.missing("--password-stdin")
	}
	return p.withAccounts(cmd.Context(), func(ctx context.Context, in *opened) error {
		free := func(email string) error { return in.freeEmail(ctx, email) }
		if err := a.fill(&u.email, question{text: "Email", option: "--email", check: free}); err != nil {
			return err
		}
		if err := a.fill(&u.name, question{text: "Name", option: "--name", optional: true, check: account.CheckName}); err != nil {
			return err
		}
		password, err := a.password(u.fromStdin)
		if err != nil {
			return err
		}
		made, err := in.accounts.Create(ctx, account.NewUser{Email: u.email, Name: u.name, Password: password})
		if errors.Is(err, oauth.ErrConflict) {
			return emailTaken(u.email)
		}
		if err != nil {
			return err
		}
		if u.asJSON {
			return writeJSON(cmd.OutOrStdout(), describeUser(made))
		}
		success(cmd.OutOrStdout(), "Created account %s (%s).", made.Email, bold(made.ID))
		return nil
	})
}

// freeEmail refuses an email address that is not valid, or that an account has.
func (o *opened) freeEmail(ctx context.Context, email string) error {
	if err := account.CheckEmail(email); err != nil {
		return err
	}
	_, err := o.accounts.UserByEmail(ctx, email)
	switch {
	case err == nil:
		return emailTaken(email)
	case errors.Is(err, oauth.ErrNotFound):
		return nil
	}
	return err
}

func emailTaken(email string) error {
	return fmt.Errorf("an account with the email address %s already exists: see `passport user list`", email)
}

// userSwitch is `user disable` and `user enable`.
func (p *program) userSwitch(verb string, disable bool) *cobra.Command {
	short, long, done := "Enable a disabled account", "Enables a disabled account. Its user can sign in again.", "It can sign in again."
	if disable {
		short, done = "Disable an account, and end its sessions and tokens at once", "Its sessions and tokens have ended."
		long = "Disables an account. Its sessions and tokens end at once, and stay ended when you enable the account again."
	}
	return &cobra.Command{
		Use:   verb + " ID|EMAIL",
		Short: short,
		Long:  long,
		Args:  arguments("ID or email address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(ctx context.Context, _ *passport.Server, in *opened) error { // which ends the tokens
				if err := in.prepareAccounts(ctx); err != nil {
					return err
				}
				u, err := in.findUser(ctx, args[0])
				if err != nil {
					return err
				}
				if err := in.accounts.Disable(ctx, u.ID, disable); err != nil {
					return err
				}
				success(cmd.OutOrStdout(), "The account %s is %sd. %s", args[0], verb, done)
				return nil
			})
		},
	}
}

// findUser returns an account that the user named by ID or email address.
func (o *opened) findUser(ctx context.Context, named string) (*account.User, error) {
	find, by := o.accounts.User, "ID"
	if strings.Contains(named, "@") {
		find, by = o.accounts.UserByEmail, "email address"
	}
	u, err := find(ctx, named)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, fmt.Errorf("no account has the %s %q: see `passport user list`", by, named)
	}
	return u, err
}

// userJSON is an account as JSON.
type userJSON struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	State     string `json:"state"`
	CreatedAt string `json:"created_at"`

	EmailVerifiedAt string `json:"email_verified_at,omitempty"`
}

func describeUser(u *account.User) userJSON {
	d := userJSON{ID: u.ID, Email: u.Email, Name: u.Name, State: stateOfUser(u), CreatedAt: u.CreatedAt.UTC().Format(time.RFC3339)}
	if !u.EmailVerifiedAt.IsZero() {
		d.EmailVerifiedAt = u.EmailVerifiedAt.UTC().Format(time.RFC3339)
	}
	return d
}

// stateInvited is the state of an account whose user has not chosen a password yet.
const stateInvited = "invited"

func stateOfUser(u *account.User) string {
	switch {
	case !u.DisabledAt.IsZero():
		return "disabled"
	case u.Invited:
		return stateInvited
	}
	return stateActive
}
