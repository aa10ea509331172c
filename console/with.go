package console

import (
	"context"
	"errors"
	"log/slog"

	"github.com/go-passport/passport"
)

// withAccounts runs what works on accounts, in the database that the settings
// name.
func (p *program) withAccounts(ctx context.Context, do func(context.Context, *opened) error) error {
	s, err := p.read(nil)
	if err != nil {
		return err
	}
	return p.withSettings(ctx, s, do)
}

// withSettings runs what works on the database that the settings name, with the
// tables of accounts too.
func (p *program) withSettings(ctx context.Context, s *settings, do func(context.Context, *opened) error) error {
	return p.withClients(ctx, s, func(ctx context.Context, in *opened) error {
		if err := in.prepareAccounts(ctx); err != nil {
			return err
		}
		return do(ctx, in)
	})
}

// withClients runs what works on the database that the settings name.
func (p *program) withClients(ctx context.Context, s *settings, do func(context.Context, *opened) error) error {
	s.settleLocalIssuer()
	if p.reads {
		s.access = reads
	}
	in, err := p.open(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, in), in.close())
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
	s, err := p.read(nil)
	if err != nil {
		return err
	}
	return p.withClients(ctx, s, func(ctx context.Context, in *opened) error {
		// What these commands do is signed by nobody, so the key that signs
		// tokens is left where it is.
		keys, err := passport.GenerateKeys()
		if err != nil {
			return err
		}
		in.settings.Config = withoutPersonalClient(in.settings.Config)
		server, err := in.server(keys, logger)
		if err != nil {
			return err
		}
		return do(ctx, server, in)
	})
}

// settleLocalIssuer gives a command that shows the issuer to no client an issuer, if
// the settings have none.
func (s *settings) settleLocalIssuer() {
	if s.Issuer == "" {
		s.Issuer = "http://127.0.0.1:8000"
		if onLoopback(s.Listen) {
			s.Issuer = spelled("http://" + s.Listen)
		}
	}
}
