package console

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of the HTTP server. A response takes milliseconds; what takes longer is a slow
// network or an attacker who holds connections open.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute
	maxHeader         = 64 << 10
	maxBody           = 1 << 20
	shutdownTimeout   = 10 * time.Second
)

// defaultIdleTimeout is longer than 600 seconds, the time for which Google's load
// balancers keep a connection. Other common ones keep it for less. If the server closes a
// connection at the moment of the next request, the proxy responds with 502.
const defaultIdleTimeout = 620 * time.Second

// connectionTimes are how long a server keeps connections.
type connectionTimes struct {
	idle  time.Duration // how long a connection is kept without a request
	drain func()        // waits between the signal to stop and the stop
}

// serveHTTP serves requests until ctx ends and times.drain returns.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler, logger *slog.Logger, times connectionTimes) error {
	return startHTTP(l, handler, logger, times.idle).until(ctx, times.drain)
}

// httpServer is an HTTP server that serves requests.
type httpServer struct {
	http.Server
	logger  *slog.Logger
	stopped chan error
}

// startHTTP begins to serve requests. The caller must call until or Close.
func startHTTP(l net.Listener, handler http.Handler, logger *slog.Logger, idle time.Duration) *httpServer {
	s := &httpServer{logger: logger, stopped: make(chan error, 1), Server: http.Server{
		Handler:           http.MaxBytesHandler(handler, maxBody),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // broken connections
	}}
	go func() { s.stopped <- s.Serve(l) }()
	return s
}

// until serves requests until ctx ends and drain returns. Then it finishes the requests
// in progress, so that a rotated refresh token reaches its client.
func (s *httpServer) until(ctx context.Context, drain func()) error {
	select {
	case err := <-s.stopped:
		return err
	case <-ctx.Done():
	}
	drain()
	s.logger.Info("stopping: requests in progress are finished", "at_most", shutdownTimeout.String())
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
