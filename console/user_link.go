package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/oauth"
)

// linkCommand is a command that prints a link.
type linkCommand struct {
	use, short, long, argument string
	make                       func(ctx context.Context, in *opened, named string) (*account.Link, error)
	done, within               string // with the email address; how long the link works
}

// userInvite is `user invite`.
func (p *program) userInvite() *cobra.Command {
	var name string
	cmd := p.userLink(linkCommand{
		use: "invite EMAIL", short: "Create an account, and print a link to choose its password",
		long: `Creates an account without a password, and prints a link with which the user chooses one. Send the
link to the user, and to no other person. It works once, within 7 days. To replace a lost link,
invite the user again. The link begins with the setting issuer.`,
		argument: "email address", done: "Invited %s.", within: "7 days",
		make: func(ctx context.Context, in *opened, email string) (*account.Link, error) {
			link, err := in.accounts.Invite(ctx, email, name)
			if errors.Is(err, oauth.ErrConflict) {
				return nil, emailTaken(email)
			}
			return link, err
		},
	})
	cmd.Flags().StringVar(&name, "name", "", "the `NAME` that pages show")
	return cmd
}

// userReset is `user reset`.
func (p *program) userReset() *cobra.Command {
	return p.userLink(linkCommand{
		use: "reset ID|EMAIL", short: "Print a link to choose a new password",
		long: `Prints a link with which the user chooses a new password, without the current one. Send the link to
the user, and to no other person. It works once, within an hour. When it is used, all sessions of
the account end, and so do the codes and tokens of apps. The link begins with the setting issuer.`,
		argument: "ID or email address", done: "Created a link to reset the password of %s.", within: "an hour",
		make: func(ctx context.Context, in *opened, named string) (*account.Link, error) {
			return in.userLinkFor(ctx, named, in.accounts.ResetLink)
		},
	})
}

// userVerify is `user verify`.
func (p *program) userVerify() *cobra.Command {
	cmd := p.userLink(linkCommand{
		use: "verify ID|EMAIL", short: "Print a link to confirm the email address",
		long: `Prints a link with which the user confirms the email address of the account. Send it to that address
only: the link proves nothing if it reaches the user in another way. It works once, within 24 hours.
Then ` + "`passport user list --json`" + ` has email_verified_at, and apps get the claim email_verified (OpenID
Connect). The link begins with the setting issuer. With --confirmed there is no link.`,
		argument: "ID or email address", done: "Created a link to confirm the address %s.", within: "24 hours",
		make: func(ctx context.Context, in *opened, named string) (*account.Link, error) {
			return in.userLinkFor(ctx, named, in.accounts.VerifyLink)
		},
	})
	var confirmed bool
	link := cmd.RunE
	cmd.Flags().BoolVar(&confirmed, "confirmed", false, "record that you know that the address is the user's, and print no link")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if confirmed {
			return p.confirmEmail(cmd, args[0])
		}
		return link(cmd, args)
	}
	return cmd
}

// confirmEmail is `user verify --confirmed`.
func (p *program) confirmEmail(cmd *cobra.Command, named string) error {
	return p.withAccounts(cmd.Context(), func(ctx context.Context, in *opened) error {
		u, err := in.findUser(ctx, named)
		if err != nil {
			return err
		}
		if u, err = in.accounts.ConfirmEmail(ctx, u.ID); err != nil {
			return err
		}
		if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
			return writeJSON(cmd.OutOrStdout(), describeUser(u))
		}
		success(cmd.OutOrStdout(), "The address %s is confirmed.", bold(u.Email))
		return nil
	})
}

// userLinkFor makes a link for an account that the user named by ID or email address.
func (o *opened) userLinkFor(ctx context.Context, named string, link func(context.Context, string) (*account.Link, error)) (*account.Link, error) {
	u, err := o.findUser(ctx, named)
	if err != nil {
		return nil, err
	}
	return link(ctx, u.ID)
}

func (p *program) userLink(c linkCommand) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: c.use, Short: c.short, Long: c.long,
		Args: arguments(c.argument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAccounts(cmd.Context(), func(ctx context.Context, in *opened) error {
				link, err := c.make(ctx, in, args[0])
				if errors.Is(err, oauth.ErrNotFound) {
					return fmt.Errorf("the account %s is disabled: enable it with `passport user enable` first", args[0])
				}
				if err != nil {
					return err
				}
				out := screenOf(cmd.OutOrStdout())
				if asJSON {
					return writeJSON(out, linkJSON{link.URL, link.ExpiresAt.Format(time.RFC3339), describeUser(link.User)})
				}
				success(out, c.done, bold(link.User.Email))
				out.Printf("Send them this link. It works once, within %s:\n\n  %s\n", c.within, link.URL)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// linkJSON is a link as JSON.
type linkJSON struct {
	URL       string   `json:"url"`
	ExpiresAt string   `json:"expires_at"`
	User      userJSON `json:"user"`
}
