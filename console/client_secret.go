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

// keepSecret is how long a client's old secret lives on: a day, in which the new
// one reaches every machine that the client runs on.
const keepSecret = 24 * time.Hour

func (p *program) clientRotateSecret() *cobra.Command {
	keep := duration(keepSecret)
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate-secret ID",
		Short: "Give a client a new secret; the old one works for a while",
		Long: `Gives a client a new secret, and shows it this once. The old one works on for a day, or as
long as --keep says, so that there is no minute in which neither works. A secret that others
have seen is ended at once with --keep 0.`,
		Example: `  passport client rotate-secret 01a20b37-a7be-7a73-9340-0f2b3db7b09c
  passport client rotate-secret 01a20b37-a7be-7a73-9340-0f2b3db7b09c --keep 0`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withClient(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, in *opened, c *oauth.Client) error {
				if c.Public() {
					return fmt.Errorf("the client %s is public: it has no secret to replace", c.ID)
				}
				fresh, err := s.RotateSecret(ctx, c.ID, time.Duration(keep))
				if err != nil {
					return in.words(err)
				}
				return showSecret(ctx, cmd.OutOrStdout(), s, rotated{c.ID, fresh, asJSON})
			})
		},
	}
	cmd.Flags().Var(&keep, "keep", "the old secret works for this `DURATION`; 0 ends it at once")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// rotated is a client with a new secret.
type rotated struct {
	id, secret string
	asJSON     bool
}

// rotatedJSON is the same for programs.
type rotatedJSON struct {
	ID     any    `json:"client_id"`
	Secret string `json:"client_secret"`
	Until  string `json:"old_secret_expires_at,omitempty"` // absent: it has ended
}

// showSecret shows a new secret, and until when an old one works. That is read
// from the record: an earlier rotation may have set an earlier end.
func showSecret(ctx context.Context, out io.Writer, s *passport.Server, r rotated) error {
	c, err := s.Client(ctx, r.id)
	if err != nil {
		// The secret is stored: better shown without the rest than lost.
		c = &oauth.Client{ID: r.id}
	}
	until := ""
	if last := lastEnd(c, time.Now()); !last.IsZero() {
		until = last.UTC().Format(time.RFC3339)
	}
	if r.asJSON {
		return writeJSON(out, rotatedJSON{idJSON(s, r.id), r.secret, until})
	}
	fmt.Fprintf(out, "New secret for %q.\n\n  Client ID      %s\n  Client secret  %s\n\nThis is the only time that the secret is shown. ", c.Name, r.id, r.secret)
	if until == "" {
		fmt.Fprintln(out, "The old one has ended.")
	} else {
		fmt.Fprintf(out, "The old one works until %s.\n", until)
	}
	if c.Allows("personal_access") {
		fmt.Fprintf(out, "If the server uses this client, put these lines into its environment:\n\n%s", personalEnv(r.id, r.secret))
	}
	return nil
}

// lastEnd is when the last of a client's secrets ends that has an end to come.
func lastEnd(c *oauth.Client, at time.Time) (last time.Time) {
	for _, s := range c.Secrets {
		if s.ExpiresAt.After(at) && s.ExpiresAt.After(last) {
			last = s.ExpiresAt
		}
	}
	return last
}
