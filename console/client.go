package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// clientOptions are those of `passport client`, named as Laravel Passport names
// them.
type clientOptions struct {
	name         string
	redirectURIs []string
	public       bool
	client       bool
	provider     string
	userID       string
	scopes       []string
	json         bool
}

func (p *program) client() *cobra.Command {
	var o clientOptions
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Register an application that asks for tokens",
		Long: `Registers a client: an application that asks for tokens. Without options it asks for
what it needs to know. A client sends its users here to consent (authorization code),
unless --client says that it acts for itself alone (client credentials).`,
		Example: `  passport client --name "Order Tracker" --redirect_uri https://app.example.com/callback
  passport client --name "Order Tracker for phones" --public --redirect_uri com.example.orders:/callback
  passport client --name "Nightly export" --client --scopes "check-status"`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(ask(cmd)); err != nil {
				return err
			}
			return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, in *opened) error {
				return o.create(ctx, cmd, s, in)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "users see this `NAME` when they are asked to consent")
	f.StringArrayVar(&o.redirectURIs, "redirect_uri", nil, "send users back to `URI`; several with commas between them or by repeating the option, a comma in a URI as %2C")
	f.BoolVar(&o.public, "public", false, "it cannot keep a secret: an app on a phone, a desktop or in a browser")
	f.BoolVar(&o.client, "client", false, "it acts for itself, without a user (client credentials)")
	f.StringVar(&o.provider, "provider", "", "it acts for users of `PROVIDER` (default users)")
	f.StringVar(&o.userID, "user_id", "", "it belongs to the user with this `ID`")
	f.StringArrayVar(&o.scopes, "scopes", nil, "it may ask for `SCOPES`, with spaces or commas between them (default all)")
	f.BoolVar(&o.json, "json", false, "print JSON, with the names of RFC 7591")
	cmd.AddCommand(p.clientList(), p.clientRevoke())
	return cmd
}

// complete asks for what the options leave open. Where all that is required was
// said, nothing is asked.
func (o *clientOptions) complete(a *asker) error {
	o.redirectURIs = separated(o.redirectURIs, ",")
	switch {
	case o.client && o.public:
		return usage(a.cmd, errors.New("--client and --public exclude one another: a client that acts for itself has to keep a secret"))
	case o.client && len(o.redirectURIs) > 0:
		return usage(a.cmd, errors.New("--client and --redirect_uri exclude one another: a client that acts for itself sends no user anywhere"))
	case o.client:
		return a.fill(&o.name, "What should we name the client?", "--name", false)
	case o.name != "" && len(o.redirectURIs) > 0:
		return nil
	}
	if err := a.fill(&o.userID, "Which user ID should the client be assigned to?", "--user_id", true); err != nil {
		return err
	}
	if err := a.fill(&o.name, "What should we name the client?", "--name", false); err != nil {
		return err
	}
	uris := strings.Join(o.redirectURIs, ",")
	if err := a.fill(&uris, "Where should we redirect the request after authorization?", "--redirect_uri", false); err != nil {
		return err
	}
	o.redirectURIs = separated([]string{uris}, ",")
	return nil
}

// registration is what the options ask for.
func (o *clientOptions) registration() passport.Registration {
	r := passport.Registration{
		Name: o.name, Provider: o.provider, RedirectURIs: o.redirectURIs,
		GrantTypes: []string{"authorization_code", "refresh_token"},
	}
	if o.client {
		r.GrantTypes = []string{"client_credentials"}
	}
	if o.public {
		r.AuthMethod = oauth.AuthNone
	}
	if o.userID != "" {
		r.Owner = oauth.UserRef{Provider: passport.DefaultProvider, ID: o.userID}
	}
	if len(o.scopes) > 0 {
		r.Scopes = separated(o.scopes, ", ")
	}
	return r
}

func (o *clientOptions) create(ctx context.Context, cmd *cobra.Command, s *passport.Server, in *opened) error {
	if o.userID != "" && in != nil {
		if _, err := in.accounts.UserByID(ctx, o.userID); errors.Is(err, oauth.ErrNotFound) {
			return fmt.Errorf("no user has the ID %q: see `passport user list`", o.userID)
		} else if err != nil {
			return err
		}
	}
	if in != nil && o.provider != "" && o.provider != passport.DefaultProvider {
		return fmt.Errorf("there is no provider %q: the accounts of this server are those of %q", o.provider, passport.DefaultProvider)
	}
	made, err := s.CreateClient(ctx, o.registration())
	if err != nil {
		return inSettings(err)
	}
	if o.json {
		return writeJSON(cmd.OutOrStdout(), describeClient(made.Client, made.Secret))
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "New client created.\n\n  Client ID      %s\n", made.Client.ID)
	if made.Secret == "" {
		fmt.Fprintln(out, "\nIt is public: it has no secret, and proves itself by PKCE.")
		return nil
	}
	fmt.Fprintf(out, "  Client secret  %s\n\nThis is the only time that the secret is shown. Keep it where the application reads it.\n", made.Secret)
	return nil
}

// separated splits each of several lists.
func separated(lists []string, separators string) (items []string) {
	for _, list := range lists {
		for _, item := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			if item = strings.TrimSpace(item); item != "" && !slices.Contains(items, item) {
				items = append(items, item)
			}
		}
	}
	return items
}

// withServer runs what works on a server: the application's own, or the one
// that the settings describe. in is nil for an application's.
func (p *program) withServer(ctx context.Context, do func(ctx context.Context, s *passport.Server, in *opened) error) error {
	return p.withServerLogging(ctx, slog.New(slog.DiscardHandler), do)
}

func (p *program) withServerLogging(ctx context.Context, logger *slog.Logger, do func(ctx context.Context, s *passport.Server, in *opened) error) error {
	if p.Server != nil {
		s, err := p.Server(ctx)
		if err != nil {
			return err
		}
		return do(ctx, s, nil)
	}
	return p.withDatabase(ctx, func(ctx context.Context, in *opened) error {
		// What these commands do is signed by nobody, so the key that signs
		// tokens is left where it is.
		keys, err := passport.GenerateKeys()
		if err != nil {
			return err
		}
		// A client that is named and not there is no reason not to make one.
		in.settings.PersonalAccessClientID, in.settings.PersonalAccessClientSecret = "", ""
		s, err := in.server(keys, logger)
		if err != nil {
			return err
		}
		return do(ctx, s, in)
	})
}
