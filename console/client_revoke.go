package console

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// clientRevoke is `client revoke`.
func (p *program) clientRevoke() *cobra.Command {
	var sure confirmation
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Aliases: []string{"delete"},
		Short:   "Revoke a client and all of its tokens, permanently",
		Long: `Revokes a client. All of its tokens end at once, on every node, and it gets no new ones. You can't
undo this. To stop a client for a while, use "passport client suspend". On a terminal the command
shows the client and asks for its name. Without a terminal it needs --yes.`,
		Example: `  passport client revoke 01a20b37-a7be-7a73-9340-0f2b3db7b09c
  passport client revoke 01a20b37-a7be-7a73-9340-0f2b3db7b09c --yes`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := ask(cmd)
			if err := sure.required(a); err != nil {
				return err
			}
			return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, in *opened) error {
				c, err := s.Client(ctx, args[0])
				if errors.Is(err, oauth.ErrNotFound) {
					return noClient(args[0])
				}
				if err != nil {
					return err
				}
				if !sure.yes && c.RevokedAt.IsZero() {
					a.showEnd(ctx, s, c)
					// The ID does as well, because some names are hard to type.
					if err := a.confirmByName("Type the name to revoke", strings.TrimSpace(c.Name), shownText(c.Name), c.ID); err != nil {
						return err
					}
				}
				if err := s.RevokeClient(ctx, c.ID); err != nil {
					return in.words(err)
				}
				success(cmd.OutOrStdout(), "Revoked the client %q (%s) and its tokens.", shownText(c.Name), bold(c.ID))
				return nil
			})
		},
	}
	sure.flag(cmd)
	return cmd
}

// clientRevokeTokens is `client revoke-tokens`. It asks first, because one wrong ID
// signs out all users of another application.
func (p *program) clientRevokeTokens() *cobra.Command {
	var sure confirmation
	cmd := &cobra.Command{
		Use:   "revoke-tokens ID",
		Short: "End all tokens of a client, and keep the client",
		Long: `Ends all codes, access tokens, refresh tokens and personal access tokens of a client, of all users
and on every node. The client stays and can get new tokens at once. Users sign in to it again, but
are not asked for consent again. On a terminal the command asks for confirmation. Without a
terminal it needs --yes.`,
		Example: `  passport client revoke-tokens 01a20b37-a7be-7a73-9340-0f2b3db7b09c
  passport client revoke-tokens 01a20b37-a7be-7a73-9340-0f2b3db7b09c --yes`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := ask(cmd)
			if err := sure.required(a); err != nil {
				return err
			}
			return p.withClient(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, in *opened, c *oauth.Client) error {
				if !sure.yes {
					a.showEnd(ctx, s, c)
					if err := a.confirm("End all of its tokens"); err != nil {
						return err
					}
				}
				if err := s.RevokeTokensOfClient(ctx, c.ID); err != nil {
					return in.words(err)
				}
				success(cmd.OutOrStdout(), "Ended all tokens of the client %q (%s). It can get new ones.", shownText(c.Name), bold(c.ID))
				return nil
			})
		},
	}
	sure.flag(cmd)
	return cmd
}

// showEnd shows the client whose tokens are to end.
func (a *asker) showEnd(ctx context.Context, s *passport.Server, c *oauth.Client) {
	out := screenOf(a.cmd.ErrOrStderr())
	out.Printf("%s  %s (%s)\n", dim("Client"), bold(shownText(c.Name)), c.ID)
	out.Printf("%s  %s\n%s\n", dim("Tokens"), liveTokens(ctx, s, c.ID), yellow("This can't be undone."))
}

const (
	maxLive     = 1000            // live tokens
	maxCounting = 3 * time.Second // a client may have millions of ended tokens
)

// liveTokens says how many live access tokens a client has, and how many users they or
// their refresh tokens belong to.
func liveTokens(ctx context.Context, s *passport.Server, clientID string) string {
	ctx, cancel := context.WithTimeout(ctx, maxCounting)
	defer cancel()
	now, tokens, users, more := time.Now(), 0, map[oauth.UserRef]bool{}, false
	for token, err := range s.TokensOfClient(ctx, clientID) {
		if err != nil {
			more = true
			break
		}
		if token.RevokedAt.IsZero() && now.Before(token.ExpiresAt) && (token.Family == nil || token.Family.Live(now)) {
			tokens++
		}
		if token.Family != nil && token.Family.Live(now) {
			users[token.Family.User] = true
		}
		if tokens == maxLive || len(users) == maxLive {
			more = true
			break
		}
	}
	return count(tokens, more, "live access token") + "; " + count(len(users), more, "connected user")
}

// count returns a number with its noun. more means that there may be more.
func count(n int, more bool, noun string) string {
	return grouped(n) + ifTrue(more, " or more") + " " + noun + ifTrue(n != 1 || more, "s")
}
