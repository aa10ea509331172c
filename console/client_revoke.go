package console

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

func (p *program) clientRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a client, and with it every token that it holds",
		Long:  "Revokes a client. Every token that it holds ends at once, and it gets no more. This cannot be undone.",
		Args:  arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, _ *opened) error {
				err := s.RevokeClient(ctx, args[0])
				if errors.Is(err, oauth.ErrNotFound) {
					return fmt.Errorf("no client has the ID %q: see `passport client list`", args[0])
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Revoked the client %s and its tokens.\n", args[0])
				return nil
			})
		},
	}
}
