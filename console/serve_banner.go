package console

import (
	"context"
	"iter"
	"net"
	"slices"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/safeurl"
)

// banner tells a person at a terminal where the server is and what to do next.
func (o *opened) banner(ctx context.Context, out *screen, server *passport.Server, l net.Listener) {
	s := o.settings
	issuer := safeurl.Text(s.Issuer)
	out.Printf("\n%s %s\n\n", bold("Passport is running at"), cyan(issuer))
	all := []detail{
		about("Database", safe(s.DatabaseURL)),
		about("Keys", s.keysPlace()),
		about("Accounts", countOf(o.accounts.Users(ctx), "create one with `passport user create`")),
		about("Clients", countOf(server.Clients(ctx), "register one with `passport client`")),
	}
	if address := l.Addr().String(); !strings.HasSuffix(issuer, "://"+address) {
		all = slices.Insert(all, 0, about("Address", address))
	}
	out.details(all)
	out.Printf("\n%s\n\n", dim("Press Ctrl-C to stop."))
}

// keysPlace says where the signing keys are.
func (s *settings) keysPlace() string {
	switch {
	case s.keysInDatabase():
		return "in the database"
	case s.PrivateKey != "":
		return "the setting private_key"
	}
	return s.KeysDir
}

// maxCounted is how far the banner counts.
const maxCounted = 1_000

// countOf returns how many items there are, with a hint if there are none.
func countOf[T any](items iter.Seq2[T, error], hint string) string {
	n := 0
	for _, err := range items {
		if err != nil {
			return "unknown"
		}
		if n++; n > maxCounted {
			return "more than " + grouped(maxCounted)
		}
	}
	if n == 0 {
		return "0: " + hint
	}
	return grouped(n)
}
