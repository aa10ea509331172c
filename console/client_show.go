package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

func (p *program) clientShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ID|NAME",
		Aliases: []string{"view", "get"},
		Short:   "Show everything about one client",
		Long:    "Shows a client: its redirect URIs, grants, scopes, secrets and lifetimes. It never shows a secret.",
		Example: `  passport client show 01a20b37-a7be-7a73-9340-0f2b3db7b09c
  passport client show "Order Tracker"`,
		Args: arguments("ID or name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.reads = true
			return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, _ *opened) error {
				c, err := clientNamed(ctx, s, args[0])
				if err != nil {
					return err
				}
				out := screenOf(cmd.OutOrStdout())
				if asJSON {
					return writeDescribed(ctx, out, s, c)
				}
				m, err := s.ClientMetadata(ctx, c.ID)
				if err != nil {
					return err
				}
				logouts, err := logoutDetails(ctx, s, c)
				if err != nil {
					return err
				}
				out.Printf("%s\n\n", bold(c.Name))
				out.details(slices.Concat(clientDetails(c, time.Now()), metadataDetails(m), openIDDetails(c.OpenID), logouts))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the names of RFC 7591")
	return cmd
}

// maxNamesakes is how many clients with one name an error lists.
const maxNamesakes = 5

// clientNamed returns the client with an ID, or else with a name. Of several clients
// with the name, it returns the only one that isn't revoked.
func clientNamed(ctx context.Context, s *passport.Server, idOrName string) (*oauth.Client, error) {
	c, err := s.Client(ctx, idOrName)
	if !errors.Is(err, oauth.ErrNotFound) {
		return c, err
	}
	var live, revoked []*oauth.Client
	for c, err := range s.Clients(ctx) {
		switch {
		case err != nil:
			return nil, err
		case !strings.EqualFold(c.Name, idOrName):
		case c.RevokedAt.IsZero():
			live = append(live, c)
		case len(revoked) < maxNamesakes:
			revoked = append(revoked, c)
		}
		if len(live) > maxNamesakes {
			break
		}
	}
	found := live
	if len(found) == 0 {
		found = revoked
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("no client has the ID or name %q: see `passport client list`", idOrName)
	case 1:
		return found[0], nil
	}
	ids := make([]string, min(len(found), maxNamesakes))
	for i := range ids {
		ids[i] = found[i].ID
	}
	return nil, fmt.Errorf("several clients are named %q: pass the ID, such as %s", idOrName, strings.Join(ids, ", "))
}

// detail is a line about a record: its label, and values below one another.
type detail struct {
	label  string
	values []string
	style  *color.Color // of the values; nil for plain text
}

// about returns a line with one value. An empty value makes no line.
func about(label, value string) detail {
	if value == "" {
		return detail{}
	}
	return detail{label: label, values: []string{value}}
}

// details writes labels and values in two columns.
func (s *screen) details(all []detail) {
	label := 0
	for _, d := range all {
		if len(d.values) > 0 {
			label = max(label, width(d.label))
		}
	}
	for _, d := range all {
		begin := padded(d.label, label)
		for _, value := range d.values {
			s.Printf("  %s  %s\n", dim(begin), styled{value, d.style})
			begin = padded("", label)
		}
	}
}

func clientDetails(c *oauth.Client, now time.Time) []detail {
	all := []detail{
		{"Client ID", []string{c.ID}, boldStyle},
		about("Type", typeOf(c)+", "+secretsOf(c, now)),
		{"State", []string{longState(c)}, stateStyle(stateOf(c))},
		about("Created", c.CreatedAt.UTC().Format(time.RFC3339)),
		{label: "Redirect URIs", values: c.RedirectURIs},
		{label: "Allowed origins", values: c.AllowedOrigins},
		about("Grants", strings.Join(c.GrantTypes, ", ")),
	}
	if len(c.GrantTypes) > 0 {
		all = append(all, about("Scopes", scopesOf(c)))
	}
	return append(all,
		about("Audience", c.Audience),
		about("Provider", c.Provider),
		about("Owner", ownerOf(c)),
		about("Lifetimes", lifetimesOf(c)),
	)
}

func scopesOf(c *oauth.Client) string {
	switch {
	case c.Scopes == nil:
		return "all"
	case len(c.Scopes) == 0:
		return "none"
	}
	return strings.Join(c.Scopes, ", ")
}

func longState(c *oauth.Client) string {
	switch state := stateOf(c); state {
	case stateRevoked:
		return state + " since " + c.RevokedAt.UTC().Format(time.RFC3339)
	case stateSuspended:
		return state + " since " + c.SuspendedAt.UTC().Format(time.RFC3339)
	default:
		return state
	}
}

// secretsOf says how many secrets a client has, and when the last one ends that has
// an end.
func secretsOf(c *oauth.Client, now time.Time) string {
	if c.Public() {
		return "without a secret"
	}
	live := 0
	for _, s := range c.Secrets {
		if s.ExpiresAt.IsZero() || s.ExpiresAt.After(now) {
			live++
		}
	}
	text := "with " + plural(live, "secret", "secrets")
	if end := lastEnd(c, now); !end.IsZero() {
		text += "; the old one works until " + end.UTC().Format(time.RFC3339)
	}
	return text
}
