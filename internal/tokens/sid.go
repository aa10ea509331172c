package tokens

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// SID returns the sid that a client has for a browser session of a user, or
// [oauth.ErrNotFound] if it has none.
func (s *Service) SID(ctx context.Context, user oauth.UserRef, sessionID, clientID string) (string, error) {
	store, ok := oauth.StoreAs[oauth.LogoutStore](s.store)
	if !ok || sessionID == "" {
		return "", oauth.ErrNotFound
	}
	sid, err := store.SID(ctx, user, users.SessionDigest(sessionID), clientID)
	if err != nil {
		return "", fmt.Errorf("find the sid of the session: %w", err)
	}
	return sid, nil
}
