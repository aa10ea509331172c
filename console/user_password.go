package console

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
)

// userSetPassword is `user set-password`.
func (p *program) userSetPassword() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "set-password ID|EMAIL",
		Short: "Set a new password, and end all sessions of the account",
		Long: `Sets a new password. It asks for the password, or reads it from standard input. All sessions of the
account end, and so do the codes and tokens of apps. Personal access tokens stay.`,
		Example: `  passport user set-password ada@example.com
  passport user set-password ada@example.com --password-stdin < password.txt`,
		Args: arguments("ID or email address"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.setPassword(cmd, args[0], fromStdin) },
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

// setPassword needs the server, which ends what apps hold.
func (p *program) setPassword(cmd *cobra.Command, named string, fromStdin bool) error {
	a := ask(cmd)
	if !a.tty && !fromStdin {
		return a.missing("--password-stdin")
	}
	return p.withServer(cmd.Context(), func(ctx context.Context, _ *passport.Server, in *opened) error {
		if err := in.prepareAccounts(ctx); err != nil {
			return err
		}
		u, err := in.findUser(ctx, named)
		if err != nil {
			return err
		}
		password, err := a.password(fromStdin)
		if err != nil {
			return err
		}
		if err := in.accounts.SetPassword(ctx, u.ID, password, ""); err != nil {
			return err
		}
		success(cmd.OutOrStdout(), "Changed the password of %s. All sessions have ended, and apps must ask for access again.", u.Email)
		return nil
	})
}
