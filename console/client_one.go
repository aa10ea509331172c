package console

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// withClient runs what works on one client that is not revoked.
func (p *program) withClient(ctx context.Context, id string, do func(context.Context, *passport.Server, *opened, *oauth.Client) error) error {
	return p.withServer(ctx, func(ctx context.Context, s *passport.Server, in *opened) error {
		c, err := s.Client(ctx, id)
		switch {
		case errors.Is(err, oauth.ErrNotFound):
			return noClient(id)
		case err != nil:
			return err
		case !c.RevokedAt.IsZero():
			return fmt.Errorf("the client %s is revoked, which is final: register another with `passport client`", id)
		}
		return do(ctx, s, in, c)
	})
}

func noClient(id string) error {
	return fmt.Errorf("no client has the ID %q: see `passport client list`", id)
}

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
					return noClient(args[0])
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

// clientSwitch is `client suspend` and `client resume`.
func (p *program) clientSwitch(verb string) *cobra.Command {
	change, done := (*passport.Server).SuspendClient, "Suspended the client %s: it gets no tokens, and those that it has are refused.\n"
	doneAPI := "Suspended the API %s: it can't ask about tokens.\n"
	short := "Stop a client and its tokens until it is resumed"
	long := "Suspends a client: it gets no tokens, and those that it has are refused. `passport client resume`\ntakes it back."
	if verb == "resume" {
		change, done = (*passport.Server).ResumeClient, "Resumed the client %s: it gets tokens again, and those that it has work again.\n"
		doneAPI = "Resumed the API %s: it can ask about tokens again.\n"
		short = "Let a suspended client in again, with the tokens that it has"
		long = short + "."
	}
	return &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Long:  long,
		Args:  arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withClient(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, in *opened, c *oauth.Client) error {
				if err := change(s, ctx, c.ID); err != nil {
					return in.words(err)
				}
				if isAPI(c) {
					done = doneAPI
				}
				fmt.Fprintf(cmd.OutOrStdout(), done, c.ID)
				return nil
			})
		},
	}
}
