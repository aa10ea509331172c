package console

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// withClient runs do with a client that is not revoked.
func (p *program) withClient(ctx context.Context, id string, do func(context.Context, *passport.Server, *opened, *oauth.Client) error) error {
	return p.withServer(ctx, func(ctx context.Context, s *passport.Server, in *opened) error {
		c, err := s.Client(ctx, id)
		switch {
		case errors.Is(err, oauth.ErrNotFound):
			return noClient(id)
		case err != nil:
			return err
		case !c.RevokedAt.IsZero():
			return fmt.Errorf("the client %s is permanently revoked: register another with `passport client`", id)
		}
		return do(ctx, s, in, c)
	})
}

func noClient(id string) error {
	return fmt.Errorf("no client has the ID %q: see `passport client list`", id)
}

// clientSwitch is `client suspend` and `client resume`.
func (p *program) clientSwitch(verb string) *cobra.Command {
	change, done := (*passport.Server).SuspendClient, "Suspended the client %q (%s). It gets no tokens, and its tokens are refused."
	doneAPI := "Suspended the API %q (%s). It can't ask about tokens."
	short := "Stop a client and its tokens until you resume it"
	long := "Suspends a client: it gets no tokens, and its tokens are refused. `passport client resume` undoes\nit."
	if verb == "resume" {
		change, done = (*passport.Server).ResumeClient, "Resumed the client %q (%s). It gets tokens again, and its tokens work again."
		doneAPI = "Resumed the API %q (%s). It can ask about tokens again."
		short = "Resume a suspended client and its tokens"
		long = "Resumes a suspended client: it gets tokens again, and its tokens work again."
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
				success(cmd.OutOrStdout(), done, shownText(c.Name), bold(c.ID))
				return nil
			})
		},
	}
}
