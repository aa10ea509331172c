package console

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// maxHours is how many hours a time.Duration holds.
const maxHours = int64(math.MaxInt64 / time.Hour)

func (p *program) purge() *cobra.Command {
	var hours int
	var revoked, expired bool
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Forget tokens, codes and sessions that have ended",
		Long: `Deletes what was revoked, and what expired more than 168 hours ago, in small batches that
hold nobody up. What still matters stays: a code or refresh token that was used is kept as
long as others of its consent live, so that a copy that comes back is found out. A running
server does this every hour by itself.`,
		Example: `  passport purge
  passport purge --hours 6
  passport purge --revoked
  passport purge --expired`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if hours < 0 || int64(hours) > maxHours {
				return usage(cmd, fmt.Errorf("--hours is %d: want between 0 and %d", hours, maxHours))
			}
			now := time.Now()
			ended := oauth.PurgeBefore{Revoked: now, Expired: now.Add(-time.Duration(hours) * time.Hour)}
			what := fmt.Sprintf("what was revoked, and of what expired more than %d hours ago", hours)
			switch {
			case revoked && !expired:
				ended.Expired, what = time.Time{}, "what was revoked"
			case expired && !revoked:
				ended.Revoked, what = time.Time{}, fmt.Sprintf("what expired more than %d hours ago", hours)
			}
			return p.purgeEnded(cmd, ended, what)
		},
	}
	cmd.Flags().IntVar(&hours, "hours", 168, "keep what expired within this many `HOURS`")
	cmd.Flags().BoolVar(&revoked, "revoked", false, "only what was revoked")
	cmd.Flags().BoolVar(&expired, "expired", false, "only what expired")
	return cmd
}

func (p *program) purgeEnded(cmd *cobra.Command, ended oauth.PurgeBefore, what string) error {
	progress := slog.New(onlyProgress{slog.NewTextHandler(cmd.ErrOrStderr(), nil)})
	return p.withServerLogging(cmd.Context(), progress, func(ctx context.Context, s *passport.Server, in *opened) error {
		n, err := s.Purge(ctx, ended)
		if err == nil && in != nil {
			var more int
			more, err = purgeAccounts(ctx, in, ended)
			n += more
		}
		if err != nil {
			return fmt.Errorf("%w (%d rows were deleted before that)", err, n)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Deleted %d rows of %s.\n", n, what)
		return nil
	})
}

// onlyProgress lets through what a purge says of itself. What a server warns of
// when it starts is no news to whoever runs this every hour.
type onlyProgress struct{ slog.Handler }

// Enabled implements slog.Handler.
func (onlyProgress) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelInfo }

// purgeAccounts forgets what has ended of accounts, if the database has those of
// this binary.
func purgeAccounts(ctx context.Context, in *opened, ended oauth.PurgeBefore) (total int, err error) {
	if in.accounts.Migrated(ctx) != nil {
		return 0, nil //nolint:nilerr // nothing of theirs is there, or not in a form that is known
	}
	for {
		n, err := in.accounts.Purge(ctx, ended, 1000)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}
