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

// clientChange holds the fields that `client update` may change.
type clientChange struct {
	name, audience string
	redirectURIs   []string
	origins        []string
	grants         []string
	scopes         []string
	lifetimes      lifetimes
	metadata       clientMetadata
	openID         clientOpenID
}

func (p *program) clientUpdate() *cobra.Command {
	var change clientChange
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "update ID",
		Short: "Change the fields of a client",
		Long: `Changes the fields of a client that you name, and keeps the rest. The next token that the client
gets has the new scopes. A lifetime of 0 means that of the server. --audience is for an API, which
was registered with --api. --grant replaces all grants: ` + "`passport client show`" + ` lists those to keep.
Users are asked for consent again after a change of what the consent page shows: the name, the
redirect URIs, the home page, the policies, the logo and --verified.`,
		Example: `  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --name "Order Tracker 2"
  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --access-token-ttl 15m --scopes "check-status"
  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --scopes "*"
  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --grant authorization_code,refresh_token
  passport client update 01a20b37-a7be-7a73-9340-0f2b3db7b09c --client-uri https://tracker.example --logo logo.png --verified
  passport client update 01a20b37-b1d4-7b1e-8a36-5f0f4b0f7c11 --audience https://orders.example.com`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch named := cmd.Flags().Changed; {
			case !slices.ContainsFunc(slices.Concat(updateOptions, metadataOptions, openIDOptions), named):
				return usage(cmd, errors.New("nothing to update: pass at least one option"))
			case named("audience") && change.audience == "":
				return usage(cmd, errors.New("--audience is empty: name the audience of the tokens that the API asks about"))
			case named("grant") && len(separated(change.grants, ", ")) == 0:
				return usage(cmd, errors.New("--grant is empty: name each grant that the client keeps; to end the client, suspend or revoke it"))
			}
			p.namesAlg = cmd.Flags().Changed("id-token-alg")
			return p.withClient(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, in *opened, c *oauth.Client) error {
				if err := change.fits(c); err != nil {
					return err
				}
				if slices.ContainsFunc(openIDOptions, cmd.Flags().Changed) && !in.offersOpenID() {
					return errOpenIDOff
				}
				c, err := change.store(ctx, s, c, cmd.Flags().Changed)
				if err != nil {
					return in.words(err)
				}
				if asJSON {
					return writeDescribed(ctx, cmd.OutOrStdout(), s, c)
				}
				success(cmd.OutOrStdout(), "Updated the client %q (%s).", shownText(c.Name), bold(c.ID))
				if cmd.Flags().Changed("redirect-uri") {
					warnUnencrypted(cmd.OutOrStdout(), c)
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&change.name, "name", "", "the `NAME` that users see on the consent page")
	f.StringArrayVar(&change.redirectURIs, "redirect-uri", nil, "the callback `URI` of the application; the URIs that you pass replace all others")
	f.StringArrayVar(&change.origins, "allowed-origin", nil, "an `ORIGIN` whose pages may call the token endpoint (CORS), besides the origins of the redirect URIs; replaces all others, and an empty one removes them")
	f.StringArrayVar(&change.grants, "grant", nil, "a `GRANT` that it may use: a value of grant_type, such as refresh_token, or implicit; the grants that you pass replace all others")
	f.StringArrayVar(&change.scopes, "scopes", nil, "the `SCOPES` that it may request, and no others; * for all")
	f.StringVar(&change.audience, "audience", "", "of an API: the audience `URI` of the tokens that it asks about")
	change.lifetimes.flags(cmd)
	change.metadata.flags(cmd, true)
	change.openID.flags(cmd, true)
	f.BoolVar(&asJSON, "json", false, "print JSON, with the names of RFC 7591")
	return cmd
}

// updateOptions are the options that change the client itself.
var updateOptions = []string{"name", "redirect-uri", "allowed-origin", "grant", "scopes", "access-token-ttl", "refresh-token-ttl", "family-ttl", "audience"}

// fits refuses fields that a client of this kind does not have.
func (change *clientChange) fits(c *oauth.Client) error {
	switch {
	case change.audience != "" && c.Audience == "":
		return fmt.Errorf("the client %s is not an API, so it has no audience: register the API with `passport client --api --audience %s`", c.ID, change.audience)
	case isAPI(c):
		return tokenOptions{redirectURIs: change.redirectURIs, origins: change.origins, grants: change.grants, scopes: change.scopes, lifetimes: change.lifetimes}.forAPI()
	}
	return nil
}

// store changes the client. If it has been changed since it was read, store reads it
// again and changes the fields of the command line only.
func (change *clientChange) store(ctx context.Context, s *passport.Server, c *oauth.Client, named func(option string) bool) (*oauth.Client, error) {
	logo, err := change.metadata.readLogo()
	if err != nil {
		return nil, err
	}
	for {
		change.apply(c, named)
		err := change.write(ctx, s, c, logo, named)
		if !errors.Is(err, oauth.ErrConflict) {
			return c, err
		}
		if c, err = s.Client(ctx, c.ID); err != nil {
			return nil, err
		}
	}
}

// write stores the client and its metadata, in one write.
func (change *clientChange) write(ctx context.Context, s *passport.Server, c *oauth.Client, logo []byte, named func(option string) bool) error {
	if !slices.ContainsFunc(metadataOptions, named) {
		return s.UpdateClient(ctx, c)
	}
	m, err := s.ClientMetadata(ctx, c.ID)
	if err != nil {
		return err
	}
	change.metadata.apply(m, named)
	return s.UpdateClientMetadata(ctx, c, m, logo)
}

func (change *clientChange) apply(c *oauth.Client, named func(option string) bool) {
	change.openID.apply(c, named)
	if named("name") {
		c.Name = change.name
	}
	if named("redirect-uri") {
		c.RedirectURIs = separated(change.redirectURIs, ",")
	}
	if named("allowed-origin") {
		c.AllowedOrigins = separated(change.origins, ", ")
	}
	if named("grant") {
		c.GrantTypes = separated(change.grants, ", ")
	}
	if named("scopes") {
		c.Scopes = orEmpty(separated(change.scopes, ", "))
	}
	if named("audience") {
		c.Audience = change.audience
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
