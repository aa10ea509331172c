package console

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/useragent"
	"github.com/go-passport/passport/oauth"
)

// userApps is `user apps`.
func (p *program) userApps() *cobra.Command {
	var asJSON, wide bool
	cmd := &cobra.Command{
		Use:   "apps ID|EMAIL",
		Short: "List the apps that a user has connected",
		Long: `Lists the apps that can use the account: those with live tokens, and those that get new ones without
another question. It is the list that the user sees at /account.`,
		Example: "  passport user apps ada@example.com",
		Args:    arguments("ID or email address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.reads = true
			return p.withUser(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, u *account.User) error {
				apps, err := s.ConnectedApps(ctx, refOf(u))
				if err != nil {
					return err
				}
				out := screenOf(cmd.OutOrStdout())
				if asJSON {
					return writeArray(out, each(apps), func(a *oauth.ConnectedApp) any { return describeApp(a) })
				}
				list := appTable
				list.none = func() string { return "No app can use the account " + u.Email + "." }
				return list.write(out, out.fit(wide), each(apps))
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&wide, "wide", "w", false, "print every column, however wide the table gets")
	return cmd
}

// userRemoveApp is `user remove-app`.
func (p *program) userRemoveApp() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "remove-app ID|EMAIL [CLIENT]",
		Short: "Remove an app that a user has connected, or all of them",
		Long: `Ends the tokens of an app for one user, and its consent, so that it must ask again. CLIENT is the ID
of the client. Personal access tokens stay.`,
		Example: `  passport user remove-app ada@example.com 01a20b37-a7be-7a73-9340-0f2b3db7b09c
  passport user remove-app ada@example.com --all`,
		Args: func(cmd *cobra.Command, args []string) error {
			if all {
				return arguments("ID or email address")(cmd, args)
			}
			return arguments("ID or email address", "ID of the client")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withUser(cmd.Context(), args[0], func(ctx context.Context, s *passport.Server, u *account.User) error {
				if !all {
					return removeApp(ctx, cmd, s, u, args[1])
				}
				n, err := s.WithdrawAll(ctx, refOf(u))
				if err != nil {
					return err
				}
				success(cmd.OutOrStdout(), "Removed %s of %s.", plural(n, "app", "apps"), u.Email)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "remove all apps of the user")
	return cmd
}

func removeApp(ctx context.Context, cmd *cobra.Command, s *passport.Server, u *account.User, clientID string) error {
	apps, err := s.ConnectedApps(ctx, refOf(u))
	if err != nil {
		return err
	}
	for _, a := range apps {
		if a.Client.ID != clientID {
			continue
		}
		if err := s.Withdraw(ctx, refOf(u), clientID); err != nil {
			return err
		}
		success(cmd.OutOrStdout(), "Removed the app %q (%s) of %s.", shownText(a.Client.Name), bold(clientID), u.Email)
		return nil
	}
	return fmt.Errorf("no app with the client ID %q is connected to the account %s: see `passport user apps %s`", clientID, u.Email, u.Email)
}

// withUser runs do with the server, which ends tokens, and an account.
func (p *program) withUser(ctx context.Context, named string, do func(context.Context, *passport.Server, *account.User) error) error {
	return p.withServer(ctx, func(ctx context.Context, s *passport.Server, in *opened) error {
		if err := in.prepareAccounts(ctx); err != nil {
			return err
		}
		u, err := in.findUser(ctx, named)
		if err != nil {
			return err
		}
		return do(ctx, s, u)
	})
}

func refOf(u *account.User) oauth.UserRef {
	return oauth.UserRef{Provider: passport.DefaultProvider, ID: u.ID}
}

func each[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// appTable is the list of a user's apps.
var appTable = table[*oauth.ConnectedApp]{columns: []column[*oauth.ConnectedApp]{
	{header: "NAME", cell: func(a *oauth.ConnectedApp) string { return a.Client.Name }, layout: layout{cuts: true, style: inStyle(boldStyle)}},
	{header: "SCOPES", cell: func(a *oauth.ConnectedApp) string { return strings.Join(scopeIDsOf(a), " ") }, layout: layout{cuts: true, least: true}},
	{header: "SINCE", cell: func(a *oauth.ConnectedApp) string { return a.Since.UTC().Format(time.DateOnly) }},
	{header: "LAST USED", cell: func(a *oauth.ConnectedApp) string { return lastUsed(a.LastUsedAt) }},
	{header: "ENDS", cell: func(a *oauth.ConnectedApp) string { return ending(a) }},
	{header: "CLIENT ID", cell: func(a *oauth.ConnectedApp) string { return a.Client.ID }},
}}

// ending is when the app's tokens end at the latest.
func ending(a *oauth.ConnectedApp) string {
	if a.ExpiresAt.IsZero() {
		return "no tokens"
	}
	return a.ExpiresAt.UTC().Format(time.DateOnly)
}

func scopeIDsOf(a *oauth.ConnectedApp) []string {
	ids := make([]string, 0, len(a.Scopes))
	for _, s := range a.Scopes {
		ids = append(ids, s.ID)
	}
	return ids
}

// appJSON is a connected app as JSON.
type appJSON struct {
	ClientID  string   `json:"client_id"`
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	Since     string   `json:"since"`
	ExpiresAt string   `json:"expires_at,omitempty"`
	Devices   []string `json:"devices,omitempty"` // what they call themselves
	lastUsedJSON
}

func describeApp(a *oauth.ConnectedApp) appJSON {
	described := appJSON{ClientID: a.Client.ID, Name: a.Client.Name, Scopes: scopeIDsOf(a), Since: a.Since.UTC().Format(time.RFC3339), lastUsedJSON: describeUse(a.LastUsedAt, a.LastUsedAddress, a.LastUsedAgent)}
	for _, d := range a.Devices {
		described.Devices = append(described.Devices, cmp.Or(d.Label, useragent.Program(d.UserAgent, oauth.MaxAgent), d.Address))
	}
	if !a.ExpiresAt.IsZero() {
		described.ExpiresAt = a.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return described
}
