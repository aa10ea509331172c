package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/sqldb"
)

// A database often starts at the same time as the server, and is ready a little later.
// So the commands that set up and run the server wait for it.
const (
	startWait  = 30 * time.Second // at most
	tellEvery  = 5 * time.Second
	askEvery   = 500 * time.Millisecond
	askingTime = 5 * time.Second // for one attempt: a firewall may drop packets silently
)

// errStopped means that Ctrl-C or SIGTERM ended the wait.
var errStopped = errors.New("stopped while waiting for it")

// telling reports why a command waits, and the time that is left.
type telling func(err error, left time.Duration)

// waits makes the command wait for its database. It reports that on standard error.
func (p *program) waits(cmd *cobra.Command) {
	p.telling = func(err error, left time.Duration) {
		fmt.Fprintf(cmd.ErrOrStderr(), "Waiting for the database %s, up to %v: %s\n", p.database, left, p.database.Hide(err))
	}
	p.building = buildingOn(p.stderr)
}

// waitsLogging is waits, for a command with a log.
func (p *program) waitsLogging(logger *slog.Logger) {
	p.telling = func(err error, left time.Duration) {
		logger.Warn("waiting for the database", "database", p.database, "at_most", left, "err", err)
	}
	p.building = buildingLogged(logger)
}

// awaitDatabase waits until the database responds, if the command waits for it.
func (p *program) awaitDatabase(ctx context.Context, ping func(context.Context) error) error {
	if p.telling == nil {
		return nil
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return await(ctx, ping, p.telling)
}

// await pings until the database responds, or until an error that waiting does not fix,
// which the next query reports. It tells at once and every five seconds why it waits.
func await(ctx context.Context, ping func(context.Context) error, tell telling) error {
	begun := time.Now()
	for next := begun; ; {
		err := cause(pingOnce(ctx, ping))
		left := startWait - time.Since(begun)
		switch {
		case ctx.Err() != nil && err != nil:
			return fmt.Errorf("%w (%w)", errStopped, err)
		case err == nil || !sqldb.NotReady(err):
			return nil
		case left <= 0:
			return fmt.Errorf("it didn't respond for %v (%w): is it running, and is this its address?", startWait, err)
		}
		if now := time.Now(); !now.Before(next) {
			tell(err, left.Round(time.Second))
			next = next.Add(tellEvery)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", errStopped, err)
		case <-time.After(min(askEvery, left)):
		}
	}
}

// cause returns the error of the server or the network alone. pgx repeats it for each of
// its attempts, with and without TLS.
func cause(err error) error {
	type fromServer interface {
		error
		SQLState() string
	}
	if !sqldb.NotReady(err) {
		return err
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[fromServer](err); ok {
		return e
	}
	return err
}

func pingOnce(ctx context.Context, ping func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	defer cancel()
	return ping(ctx)
}
