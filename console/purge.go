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
		Short: "Delete tokens, codes and sessions that have ended",
		Long: `Deletes revoked records, and records that expired more than 168 hours ago, in small batches that don't
block requests. It keeps a used code or refresh token while other tokens of its consent are
alive, because they detect a replay. A running server purges every hour.`,
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
			switch {
			case revoked && !expired:
				ended.Expired = time.Time{}
			case expired && !revoked:
				ended.Revoked = time.Time{}
			}
			return p.purgeEnded(cmd, ended)
		},
	}
	cmd.Flags().IntVar(&hours, "hours", 168, "keep records that expired in the last `HOURS`")
	cmd.Flags().BoolVar(&revoked, "revoked", false, "delete only revoked records")
	cmd.Flags().BoolVar(&expired, "expired", false, "delete only expired records")
	return cmd
}

func (p *program) purgeEnded(cmd *cobra.Command, ended oauth.PurgeBefore) error {
	line := &progress{out: p.stderr}
	logger := slog.New(onlyProgress{slog.NewTextHandler(p.stderr, nil)})
	told := time.Now()
	tell := func(deleted int) {
		line.show("%s rows deleted…", grouped(deleted))
		if !p.stderr.redraws && time.Since(told) >= logEvery {
			told = time.Now()
			logger.Info("purging ended records", "rows", deleted)
		}
	}
	return p.withServerLogging(cmd.Context(), logger, func(ctx context.Context, s *passport.Server, in *opened) error {
		n, err := purgeAll(ctx, s, in, ended, tell)
		line.clear()
		if err != nil {
			return fmt.Errorf("%w (%s were deleted before that)", err, plural(n, "row", "rows"))
		}
		success(cmd.OutOrStdout(), "Deleted %s.", plural(n, "row", "rows"))
		return nil
	})
}

const (
	purgeBatch = 1000             // the rows that one step of a purge deletes
	logEvery   = 10 * time.Second // how often a long purge logs its progress
)

// purgeAll deletes what has ended, and returns how many rows that were. It calls tell
// with the number so far. An application's own server logs its progress.
func purgeAll(ctx context.Context, s *passport.Server, in *opened, ended oauth.PurgeBefore, tell func(deleted int)) (total int, err error) {
	if in == nil {
		return s.Purge(ctx, ended)
	}
	stores := []oauth.Purger{in.store}
	if in.accounts.Migrated(ctx) == nil { // the database has the accounts of this binary
		stores = append(stores, in.accounts)
	}
	for _, store := range stores {
		for {
			n, err := store.Purge(ctx, ended, purgeBatch)
			total += n
			if err != nil {
				return total, fmt.Errorf("purge: %w", err)
			}
			if n == 0 {
				break
			}
			tell(total)
		}
	}
	return total, nil
}

// onlyProgress passes on the progress of a purge. It drops the warnings of a server at
// its start, which a purge would repeat every hour.
type onlyProgress struct{ slog.Handler }

// Enabled implements slog.Handler.
func (onlyProgress) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelInfo }
