package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// listen handles the event of each stored change.
func (s *Shop) listen(ctx context.Context, event passport.Event) {
	switch e := event.(type) {
	case passport.AccessTokenIssued:
		// The app already has its token, so it must not cancel the pruning.
		if err := pruneOlder(context.WithoutCancel(ctx), s.auth, e.Token); err != nil {
			slog.ErrorContext(ctx, "prune older tokens", "request_id", e.RequestID, "err", err)
		}
	case passport.Replayed:
		slog.WarnContext(ctx, "a token was stolen", "user", e.Family.User, "client_id", e.Family.ClientID, "request_id", e.RequestID)
	}
}

// pruneOlder revokes the tokens of earlier consents of the same user to the same
// app. Each revocation has the event Revoked. listen issues nothing for it, so
// there is no loop.
func pruneOlder(ctx context.Context, auth *passport.Server, issued *oauth.AccessToken) error {
	user, isUser := issued.Subject().User()
	if !isUser || issued.Family.Personal {
		return nil // a client's own token or a personal access token
	}
	ended := map[string]bool{}
	for token, err := range auth.Tokens(ctx, user) {
		if err != nil {
			return err
		}
		family := token.Family
		switch {
		case family.ClientID != issued.Family.ClientID:
			continue // of another app, or a personal access token
		case !family.CreatedAt.Before(issued.Family.CreatedAt):
			continue // of the same consent as the new token, or of a later consent
		case !family.Live(time.Now()), ended[family.ID]:
			continue // the refresh token of an expired access token may be valid
		}
		if err := auth.RevokeToken(ctx, token.ID); err != nil && !errors.Is(err, oauth.ErrNotFound) {
			return err
		}
		ended[family.ID] = true
	}
	return nil
}
