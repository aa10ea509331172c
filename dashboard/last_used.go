package dashboard

import (
	"time"

	"github.com/go-passport/passport/internal/page"
)

// use is the last use of an app or a token as the pages show it.
type use struct {
	At             string // as a machine reads it
	Ago            string // in words
	Address, Agent string
}

// shownUse returns nil if no use is known: it does not follow that there was none.
func shownUse(at time.Time, address, agent string, now time.Time) *use {
	if at.IsZero() {
		return nil
	}
	return &use{at.UTC().Format(time.RFC3339), page.Ago(now.Sub(at)), page.Text(address, maxName), page.Text(agent, maxName)}
}
