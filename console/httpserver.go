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
	maxHeader         = 64 << 10
	maxBody           = 1 << 20
	shutdownTimeout   = 10 * time.Second
)

// defaultIdleTimeout is longer than the 600 seconds for which Google's load balancers
// keep a connection, the longest of the common ones. A proxy that sends a request just
// as the server closes the connection answers 502.
const defaultIdleTimeout = 620 * time.Second

// connectionTimes say how long a server keeps connections.
type connectionTimes struct {
	idle  time.Duration // how long a connection is kept without a request
	drain func()        // waits between the signal to stop and the stop
}

// serveHTTP answers requests until ctx ends and times.drain returns.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler, logger *slog.Logger, times connectionTimes) error {
	return startHTTP(l, handler, logger, times.idle).until(ctx, times.drain)
}

// httpServer is an HTTP server that answers requests.
type httpServer struct {
	http.Server
	logger  *slog.Logger
	stopped chan error
}

// startHTTP begins to answer requests. The caller has to call until or Close.
func startHTTP(l net.Listener, handler http.Handler, logger *slog.Logger, idle time.Duration) *httpServer {
	s := &httpServer{logger: logger, stopped: make(chan error, 1), Server: http.Server{
		Handler:           http.MaxBytesHandler(handler, maxBody),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // broken connections of others
	}}
	go func() { s.stopped <- s.Serve(l) }()
	return s
}

// until answers requests until ctx ends and drain returns. Requests that are being
// answered then are finished: a refresh token that was rotated reaches its client.
func (s *httpServer) until(ctx context.Context, drain func()) error {
	select {
	case err := <-s.stopped:
		return err
	case <-ctx.Done():
	}
	drain()
	s.logger.Info("stopping: requests that are being answered are finished", "at_most", shutdownTimeout.String())
	// Not ctx, which has ended.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.Shutdown(grace); err != nil {
		s.logger.Warn("requests were cut off", "err", err)
		return errors.Join(s.Close())
	}
	s.logger.Info("stopped")
	return nil
}
