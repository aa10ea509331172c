package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// clientChange is what `client update` may change.
type clientChange struct {
	name         string
	redirectURIs []string
	scopes       []string
	lifetimes    lifetimes
}

func (p *program) clientUpdate() *cobra.Command {
	var change clientChange
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "update ID",
		Short: "Change the name, redirect URIs, scopes or lifetimes of a client",
		Long: `Changes what is named of a client and leaves the rest as it is. Scopes that are taken away
are missing from the next token that it gets; a lifetime of 0 is the server's own again.`,
		Example: `  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --name "Order Tracker 2"
  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --access-token-ttl 15m --scopes "check-status"
  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --scopes "*"`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.ContainsFunc([]string{"name", "redirect_uri", "scopes", "access-token-ttl", "refresh-token-ttl", "family-ttl"}, cmd.Flags().Changed) {
				return usage(cmd, errors.New("nothing is to change: say what with an option"))
			}
			return p.withClient(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, in *opened, c *oauth.Client) error {
				c, err := change.store(ctx, s, c, cmd.Flags().Changed)
				if err != nil {
					return in.words(err)
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), describeClient(s, c, ""))
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Changed the client %s.\n", c.ID)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&change.name, "name", "", "users see this `NAME` when they are asked to consent")
	f.StringArrayVar(&change.redirectURIs, "redirect_uri", nil, "send users back to `URI`, and to no others than those that are named here")
	f.StringArrayVar(&change.scopes, "scopes", nil, "it may ask for these `SCOPES` and no others; * for all")
	change.lifetimes.flags(cmd)
	f.BoolVar(&asJSON, "json", false, "print JSON, with the names of RFC 7591")
	return cmd
}

// store changes the client as it is now, also when somebody else changes it at
// the same time: what was named on the command line holds.
func (change *clientChange) store(ctx context.Context, s *passport.Server, c *oauth.Client, named func(option string) bool) (*oauth.Client, error) {
	for {
		change.apply(c, named)
		err := s.UpdateClient(ctx, c)
		if !errors.Is(err, oauth.ErrConflict) {
			return c, err
		}
		if c, err = s.Client(ctx, c.ID); err != nil {
			return nil, err
		}
	}
}

func (change *clientChange) apply(c *oauth.Client, named func(option string) bool) {
	if named("name") {
		c.Name = change.name
	}
	if named("redirect_uri") {
		c.RedirectURIs = separated(change.redirectURIs, ",")
	}
	if named("scopes") {
		c.Scopes = orEmpty(separated(change.scopes, ", "))
	}
	if named("access-token-ttl") {
		c.AccessTokenTTL = time.Duration(change.lifetimes.accessToken)
	}
	if named("refresh-token-ttl") {
		c.RefreshTokenTTL = time.Duration(change.lifetimes.refreshToken)
	}
	if named("family-ttl") {
		c.FamilyTTL = time.Duration(change.lifetimes.family)
	}
}
