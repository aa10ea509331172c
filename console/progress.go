package console

import (
	"fmt"
	"sync"
	"time"
)

// redrawEvery is how often a line about long work is redrawn.
const redrawEvery = 100 * time.Millisecond

// soon is how long work may take without a line about it.
const soon = 300 * time.Millisecond

// progress is a line about long work that a terminal redraws in place. On another
// screen it writes nothing. It is safe for concurrent use.
type progress struct {
	out *screen

	mu    sync.Mutex
	drawn time.Time
	shown bool
	text  string // what happens now, see during
	since time.Time
}

// show replaces the line. It skips a call that follows the last one too soon.
func (p *progress) show(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(fmt.Sprintf(format, args...))
}

func (p *progress) draw(line string) {
	if !p.out.redraws || time.Since(p.drawn) < redrawEvery {
		return
	}
	p.drawn, p.shown = time.Now(), true
	p.out.raw("\r" + p.out.paint(styled{cut(escaped(line), p.out.columns-1), dimStyle}) + "\x1b[K")
}

// clear removes the line, so that the result is written in its place.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.shown = false
		p.out.raw("\r\x1b[K")
	}
}

// say sets the text that during shows.
func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text != text {
		p.text, p.since = text, time.Now()
	}
}

// during shows a text and the seconds since it was set, until the caller calls stop.
// Work that ends soon shows nothing.
func (p *progress) during(text string) (stop func()) {
	p.say(text)
	done := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		for wait := soon; ; wait = time.Second {
			select {
			case <-done:
				return
			case <-time.After(wait):
			}
			p.mu.Lock()
			p.draw(fmt.Sprintf("%s… %v", p.text, time.Since(p.since).Round(time.Second)))
			p.mu.Unlock()
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		showing.Wait()
		p.clear()
	})
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
