package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// listen hears of every change, after it was stored.
func (s *Shop) listen(ctx context.Context, event passport.Event) {
	switch e := event.(type) {
	case passport.AccessTokenIssued:
		// An app that hangs up now has its token already.
		if err := pruneOlder(context.WithoutCancel(ctx), s.auth, e.Token); err != nil {
			slog.ErrorContext(ctx, "prune older tokens", "request_id", e.RequestID, "err", err)
		}
	case passport.Replayed:
		slog.WarnContext(ctx, "a token was stolen", "user", e.Family.User, "client_id", e.Family.ClientID, "request_id", e.RequestID)
	}
}

// pruneOlder ends what a user gave the same app before: of all the times that he
// has connected it, the last one counts. What it revokes is announced as Revoked,
// which nobody here answers by issuing anything, so it does not call itself.
func pruneOlder(ctx context.Context, auth *passport.Server, issued *oauth.AccessToken) error {
	user, isUser := issued.Subject().User()
	if !isUser || issued.Family.Personal {
		return nil // a client's own, or one of the several that a user makes for himself
	}
	ended := map[string]bool{}
	for token, err := range auth.Tokens(ctx, user) {
		if err != nil {
			return err
		}
		family := token.Family
		switch {
		case family.ClientID != issued.Family.ClientID:
			continue // another app's, or the user's own
		case !family.CreatedAt.Before(issued.Family.CreatedAt):
			continue // of the same consent as the new token, or of a later one
		case !family.Live(time.Now()), ended[family.ID]:
			continue // an access token may have expired whose refresh token has not
		}
		if err := auth.RevokeToken(ctx, token.ID); err != nil && !errors.Is(err, oauth.ErrNotFound) {
			return err
		}
		ended[family.ID] = true
	}
	return nil
}
