package console

import (
	"context"
	"errors"
	"log/slog"

	"github.com/go-passport/passport"
)

// withAccounts opens the database that the settings name, with the tables of accounts,
// and runs do.
func (p *program) withAccounts(ctx context.Context, do func(context.Context, *opened) error) error {
	s, err := p.read(nil)
	if err != nil {
		return err
	}
	return p.withSettings(ctx, s, do)
}

// withSettings is withAccounts for settings that have been read.
func (p *program) withSettings(ctx context.Context, s *settings, do func(context.Context, *opened) error) error {
	return p.withClients(ctx, s, func(ctx context.Context, in *opened) error {
		if err := in.prepareAccounts(ctx); err != nil {
			return err
		}
		return do(ctx, in)
	})
}

// withClients opens the database that the settings name, and runs do.
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

// withServer runs do with the application's own server, or else with a server for the
// settings. in is nil for an application's own server.
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
		load := in.settings.generatedKeys // most commands sign nothing, so they don't read the keys
		if p.namesAlg {
			load = func() (*passport.Keys, error) { return in.existingKeys(ctx) }
		}
		keys, err := load()
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

// settleLocalIssuer sets an issuer if the settings have none. It is for commands that
// show the issuer to no client.
func (s *settings) settleLocalIssuer() {
	if s.Issuer == "" {
		s.Issuer = "http://127.0.0.1:8000"
		if onLoopback(s.Listen) {
			s.Issuer = spelled("http://" + s.Listen)
		}
	}
}
