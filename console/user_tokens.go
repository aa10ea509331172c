package console

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/oauth"
)

// userTokens is `user tokens`.
func (p *program) userTokens() *cobra.Command {
	var asJSON, wide bool
	cmd := &cobra.Command{
		Use:   "tokens ID|EMAIL",
		Short: "List the personal access tokens of a user",
		Long: `Lists the personal access tokens that are not revoked, the newest first. Expired ones are listed until
they are purged. It is the list that the user sees at /account/tokens.`,
		Example: "  passport user tokens ada@example.com",
		Args:    arguments("ID or email address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.reads = true
			return p.withUser(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, u *account.User) error {
				tokens, err := s.PersonalTokens(ctx, refOf(u))
				if err != nil {
					return err
				}
				slices.Reverse(tokens)
				out := screenOf(cmd.OutOrStdout())
				if asJSON {
					return writeArray(out, each(tokens), func(t *oauth.AccessToken) any { return describeToken(t) })
				}
				list := tokenTable
				list.none = func() string { return "The account " + u.Email + " has no personal access tokens." }
				return list.write(out, out.fit(wide), each(tokens))
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&wide, "wide", "w", false, "print every column, however wide the table gets")
	return cmd
}

// userRevokeToken is `user revoke-token`.
func (p *program) userRevokeToken() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke-token ID|EMAIL TOKEN",
		Short:   "Revoke a personal access token of a user",
		Long:    `Revokes a personal access token. It stops working at once. TOKEN is the ID of the token.`,
		Example: "  passport user revoke-token ada@example.com 01a20bd4-0d7e-7a55-a5cb-6d5f1a0c2b11",
		Args:    arguments("ID or email address", "ID of the token"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withUser(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, u *account.User) error {
				tokens, err := s.PersonalTokens(ctx, refOf(u))
				if err != nil {
					return err
				}
				i := slices.IndexFunc(tokens, func(t *oauth.AccessToken) bool { return t.ID == args[1] })
				if i < 0 {
					return fmt.Errorf("the account %s has no personal access token with the ID %q: see `passport user tokens %s`", u.Email, args[1], u.Email)
				}
				if err := s.RevokeToken(ctx, tokens[i].ID); err != nil {
					return err
				}
				success(cmd.OutOrStdout(), "Revoked the token %q (%s) of %s.", shownText(tokens[i].Name), bold(tokens[i].ID), u.Email)
				return nil
			})
		},
	}
}

// tokenTable is the list of a user's personal access tokens.
var tokenTable = table[*oauth.AccessToken]{columns: []column[*oauth.AccessToken]{
	{header: "NAME", cell: func(t *oauth.AccessToken) string { return t.Name }, layout: layout{cuts: true, style: inStyle(boldStyle)}},
	{header: "ENDS IN", cell: func(t *oauth.AccessToken) string { return t.Hint }},
	{header: "SCOPES", cell: func(t *oauth.AccessToken) string { return strings.Join(t.Scopes, " ") }, layout: layout{cuts: true, least: true}},
	{header: "CREATED", cell: func(t *oauth.AccessToken) string { return t.IssuedAt.UTC().Format(time.DateOnly) }},
	{header: "LAST USED", cell: func(t *oauth.AccessToken) string { return lastUsed(t.LastUsedAt) }},
	{header: "EXPIRES", cell: func(t *oauth.AccessToken) string { return t.ExpiresAt.UTC().Format(time.DateOnly) }},
	{header: "TOKEN ID", cell: func(t *oauth.AccessToken) string { return t.ID }},
}}

// tokenJSON is a personal access token as JSON.
type tokenJSON struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Hint      string   `json:"hint,omitempty"`
	Scopes    []string `json:"scopes"`
	CreatedAt string   `json:"created_at"`
	ExpiresAt string   `json:"expires_at"`
	lastUsedJSON
}

func describeToken(t *oauth.AccessToken) tokenJSON {
	return tokenJSON{
		ID: t.ID, Name: t.Name, Hint: t.Hint, Scopes: append([]string{}, t.Scopes...),
		CreatedAt: t.IssuedAt.UTC().Format(time.RFC3339), ExpiresAt: t.ExpiresAt.UTC().Format(time.RFC3339),
		lastUsedJSON: describeUse(t.LastUsedAt, t.LastUsedAddress, t.LastUsedAgent),
	}
}
