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
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// clientOptions are the options of `passport client`. They have the names of Laravel
// Passport's command.
type clientOptions struct {
	personal, password, client, implicit, device, api, public bool

	name, provider, userID, audience string
	redirectURIs, origins, scopes    []string
	lifetimes                        lifetimes
	metadata                         clientMetadata
	openID                           clientOpenID
	applicationType                  string
	logo                             []byte // the content of the file
	json                             bool
}

// lifetimes are the lifetimes of what a client is issued; zero for the server's.
type lifetimes struct{ accessToken, refreshToken, family duration }

func (l *lifetimes) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&l.accessToken, "access-token-ttl", "the `DURATION` of an access token, such as 15m (default the server's)")
	f.Var(&l.refreshToken, "refresh-token-ttl", "the `DURATION` until an unused refresh token expires, such as 30d (default the server's)")
	f.Var(&l.family, "family-ttl", "the `DURATION` until all tokens of one consent end, such as 365d (default the server's)")
}

// client is `passport client`, which registers a client and has the other commands
// about clients below it.
func (p *program) client() *cobra.Command {
	cmd := p.clientCreate()
	cmd.Use, cmd.Aliases, cmd.Short = "client", nil, "Register applications (clients), and manage them"
	cmd.Args = subcommandOnly
	cmd.AddCommand(p.clientCreate())
	cmd.AddCommand(p.clientCommands()...)
	return cmd
}

// clients is `passport clients`, which lists the clients.
func (p *program) clients() *cobra.Command {
	cmd := p.clientList()
	cmd.Use, cmd.Args, cmd.Hidden = "clients", subcommandOnly, true
	cmd.AddCommand(p.clientCreate())
	cmd.AddCommand(p.clientCommands()...)
	return cmd
}

// clientCommands are the commands about clients that exist.
func (p *program) clientCommands() []*cobra.Command {
	return []*cobra.Command{
		p.clientList(), p.clientShow(), p.clientUpdate(), p.clientRotateSecret(),
		p.clientSwitch("suspend"), p.clientSwitch("resume"), p.clientRevokeTokens(), p.clientRevoke(),
	}
}

func (p *program) clientCreate() *cobra.Command {
	var o clientOptions
	cmd := &cobra.Command{
		Use:     "create",
		Aliases: []string{"new"},
		Short:   "Register an application (client)",
		Long: `Registers a client: an application that asks for tokens. On a terminal it asks for what the
options leave open, and begins with the kind of application. The default is an application that
sends its users here to consent (authorization code grant).`,
		Example: `  passport client
  passport client --name "Order Tracker" --redirect-uri https://app.example.com/callback
  passport client --name "Order Tracker" --redirect-uri https://app.example.com/callback --client-uri https://app.example.com --logo logo.png
  passport client --name "Order Tracker for phones" --public --redirect-uri com.example.orders:/callback
  passport client --name "Nightly export" --client --scopes "check-status"
  passport client --name "Living Room TV" --device
  passport client --name "Our own app" --password --provider users
  passport client --personal
  passport client --api --name "Orders API"`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.register(cmd, &o) },
	}
	o.flags(cmd)
	return cmd
}

func (o *clientOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the `NAME` that users see on the consent page")
	f.StringArrayVar(&o.redirectURIs, "redirect-uri", nil, "the callback `URI` of the application; for several, repeat the option or put commas between them (%2C for a comma in a URI)")
	f.StringArrayVar(&o.origins, "allowed-origin", nil, "an `ORIGIN` whose pages may call the token endpoint (CORS), besides the origins of the redirect URIs; for several, repeat the option or put commas between them")
	f.BoolVar(&o.public, "public", false, "an app without a secret: on a phone, on a desktop or in a browser")
	f.BoolVar(&o.client, "client", false, "a machine that acts for itself, without a user (client credentials grant)")
	f.BoolVar(&o.personal, "personal", false, "the client that personal access tokens belong to")
	f.BoolVar(&o.password, "password", false, "an app that exchanges a user's password for tokens (password grant)")
	f.BoolVar(&o.implicit, "implicit", false, "an app that gets tokens in the fragment of its redirect URI (implicit grant)")
	f.BoolVar(&o.device, "device", false, "a device without a browser, such as a TV or a command: it has no secret, and its users enter a code (device grant). With --redirect-uri, it can use the authorization code grant, too")
	f.BoolVar(&o.api, "api", false, "an API that asks about the tokens it receives (introspection); it gets none itself")
	f.StringVar(&o.audience, "audience", "", "with --api: the audience `URI` of the tokens that it asks about (default the server's)")
	f.StringVar(&o.provider, "provider", "", "the `PROVIDER` of the users that it acts for (default users)")
	f.StringVar(&o.userID, "user-id", "", "the `ID` of the user who owns it (default none: it belongs to the operator)")
	f.StringArrayVar(&o.scopes, "scopes", nil, "the `SCOPES` that it may request, with spaces or commas between them (default all)")
	o.lifetimes.flags(cmd)
	o.metadata.flags(cmd, false)
	o.openID.flags(cmd, false)
	f.StringVar(&o.applicationType, "application-type", "", "web refuses redirect URIs on the user's device, native allows all (the names of OpenID Connect)")
	f.BoolVar(&o.json, "json", false, "print JSON, with the names of RFC 7591")
}

// register is `passport client`. It checks the options before it opens a database.
func (p *program) register(cmd *cobra.Command, o *clientOptions) error {
	a := ask(cmd)
	if err := o.check(a); err != nil {
		return err
	}
	var err error
	if o.logo, err = o.metadata.readLogo(); err != nil {
		return err
	}
	p.namesAlg = cmd.Flags().Changed("id-token-alg")
	return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, in *opened) error {
		if err := o.enabled(in); err != nil {
			return err
		}
		if err := o.known(ctx, in); err != nil {
			return err
		}
		if err := (&wizard{o, a, s, in}).complete(); err != nil {
			return err
		}
		return o.create(ctx, cmd.OutOrStdout(), s, in)
	})
}

// enabled refuses a kind of client whose grant is off, and names the setting. An
// application's own server refuses it in the words of its Config.
func (o *clientOptions) enabled(in *opened) error {
	off := func(grant, setting, why string) error {
		return fmt.Errorf("the %s grant is off: to turn it on, write %s = true in passport.toml or set %s=true in the environment. RFC 9700 advises against it, because %s",
			grant, setting, "PASSPORT_"+strings.ToUpper(setting), why)
	}
	switch {
	case in == nil:
		return nil
	case o.password && !in.settings.EnablePasswordGrant:
		return off("password", "enable_password_grant", "the application sees its users' passwords")
	case o.implicit && !in.settings.EnableImplicitGrant:
		return off("implicit", "enable_implicit_grant", "tokens in URLs leak")
	case o.openID.registered() != nil && !in.offersOpenID():
		return errOpenIDOff
	case o.device && !slices.ContainsFunc(in.settings.Features, isDevice):
		return errors.New("the device grant is off: to turn it on, write the line [device] at the end of passport.toml or set PASSPORT_DEVICE_ENABLED=true in the environment")
	}
	return nil
}

// registration returns what the options say.
func (o *clientOptions) registration() passport.Registration {
	r := passport.Registration{
		Name: o.name, Provider: o.provider, RedirectURIs: o.redirectURIs, GrantTypes: o.grants(),
		AccessTokenTTL: time.Duration(o.lifetimes.accessToken), RefreshTokenTTL: time.Duration(o.lifetimes.refreshToken),
		FamilyTTL: time.Duration(o.lifetimes.family), Audience: o.audience, AllowedOrigins: separated(o.origins, ", "),
		Metadata: o.metadata.registered(), Logo: o.logo, OpenID: o.openID.registered(),
	}
	if o.public || o.implicit || o.device { // users have the device, and a token in a URL is issued without a secret
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
	case o.device && len(o.redirectURIs) == 0:
		return []string{deviceGrant, "refresh_token"}
	case o.device:
		return []string{"authorization_code", deviceGrant, "refresh_token"}
	}
	return []string{"authorization_code", "refresh_token"}
}

func isDevice(f passport.Feature) bool {
	_, ok := f.(passport.Device)
	return ok
}

// deviceGrant is the grant type of devices (RFC 8628 §3.4).
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func (o *clientOptions) create(ctx context.Context, out io.Writer, s *passport.Server, in *opened) error {
	if o.api {
		o.audience = cmp.Or(o.audience, s.Audience())
	}
	if err := redirect.CheckApplicationType(o.applicationType, o.redirectURIs); err != nil {
		return fmt.Errorf("--application-type %w", err)
	}
	made, err := s.CreateClient(ctx, o.registration())
	if err != nil {
		return in.words(err)
	}
	if o.json {
		return writeJSON(out, describedClient{describeClient(s, made.Client, made.Secret), made.Metadata})
	}
	success(out, "New client created.\n")
	showCredentials(screenOf(out), made.Client.ID, made.Secret)
	if made.Secret == "" {
		fmt.Fprintln(out, "\nIt is public: it has no secret"+ifTrue(made.Client.Allows("authorization_code"), ", and must use PKCE")+".")
	} else {
		fmt.Fprintln(out, "\n"+onlyTime)
	}
	warnUnencrypted(out, made.Client)
	writeNext(out, nextSteps(s, made))
	return nil
}

// warnUnencrypted warns of the callbacks that the network can read.
func warnUnencrypted(out io.Writer, c *oauth.Client) {
	for _, uri := range c.RedirectURIs {
		if redirect.Unencrypted(uri) {
			screenOf(out).Printf("\n%s %s is not encrypted:\nothers on the network can read codes and tokens. Use https in production.\n", yellow("Warning:"), shownText(uri))
		}
	}
}

// onlyTime is the sentence after a new secret.
const onlyTime = "Store the secret where the application reads it: it is shown only once."

func ifTrue(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

// personalEnv is the environment of a server with a client for personal access
// tokens. The variables have the names of Laravel Passport.
func personalEnv(id, secret string) string {
	return fmt.Sprintf("  PASSPORT_PERSONAL_ACCESS_CLIENT_ID=%s\n  PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET=%s\n", id, secret)
}

// known refuses a user or a provider that the accounts of this server do not have. in
// is nil for an application's own server, which checks its own.
func (o *clientOptions) known(ctx context.Context, in *opened) error {
	if in == nil {
		return nil
	}
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
		return fmt.Errorf("unknown provider %q: the accounts of this server have the provider %q", o.provider, passport.DefaultProvider)
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
