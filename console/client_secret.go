package console

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// keepSecret is how long a client's old secret stays valid: long enough to deploy the
// new one.
const keepSecret = 24 * time.Hour

func (p *program) clientRotateSecret() *cobra.Command {
	keep := duration(keepSecret)
	var sure confirmation
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate-secret ID",
		Short: "Give a client a new secret; the old one works for a day",
		Long: `Gives a client a new secret and shows it once. The old secret works for another day, or as long as
--keep says, so that you can deploy the new one without downtime. If the old secret has leaked,
pass --keep 0 to end it at once. On a terminal, --keep 0 asks for confirmation.`,
		Example: `  passport client rotate-secret 01a20b37-a7be-7a73-9340-0f2b3db7b09c
  passport client rotate-secret 01a20b37-a7be-7a73-9340-0f2b3db7b09c --keep 0`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := ask(cmd)
			return p.withClient(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, in *opened, c *oauth.Client) error {
				if c.Public() {
					return fmt.Errorf("the client %s is public: it has no secret to replace", c.ID)
				}
				if keep == 0 && !sure.skip(a) {
					if err := a.confirm(fmt.Sprintf("End the old secret of %q at once", shownText(c.Name))); err != nil {
						return err
					}
				}
				fresh, err := s.RotateSecret(ctx, c.ID, time.Duration(keep))
				if err != nil {
					return in.words(err)
				}
				return showSecret(ctx, cmd.OutOrStdout(), s, rotated{c.ID, fresh, asJSON})
			})
		},
	}
	cmd.Flags().Var(&keep, "keep", "the `DURATION` for which the old secret still works; 0 ends it at once")
	sure.flag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// rotated is a client with a new secret.
type rotated struct {
	id, secret string
	asJSON     bool
}

// rotatedJSON is the JSON of a rotated client.
type rotatedJSON struct {
	ID     any    `json:"client_id"`
	Secret string `json:"client_secret"`
	Until  string `json:"old_secret_expires_at,omitempty"` // absent if it has ended
}

// showSecret shows a new secret, and until when an old one works. It reads that from
// the record, because an earlier rotation may have set an earlier end.
func showSecret(ctx context.Context, out io.Writer, s *passport.Server, r rotated) error {
	c, err := s.Client(ctx, r.id)
	if err != nil {
		// The secret is stored already: show it, or it is lost.
		c = &oauth.Client{ID: r.id}
	}
	until := ""
	if last := lastEnd(c, time.Now()); !last.IsZero() {
		until = last.UTC().Format(time.RFC3339)
	}
	if r.asJSON {
		return writeJSON(out, rotatedJSON{idJSON(s, r.id), r.secret, until})
	}
	success(out, "New secret for %q.\n", shownText(c.Name))
	showCredentials(screenOf(out), r.id, r.secret)
	fmt.Fprintln(out, "\n"+onlyTime)
	if until == "" {
		fmt.Fprintln(out, "The old secret has ended.")
	} else {
		fmt.Fprintf(out, "The old secret works until %s.\n", until)
	}
	if c.Allows("personal_access") {
		fmt.Fprintf(out, "If the server uses this client, put these lines into its environment:\n\n%s", personalEnv(r.id, r.secret))
	}
	return nil
}

// showCredentials shows the ID of a client, and its secret unless it has none.
func showCredentials(out *screen, id, secret string) {
	out.Printf("  %s  %s\n", dim("Client ID    "), bold(id))
	if secret != "" {
		out.Printf("  %s  %s\n", dim("Client secret"), bold(secret))
	}
}

// lastEnd returns when the last of a client's secrets with a future end expires.
func lastEnd(c *oauth.Client, at time.Time) (last time.Time) {
	for _, s := range c.Secrets {
		if s.ExpiresAt.After(at) && s.ExpiresAt.After(last) {
			last = s.ExpiresAt
		}
	}
	return last
}
