package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/oauth"
)

// imports is the command "import".
func (p *program) imports() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Import clients, tokens and consents of another server",
		Args:  subcommandOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.importLaravel(), p.importStatus())
	return cmd
}

func (p *program) importStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what is left of an import",
		Long: `Shows how many imported records are still alive. Refresh tokens and secrets become ours at their first
use, so the numbers fall. When no hashed secret and no refresh token is left, the server no longer
needs the application key of Laravel.`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.reads = true
			s, err := p.read(nil)
			if err != nil {
				return err
			}
			return p.withClients(cmd.Context(), s, func(ctx context.Context, in *opened) error {
				if err := in.hasTables(ctx); err != nil {
					return err
				}
				status, err := readImport(ctx, in)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), status)
				}
				out := screenOf(cmd.OutOrStdout())
				status.show(out, time.Now())
				if status.Left.needsKeys() {
					warnCompat(out, in.settings, "")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// importState is the result of `import status`.
type importState struct {
	Last       *laravelimport.Report `json:"last,omitempty"`
	SwitchedAt time.Time             `json:"switched_at,omitzero"`
	Left       leftOfImport          `json:"left"`
}

// leftOfImport are numbers of imported records that can still be used.
type leftOfImport struct {
	Clients       int `json:"clients"`
	HashedSecrets int `json:"hashed_secrets"`
	AccessTokens  int `json:"access_tokens"`
	RefreshTokens int `json:"refresh_tokens"`
	Unowned       int `json:"refresh_tokens_without_user"`
	Codes         int `json:"codes"`
}

// needsKeys reports whether records are left that a server accepts only with the keys of
// Laravel.
func (l leftOfImport) needsKeys() bool {
	return l.HashedSecrets+l.AccessTokens+l.RefreshTokens+l.Unowned+l.Codes > 0
}

func readImport(ctx context.Context, in *opened) (*importState, error) {
	store, ok := oauth.StoreAs[oauth.ImportStore](in.store)
	if !ok {
		return nil, errors.New("the store keeps no imports")
	}
	last, err := laravelimport.Last(ctx, store)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, errors.New("nothing was imported into this database: see `passport import laravel --help`")
	}
	if err != nil {
		return nil, err
	}
	at, err := laravelimport.Switched(ctx, store)
	if err != nil {
		return nil, err
	}
	left, err := store.ImportStatus(ctx, time.Now())
	if err != nil {
		return nil, fmt.Errorf("count imported records: %w", err)
	}
	return &importState{Last: last, SwitchedAt: at, Left: leftOfImport(*left)}, nil
}

func (s *importState) show(out *screen, now time.Time) {
	switched := "not yet: Laravel issues tokens"
	if !s.SwitchedAt.IsZero() {
		switched = "at " + s.SwitchedAt.UTC().Format(time.RFC3339)
	}
	out.details([]detail{
		about("Source", s.Last.Source),
		about("Last import", s.Last.At.UTC().Format(time.RFC3339)+", "+ago(now.Sub(s.Last.At))),
		about("Options", optionsOf(s.Last.Options)),
		about("Switched", switched),
	})
	out.Printf("\nStill in use\n")
	out.details([]detail{
		about("Clients", grouped(s.Left.Clients)),
		about("Secrets hashed by Laravel", grouped(s.Left.HashedSecrets)),
		about("Access tokens of users", grouped(s.Left.AccessTokens)+", with personal access tokens"),
		about("Refresh tokens", grouped(s.Left.RefreshTokens)),
		about("Refresh tokens without access token", grouped(s.Left.Unowned)),
		about("Authorization codes", grouped(s.Left.Codes)),
	})
	if s.SwitchedAt.IsZero() {
		out.Printf("\nThe last import is missing: passport import laravel --switch, with the options of the last import.\n" +
			"Before it, a purge keeps revoked records, because another import would bring them back.\n")
	}
}

// ago returns a duration in words.
func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return spell(d.Round(time.Minute)) + " ago"
}
