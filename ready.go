package passport

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/oauth"
)

// Ready returns nil when the server can do its work, and otherwise an error that
// says what is missing: the store is out of reach, or its tables are not there or
// are those of another version. It asks the store and changes nothing; a store
// that is no [oauth.Checker] is asked for a code that does not exist.
//
// It is for the readiness probe of whatever runs the process. That the process
// lives needs no question: a probe for that which asked the database would have
// every node restarted when the database is away.
func (s *Server) Ready(ctx context.Context) error {
	if checker, ok := oauth.StoreAs[oauth.Checker](s.config.Store); ok {
		if err := checker.Check(ctx); err != nil {
			return fmt.Errorf("not ready: %w", err)
		}
		return nil
	}
	_, err := s.config.Store.Code(ctx, oauth.DigestOf(""))
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return fmt.Errorf("not ready: %w", err)
	}
	return nil
}
