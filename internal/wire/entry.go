package wire

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/reqinfo"
)

// Entry handles every request before its endpoint. It finds the caller's address,
// gives the request an ID, and limits the body in size and time.
type Entry struct {
	proxies *reqinfo.Proxies
	bodies  *bodylimit.Limit
	log     *slog.Logger

	unnamedProxy func(*http.Request) // nil if proxies are configured
	serving      func(context.Context)
}

// NewEntry returns the entry of a server. trusted are the proxies whose
// X-Forwarded-For is used. serving is called for each request to an endpoint.
func NewEntry(trusted []netip.Prefix, serving func(context.Context), log *slog.Logger) *Entry {
	e := &Entry{proxies: reqinfo.NewProxies(trusted, log), bodies: bodylimit.New(MaxBody, log), log: log, serving: serving}
	if len(trusted) == 0 {
		var once sync.Once
		e.unnamedProxy = func(r *http.Request) { e.noticeProxy(r, &once) }
	}
	return e
}

// Attach returns r with its ID and the caller's address, and sets the ID's header.
func (e *Entry) Attach(w http.ResponseWriter, r *http.Request) *http.Request {
	return e.proxies.Attach(w, r)
}

// Wrap returns a handler behind the entry.
func (e *Entry) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.unnamedProxy != nil {
			e.unnamedProxy(r)
		}
		r = e.Attach(w, r)
		e.serving(r.Context())
		e.bodies.Apply(w, r)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// noticeProxy warns once about a proxy that is not configured. All users then seem
// to come from the proxy's address, so one attacker who guesses secrets locks all
// of them out.
func (e *Entry) noticeProxy(r *http.Request, once *sync.Once) {
	if !reqinfo.Forwarded(r) {
		return
	}
	var none *reqinfo.Proxies
	addr, err := netip.ParseAddr(none.Address(r))
	if err != nil || !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast() {
		return // any client can send the header; only a nearby proxy is probably the operator's
	}
	once.Do(func() {
		e.log.WarnContext(r.Context(), "a proxy that is not in Config.TrustedProxies sends X-Forwarded-For: add it, or limits and logs use the proxy's address for every user",
			"proxy", addr.String())
	})
}
