package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-passport/passport"
)

// health responds to the probes of an orchestrator or a load balancer: /livez says that
// the process is alive, /readyz whether it should get requests.
type health struct {
	server   *passport.Server
	accounts interface{ Ready(context.Context) error }
	logger   *slog.Logger
	stopping atomic.Bool
	last     atomic.Int32 // the last response, so that the log has only changes
}

// The responses of /readyz. The zero value means that there was no probe yet.
const (
	unknown int32 = iota
	notReady
	ready
)

// probes are the methods of health checks. HAProxy's default is OPTIONS.
var probes = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

// probePatience is how long a probe waits for the database.
const probePatience = 3 * time.Second

// around puts the probes in front of everything else.
func (h *health) around(next http.Handler) http.Handler { return withProbes(next, h.readyz) }

// withProbes puts /livez and /readyz in front of everything else: a probe uses an
// address instead of the server's name. It comes every few seconds, so the access log
// leaves it out.
func withProbes(next http.Handler, readyz http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/livez" && r.URL.Path != "/readyz":
			next.ServeHTTP(w, r)
		case !slices.Contains(probes, r.Method):
			w.Header().Set("Allow", strings.Join(probes, ", "))
			say(w, http.StatusMethodNotAllowed, "a probe uses GET, HEAD or OPTIONS")
		case r.URL.Path == "/livez":
			say(w, http.StatusOK, "alive")
		default:
			readyz(w, r)
		}
	})
}

func (h *health) readyz(w http.ResponseWriter, r *http.Request) {
	if h.stopping.Load() {
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), probePatience)
	defer cancel()
	if err := errors.Join(h.server.Ready(ctx), h.accounts.Ready(ctx)); err != nil {
		switch h.last.Swap(notReady) {
		case ready:
			h.logger.Error("no longer ready", "err", err)
		case unknown:
			h.logger.Error("not ready", "err", err)
		}
		say(w, http.StatusServiceUnavailable, "not ready: see the log")
		return
	}
	if h.last.Swap(ready) != ready {
		h.logger.Info("ready")
	}
	say(w, http.StatusOK, "ready")
}

// maxDrainDelay is the maximum of the setting drain_delay. Load balancers notice within
// seconds, and orchestrators kill a process that takes longer.
const maxDrainDelay = 10 * time.Minute

// drain makes /readyz say that the server stops, and waits until load balancers have
// noticed. A second signal ends the delay.
func (h *health) drain(delay time.Duration) {
	second, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	h.stopping.Store(true)
	if delay <= 0 {
		return
	}
	h.logger.Info("stopping: /readyz says so, and the server still responds to requests", "delay", delay.String())
	select {
	case <-second.Done():
		h.logger.Info("a second signal ends the delay")
	case <-time.After(delay):
	}
}

func say(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, word)
}
