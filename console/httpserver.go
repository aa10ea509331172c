package console

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of the HTTP server. An answer takes milliseconds; what takes longer is
// a slow line or somebody who holds connections open.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeader         = 64 << 10
	maxBody           = 1 << 20
	shutdownTimeout   = 10 * time.Second
)

// serveHTTP answers requests until ctx ends and drain returns. Those that are
// being answered then are finished: a refresh token that was rotated reaches its
// client.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler, logger *slog.Logger, drain func()) error {
	server := &http.Server{
		Handler:           http.MaxBytesHandler(handler, maxBody),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // broken connections of others
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(l) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	drain()
	logger.Info("stopping: requests that are being answered are finished", "at_most", shutdownTimeout.String())
	// Not ctx, which has ended.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		logger.Warn("requests were cut off", "err", err)
		return errors.Join(server.Close())
	}
	logger.Info("stopped")
	return nil
}
