package console

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// shortLog is the log of a server on a terminal: one short line for each record, in
// colors. A request is its time, status, method, path and duration.
type shortLog struct {
	out   *screen
	level slog.Leveler
	mu    *sync.Mutex
	attrs []slog.Attr
	group string // the prefix of keys
}

func newShortLog(out *screen, level slog.Leveler) *shortLog {
	return &shortLog{out: out, level: level, mu: new(sync.Mutex)}
}

// Enabled implements [slog.Handler].
func (h *shortLog) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

// Handle implements [slog.Handler].
func (h *shortLog) Handle(_ context.Context, r slog.Record) error {
	attrs := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, h.named(a))
		return true
	})
	line := h.out.paint(dim(r.Time.Format(time.TimeOnly))) + "  "
	if r.Message == accessMessage {
		line += h.request(attrs)
	} else {
		line += h.record(r, attrs)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.raw(line + "\n")
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *shortLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = append(with.attrs, h.named(a))
	}
	return &with
}

// WithGroup implements [slog.Handler].
func (h *shortLog) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}

func (h *shortLog) named(a slog.Attr) slog.Attr {
	a.Key = h.group + a.Key
	return a
}

// request returns the line of an answered request. The path is cut so that the line
// fits the terminal.
func (h *shortLog) request(attrs []slog.Attr) string {
	var method, path, id string
	var status int64
	var took time.Duration
	for _, a := range attrs {
		switch a.Key {
		case "method":
			method = a.Value.String()
		case "path":
			path = a.Value.String()
		case "request_id":
			id = a.Value.String()
		case "status":
			status = a.Value.Int64()
		case "duration":
			took = a.Value.Duration()
		}
	}
	rest := milliseconds(took)
	if status >= 500 {
		rest += "  request_id=" + id // it finds the error in the log
	}
	const before = len("15:04:05  200  ") + len("GET   ")
	method = padded(method, len("POST"))
	path = cut(path, max(minPath, h.out.columns-before-len("  ")-width(rest)))
	return h.out.paint(statusStyle(status)) + "  " + h.out.paint(styled{text: method}) + "  " + h.out.paint(styled{text: path}) + "  " + h.out.paint(dim(rest))
}

// minPath is how much of a path a narrow terminal shows.
const minPath = 20

func statusStyle(status int64) styled {
	text := strconv.FormatInt(status, 10)
	switch {
	case status >= 500:
		return red(text)
	case status >= 400:
		return yellow(text)
	case status >= 300:
		return cyan(text)
	}
	return green(text)
}

func milliseconds(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// record returns the line of any other record: level, message, error and attributes.
// The line of the request follows, so this one leaves out what that one has.
func (h *shortLog) record(r slog.Record, attrs []slog.Attr) string {
	level := styled{text: padded(r.Level.String(), len("ERROR"))}
	switch {
	case r.Level >= slog.LevelError:
		level.style = redStyle
	case r.Level >= slog.LevelWarn:
		level.style = yellowStyle
	case r.Level < slog.LevelInfo:
		level.style = dimStyle
	}
	var line strings.Builder
	line.WriteString(h.out.paint(level) + "  " + h.out.paint(styled{text: oneLine(r.Message)}))
	fault, ofRequest := valueOf(attrs, "err"), valueOf(attrs, "path") != ""
	if fault != "" {
		line.WriteString(": " + h.out.paint(styled{text: oneLine(fault)}))
	}
	stack := ""
	for _, a := range attrs {
		value := a.Value.Resolve().String()
		switch {
		case a.Key == "err", a.Key == "error" && strings.Contains(fault, value), ofRequest && slices.Contains(inRequestLine, a.Key):
		case a.Key == "stack":
			stack = "\n    " + h.out.paint(dim(strings.ReplaceAll(strings.TrimSpace(value), "\n", "\n    ")))
		default:
			line.WriteString("  " + h.out.paint(dim(a.Key+"=")) + h.out.paint(styled{text: quotedValue(value)}))
		}
	}
	return line.String() + stack
}

// inRequestLine are the attributes that the line of the request has.
var inRequestLine = []string{"request_id", "method", "path"}

func valueOf(attrs []slog.Attr, key string) string {
	for _, a := range attrs {
		if a.Key == key {
			return a.Value.Resolve().String()
		}
	}
	return ""
}

// oneLine keeps a message from outside from looking like two records.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// quotedValue quotes a value that would not read as one.
func quotedValue(value string) string {
	if value == "" || strings.ContainsAny(value, " \t\n\"=") {
		return strconv.Quote(value)
	}
	return value
}
