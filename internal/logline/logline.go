// Package logline bounds the lines of a log. All packages write to its logger, so no
// other package needs to cut a value from outside.
package logline

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/character"
)

// MaxValue is the maximum length of a value and of a message in a log line, in
// bytes.
const MaxValue = 1 << 10

// Whole is a value that is logged without a limit, such as a stack. It must not
// hold a text from outside.
type Whole string

// Bounded returns a logger that cuts every value to [MaxValue] and escapes control
// characters. Values within the limit keep their types. hide changes each attribute
// before it is cut; it may be nil. Bounded returns a bounded logger unchanged.
func Bounded(l *slog.Logger, hide func(slog.Attr) slog.Attr) *slog.Logger {
	if _, ok := l.Handler().(*handler); ok && hide == nil {
		return l
	}
	if hide == nil {
		hide = func(a slog.Attr) slog.Attr { return a }
	}
	return slog.New(&handler{l.Handler(), hide})
}

// handler bounds the records that it passes to another handler.
type handler struct {
	next slog.Handler
	hide func(slog.Attr) slog.Attr
}

// Enabled implements [slog.Handler].
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	bounded := slog.NewRecord(r.Time, r.Level, text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		bounded.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, bounded)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.next.WithAttrs(h.attrs(attrs)), h.hide}
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(name), h.hide}
}

func (h *handler) attrs(attrs []slog.Attr) []slog.Attr {
	bounded := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		bounded[i] = h.attr(a)
	}
	return bounded
}

func (h *handler) attr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() == slog.KindGroup {
		a.Value = slog.GroupValue(h.attrs(a.Value.Group())...)
		return a
	}
	a = h.hide(a)
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(text(a.Value.String()))
	case slog.KindAny:
		a.Value = bound(a.Value)
	default: // numbers, times and booleans are short
	}
	return a
}

// bound returns v, or its text if that is too long or has control characters.
func bound(v slog.Value) slog.Value {
	if whole, ok := v.Any().(Whole); ok {
		return slog.StringValue(string(whole))
	}
	full := fmt.Sprintf("%+v", v.Any())
	if bounded := text(full); bounded != full {
		return slog.StringValue(bounded)
	}
	return v
}

// text returns s with at most MaxValue bytes and without control characters. Line
// ends and tabs stay, because every handler escapes them and errors have them.
func text(s string) string {
	long := len(s) > MaxValue
	if !long && utf8.ValidString(s) && !character.HasControl(s) {
		return s
	}
	s = character.Escape(strings.ToValidUTF8(s[:min(len(s), MaxValue)], "\uFFFD"), "\n\t")
	if !long && len(s) <= MaxValue {
		return s
	}
	const mark = "…"
	return strings.ToValidUTF8(s[:min(len(s), MaxValue-len(mark))], "") + mark
}
