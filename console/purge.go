package console

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport"
)

func (p *program) purge() *cobra.Command {
	var hours int
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Forget tokens, codes and sessions that ended long ago",
		Long: `Deletes what has ended, in small batches that hold nobody up. What still matters stays: a
code or refresh token that was used is kept as long as others of its consent live, so that a
copy that comes back is found out. A running server does this every hour by itself.`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if hours < 0 {
				return usage(cmd, fmt.Errorf("--hours is %d: want 0 or more", hours))
			}
			before := time.Now().Add(-time.Duration(hours) * time.Hour)
			return p.withServer(cmd.Context(), func(ctx context.Context, s *passport.Server, in *opened) error {
				n, err := s.Purge(ctx, before)
				if err == nil && in != nil {
					var more int
					more, err = purgeAccounts(ctx, in, before)
					n += more
				}
				if err != nil {
					return fmt.Errorf("%w (%d rows were deleted before that)", err, n)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Deleted %d rows of what ended more than %d hours ago.\n", n, hours)
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&hours, "hours", 168, "keep what ended within this many `HOURS`")
	return cmd
}

func purgeAccounts(ctx context.Context, in *opened, before time.Time) (total int, err error) {
	for {
		n, err := in.accounts.Purge(ctx, before, 1000)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}
