package logline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/logline"
)

type named struct{ Name string }

type valuer string

func (v valuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

// logged returns the line that log writes, as JSON.
func logged(t *testing.T, log func(*slog.Logger), hide func(slog.Attr) slog.Attr) (line string, fields map[string]any) {
	t.Helper()
	var b bytes.Buffer
	log(logline.Bounded(slog.New(slog.NewJSONHandler(&b, nil)), hide))
	if err := json.Unmarshal(b.Bytes(), &fields); err != nil {
		t.Fatalf("the line %q: %v", b.String(), err)
	}
	return b.String(), fields
}

func TestBounded_FR_08_EveryKindOfValue(t *testing.T) {
	for _, long := range []string{strings.Repeat("é", 10_000), strings.Repeat("\u009b", 10_000), strings.Repeat("\xff", 10_000), strings.Repeat("名", 10_000)} {
		for name, log := range map[string]func(*slog.Logger){
			"a text":          func(l *slog.Logger) { l.Info("m", "v", long) },
			"an error":        func(l *slog.Logger) { l.Info("m", "v", errors.New(long)) },
			"joined errors":   func(l *slog.Logger) { l.Info("m", "v", errors.Join(errors.New(long), errors.New(long))) },
			"a list":          func(l *slog.Logger) { l.Info("m", "v", []string{long, long}) },
			"a struct":        func(l *slog.Logger) { l.Info("m", "v", named{long}) },
			"a LogValuer":     func(l *slog.Logger) { l.Info("m", "v", valuer(long)) },
			"a group":         func(l *slog.Logger) { l.Info("m", slog.Group("g", "v", long)) },
			"an attribute":    func(l *slog.Logger) { l.With("v", long).Info("m") },
			"a group's":       func(l *slog.Logger) { l.WithGroup("g").With("v", errors.New(long)).Info("m", "w", long) },
			"the message":     func(l *slog.Logger) { l.Info(long) }, //nolint:sloglint // the message is what is tested
			"net/http's line": func(l *slog.Logger) { slog.NewLogLogger(l.Handler(), slog.LevelInfo).Print(long) },
		} {
			line, _ := logged(t, log, nil)
			if len(line) > 3*logline.MaxValue || !strings.Contains(line, "…") || !utf8.ValidString(line) || strings.Contains(line, "\u009b") {
				t.Errorf("%s of %d bytes makes a line of %d, want at most %d with an ellipsis, without a control character: %.200s", name, len(long), len(line), 3*logline.MaxValue, line)
			}
		}
	}
}

func TestBounded_FR_08_ShortValuesStay(t *testing.T) {
	_, fields := logged(t, func(l *slog.Logger) {
		l.Info("m", "text", "é", "n", 7, "d", time.Second, "list", []string{"a"}, "struct", named{"n"}, "stack", logline.Whole(strings.Repeat("s", 5000)))
	}, nil)
	if fields["text"] != "é" || fields["n"] != 7.0 || fields["d"] != 1e9 || len(fields["stack"].(string)) != 5000 {
		t.Errorf("the line has %v, want every value unchanged", fields)
	}
	if list, ok := fields["list"].([]any); !ok || list[0] != "a" {
		t.Errorf("the list is logged as %v", fields["list"])
	}
	l := logline.Bounded(slog.New(slog.DiscardHandler), nil)
	if logline.Bounded(l, nil) != l {
		t.Error("a bounded logger is bounded twice")
	}
}

// A secret at the limit is hidden before it could be cut in half.
func TestBounded_FR_08_HidesBeforeItCuts(t *testing.T) {
	hide := func(a slog.Attr) slog.Attr {
		return slog.String(a.Key, strings.ReplaceAll(a.Value.String(), "password", "xxx"))
	}
	line, _ := logged(t, func(l *slog.Logger) {
		l.Info("m", "err", strings.Repeat("a", logline.MaxValue-6)+"password"+strings.Repeat("a", 100))
	}, hide)
	if strings.Contains(line, "pas") {
		t.Errorf("the line contains a part of the secret: %s", line[len(line)-200:])
	}
}

func TestBounded_FR_11_OldNamesAreEscaped(t *testing.T) {
	line, fields := logged(t, func(l *slog.Logger) {
		l.Info("m", "name", "a\u0085b\u009bc\u202ed\x1b", "err", errors.New("x\ny\u202e"))
	}, nil)
	if strings.ContainsAny(line, "\u0085\u009b\u202e\x1b") || fields["name"] != `a\u0085b\u009bc\u202ed\u001b` || fields["err"] != "x\ny\\u202e" {
		t.Errorf("the line is %q, want every control character escaped", line)
	}
}
