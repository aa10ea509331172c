package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/demo"
)

// serveDemo runs the tour: a server, an API and a third-party application. It uses no
// existing data, and deletes everything when it stops.
func (p *program) serveDemo(ctx context.Context, cmd *cobra.Command, o serveOptions) (err error) {
	fmt.Fprintln(cmd.OutOrStdout(), "Starting the tour of Passport ...")
	if p.databaseURL != "" || p.configFile != "" || o.issuer != "" {
		return usage(cmd, errors.New("--demo has its own database, issuer and settings: leave out --database-url, --issuer and --config"))
	}
	address := cmp.Or(o.listen, p.lookup("PASSPORT_LISTEN"), defaults().Listen)
	if _, _, err := splitListen(address); err != nil {
		return err
	}
	if !onLoopback(address) {
		return fmt.Errorf("--demo has a public password, so it listens on loopback only, not on %s: leave out --listen, or choose a port of 127.0.0.1", address)
	}
	l, err := listen(ctx, address)
	if err != nil {
		return err
	}
	defer l.Close()
	folder, err := os.MkdirTemp("", "passport-demo-")
	if err != nil {
		return fmt.Errorf("create a folder for the database of the tour: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	s := defaults()
	s.access = makes
	s.Issuer = loopbackIssuer(l)
	s.DatabaseURL = "sqlite:" + filepath.Join(folder, "passport.sqlite")
	s.Scopes = demo.Scopes
	s.Brand.Name = demo.Name
	s.EnablePasswordGrant = true // to try it with curl
	s.Features = []passport.Feature{passport.Device{}, s.OpenID}
	logger := s.logger(p.stderr)
	in, err := p.openAll(ctx, s, logger)
	if err != nil {
		return failedStart(ctx, err, logger)
	}
	defer func() { err = errors.Join(err, in.close()) }() // before the folder goes
	keys, err := s.generatedKeys()
	if err != nil {
		return err
	}
	server, err := in.server(keys, slog.New(withoutAdvice{logger.Handler()}))
	if err != nil {
		return err
	}
	made, err := demo.Make(ctx, server, in.accounts, s.Issuer)
	if err != nil {
		return failedStart(ctx, fmt.Errorf("prepare the tour: %w", err), logger)
	}
	mux := in.routes(server, made.Overview(logger))
	demo.MountAPI(mux, server)
	demo.NewApp(made.App(logger)).Mount(mux)
	demo.NewDisplay(made.Display(logger)).Mount(mux)
	debug.FreeOSMemory() // hashing the password took much
	screenOf(cmd.OutOrStdout()).together(func(out *screen) { describeTour(out, made) })
	handler, watched := in.handler(server, mux, logger, demo.APIPaths...)
	defer in.keepHouse(ctx, server)() // for the last use of tokens
	return serveHTTP(ctx, l, handler, logger, connectionTimes{s.IdleTimeout, func() { watched.drain(s.DrainDelay) }})
}

// withoutAdvice drops the warnings of passport.New about settings, because the
// settings of the tour are fixed.
type withoutAdvice struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h withoutAdvice) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "configuration" {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
