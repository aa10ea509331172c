package console

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// clientRevokeTokens is `client revoke-tokens`. It asks first, because one wrong ID
// signs out all users of another application.
func (p *program) clientRevokeTokens() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "revoke-tokens ID",
		Short: "End every token of a client, and keep the client",
		Long: `Ends every code, access token, refresh token and personal access token of a client, of all
users and on every node. The client stays: it can get new tokens at once. Users sign in to it
again, but are not asked for consent again. The command asks before it does so.`,
		Example: `  passport client revoke-tokens 01a20b37-a7be-7a73-9340-0f2b3db7b09c
  passport client revoke-tokens 01a20b37-a7be-7a73-9340-0f2b3db7b09c --yes`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := ask(cmd)
			if !yes && !a.tty {
				return a.missing("--yes")
			}
			return p.withClient(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, in *opened, c *oauth.Client) error {
				if !yes {
					if err := a.confirm(fmt.Sprintf("End every token of %q (%s)", c.Name, c.ID)); err != nil {
						return err
					}
				}
				if err := s.RevokeTokensOfClient(ctx, c.ID); err != nil {
					return in.words(err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Ended every token of the client %s. It can get new ones.\n", c.ID)
				return nil
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return cmd
}
