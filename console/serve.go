package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/nearpath"
	"github.com/go-passport/passport/internal/pemtext"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// serveOptions are the flags of `passport serve`.
type serveOptions struct {
	listen, issuer string
	demo           bool
}

func (p *program) serve() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Runs the server until you press Ctrl-C. Without a database setting it uses SQLite in the folder
storage. The first start creates the database and the signing keys.`,
		Example: `  passport serve --demo
  passport serve
  passport serve --issuer https://auth.example.com --database-url postgres://passport@localhost/passport`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			// A second signal ends drain_delay and changes nothing else: wrappers repeat
			// the terminal's signal, and stopping takes ten seconds at most.
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if o.demo {
				return p.serveDemo(ctx, cmd, o)
			}
			return p.serveSettings(ctx, cmd, o)
		},
	}
	cmd.Flags().StringVar(&o.listen, "listen", "", "listen on `ADDRESS` (default 127.0.0.1:8000)")
	cmd.Flags().StringVar(&o.issuer, "issuer", "", "`URL` that identifies the server to clients (default http:// and the address, on loopback)")
	cmd.Flags().BoolVar(&o.demo, "demo", false, "run a tour on this machine: an account, clients, an API and an application to try, all deleted when you stop it")
	return cmd
}

// serveSettings runs the server of the settings.
func (p *program) serveSettings(ctx context.Context, cmd *cobra.Command, o serveOptions) error {
	p.notices = nil
	s, err := p.read(map[string]string{"listen": o.listen, "issuer": o.issuer})
	if err != nil {
		p.warn(cmd.ErrOrStderr())
		return err
	}
	logger := s.logger(p.stderr)
	p.logIgnored(logger)
	if err := s.settleIssuer(); err != nil {
		return err
	}
	l, err := listen(ctx, s.Listen)
	if err != nil {
		return err
	}
	defer l.Close() // for what fails below; a second Close does nothing

	if !s.shortLog(p.stderr) { // a person reads the banner
		logger.Info("starting", "version", p.Version, "listen", safeurl.Text(s.Listen), "database", safe(s.DatabaseURL))
	}
	p.waitsLogging(logger)
	if s.Issuer == "" {
		s.Issuer = loopbackIssuer(l)
	}
	return p.serveOn(ctx, l, s, logger)
}

// serveOn responds to requests at once: an orchestrator that gets no response from
// /livez would end the process while it waits for the database.
func (p *program) serveOn(ctx context.Context, l net.Listener, s *settings, logger *slog.Logger) error {
	first := newStarting()
	running := startHTTP(l, first, logger, s.IdleTimeout)
	defer running.Close() // for what fails below; a second Close does nothing
	s.access = makes
	in, server, err := p.prepareServer(ctx, s, logger)
	if err != nil {
		return failedStart(ctx, err, logger)
	}
	mux := in.routes(server, in.welcome(logger))
	handler, watched := in.handler(server, mux, logger)
	first.done(handler)
	if s.shortLog(p.stderr) {
		p.stderr.together(func(out *screen) { in.banner(ctx, out, server, l) })
	} else {
		logger.Info("serving", "issuer", safeurl.Text(s.Issuer), "address", l.Addr().String())
	}
	stopKeeping := in.keepHouse(ctx, server)
	err = running.until(ctx, func() { watched.drain(s.DrainDelay) })
	stopKeeping()
	return errors.Join(err, in.close())
}

// prepareServer opens the database and the keys, and returns the server.
func (p *program) prepareServer(ctx context.Context, s *settings, logger *slog.Logger) (*opened, *passport.Server, error) {
	in, err := p.openAll(ctx, s, logger)
	if err != nil {
		return nil, nil, err
	}
	if err := p.openLaravelTables(in); err != nil {
		return nil, nil, errors.Join(err, in.close())
	}
	keys, err := in.keys(ctx, logger)
	if err != nil {
		return nil, nil, errors.Join(err, in.close())
	}
	server, err := in.server(keys, logger)
	if err == nil {
		err = in.warnOfImport(ctx, logger)
	}
	if err != nil {
		return nil, nil, errors.Join(err, in.close())
	}
	return in, server, nil
}

// failedStart returns the error of a start, or nil if a signal ended the start. A
// signal doesn't hide another fault, such as a wrong setting. The errors of
// interrupted statements differ between drivers.
func failedStart(ctx context.Context, err error, logger *slog.Logger) error {
	switch {
	case errors.Is(err, errStopped):
		logger.Info("stopped before the database responded")
		return nil
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || sqldb.NotReady(err)):
		logger.Debug("the signal interrupted the start", "err", err)
		logger.Info("stopped before the server was ready")
		return nil
	}
	return err
}

// logIgnored logs which variables of the environment have no effect.
func (p *program) logIgnored(logger *slog.Logger) {
	for _, v := range p.ignored() {
		logger := logger.With("variable", v.variable)
		if v.meant != "" {
			logger = logger.With("did_you_mean", v.meant)
		}
		logger.Warn("an environment variable is not a setting and has no effect")
	}
}

// settleIssuer requires an issuer, except on loopback, where clients can use the
// address.
func (s *settings) settleIssuer() error {
	if _, _, err := splitListen(s.Listen); err != nil {
		return err
	}
	if s.Issuer == "" && !onLoopback(s.Listen) {
		return fmt.Errorf("issuer is missing: a server on %s needs the URL that clients use, such as --issuer https://auth.example.com", s.Listen)
	}
	return nil
}

// handler returns the handler of a server: the routes of mux, what all routes share,
// and the probes of the returned health. Requests to the endpoints for machines, and to
// the further paths, may have any host.
func (o *opened) handler(server *passport.Server, mux *http.ServeMux, logger *slog.Logger, further ...string) (http.Handler, *health) {
	h := &health{server: server, accounts: o.accounts, logger: logger}
	served := o.settings.pages().unrouted(o.nearby(server, mux, logger), mux)
	return h.around(o.settings.around(served, machinePaths(server, further), logger)), h
}

// around wraps a mux in what every route shares. Requests to the paths of machines may
// have any host.
func (s *settings) around(mux http.Handler, machines map[string]bool, logger *slog.Logger) http.Handler {
	pages := s.pages()
	issuer, err := url.Parse(s.Issuer)
	if err == nil {
		mux = pages.ownHost(ownName(mux, issuer), issuer, machines, logger)
	}
	return pages.middleware(mux, logger, s.TrustedProxies)
}

// welcome returns the page at the root.
func (o *opened) welcome(logger *slog.Logger) http.Handler {
	issuer, err := url.Parse(o.settings.Issuer)
	if err != nil {
		return http.NotFoundHandler() // passport.New has refused such an issuer
	}
	return welcome{o.settings.pages(), issuer, o.accounts, logger}
}

// routes returns all routes of the binary. The handler first is the page at the root.
func (o *opened) routes(server *passport.Server, first http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	server.Mount(mux)
	o.accounts.Mount(mux)
	o.apps.Mount(mux)
	mux.Handle("GET "+o.settings.home()+"/{$}", first)
	return mux
}

// nearby serves mux. For a request to an unknown path it logs the path that was
// probably meant.
func (o *opened) nearby(server *passport.Server, mux *http.ServeMux, logger *slog.Logger) http.Handler {
	paths := mounted{"/livez", "/readyz"}
	server.Mount(&paths)
	o.accounts.Mount(&paths)
	o.apps.Mount(&paths)
	base := ""
	for r := range server.Routes() {
		if r.Name == "passport.token" {
			base = strings.TrimSuffix(r.Path, "/token")
		}
	}
	return nearpath.New(paths, base, logger).Around(mux)
}

// mounted collects the paths of patterns.
type mounted []string

// Handle adds the path of a pattern such as "GET /sign-in".
func (m *mounted) Handle(pattern string, _ http.Handler) {
	_, path, _ := strings.Cut(pattern, " ")
	*m = append(*m, path)
}

// keepHouse does the background work until the caller calls stop. It does not end with
// ctx: the last requests use tokens too.
func (o *opened) keepHouse(ctx context.Context, server *passport.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = server.Run(ctx, o.accounts) }) // it ends with ctx and returns no error
	return func() {
		cancel()
		running.Wait()
	}
}

// server returns the server on the open database.
func (o *opened) server(keys *passport.Keys, logger *slog.Logger) (*passport.Server, error) {
	c := o.settings.Config
	c.Store, c.Keys, c.Users, c.Logger = o.store, keys, o.accounts, logger
	if ids := o.settings.SkipConsentIDs; len(ids) > 0 {
		c.SkipConsent = func(_ context.Context, client *oauth.Client, _ *oauth.User) bool {
			return slices.Contains(ids, client.ID)
		}
	}
	if o.frozen {
		c.Store = unchecked{o.store}
	}
	server, err := passport.New(c)
	if err != nil {
		return nil, inSettings(err)
	}
	o.accounts.Connect(server)
	o.apps, err = dashboard.New(server, o.dashboardConfig(logger))
	return server, err
}

// dashboardConfig configures the pages of connected apps. The other pages for signed-in
// users are those of the accounts.
func (o *opened) dashboardConfig(logger *slog.Logger) dashboard.Config {
	return dashboard.Config{
		Path: accountPath, Links: o.accounts.Links(), PasswordPage: o.settings.home() + accountPath + "/security",
		Views: o.settings.Views, Brand: o.settings.Brand, TrustedProxies: o.settings.TrustedProxies, Logger: logger,
	}
}

// home returns the path of the issuer.
func (s *settings) home() string {
	issuer, err := url.Parse(s.Issuer)
	if err != nil {
		return "" // passport.New refuses such an issuer
	}
	return strings.TrimSuffix(issuer.Path, "/")
}

// keysInDatabase reports whether the database has the keys.
func (s *settings) keysInDatabase() bool { return s.PrivateKey == "" && len(s.KeysSecret) > 0 }

// stored returns the keys in the database.
func (o *opened) stored() passport.StoredKeys {
	return passport.StoredKeys{Store: o.store, Secret: o.settings.KeysSecret}
}

// keys returns the signing keys from the database, the settings or files.
func (o *opened) keys(ctx context.Context, logger *slog.Logger) (*passport.Keys, error) {
	if o.settings.keysInDatabase() {
		keys, err := o.stored().Load(ctx)
		return keys, named("the setting keys_secret", err)
	}
	return o.settings.loadKeys(logger)
}

// loadKeys returns the signing keys, and generates them if there are none.
func (s *settings) loadKeys(logger *slog.Logger) (*passport.Keys, error) {
	if strings.Contains(pemtext.Normalize([]byte(s.PublicKey)), "PRIVATE KEY-----") {
		return nil, errors.New("public_key has a private key: move it to private_key, and replace it if others could read it")
	}
	if s.PrivateKey != "" {
		keys, err := passport.ParseKeys([]byte(pemtext.Normalize([]byte(s.PrivateKey)) + "\n" + pemtext.Normalize([]byte(s.PublicKey))))
		return keys, named("the settings private_key and public_key", err)
	}
	if s.PublicKey != "" {
		return nil, fmt.Errorf("public_key is set without private_key, and the server would use the keys in %s instead: set both or neither", s.KeysDir)
	}
	keys, err := passport.LoadKeys(s.KeysDir)
	if errors.Is(err, fs.ErrNotExist) {
		keys, err = s.writeKeys(logger)
	}
	if err != nil {
		return nil, err
	}
	if hasLaravelKeys(s.KeysDir) {
		logger.Warn(keysOfLaravel, "folder", s.KeysDir)
	}
	return s.withIDTokenKey(keys, logger)
}

// writeKeys generates the first signing key in keys_dir.
func (s *settings) writeKeys(logger *slog.Logger) (*passport.Keys, error) {
	switch err := passport.WriteKeys(s.KeysDir, defaultAlg, 0, false); {
	case errors.Is(err, fs.ErrExist): // another server was faster, or one file of a pair exists
		return passport.LoadKeys(s.KeysDir)
	case err != nil:
		return nil, err
	}
	s.reportGenerated(logger, defaultAlg)
	return passport.LoadKeys(s.KeysDir)
}

// logger returns the log of the settings.
func (s *settings) logger(out *screen) *slog.Logger {
	u, _ := dburl.Read(s.DatabaseURL) // an invalid one is never opened
	hide := func(a slog.Attr) slog.Attr {
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.AnyValue(u.Hide(err))
		} else if a.Key == "err" && a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(u.HideIn(a.Value.String()))
		}
		return a
	}
	options := &slog.HandlerOptions{Level: s.LogLevel}
	var handler slog.Handler = slog.NewTextHandler(out, options)
	switch {
	case s.LogFormat == formatJSON:
		handler = slog.NewJSONHandler(out, options)
	case s.shortLog(out):
		handler = newShortLog(out, s.LogLevel)
	}
	return logline.Bounded(slog.New(handler), hide)
}

// shortLog reports whether the log has short lines for people.
func (s *settings) shortLog(out *screen) bool { return s.LogFormat == formatAuto && out.terminal() }
