package console

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// What the binary wraps around its routes, for tests with other routes.
var (
	Middleware = unbranded().middleware
	OwnName    = ownName
	OwnHost    = unbranded().ownHost
	Unrouted   = unbranded().unrouted

	OwnPages        = ownPages
	WarnUnencrypted = warnUnencrypted
	Safe            = safe
	Await           = await
)

// DefaultIdleTimeout is the idle timeout of a server without settings.
const DefaultIdleTimeout = defaultIdleTimeout

// ServeHTTP serves with no delay before it stops.
func ServeHTTP(ctx context.Context, l net.Listener, handler http.Handler, logger *slog.Logger, idle time.Duration) error {
	return serveHTTP(ctx, l, handler, logger, connectionTimes{idle, func() {}})
}

// Environment returns what a setting is if the environment has the given value.
func Environment(key, value string) (any, error) {
	setting, _ := find(key)
	s := defaults()
	field := setting.field(s)
	err := assign(field, text(value))
	return reflect.ValueOf(field).Elem().Interface(), err
}

// Starting returns a handler for the time before a server has started, and the
// function that passes all requests to the server.
func Starting() (before http.Handler, done func(http.Handler)) {
	s := newStarting()
	return s, s.done
}

// Width and Cut measure and cut texts in columns of a terminal.
var (
	Width = width
	Cut   = cut
)

// ShortLog returns the log of a server on a terminal of the given width.
func ShortLog(w io.Writer, columns int, level slog.Level) *slog.Logger {
	return slog.New(newShortLog(&screen{w: w, columns: columns}, level))
}

// Printed returns what a screen shows of a format and arguments, of which the last is
// bold.
func Printed(colored bool, format string, args ...any) string {
	var b strings.Builder
	last := len(args) - 1
	args[last] = bold(args[last].(string))
	(&screen{w: &b, columns: defaultColumns, colored: colored}).Printf(format, args...)
	return b.String()
}
