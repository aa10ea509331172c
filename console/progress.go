package console

import (
	"fmt"
	"time"
)

// redrawEvery is how often a line about long work is redrawn.
const redrawEvery = 100 * time.Millisecond

// progress is a line about long work that a terminal redraws in place. On another
// screen it writes nothing.
type progress struct {
	out   *screen
	drawn time.Time
	shown bool
}

// show replaces the line. It skips a call that follows the last one too soon.
func (p *progress) show(format string, args ...any) {
	if !p.out.redraws || time.Since(p.drawn) < redrawEvery {
		return
	}
	p.drawn, p.shown = time.Now(), true
	line := cut(escaped(fmt.Sprintf(format, args...)), p.out.columns-1)
	p.out.raw("\r" + p.out.paint(styled{line, dimStyle}) + "\x1b[K")
}

// clear removes the line, so that the result is written in its place.
func (p *progress) clear() {
	if p.shown {
		p.shown = false
		p.out.raw("\r\x1b[K")
	}
}

// grouped returns a number with commas between thousands: 1,500,000.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural returns a number with the noun for it.
func plural(n int, one, many string) string {
	if n == 1 {
		return grouped(n) + " " + one
	}
	return grouped(n) + " " + many
}
