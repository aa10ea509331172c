package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// clientOptions are those of `passport client`, named as Laravel Passport names
// them.
type clientOptions struct {
	personal, password, client, implicit, api, public bool

	name, provider, userID, audience string
	redirectURIs, origins, scopes    []string
	lifetimes                        lifetimes
	json                             bool
}

// lifetimes are those of what a client is issued; zero for the server's.
type lifetimes struct{ accessToken, refreshToken, family duration }

func (l *lifetimes) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&l.accessToken, "access-token-ttl", "its access tokens live for this `DURATION`, such as 15m (default the server's)")
	f.Var(&l.refreshToken, "refresh-token-ttl", "its refresh tokens may lie unused for this `DURATION`, such as 30d (default the server's)")
	f.Var(&l.family, "family-ttl", "all that comes of one consent ends after this `DURATION`, such as 365d (default the server's)")
}

func (p *program) client() *cobra.Command {
	var o clientOptions
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Register an application that asks for tokens",
		Long: `Registers a client: an application that asks for tokens. Without options it asks for
what it needs to know. A client sends its users here to consent (authorization code),
unless an option says that it is of another kind.`,
		Example: `  passport client --name "Order Tracker" --redirect_uri https://app.example.com/callback
  passport client --name "Order Tracker for phones" --public --redirect_uri com.example.orders:/callback
  passport client --name "Nightly export" --client --scopes "check-status"
  passport client --name "Our own app" --password --provider users
  passport client --personal
  passport client --api --name "Orders API"`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.register(cmd, &o) },
	}
	o.flags(cmd)
	cmd.AddCommand(p.clientList(), p.clientShow(), p.clientUpdate(), p.clientRotateSecret(),
		p.clientSwitch("suspend"), p.clientSwitch("resume"), p.clientRevokeTokens(), p.clientRevoke())
	return cmd
}

func (o *clientOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "users see this `NAME` when they are asked to consent")
	f.StringArrayVar(&o.redirectURIs, "redirect_uri", nil, "send users back to `URI`; several with commas between them or by repeating the option, a comma in a URI as %2C")
	f.StringArrayVar(&o.origins, "allowed-origin", nil, "pages at `ORIGIN` may call the token endpoint (CORS), besides those at the origins of its redirect URIs; several with commas between them or by repeating the option")
	f.BoolVar(&o.public, "public", false, "it cannot keep a secret: an app on a phone, a desktop or in a browser")
	f.BoolVar(&o.client, "client", false, "it acts for itself, without a user (client credentials)")
	f.BoolVar(&o.personal, "personal", false, "personal access tokens belong to it")
	f.BoolVar(&o.password, "password", false, "it exchanges a user's password for tokens (password grant)")
	f.BoolVar(&o.implicit, "implicit", false, "it gets tokens in the fragment of its redirect URI (implicit grant)")
	f.BoolVar(&o.api, "api", false, "it is an API that asks about the tokens it receives (introspection); it gets none itself")
	f.StringVar(&o.audience, "audience", "", "with --api: it asks about tokens for the audience `URI` (default the server's)")
	f.StringVar(&o.provider, "provider", "", "it acts for users of `PROVIDER` (default users)")
	f.StringVar(&o.userID, "user_id", "", "it belongs to the user with this `ID`")
	f.StringArrayVar(&o.scopes, "scopes", nil, "it may ask for `SCOPES`, with spaces or commas between them (default all)")
	o.lifetimes.flags(cmd)
	f.BoolVar(&o.json, "json", false, "print JSON, with the names of RFC 7591")
}

// register is `passport client`. What makes no sense, or needs a terminal that is
// not there, is said before a database is touched.
func (p *program) register(cmd *cobra.Command, o *clientOptions) error {
	a := ask(cmd)
	if err := o.check(a); err != nil {
		return err
	}
	return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, in *opened) error {
		if err := o.enabled(in); err != nil {
			return err
		}
		if err := o.complete(a, s); err != nil {
			return err
		}
		return o.create(ctx, cmd.OutOrStdout(), s, in)
	})
}

// enabled refuses a kind of client whose grant is switched off, with the switch
// to turn. An application's own server says it of its own configuration.
func (o *clientOptions) enabled(in *opened) error {
	off := func(grant, setting, why string) error {
		return fmt.Errorf("the %s grant is off: to turn it on, write %s = true in passport.toml or set %s=true in the environment. RFC 9700 advises against it: %s",
			grant, setting, "PASSPORT_"+strings.ToUpper(setting), why)
	}
	switch {
	case in == nil:
		return nil
	case o.password && !in.settings.EnablePasswordGrant:
		return off("password", "enable_password_grant", "the application sees the passwords of its users")
	case o.implicit && !in.settings.EnableImplicitGrant:
		return off("implicit", "enable_implicit_grant", "tokens in URLs leak")
	}
	return nil
}

// registration is what the options ask for.
func (o *clientOptions) registration() passport.Registration {
	r := passport.Registration{
		Name: o.name, Provider: o.provider, RedirectURIs: o.redirectURIs, GrantTypes: o.grants(),
		AccessTokenTTL: time.Duration(o.lifetimes.accessToken), RefreshTokenTTL: time.Duration(o.lifetimes.refreshToken),
		FamilyTTL: time.Duration(o.lifetimes.family), Audience: o.audience, AllowedOrigins: separated(o.origins, ", "),
	}
	if o.public || o.implicit { // a token in a URL needs no secret to be had
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

func (o *clientOptions) grants() []string {
	switch {
	case o.api:
		return []string{}
	case o.personal:
		return []string{"personal_access"}
	case o.password:
		return []string{"password", "refresh_token"}
	case o.implicit:
		return []string{"implicit"}
	case o.client:
		return []string{"client_credentials"}
	}
	return []string{"authorization_code", "refresh_token"}
}

func (o *clientOptions) create(ctx context.Context, out io.Writer, s *passport.Server, in *opened) error {
	if in != nil {
		if err := o.known(ctx, in); err != nil {
			return err
		}
	}
	if o.api {
		o.audience = cmp.Or(o.audience, s.Audience())
	}
	made, err := s.CreateClient(ctx, o.registration())
	if err != nil {
		return in.words(err)
	}
	if o.json {
		return writeJSON(out, describeClient(s, made.Client, made.Secret))
	}
	fmt.Fprintf(out, "New client created.\n\n  Client ID      %s\n", made.Client.ID)
	if made.Secret == "" {
		fmt.Fprintln(out, "\nIt is public: it has no secret"+ifTrue(made.Client.Allows("authorization_code"), ", and proves itself by PKCE")+".")
		return nil
	}
	fmt.Fprintf(out, "  Client secret  %s\n\nThis is the only time that the secret is shown. Keep it where the application reads it.\n", made.Secret)
	if o.api {
		fmt.Fprintf(out, "It may ask about tokens for %s. Try it with a token:\n\n  curl -u %s:SECRET -d token=TOKEN %s\n", made.Client.Audience, made.Client.ID, s.URL("passport.introspect"))
	}
	if o.personal {
		fmt.Fprintf(out, "To have the server use this client, put these lines into its environment:\n\n%s", personalEnv(made.Client.ID, made.Secret))
	}
	return nil
}

func ifTrue(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

// personalEnv is how a server is told which client personal access tokens belong
// to, by the names that Laravel Passport has.
func personalEnv(id, secret string) string {
	return fmt.Sprintf("  PASSPORT_PERSONAL_ACCESS_CLIENT_ID=%s\n  PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET=%s\n", id, secret)
}

// known refuses a user or a provider that the accounts of this server do not have.
func (o *clientOptions) known(ctx context.Context, in *opened) error {
	if o.userID != "" {
		if err := in.prepareAccounts(ctx); err != nil {
			return err
		}
		if _, err := in.accounts.UserByID(ctx, o.userID); errors.Is(err, oauth.ErrNotFound) {
			return fmt.Errorf("no user has the ID %q: see `passport user list`", o.userID)
		} else if err != nil {
			return err
		}
	}
	if o.provider != "" && o.provider != passport.DefaultProvider {
		return fmt.Errorf("there is no provider %q: the accounts of this server are those of %q", o.provider, passport.DefaultProvider)
	}
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
